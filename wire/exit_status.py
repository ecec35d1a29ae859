"""The outcome of a command, as the error stream carries it.

v4 and later: one metav1.Status as JSON, always sent. Older protocols and none:
plain text, sent only on failure.

Source: kubernetes/cri-streaming pkg/streaming/remotecommand/{exec,status}.go
(servers), kubernetes/client-go tools/remotecommand/{v2,v4,errorstream}.go
(clients); remotecommand.md section 9.
"""

from __future__ import annotations

import json

from wire.records import dataclass

TYPE_CHECKING = False  # without typing: its import costs the command line 5 ms
if TYPE_CHECKING:
    from typing import Any, Literal

    #: "compact" is cri-streaming 0.36 and later; "metav1" is what came before, and what
    #: the translators in kubelet and API server still write.
    StatusShape = Literal["compact", "metav1"]
else:
    StatusShape = str

__all__ = [
    "ExitResult",
    "StatusShape",
    "decode",
    "decode_text",
    "encode",
    "exited",
    "internal_error",
    "text",
    "translated",
]


@dataclass(frozen=True, slots=True)
class ExitResult:
    """How a session ended.

    Attributes:
        code: the exit code; 0 is success. 1 when the command could not be run.
        message: why it failed, as people are to read it; "" on success.
        is_exit_code: whether `code` came from the command. When False the failure
            is of the machinery, and kubectl prints `error: MESSAGE`.
        reason: of the Status, e.g. "NonZeroExitCode", "InternalError".
    """

    code: int = 0
    message: str = ""
    is_exit_code: bool = True
    reason: str = ""

    @property
    def success(self) -> bool:
        """Whether the command ran and ended with 0."""
        return self.code == 0


def exited(code: int, command: list[str] | None = None) -> ExitResult:
    """A command that ran and ended with `code`.

    With `command` the message is that of a runtime's streaming server.
    """
    if code == 0:
        return ExitResult()
    if command is None:
        message = f"command terminated with exit code {code}"
    else:
        # containerd prints the argument list as Go does, in square brackets.
        shown = " ".join(command)
        message = f"error executing command [{shown}], exit code {code}"
    return ExitResult(
        code,
        f"command terminated with non-zero exit code: {message}",
        reason="NonZeroExitCode",
    )


def internal_error(message: str) -> ExitResult:
    """A command that could not be run; `message` without the usual prefix."""
    return ExitResult(
        1,
        f"Internal error occurred: {message}",
        is_exit_code=False,
        reason="InternalError",
    )


def translated(result: ExitResult) -> ExitResult:
    """What a v5 client is told, when a translator has read `result` from SPDY.

    Source: kubernetes/apiserver pkg/util/proxy/streamtranslator.go (writeStatus): the
    words of a runtime are not passed on, and every failure but an exit code becomes an
    internal error of the translator's own.
    """
    if result.success:
        return result
    if result.is_exit_code:
        return exited(result.code)
    return internal_error(result.message)


def encode(result: ExitResult, shape: StatusShape = "compact") -> bytes:
    """The JSON Status of a result, keys in the order Go writes them, no newline."""
    status: dict[str, Any] = {} if shape == "compact" else {"metadata": {}}
    if result.success:
        status["status"] = "Success"
    else:
        status |= {"status": "Failure", "message": result.message}
        if result.reason:
            status["reason"] = result.reason
        status |= _details(result, shape)
    encoded = json.dumps(status, ensure_ascii=False, separators=(",", ":"))
    return _escape_as_go(encoded).encode("utf-8", "replace")


def _details(result: ExitResult, shape: StatusShape) -> dict[str, Any]:
    if result.is_exit_code:
        cause = {"reason": "ExitCode", "message": str(result.code)}
        return {"details": {"causes": [cause]}}
    if result.reason != "InternalError":
        return {}
    if shape == "compact":
        return {"code": 500}
    text = result.message.removeprefix("Internal error occurred: ")
    return {"details": {"causes": [{"message": text}]}, "code": 500}


def _escape_as_go(encoded: str) -> str:
    """encoding/json escapes these three, so that JSON can stand in HTML."""
    return (
        encoded.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
    )


def text(result: ExitResult) -> bytes:
    """The plain text form: nothing on success, else the message."""
    return result.message.encode("utf-8", "replace")


def decode_text(stream: bytes, *, versioned: bool = False) -> ExitResult:
    """What a v1 client, or with `versioned` a v2 or v3 client, makes of the stream.

    Source: v1.go `Error executing remote command`, v2.go `error executing ...`.
    """
    if not stream:
        return ExitResult()
    verb = "error" if versioned else "Error"
    message = f"{verb} executing remote command: {stream.decode(errors='replace')}"
    return ExitResult(1, message, is_exit_code=False)


def decode(stream: bytes) -> ExitResult:
    """What a v4 client makes of the whole error stream; never raises.

    An empty stream is success: so says client-go, and a lost status with it.
    """
    if not stream:
        return ExitResult()
    try:
        status = json.loads(stream.decode(errors="replace"))
    except (ValueError, RecursionError) as err:
        return _protocol_error(f"{err} in {_quoted(stream)}")
    if not isinstance(status, dict):
        return _protocol_error(f"not an object in {_quoted(stream)}")
    match status.get("status"):
        case "Success":
            return ExitResult()
        case "Failure":
            return _decode_failure(status)
        case _:
            return _protocol_error("unknown error")


def _decode_failure(status: dict[str, Any]) -> ExitResult:
    message = str(status.get("message", ""))
    reason = str(status.get("reason", ""))
    if reason != "NonZeroExitCode":
        return ExitResult(1, message, is_exit_code=False, reason=reason)
    details = status.get("details")
    if not isinstance(details, dict):
        return _protocol_error("details must be set")
    causes = details.get("causes")
    for cause in causes if isinstance(causes, list) else ():
        if isinstance(cause, dict) and cause.get("reason") == "ExitCode":
            return _decode_exit_code(str(cause.get("message", "")))
    return _protocol_error("no ExitCode cause given")


def _decode_exit_code(value: str) -> ExitResult:
    # v4.go: an unsigned decimal of 8 bits
    plain = value.isascii() and value.isdigit() and len(value) < 20
    if not plain or int(value) > 255:
        return _protocol_error(f"invalid exit code value {json.dumps(value)}")
    code = int(value)
    message = f"command terminated with exit code {code}"
    return ExitResult(code, message, reason="NonZeroExitCode")


def _protocol_error(text: str) -> ExitResult:
    message = f"error stream protocol error: {text}"
    return ExitResult(1, message, is_exit_code=False)


def _quoted(stream: bytes) -> str:
    return json.dumps(stream.decode(errors="replace"), ensure_ascii=False)

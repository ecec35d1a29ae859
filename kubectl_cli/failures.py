"""The last words of a command that failed, and its exit code.

Source: kubernetes/kubectl pkg/cmd/util/helpers.go: checkErr, StandardErrorMessage,
MultilineError, MultipleErrors.
"""

from __future__ import annotations

import sys

from kubectl_cli.errors import (
    AggregateError,
    CommandError,
    ConfigurationInvalidError,
    RemoteExitError,
    SilentExitError,
)

__all__ = ["message_of", "report", "standard_message"]


def report(error: Exception) -> int:
    """Print `error` on stderr as kubectl does; the exit code it gives."""
    if isinstance(error, SilentExitError):
        return error.code
    text = message_of(error)
    sys.stdout.flush()
    if text:
        print(text, file=sys.stderr)
    return error.code if isinstance(error, CommandError | RemoteExitError) else 1


def message_of(error: Exception) -> str:
    """Everything kubectl prints for this error."""
    if isinstance(error, RemoteExitError):
        return str(error)
    if isinstance(error, ConfigurationInvalidError):
        return multiline("Error in configuration: ", error.reasons)
    if isinstance(error, AggregateError):
        return "\n".join(_one_of_many(each) for each in error.errors)
    status = _status_of(error)
    if status is not None and status.get("reason") == "Invalid":
        return _invalid(status)
    return standard_message(error) or _with_head(str(error).removesuffix("\n"))


def standard_message(error: Exception) -> str:
    """The text for errors of the server or of the way to it, "" for others."""
    status = _status_of(error)
    if status is not None:
        reason = status.get("reason") or ""
        text = str(error)
        if reason == "Unauthorized":
            return f"error: You must be logged in to the server ({text})"
        if reason:
            return f"Error from server ({reason}): {text}"
        return f"Error from server: {text}"
    return _connection_message(error)


def _status_of(error: Exception) -> dict[str, object] | None:
    """The Status of an API error; other errors have none."""
    if "apimachinery.status" not in sys.modules:
        return None
    from apimachinery.status import StatusError

    return error.status if isinstance(error, StatusError) else None


def _connection_message(error: Exception) -> str:
    if "hops.blocking.client" not in sys.modules:
        return ""
    from hops.blocking.responses import RequestError

    if not isinstance(error, RequestError):
        return ""
    if "connection refused" in error.text:
        return (
            f"The connection to the server {error.host} was refused"
            " - did you specify the right host or port?"
        )
    return f"Unable to connect to the server: {error.text}"


def _with_head(text: str) -> str:
    return text if text.startswith("error: ") else f"error: {text}"


def _one_of_many(error: Exception) -> str:
    """One of several errors: no `error: ` before a text of our own."""
    return standard_message(error) or str(error)


def multiline(head: str, lines: list[str]) -> str:
    """`head`, and the lines below it as a list; a single line stands behind it."""
    if len(lines) == 1:
        return head + lines[0]
    return "\n".join([head, *(f"* {line}" for line in lines)])


def _invalid(status: dict[str, object]) -> str:
    head = "The request is invalid"
    message = status.get("message")
    details = status.get("details")
    if not isinstance(details, dict):
        return f"{head}: {message}" if message else head
    kind, name = details.get("kind") or "", details.get("name") or ""
    causes = details.get("causes") or []
    if kind or name:
        head = f'The {kind} "{name}" is invalid'
    elif message and not causes:
        head += f": {message}"
    if not causes:
        return head
    return multiline(f"{head}: ", _cause_lines(causes))


def _cause_lines(causes: list[dict[str, str]]) -> list[str]:
    lines: list[str] = []
    for cause in causes:
        field, message = cause.get("field") or "", cause.get("message") or ""
        line = f"{field}: {message}" if field else message
        if line not in lines:
            lines.append(line)
    return lines

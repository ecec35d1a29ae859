"""What the runtime and its shims say to each other: one JSON object a line, over a Unix socket.

Requests carry `id` and `do`; the answer carries the same `id` and either `ok` or `error`
(`{"errno": 2, "text": "..."}`). Objects with `event` come unasked.

Descriptors travel beside the text, attached to NUL bytes before the line that needs them. A
line says with `fds` how many it takes, first come first taken.

Arguments, variables and paths may hold any byte but NUL: they are text with surrogate escapes.
"""

from __future__ import annotations

import json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeAlias

__all__ = ["CONTAINER_VARIABLE", "FD_MARK", "Message", "MessageDecoder", "encode"]

Message: TypeAlias = "dict[str, Any]"

FD_MARK = b"\0"

# In the environment of every process of a container, with the container's id: by it we
# recognise our own among processes that lost their parents.
CONTAINER_VARIABLE = "MINI_KUBE_CONTAINER_ID"


def encode(message: Message) -> bytes:
    """The object as one line. ASCII only, so that lone surrogates survive."""
    return json.dumps(message, separators=(",", ":")).encode("ascii") + b"\n"


class MessageDecoder:
    """Cuts a stream into objects."""

    def __init__(self) -> None:
        self._pending: list[bytes] = []

    def receive_data(self, data: bytes) -> list[Message]:
        """Take a chunk of any size; returns the objects it completes.

        Raises:
            ValueError: a line is no object; nothing that follows can be trusted.
        """
        head, newline, rest = data.rpartition(b"\n")
        if not newline:
            self._pending.append(rest)
            return []
        block = b"".join((*self._pending, head)).replace(FD_MARK, b"")
        self._pending = [rest] if rest else []
        return [_message(line) for line in block.split(b"\n")]


def _message(line: bytes) -> Message:
    message = json.loads(line)
    if not isinstance(message, dict):
        raise ValueError("a line is no object")
    return message

"""Where requests end on a server's connection, so that an upgrade can be taken over.

An HTTP server library reads ahead. When a client sends bytes of the upgraded
protocol right behind its request, they must not reach the HTTP parser: they are
held here until it is known whether the upgrade is accepted.

Source: RFC 9112 section 6 for where a message ends, RFC 9110 7.8 for Upgrade.
"""

from __future__ import annotations

import re

from wire.errors import RemoteProtocolError
from wire.http1_body import BodyReader

__all__ = ["RequestFramer"]

_MAX_HEAD = 1024 * 1024
_MAX_LENGTH_DIGITS = 18  # more are no 63 bits, or zeros that nobody sends
_END_OF_HEAD = re.compile(rb"\r?\n\r?\n")
_INTERESTING = re.compile(
    rb"\n(upgrade|content-length|transfer-encoding)[ \t]*:[ \t]*([^\r\n]*)",
    re.IGNORECASE,
)


class RequestFramer:
    """Splits a stream into what goes to the HTTP parser and what must wait.

    It forwards all it does not understand: refusing is the parser's work.
    """

    def __init__(self) -> None:
        self._head = bytearray()
        self._body: BodyReader | None = None
        self._upgrade_follows = False  # once the body is read
        self._blind = False  # not HTTP as we know it: forward everything
        self.held = bytearray()
        self.upgrading = False

    @property
    def in_head(self) -> bool:
        """Whether a request has begun whose head is not complete."""
        return bool(self._head)

    def feed(self, data: bytes) -> bytes:
        """The part of `data` that the HTTP parser may have now; the rest is `held`."""
        position = 0
        while position < len(data) and not self.upgrading:
            if self._blind:
                return data
            if self._body is None:
                position = self._read_head(data, position)
            else:
                position = self._read_body(data, position)
        if position == len(data):
            return data
        self.held += data[position:]
        return data[:position]

    def release(self) -> bytes:
        """The upgrade was refused: what was held, to be fed again."""
        rest = bytes(self.held)
        self.held.clear()
        self.upgrading = False
        return rest

    def _read_head(self, data: bytes, position: int) -> int:
        before = len(self._head)
        self._head += data[position:] if position else data
        found = _END_OF_HEAD.search(self._head, max(0, before - 3))
        if found is None:
            self._blind = len(self._head) > _MAX_HEAD
            return len(data)
        head = bytes(self._head[: found.end()])
        self._head.clear()
        if head.strip(b"\r\n"):  # else empty lines before a request
            self._start_body(head)
        return position + found.end() - before

    def _start_body(self, head: bytes) -> None:
        fields = [(name.lower(), value) for name, value in _INTERESTING.findall(head)]
        if not fields:
            return
        names = {name for name, _ in fields}
        self._upgrade_follows = b"upgrade" in names
        try:
            self._body = _body_reader(fields)
        except RemoteProtocolError:
            self._blind = True
            return
        self._finish_body()

    def _read_body(self, data: bytes, position: int) -> int:
        body = self._body
        assert body is not None  # noqa: S101 - the caller looked
        try:
            body.receive_data(data[position:] if position else data)
        except RemoteProtocolError:
            self._blind = True
            return len(data)
        end = len(data) - len(body.leftover)
        self._finish_body()
        return end

    def _finish_body(self) -> None:
        if self._body is not None and self._body.complete:
            self._body = None
            self.upgrading, self._upgrade_follows = self._upgrade_follows, False


def _body_reader(fields: list[tuple[bytes, bytes]]) -> BodyReader:
    values = {name: value.strip() for name, value in fields}
    if b"transfer-encoding" in values:
        return BodyReader(None, chunked=True)
    text = values.get(b"content-length", b"0")
    if not text.isdigit() or len(text) > _MAX_LENGTH_DIGITS:
        raise RemoteProtocolError("bad Content-Length")
    return BodyReader(int(text))

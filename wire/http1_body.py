"""HTTP/1.1 bodies: by length, in chunks, or until the connection ends.

Source: RFC 9112 section 6 (which rule applies) and 7.1 (chunks).
"""

from __future__ import annotations

from wire.errors import RemoteProtocolError
from wire.http1_head import Headers, RequestHead, ResponseHead, get_all, has_token

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Self

__all__ = ["LAST_CHUNK", "BodyReader", "UnsupportedCoding", "encode_chunk"]

LAST_CHUNK = b"0\r\n\r\n"

_MAX_LINE = 4096  # of a chunk size with its extensions (net/http: 4096)
_MAX_TRAILER = 64 * 1024
_HEX = frozenset(b"0123456789abcdefABCDEF")


class UnsupportedCoding(RemoteProtocolError):  # noqa: N818 - it says what is wrong
    """A Transfer-Encoding other than `chunked`."""


def encode_chunk(data: bytes) -> bytes:
    """One chunk. Empty data gives nothing, since an empty chunk ends the body."""
    return b"%x\r\n%b\r\n" % (len(data), data) if data else b""


class BodyReader:
    """Reads one body; `complete` says when it is whole, `leftover` what follows."""

    def __init__(self, length: int | None, *, chunked: bool = False) -> None:
        """`length` None: to the end of the connection, unless `chunked`."""
        self._remaining = length
        self._chunks = _ChunkReader() if chunked else None
        self.complete = length == 0 and not chunked
        self.leftover = b""

    @classmethod
    def for_request(cls, head: RequestHead) -> Self:
        """The body that follows a request head.

        Raises:
            RemoteProtocolError: the head says two lengths.
        """
        chunked, length = _framing(head.headers)
        if chunked and length is not None:
            # RFC 9112 6.1: a request with both may be an attempt at smuggling.
            raise RemoteProtocolError("both Transfer-Encoding and Content-Length")
        return cls(length or 0, chunked=chunked)

    @classmethod
    def for_response(cls, method: str, head: ResponseHead) -> Self:
        """The body that follows the answer to a request of that method."""
        # RFC 9112 6.3 rules 1 and 2
        if method == "HEAD" or head.status in (204, 304) or head.status < 200:
            return cls(0)
        if method == "CONNECT" and head.status < 300:
            return cls(0)
        chunked, length = _framing(head.headers)
        return cls(length, chunked=chunked)

    @property
    def until_close(self) -> bool:
        """Whether only the end of the connection ends this body."""
        return self._remaining is None and self._chunks is None

    @property
    def remaining(self) -> int | None:
        """Bytes of the body that have not come; None where no length tells."""
        return self._remaining

    @property
    def trailer(self) -> bytes | None:
        """What has come behind the last chunk; None before its end, or without chunks."""
        return self._chunks.trailer if self._chunks is not None else None

    def receive_data(self, data: bytes) -> list[bytes]:
        """The pieces of body in `data`; what is behind the body becomes `leftover`.

        Raises:
            RemoteProtocolError: malformed chunks.
        """
        if self.complete:
            self.leftover += data
            return []
        if self._chunks is not None:
            pieces = self._chunks.receive_data(data)
            self.complete, self.leftover = self._chunks.complete, self._chunks.leftover
            return pieces
        if self._remaining is None:
            return [data] if data else []
        piece = data[: self._remaining]
        self._remaining -= len(piece)
        self.complete = self._remaining == 0
        if self.complete:
            self.leftover = data[len(piece) :]
        return [piece] if piece else []

    def receive_eof(self) -> None:
        """The connection ended.

        Raises:
            RemoteProtocolError: the body is not whole (Go: "unexpected EOF").
        """
        if self.until_close:
            self.complete = True
        if not self.complete:
            raise RemoteProtocolError("unexpected EOF")


def _framing(headers: Headers) -> tuple[bool, int | None]:
    """(is chunked, Content-Length or None)."""
    codings = get_all(headers, "transfer-encoding")
    if codings:
        if len(codings) > 1 or not has_token(headers, "transfer-encoding", "chunked"):
            raise UnsupportedCoding(
                f"unsupported transfer encoding: {', '.join(codings)}"
            )
        chunked = True
    else:
        chunked = False
    lengths = {
        part.strip()
        for value in get_all(headers, "content-length")
        for part in value.split(",")
    }
    if not lengths:
        return chunked, None
    text = lengths.pop()
    if lengths or not (text.isascii() and text.isdigit()) or len(text) > 18:
        raise RemoteProtocolError(f"bad Content-Length {text[:40]!r}")
    return chunked, int(text)


class _ChunkReader:
    """States: size line -> data -> end of data -> size line ... -> trailer -> done."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._remaining = 0  # of the current chunk's data
        self._state = self._read_size
        self.trailer: bytes | None = None  # as it came, behind the last chunk
        self._pieces: list[bytes] = []
        self.complete = False
        self.leftover = b""

    def receive_data(self, data: bytes) -> list[bytes]:
        self._buffer += data
        self._pieces = []
        while self._state():
            pass
        if self.complete:
            self.leftover = bytes(self._buffer)
            self._buffer.clear()
        return self._pieces

    def _line(self, limit: int) -> bytes | None:
        end = self._buffer.find(b"\n")
        if end > limit or (end < 0 and len(self._buffer) > limit):
            raise RemoteProtocolError("header line too long")
        if end < 0:
            return None
        line = bytes(self._buffer[:end]).removesuffix(b"\r")
        del self._buffer[: end + 1]
        return line

    def _read_size(self) -> bool:
        line = self._line(_MAX_LINE)
        if line is None:
            return False
        digits = line.split(b";", 1)[0].rstrip(b" \t")
        if not digits or len(digits) > 15 or not _HEX.issuperset(digits):
            raise RemoteProtocolError(f"malformed chunked encoding: {line[:20]!r}")
        self._remaining = int(digits, 16)
        if self._remaining:
            self._state = self._read_data
        else:
            self._state, self.trailer = self._read_trailer, b""
        return True

    def _read_data(self) -> bool:
        piece = bytes(self._buffer[: self._remaining])
        if not piece:
            return False
        del self._buffer[: len(piece)]
        self._pieces.append(piece)
        self._remaining -= len(piece)
        if not self._remaining:
            self._state = self._read_end_of_data
        return True

    def _read_end_of_data(self) -> bool:
        line = self._line(_MAX_LINE)
        if line is None:
            return False
        if line:
            raise RemoteProtocolError("malformed chunked encoding: data too long")
        self._state = self._read_size
        return True

    def _read_trailer(self) -> bool:
        came = bytes(self._buffer)
        line = self._line(_MAX_TRAILER)
        if line is None:
            return False
        self.trailer = (self.trailer or b"") + came[: len(came) - len(self._buffer)]
        if len(self.trailer) > _MAX_TRAILER:
            raise RemoteProtocolError("trailer too large")
        if not line:
            self.complete = True
            return False
        return True

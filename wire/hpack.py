"""HPACK: header blocks of HTTP/2, the decoding side.

Source: RFC 7541. One decoder a direction and connection, fed every block in order.
"""

from __future__ import annotations

from collections import deque

from wire.errors import RemoteProtocolError
from wire.huffman import decode_huffman

__all__ = ["HpackDecoder"]

Header = tuple[str, str]

_DEFAULT_TABLE_SIZE = 4096
_ENTRY_OVERHEAD = 32  # 4.1
_MAX_STRING = 64 * 1024

# Appendix A. Names without a value stand alone.
_STATIC_TABLE: tuple[Header, ...] = (
    (":authority", ""),
    (":method", "GET"),
    (":method", "POST"),
    (":path", "/"),
    (":path", "/index.html"),
    (":scheme", "http"),
    (":scheme", "https"),
    (":status", "200"),
    (":status", "204"),
    (":status", "206"),
    (":status", "304"),
    (":status", "400"),
    (":status", "404"),
    (":status", "500"),
    ("accept-charset", ""),
    ("accept-encoding", "gzip, deflate"),
    ("accept-language", ""),
    ("accept-ranges", ""),
    ("accept", ""),
    ("access-control-allow-origin", ""),
    ("age", ""),
    ("allow", ""),
    ("authorization", ""),
    ("cache-control", ""),
    ("content-disposition", ""),
    ("content-encoding", ""),
    ("content-language", ""),
    ("content-length", ""),
    ("content-location", ""),
    ("content-range", ""),
    ("content-type", ""),
    ("cookie", ""),
    ("date", ""),
    ("etag", ""),
    ("expect", ""),
    ("expires", ""),
    ("from", ""),
    ("host", ""),
    ("if-match", ""),
    ("if-modified-since", ""),
    ("if-none-match", ""),
    ("if-range", ""),
    ("if-unmodified-since", ""),
    ("last-modified", ""),
    ("link", ""),
    ("location", ""),
    ("max-forwards", ""),
    ("proxy-authenticate", ""),
    ("proxy-authorization", ""),
    ("range", ""),
    ("referer", ""),
    ("refresh", ""),
    ("retry-after", ""),
    ("server", ""),
    ("set-cookie", ""),
    ("strict-transport-security", ""),
    ("transfer-encoding", ""),
    ("user-agent", ""),
    ("vary", ""),
    ("via", ""),
    ("www-authenticate", ""),
)


class HpackDecoder:
    """Blocks in, headers out.

    Args:
        max_table_size: SETTINGS_HEADER_TABLE_SIZE that the reader announced.
        max_list_size: characters in one block's headers; more is refused.
    """

    def __init__(
        self,
        max_table_size: int = _DEFAULT_TABLE_SIZE,
        max_list_size: int = 1024 * 1024,
    ) -> None:
        self.max_table_size = max_table_size
        self._max_list_size = max_list_size
        self._table: deque[Header] = deque()
        self._size = 0
        self._limit = _DEFAULT_TABLE_SIZE
        self._block = b""
        self._position = 0

    def decode(self, block: bytes) -> list[Header]:
        """The headers of one whole block (HEADERS with its CONTINUATIONs).

        Raises:
            RemoteProtocolError: malformed; the decoder cannot be used any more.
        """
        self._block, self._position = block, 0
        headers: list[Header] = []
        total = 0
        while self._position < len(block):
            header = self._representation()
            if header is None:
                continue
            headers.append(header)
            total += len(header[0]) + len(header[1])
            if total > self._max_list_size:
                raise RemoteProtocolError("HPACK: header list too large")
        return headers

    def _representation(self) -> Header | None:
        first = self._block[self._position]
        if first & 0x80:  # 6.1 indexed
            return self._indexed(self._integer(7))
        if first & 0x40:  # 6.2.1 literal, to be added to the table
            header = self._literal(6)
            self._add(header)
            return header
        if first & 0x20:  # 6.3 new table size
            self._resize(self._integer(5))
            return None
        return self._literal(4)  # 6.2.2 and 6.2.3 literal, not added

    def _indexed(self, index: int) -> Header:
        if 1 <= index <= len(_STATIC_TABLE):
            return _STATIC_TABLE[index - 1]
        index -= len(_STATIC_TABLE) + 1
        if not 0 <= index < len(self._table):
            raise RemoteProtocolError("HPACK: no such index")
        return self._table[index]

    def _literal(self, bits: int) -> Header:
        index = self._integer(bits)
        name = self._indexed(index)[0] if index else self._string()
        return name, self._string()

    def _integer(self, bits: int) -> int:
        """5.1: a prefix of so many bits, then seven bits an octet."""
        mask = (1 << bits) - 1
        value = self._octet() & mask
        if value < mask:
            return value
        shift = 0
        while True:
            octet = self._octet()
            value += (octet & 0x7F) << shift
            shift += 7
            if not octet & 0x80:
                return value
            if shift > 28:
                raise RemoteProtocolError("HPACK: integer too large")

    def _octet(self) -> int:
        if self._position >= len(self._block):
            raise RemoteProtocolError("HPACK: block is cut off")
        octet = self._block[self._position]
        self._position += 1
        return octet

    def _string(self) -> str:
        if self._position >= len(self._block):
            raise RemoteProtocolError("HPACK: block is cut off")
        is_huffman = bool(self._block[self._position] & 0x80)
        size = self._integer(7)
        end = self._position + size
        if size > _MAX_STRING or end > len(self._block):
            raise RemoteProtocolError("HPACK: bad string length")
        raw = self._block[self._position : end]
        self._position = end
        return (decode_huffman(raw) if is_huffman else raw).decode("latin-1")

    def _resize(self, limit: int) -> None:
        if limit > self.max_table_size:
            raise RemoteProtocolError("HPACK: table size above the limit")
        self._limit = limit
        self._evict(0)

    def _add(self, header: Header) -> None:
        size = len(header[0]) + len(header[1]) + _ENTRY_OVERHEAD
        self._evict(size)
        if size <= self._limit:
            self._table.appendleft(header)
            self._size += size

    def _evict(self, room: int) -> None:
        while self._table and self._size + room > self._limit:
            name, value = self._table.pop()
            self._size -= len(name) + len(value) + _ENTRY_OVERHEAD

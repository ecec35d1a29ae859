"""The Huffman code of HPACK.

The code is canonical: sorted by (length, symbol), each code word is its predecessor
plus one. So the lengths alone make it.

Source: RFC 7541 Appendix B (the lengths), 5.2 (padding).
"""

from __future__ import annotations

from functools import cache

from wire.errors import RemoteProtocolError

__all__ = ["decode_huffman"]

_END_OF_STRING = 256

# Bits of the code word of each octet, and of EOS at the end.
_LENGTHS = (
    # 0x00 - 0x1f
    *(13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28),
    *(28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28),
    # space - ?
    *(6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6),
    *(5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10),
    # @ - _
    *(13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7),
    *(7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6),
    # ` - DEL
    *(15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5),
    *(6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28),
    # 0x80 - 0xff
    *(20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23),
    *(24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24),
    *(22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23),
    *(21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23),
    *(26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25),
    *(19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27),
    *(20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23),
    *(26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26),
    30,
)


@cache
def code_words() -> dict[tuple[int, int], int]:
    """(length, code word) -> symbol."""
    words: dict[tuple[int, int], int] = {}
    word, previous = 0, 0
    order = sorted(range(len(_LENGTHS)), key=lambda symbol: (_LENGTHS[symbol], symbol))
    for symbol in order:
        length = _LENGTHS[symbol]
        word <<= length - previous
        words[length, word] = symbol
        word, previous = word + 1, length
    return words


def decode_huffman(data: bytes) -> bytes:
    """The octets that `data` stands for.

    Raises:
        RemoteProtocolError: EOS inside, or padding that is not the start of EOS.
    """
    words = code_words()
    decoded = bytearray()
    word, length = 0, 0
    for octet in data:
        for shift in range(7, -1, -1):
            word = word << 1 | octet >> shift & 1
            length += 1
            symbol = words.get((length, word))
            if symbol is None:
                continue
            if symbol == _END_OF_STRING:
                raise RemoteProtocolError("Huffman: EOS inside a string")
            decoded.append(symbol)
            word, length = 0, 0
    # RFC 7541 5.2: padding is the most significant bits of EOS (all ones), < 8 bits
    if length > 7 or word != (1 << length) - 1:
        raise RemoteProtocolError("Huffman: bad padding")
    return bytes(decoded)

"""The words of a label selector.

Source: kubernetes/apimachinery pkg/labels/selector.go (Lexer).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Token", "TokenKind", "tokens"]


class TokenKind(Enum):
    """What a word is."""

    END = 0
    IDENTIFIER = 1
    WORD = 2  # in, notin: an operator after a key, an identifier elsewhere
    SYMBOL = 3


@dataclass(frozen=True, slots=True)
class Token:
    """One word and its kind."""

    kind: TokenKind
    text: str

    def is_symbol(self, text: str) -> bool:
        return self.kind is TokenKind.SYMBOL and self.text == text

    @property
    def is_name(self) -> bool:
        return self.kind in (TokenKind.IDENTIFIER, TokenKind.WORD)

    @property
    def opens_requirement(self) -> bool:
        return self.is_name or self.is_symbol("!")

    @property
    def ends_requirement(self) -> bool:
        return self.kind is TokenKind.END or self.is_symbol(",")


_SPECIAL: Final = "=!(),><"


def tokens(text: str) -> Iterator[Token]:
    """Cut a selector into words; the last one is END."""
    # As the original lexer, a NUL byte ends the text.
    text = text.partition("\0")[0]
    position = 0
    while position < len(text):
        if text[position] in " \t\r\n":
            position += 1
        elif text[position] in _SPECIAL:
            token = _symbol(text, position)
            position += len(token.text)
            yield token
        else:
            end = position
            while end < len(text) and text[end] not in " \t\r\n" + _SPECIAL:
                end += 1
            word = text[position:end]
            kind = TokenKind.WORD if word in ("in", "notin") else TokenKind.IDENTIFIER
            yield Token(kind, word)
            position = end
    yield Token(TokenKind.END, "")


def _symbol(text: str, position: int) -> Token:
    pair = text[position : position + 2]
    return Token(TokenKind.SYMBOL, pair if pair in ("==", "!=") else pair[0])

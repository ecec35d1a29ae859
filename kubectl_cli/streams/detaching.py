"""The keys with which a terminal session is left while its process runs on.

Source: moby/term ascii.go (ToBytes) and proxy.go (escapeProxy).
"""

from __future__ import annotations

from kubectl_cli.errors import CommandError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Self

__all__ = ["DEFAULT_KEYS", "DetachKeys"]

DEFAULT_KEYS = "ctrl-p,ctrl-q"
_CONTROLLED = "@abcdefghijklmnopqrstuvwxyz[\\]^_"  # in the order of their codes


class DetachKeys:
    """Looks for the keys in what is typed.

    Attributes:
        pressed: whether they have been.
    """

    def __init__(self, keys: bytes) -> None:
        self.pressed = False
        self._keys = keys
        self._matched = 0

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """`ctrl-p,ctrl-q`, or letters; None for the empty text, which is no key.

        Raises:
            CommandError: there is no such key.
        """
        if not text:
            return None
        return cls(b"".join(_code(name) for name in text.split(",")))

    def pass_on(self, typed: bytes) -> bytes:
        """What is not of the keys.

        What may be the beginning of them is held back, and comes when it was not. As
        in escapeProxy the byte that shows so begins nothing itself.
        """
        passed = bytearray()
        for byte in typed:
            if byte != self._keys[self._matched]:
                passed += self._keys[: self._matched]
                passed.append(byte)
                self._matched = 0
                continue
            self._matched += 1
            if self._matched == len(self._keys):
                self.pressed = True
                break
        return bytes(passed)


def _code(name: str) -> bytes:
    if len(name.encode()) == 1:
        return name.encode()
    if name == "DEL":
        return b"\x7f"
    letter = name.removeprefix("ctrl-")
    if name.startswith("ctrl-") and len(letter) == 1 and letter in _CONTROLLED:
        return bytes([_CONTROLLED.index(letter)])
    raise CommandError(f"could not bind detach keys: Unknown character: '{name}'")

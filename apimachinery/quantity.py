"""Quantity: ``500m``, ``2Gi``, ``1e3``: amounts as Kubernetes writes them.

Source: kubernetes/apimachinery pkg/api/resource/quantity.go, suffix.go. Amounts are
exact (Fraction); finer than a nano is rounded up; the canonical text has no fraction
and the largest suffix that leaves a whole number.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from math import ceil, floor
from typing import Final

__all__ = ["Format", "Quantity", "QuantityError"]

ERROR_TEXT: Final = (
    "quantities must match the regular expression"
    " '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
)
_TEXT: Final = re.compile(
    r"([+-]?)([0-9]+\.?[0-9]*|\.[0-9]+)(Ki|Mi|Gi|Ti|Pi|Ei|n|u|m|k|M|G|T|P|E|[eE][-+]?[0-9]{1,4})?"
)
_DECIMAL: Final = {
    "n": -9,
    "u": -6,
    "m": -3,
    "": 0,
    "k": 3,
    "M": 6,
    "G": 9,
    "T": 12,
    "P": 15,
    "E": 18,
}
_BINARY: Final = {"": 0, "Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}
_NANO: Final = Fraction(1, 10**9)


class QuantityError(ValueError):
    """Not a quantity; the text is the API server's."""


class Format(Enum):
    """How an amount is written; kept from the text it was read from."""

    DECIMAL_SI = "DecimalSI"
    DECIMAL_EXPONENT = "DecimalExponent"
    BINARY_SI = "BinarySI"


@dataclass(frozen=True, slots=True)
class Quantity:
    """An exact amount."""

    amount: Fraction
    format: Format = Format.DECIMAL_SI

    @classmethod
    def parse(cls, text: str | int | float) -> Quantity:
        """Read a quantity; JSON numbers are read as their text.

        Raises:
            QuantityError: it is not one.
        """
        match = _TEXT.fullmatch(str(text))
        if match is None:
            raise QuantityError(ERROR_TEXT)
        sign, digits, suffix = match.groups(default="")
        factor, form = _factor(suffix)
        amount = _round_up(Fraction(digits) * factor)
        return cls(-amount if sign == "-" else amount, form)

    @classmethod
    def of_milli(cls, value: int, form: Format = Format.DECIMAL_SI) -> Quantity:
        return cls(Fraction(value, 1000), form)

    def value(self) -> int:
        """The amount as a whole number, rounded away from zero."""
        return ceil(self.amount) if self.amount >= 0 else floor(self.amount)

    def milli_value(self) -> int:
        """Thousandths, rounded away from zero: CPU in millicores."""
        milli = self.amount * 1000
        return ceil(milli) if milli >= 0 else floor(milli)

    def rounded_to_milli(self) -> Quantity:
        """What the defaulting of pods makes of finer amounts."""
        return Quantity(Fraction(self.milli_value(), 1000), self.format)

    def __str__(self) -> str:
        if not self.amount:
            return "0"
        if self.format is Format.BINARY_SI and abs(self.amount) >= 1024:
            return self._binary()
        return self._decimal()

    def _binary(self) -> str:
        if self.amount.denominator != 1:
            return self._decimal()
        for suffix, bits in reversed(_BINARY.items()):
            if self.amount % (1 << bits) == 0:
                return f"{int(self.amount) >> bits}{suffix}"
        return str(int(self.amount))

    def _decimal(self) -> str:
        for suffix, power in reversed(_DECIMAL.items()):
            scaled = self.amount / Fraction(10) ** power
            if scaled.denominator == 1:
                if self.format is Format.DECIMAL_EXPONENT:
                    return f"{scaled}e{power}" if power else str(scaled)
                return f"{scaled}{suffix}"
        raise AssertionError("an amount is never finer than a nano")

    def __add__(self, other: Quantity) -> Quantity:
        form = self.format if self.amount else other.format
        return Quantity(self.amount + other.amount, form)

    def __sub__(self, other: Quantity) -> Quantity:
        return Quantity(self.amount - other.amount, self.format)

    def __lt__(self, other: Quantity) -> bool:
        return self.amount < other.amount

    def __le__(self, other: Quantity) -> bool:
        return self.amount <= other.amount


def _factor(suffix: str) -> tuple[Fraction, Format]:
    if suffix[:1] in ("e", "E") and len(suffix) > 1 and suffix != "Ei":
        return Fraction(10) ** int(suffix[1:]), Format.DECIMAL_EXPONENT
    if suffix and suffix in _BINARY:
        return Fraction(1 << _BINARY[suffix]), Format.BINARY_SI
    return Fraction(10) ** _DECIMAL[suffix], Format.DECIMAL_SI


def _round_up(amount: Fraction) -> Fraction:
    nanos = amount / _NANO
    return amount if nanos.denominator == 1 else ceil(nanos) * _NANO

"""Quantities as whole numbers: bytes, counts, thousandths of a processor.

Loading the arithmetic of quantities costs 5 ms and a megabyte, and most pods ask for
nothing: so it is loaded with the first amount.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from apimachinery.quantity import Quantity

__all__ = ["milli", "parse", "whole"]


def parse(text: str) -> Quantity:
    """The exact amount. Raises QuantityError."""
    from apimachinery.quantity import Quantity

    return Quantity.parse(text)


def milli(text: str | None) -> int:
    """Thousandths, rounded up; 0 for none."""
    return parse(text).milli_value() if text else 0


def whole(text: str | None) -> int:
    """A whole number, rounded up; 0 for none."""
    return parse(text).value() if text else 0

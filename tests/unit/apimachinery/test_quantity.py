from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apimachinery.quantity import Quantity, QuantityError


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("0", "0"),
        ("1000m", "1"),
        ("0.5", "500m"),
        (".5", "500m"),
        ("1500m", "1500m"),
        ("1024Mi", "1Gi"),
        ("1.5Gi", "1536Mi"),
        ("1000Ki", "1000Ki"),
        ("1000k", "1M"),
        ("1e3", "1e3"),
        ("12E2", "1200"),
        ("1E", "1E"),
        ("1Ei", "1Ei"),
        ("-5", "-5"),
        ("128974848", "128974848"),
        ("129e6", "129e6"),
        ("0.0000000001", "1n"),
    ],
)
def test_quantities_are_written_canonically(text, canonical):
    assert str(Quantity.parse(text)) == canonical


@pytest.mark.parametrize("text", ["", "a", "1x", "1 Gi", "1KI", "--1", "1e", "."])
def test_other_texts_are_refused(text):
    with pytest.raises(QuantityError, match="quantities must match the regular"):
        Quantity.parse(text)


def test_values_round_away_from_zero():
    assert Quantity.parse("1500m").value() == 2
    assert Quantity.parse("-1500m").value() == -2
    assert Quantity.parse("100u").milli_value() == 1


@given(
    st.integers(-(10**12), 10**12),
    st.sampled_from(["n", "u", "m", "", "k", "Ki", "Mi"]),
)
def test_the_canonical_text_is_the_same_amount(number, suffix):
    quantity = Quantity.parse(f"{number}{suffix}")

    assert Quantity.parse(str(quantity)).amount == quantity.amount


def test_amounts_add_and_compare_over_formats():
    assert Quantity.parse("1") + Quantity.parse("500m") == Quantity(Fraction(3, 2))
    assert Quantity.parse("1000Mi") < Quantity.parse("1Gi")

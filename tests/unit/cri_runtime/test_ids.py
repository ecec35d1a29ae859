"""Identities and their prefixes."""

import re

import pytest

from cri_runtime import ids
from cri_runtime.errors import Code, CriError


def test_an_id_is_64_hexadecimal_digits_and_never_the_same():
    first, second = ids.new_id(), ids.new_id()

    assert re.fullmatch("[0-9a-f]{64}", first)
    assert first != second


@pytest.mark.parametrize("wanted", ["abc1", "abc", "abc123"])
def test_a_unique_prefix_finds_its_thing(wanted):
    assert ids.find(wanted, {"abc123": 1, "abd": 2}) == 1


def test_an_exact_id_wins_over_longer_ones():
    assert ids.find("abc", {"abc": 1, "abcd": 2}) == 1


@pytest.mark.parametrize("wanted", ["", "x", "abc1234"])
def test_what_is_not_there_is_not_found(wanted):
    with pytest.raises(CriError) as caught:
        ids.find(wanted, {"abc123": 1})

    assert caught.value.code is Code.NOT_FOUND


def test_a_prefix_of_several_is_no_answer():
    with pytest.raises(CriError, match="prefix 'ab' is not unique") as caught:
        ids.find("ab", {"abc": 1, "abd": 2})

    assert caught.value.code is Code.UNKNOWN

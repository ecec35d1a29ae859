"""Our `dataclass` behaves as the standard one, as far as it goes."""

from __future__ import annotations

import copy
import dataclasses
import pickle

import pytest

from wire.records import dataclass, field, replace


@dataclass(frozen=True, slots=True)
class Point:
    """A record."""

    x: int
    y: int = 0


@dataclass(frozen=True, slots=True)
class Marked(Point):
    """A record with more fields."""

    mark: str = ""
    raw: bytes = field(default=b"", repr=False, compare=False)


@dataclass
class Bag:
    """A record that changes."""

    items: list[int] = field(default_factory=list)


@dataclasses.dataclass(frozen=True, slots=True)
class Standard:
    """What Point is like."""

    x: int
    y: int = 0


def test_records_compare_hash_and_print() -> None:
    assert Point(1) == Point(1, 0) == Point(x=1)
    assert Point(1) != Point(2)
    assert Point(1) != Standard(1)
    assert hash(Point(1)) == hash(Point(1))
    assert repr(Point(1, 2)) == repr(Standard(1, 2)).replace("Standard", "Point")


def test_a_field_may_stay_out_of_comparison_and_print() -> None:
    assert Marked(1, 2, "a", b"x") == Marked(1, 2, "a", b"y")
    assert repr(Marked(1, 2, "a", b"x")) == "Marked(x=1, y=2, mark='a')"


def test_frozen_records_do_not_change() -> None:
    point = Point(1)

    with pytest.raises(AttributeError, match="cannot assign to field 'x'"):
        point.x = 2  # type: ignore[misc]
    with pytest.raises(AttributeError, match="cannot assign to field 'z'"):
        point.z = 2  # type: ignore[attr-defined]


def test_slots_leave_no_dictionary() -> None:
    assert not hasattr(Point(1), "__dict__")
    assert not hasattr(Marked(1), "__dict__")


def test_each_record_has_its_own_made_default() -> None:
    first, second = Bag(), Bag()
    first.items.append(1)

    assert (first.items, second.items) == ([1], [])


def test_missing_and_unknown_arguments_are_errors() -> None:
    with pytest.raises(TypeError, match=r"Point.__init__\(\) missing 1 required"):
        Point()  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="unexpected keyword"):
        Point(1, z=2)  # type: ignore[call-arg]


def test_records_match_by_position() -> None:
    match Marked(1, 2, "a"):
        case Point(x, y):
            assert (x, y) == (1, 2)
        case _:
            pytest.fail("no match")


def test_replace_makes_another() -> None:
    assert replace(Marked(1, mark="a"), y=5) == Marked(1, 5, "a")


def test_records_are_copied_and_pickled() -> None:
    record = Marked(1, 2, "a", b"r")

    assert copy.deepcopy(record) == record
    assert pickle.loads(pickle.dumps(record)).raw == b"r"
    assert copy.copy(record).raw == b"r"

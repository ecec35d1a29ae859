import random
import re
import uuid

from apimachinery import meta


def test_a_generated_name_is_cut_and_gets_five_unambiguous_characters():
    name = meta.generate_name("x" * 80, random.Random(1))

    assert re.fullmatch(r"x{58}[bcdfghjklmnpqrstvwxz2456789]{5}", name)


def test_times_are_written_in_utc_and_read_back():
    assert meta.rfc3339(1700000000.9) == "2023-11-14T22:13:20Z"
    assert meta.micro_time(1700000000.25) == "2023-11-14T22:13:20.250000Z"
    assert meta.parse_time("2023-11-14T22:13:20Z") == 1700000000
    assert meta.parse_time("2023-11-14T23:13:20+01:00") == 1700000000


def test_no_time_is_none():
    assert [meta.parse_time(text) for text in (None, "", "soon")] == [None] * 3


def test_a_uid_is_a_random_uuid():
    assert uuid.UUID(meta.new_uid()).version == 4


def test_an_object_without_metadata_has_empty_names():
    assert meta.name_of({"metadata": None}) == ""
    assert meta.labels_of({}) == {}
    assert meta.namespaced_name({"metadata": {"name": "a", "namespace": "b"}}) == "b/a"

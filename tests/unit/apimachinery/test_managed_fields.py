"""managedFields as a real API server wrote them."""

import copy
import json
from pathlib import Path

import pytest

from apimachinery import schema
from apimachinery.patch.field_set import from_fields_v1, print_path, to_fields_v1
from apimachinery.patch.managed_fields import track_update

VECTORS = Path(__file__).parents[2] / "vectors" / "apimachinery" / "managed_fields.json"
CASES = json.loads(VECTORS.read_text())["cases"]
NOW = 1_700_000_000.0


def case_id(case):
    return case["name"]


def owners(obj):
    return {
        (entry["manager"], entry["operation"], entry.get("subresource", "")): {
            print_path(path) for path in from_fields_v1(entry["fieldsV1"])
        }
        for entry in obj["metadata"].get("managedFields", [])
    }


@pytest.mark.parametrize("case", CASES, ids=case_id)
def test_fields_v1_is_written_as_it_was_read(case):
    for entry in case["new"]["metadata"]["managedFields"]:
        assert to_fields_v1(from_fields_v1(entry["fieldsV1"])) == entry["fieldsV1"]


@pytest.mark.parametrize("case", CASES, ids=case_id)
def test_a_recorded_write_gives_the_recorded_owners(case):
    new = copy.deepcopy(case["new"])
    wanted = owners(new)
    before = owners(case["old"]) if case["old"] else {}
    (writer,) = {key for key in wanted if wanted[key] != before.get(key)}
    del new["metadata"]["managedFields"]

    track_update(
        case["old"],
        new,
        schema.lookup(new["apiVersion"], new["kind"]),
        manager=writer[0],
        api_version=new["apiVersion"],
        now=NOW,
        subresource=case["subresource"],
        ignored=[("f:status",)],
    )

    assert owners(new) == wanted


CONFIG_MAP = schema.lookup("v1", "ConfigMap")


def config_map(**data):
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "c", "labels": {"a": "b"}},
        "data": data,
    }


def track(old, new, manager, now=NOW):
    track_update(old, new, CONFIG_MAP, manager=manager, api_version="v1", now=now)
    return new


def test_who_changes_a_field_owns_it():
    old = track(None, config_map(x="1", y="1"), "first")
    new = track(
        old, {**config_map(x="1", y="2"), "metadata": old["metadata"]}, "second"
    )

    assert owners(new) == {
        ("first", "Update", ""): {
            ".data",
            ".data.x",
            ".metadata.labels",
            ".metadata.labels.a",
        },
        ("second", "Update", ""): {".data.y"},
    }


def test_a_removed_field_belongs_to_nobody():
    old = track(None, config_map(x="1", y="1"), "first")
    new = track(old, {**config_map(x="1"), "metadata": old["metadata"]}, "second")

    assert list(owners(new)) == [("first", "Update", "")]
    assert ".data.y" not in owners(new)["first", "Update", ""]


def test_a_write_without_change_keeps_the_time():
    old = track(None, config_map(x="1"), "first")
    new = track(old, copy.deepcopy(old), "first", now=NOW + 99)

    assert new == old


def test_a_client_can_clear_the_list():
    old = track(None, config_map(x="1"), "first")
    new = config_map(x="1")
    new["metadata"]["managedFields"] = [{}]

    assert "managedFields" not in track(old, new, "second")["metadata"]


def test_an_untracked_object_stays_untracked():
    new = track(config_map(x="1"), config_map(x="2"), "second")

    assert "managedFields" not in new["metadata"]


def test_the_oldest_of_many_updaters_become_ancient_changes():
    obj = track(None, config_map(k0="0"), "m0")
    for number in range(1, 14):
        data = {**obj["data"], f"k{number}": "x"}
        new = {**obj, "data": data, "metadata": copy.deepcopy(obj["metadata"])}
        obj = track(obj, new, f"m{number}", now=NOW + number)

    names = [entry["manager"] for entry in obj["metadata"]["managedFields"]]
    assert len(names) == 10
    assert names[0] == "ancient-changes"
    assert names[-1] == "m13"

"""The patches of apply."""

from __future__ import annotations

from typing import Any

import pytest

from apimachinery.patch.strategic import merge as strategic_merge
from apimachinery.schema import lookup
from kubectl_cli.applying.three_way import merge_patch, strategic_patch

POD = lookup("v1", "Pod")
assert POD is not None


def pod(**spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "p"}, "spec": spec}


CASES = {
    "nothing": (pod(a=1), pod(a=1), pod(a=1, b=2), {}),
    "what others added stays": (
        pod(containers=[{"name": "c", "image": "1"}]),
        pod(containers=[{"name": "c", "image": "1"}]),
        pod(containers=[{"name": "c", "image": "1"}, {"name": "side", "image": "s"}]),
        {},
    ),
    "a changed element, by its key": (
        pod(containers=[{"name": "c", "image": "1"}]),
        pod(containers=[{"name": "c", "image": "2"}]),
        pod(containers=[{"name": "c", "image": "1", "tty": True}]),
        {
            "spec": {
                "$setElementOrder/containers": [{"name": "c"}],
                "containers": [{"image": "2", "name": "c"}],
            }
        },
    ),
    "a removed element": (
        pod(containers=[{"name": "a"}, {"name": "b"}]),
        pod(containers=[{"name": "a"}]),
        pod(containers=[{"name": "a"}, {"name": "b"}]),
        {
            "spec": {
                "$setElementOrder/containers": [{"name": "a"}],
                "containers": [{"$patch": "delete", "name": "b"}],
            }
        },
    ),
    "a removed field": (
        {"metadata": {"labels": {"a": "1", "b": "2"}}},
        {"metadata": {"labels": {"a": "1"}}},
        {"metadata": {"labels": {"a": "1", "b": "2", "c": "3"}}},
        {"metadata": {"labels": {"b": None}}},
    ),
    "a list without a key is replaced": (
        pod(containers=[{"name": "c", "command": ["a"]}]),
        pod(containers=[{"name": "c", "command": ["a", "b"]}]),
        pod(containers=[{"name": "c", "command": ["a"]}]),
        {
            "spec": {
                "$setElementOrder/containers": [{"name": "c"}],
                "containers": [{"command": ["a", "b"], "name": "c"}],
            }
        },
    ),
    "a primitive list": (
        {"metadata": {"finalizers": ["a", "b"]}},
        {"metadata": {"finalizers": ["a", "c"]}},
        {"metadata": {"finalizers": ["a", "b"]}},
        {
            "metadata": {
                "$setElementOrder/finalizers": ["a", "c"],
                "$deleteFromPrimitiveList/finalizers": ["b"],
                "finalizers": ["c"],
            }
        },
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_strategic_patches_say_only_what_differs(name: str) -> None:
    original, modified, current, patch = CASES[name]

    assert strategic_patch(original, modified, current, POD) == patch


@pytest.mark.parametrize("name", CASES)
def test_the_server_makes_the_wanted_of_it(name: str) -> None:
    """Applying the patch and diffing again leaves nothing to do."""
    original, modified, current, _ = CASES[name]
    patch = strategic_patch(original, modified, current, POD)

    merged = strategic_merge(current, patch, POD)

    assert strategic_patch(modified, modified, merged, POD) == {}


def test_kinds_that_are_not_built_in_get_a_json_merge_patch() -> None:
    patch = merge_patch(
        {"spec": {"gone": 1, "same": 1}},
        {"spec": {"same": 1, "list": [1, 2]}},
        {"spec": {"gone": 1, "same": 1, "list": [1], "theirs": 9}},
    )

    assert patch == {"spec": {"gone": None, "list": [1, 2]}}

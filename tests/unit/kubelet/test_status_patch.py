"""The status patch: what the API server makes of it is the wanted status."""

from __future__ import annotations

import pytest

from apimachinery.patch.strategic import merge
from apimachinery.schema import lookup
from kubelet.status_patch import status_patch

READY = {"type": "Ready", "status": "True"}
UNREADY = {"type": "Ready", "status": "False", "reason": "ContainersNotReady"}
SCHEDULED = {"type": "PodScheduled", "status": "True"}
FOREIGN = {"type": "example.com/gate", "status": "True"}

CHANGES = {
    "phase": ({"phase": "Pending"}, {"phase": "Running"}),
    "a condition": (
        {"conditions": [FOREIGN, UNREADY, SCHEDULED]},
        {"conditions": [FOREIGN, READY, SCHEDULED]},
    ),
    "first conditions": ({}, {"conditions": [READY, SCHEDULED]}),
    "reason gone": (
        {"phase": "Failed", "reason": "Evicted", "message": "m"},
        {"phase": "Failed"},
    ),
    "container statuses": (
        {"containerStatuses": [{"name": "a", "state": {"waiting": {"reason": "x"}}}]},
        {"containerStatuses": [{"name": "a", "state": {"running": {}}}]},
    ),
    "address": (
        {"podIP": "1.1.1.1", "podIPs": [{"ip": "1.1.1.1"}]},
        {"podIP": "2.2.2.2", "podIPs": [{"ip": "2.2.2.2"}]},
    ),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_api_server_arrives_at_the_wanted_status(change):
    old, new = change
    patch = status_patch("u", old, new)

    merged = merge({"status": old}, patch, lookup("v1", "Pod"))

    assert merged["status"] == new


def test_nothing_changed_is_nothing_sent():
    status = {"phase": "Running", "conditions": [READY]}

    assert status_patch("u", status, dict(status)) is None


def test_uid_guards_the_patch():
    assert status_patch("u", {}, {"phase": "Running"}) == {
        "metadata": {"uid": "u"},
        "status": {"phase": "Running"},
    }


def test_condition_written_by_others_meanwhile_survives():
    patch = status_patch("u", {"conditions": [UNREADY]}, {"conditions": [READY]})

    merged = merge(
        {"status": {"conditions": [UNREADY, FOREIGN]}}, patch, lookup("v1", "Pod")
    )

    assert FOREIGN in merged["status"]["conditions"]
    assert READY in merged["status"]["conditions"]


def test_fields_of_others_are_left_alone():
    old = {"nominatedNodeName": "n", "phase": "Pending"}

    patch = status_patch("u", old, {"phase": "Running"})

    assert patch["status"] == {"phase": "Running"}

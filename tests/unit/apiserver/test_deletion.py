"""Grace, finalizers and preconditions of DELETE."""

import pytest

from apimachinery.options import DeleteOptions, Preconditions
from apimachinery.status import StatusError
from apiserver.resources.catalogue import built_in_registry
from apiserver.resources.deletion import (
    Deletion,
    begin_deletion,
    check_preconditions,
    is_ready_to_go,
)
from apiserver.resources.namespaces import NAMESPACES
from apiserver.resources.pods import PODS

CONFIG_MAPS = built_in_registry().find("", "v1", "configmaps")
NOW = 1_767_225_600.0  # 2026-01-01T00:00:00Z


def pod(**metadata):
    return {
        "metadata": {"name": "p", "generation": 1, **metadata},
        "spec": {"nodeName": "n", "terminationGracePeriodSeconds": 30},
        "status": {"phase": "Running"},
    }


def test_a_running_pod_is_marked_with_its_grace():
    obj = pod()

    outcome = begin_deletion(PODS, obj, DeleteOptions(), NOW)

    assert outcome is Deletion.MARK
    assert obj["metadata"] == {
        "name": "p",
        "generation": 2,
        "deletionTimestamp": "2026-01-01T00:00:30Z",
        "deletionGracePeriodSeconds": 30,
    }


@pytest.mark.parametrize(
    ("asked", "outcome", "seconds"),
    [
        (None, Deletion.PENDING, 30),
        (60, Deletion.PENDING, 30),
        (5, Deletion.MARK, 5),
        (0, Deletion.MARK_THEN_REMOVE, 0),
    ],
)
def test_a_second_delete_may_only_be_sooner(asked, outcome, seconds):
    obj = pod(deletionTimestamp="2026-01-01T00:00:30Z", deletionGracePeriodSeconds=30)

    options = DeleteOptions(grace_period_seconds=asked)

    assert begin_deletion(PODS, obj, options, NOW + 10) is outcome
    assert obj["metadata"]["deletionGracePeriodSeconds"] == seconds
    if seconds == 5:
        assert obj["metadata"]["deletionTimestamp"] == "2026-01-01T00:00:05Z"


@pytest.mark.parametrize(
    "change",
    [{"spec": {}}, {"status": {"phase": "Failed"}}],
    ids=["unscheduled", "finished"],
)
def test_a_pod_that_no_kubelet_ends_goes_at_once(change):
    obj = {**pod(), **change}

    assert begin_deletion(PODS, obj, DeleteOptions(), NOW) is Deletion.MARK_THEN_REMOVE


def test_a_kind_without_grace_goes_at_once():
    obj = {"metadata": {"name": "x"}}

    assert begin_deletion(CONFIG_MAPS, obj, DeleteOptions(), NOW) is Deletion.NOW
    assert obj == {"metadata": {"name": "x"}}


def test_finalizers_hold_back():
    obj = {"metadata": {"name": "x", "finalizers": ["a/b"]}}

    assert begin_deletion(CONFIG_MAPS, obj, DeleteOptions(), NOW) is Deletion.MARK
    assert obj["metadata"]["deletionGracePeriodSeconds"] == 0


@pytest.mark.parametrize(
    ("policy", "finalizers"),
    [("Foreground", ["foregroundDeletion"]), ("Orphan", ["orphan"])],
)
def test_propagation_leaves_its_mark(policy, finalizers):
    obj = {"metadata": {"name": "x"}}

    options = DeleteOptions(propagation_policy=policy)

    assert begin_deletion(CONFIG_MAPS, obj, options, NOW) is Deletion.MARK
    assert obj["metadata"]["finalizers"] == finalizers


def test_a_namespace_terminates_first():
    obj = {"metadata": {"name": "x"}, "spec": {"finalizers": ["kubernetes"]}}

    assert begin_deletion(NAMESPACES, obj, DeleteOptions(), NOW) is Deletion.MARK
    assert obj["status"] == {"phase": "Terminating"}


def test_the_last_finalizer_lets_go():
    old = {
        "metadata": {
            "finalizers": ["a/b"],
            "deletionTimestamp": "2026-01-01T00:00:00Z",
            "deletionGracePeriodSeconds": 0,
        }
    }
    freed = {"metadata": {**old["metadata"], "finalizers": []}}

    assert is_ready_to_go(CONFIG_MAPS, freed, old)
    assert not is_ready_to_go(CONFIG_MAPS, old, old)


@pytest.mark.parametrize(
    ("wanted", "text"),
    [
        (Preconditions(uid="b"), "the UID in the precondition (b)"),
        (
            Preconditions(resource_version="2"),
            "the ResourceVersion in the precondition",
        ),
    ],
)
def test_preconditions_name_what_differs(wanted, text):
    obj = {"metadata": {"name": "x", "uid": "a", "resourceVersion": "1"}}

    with pytest.raises(StatusError) as caught:
        check_preconditions(CONFIG_MAPS, obj, wanted)

    assert caught.value.code == 409
    assert text in caught.value.message

"""The arithmetic of rollouts, and what a deployment says of itself."""

from __future__ import annotations

import pytest

from controllers.workloads.deployment_status import deployment_status
from controllers.workloads.expectations import Expectations
from controllers.workloads.owned import deletion_rank
from controllers.workloads.rollout import (
    Bounds,
    bounds_of,
    find_new,
    scale_down_old,
    scale_up_new,
    template_hash,
)
from tests.support.fake_api import pod

NOW = 1_800_000_000.0


def deployment(replicas, **rolling):
    strategy = {"type": "RollingUpdate", "rollingUpdate": rolling}
    spec = {"replicas": replicas, "strategy": strategy, "template": template("1")}
    return {"metadata": {"name": "d", "generation": 3}, "spec": spec}


def template(image, **labels):
    return {
        "metadata": {"labels": {"app": "d", **labels}},
        "spec": {"containers": [{"name": "c", "image": image}]},
    }


def replica_set(name, image, replicas=1, available=0, *, created="1"):
    return {
        "metadata": {"name": name, "creationTimestamp": created},
        "spec": {
            "replicas": replicas,
            "template": template(image, **{"pod-template-hash": name}),
        },
        "status": {
            "replicas": replicas,
            "readyReplicas": available,
            "availableReplicas": available,
        },
    }


@pytest.mark.parametrize(
    ("replicas", "rolling", "expected"),
    [
        (4, {"maxSurge": "25%", "maxUnavailable": "25%"}, Bounds(5, 3)),
        (1, {"maxSurge": "25%", "maxUnavailable": "25%"}, Bounds(2, 1)),
        (10, {"maxSurge": 0, "maxUnavailable": 3}, Bounds(10, 7)),
        (3, {"maxSurge": 0, "maxUnavailable": 0}, Bounds(3, 2)),
        (2, {"maxSurge": 0, "maxUnavailable": "100%"}, Bounds(2, 0)),
        (0, {}, Bounds(0, 0)),
    ],
)
def test_surge_rounds_up_and_unavailable_rounds_down(replicas, rolling, expected):
    assert bounds_of(deployment(replicas, **rolling)) == expected


@pytest.mark.parametrize(
    ("new", "others", "wanted", "expected"),
    [
        (0, 0, 4, 4),
        (0, 4, 4, 1),
        (1, 4, 4, 1),
        (1, 3, 4, 2),
        (6, 0, 4, 4),
        (4, 0, 4, 4),
    ],
)
def test_the_new_set_grows_into_what_room_there_is(new, others, wanted, expected):
    assert scale_up_new(new, others, wanted, Bounds(5, 3)) == expected


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ([(4, 4)], (1, 0), [3]),
        ([(3, 3)], (2, 1), [2]),
        ([(3, 3)], (2, 0), [3]),
        ([(4, 0)], (1, 1), [2]),
        ([(2, 0), (2, 2)], (1, 0), [1, 2]),
        ([(1, 1)], (4, 4), [0]),
        ([(0, 0)], (4, 4), [0]),
    ],
)
def test_old_sets_shrink_while_enough_pods_are_available(old, new, expected):
    assert scale_down_old(old, new, Bounds(5, 3)) == expected


def test_the_new_set_is_the_one_with_the_deployments_template():
    one, two = replica_set("a", "1"), replica_set("b", "2")

    assert find_new(deployment(1), [two, one]) is one
    assert find_new(deployment(1), [two]) is None


def test_of_two_sets_with_the_template_the_older_is_it():
    older, newer = replica_set("a", "1"), replica_set("b", "1", created="2")

    assert find_new(deployment(1), [newer, older]) is older


def test_a_hash_names_a_template():
    one, same, other = template("1"), template("1"), template("2")

    assert template_hash(one) == template_hash(same)
    assert template_hash(one) != template_hash(other)
    assert template_hash(one) != template_hash(one, collisions=1)


def conditions(status):
    return {item["type"]: item for item in status["conditions"]}


def test_a_finished_rollout_says_so():
    new = replica_set("d-x", "1", 2, 2)

    status = deployment_status(deployment(2), new, [], Bounds(3, 2), NOW)

    assert status["updatedReplicas"] == status["availableReplicas"] == 2
    assert status["unavailableReplicas"] == 0
    assert status["observedGeneration"] == 3
    assert conditions(status)["Available"]["reason"] == "MinimumReplicasAvailable"
    progress = conditions(status)["Progressing"]
    assert progress["reason"] == "NewReplicaSetAvailable"
    assert progress["message"] == 'ReplicaSet "d-x" has successfully progressed.'


def test_a_rollout_on_its_way_says_so():
    new, old = replica_set("d-x", "1", 1, 0), replica_set("d-y", "2", 2, 1)

    status = deployment_status(deployment(2), new, [old], Bounds(3, 2), NOW)

    assert status["replicas"] == 3
    assert status["unavailableReplicas"] == 1
    assert conditions(status)["Available"]["status"] == "False"
    assert conditions(status)["Progressing"]["reason"] == "ReplicaSetUpdated"


def test_a_condition_that_stands_keeps_its_times():
    new, given = replica_set("d-x", "1", 2, 2), deployment(2)
    given["status"] = deployment_status(given, new, [], Bounds(3, 2), NOW)

    again = deployment_status(given, new, [], Bounds(3, 2), NOW + 100)

    assert again == given["status"]


def test_pods_that_do_least_are_deleted_first():
    def ready(name, since):
        found = pod(name, node="n", phase="Running")
        found["status"]["conditions"] = [
            {"type": "Ready", "status": "True", "lastTransitionTime": since}
        ]
        return found

    pods = [
        ready("old", "2027-01-15T08:00:00Z"),
        ready("young", "2027-01-15T09:00:00Z"),
        pod("not ready", node="n", phase="Running"),
        pod("pending", node="n"),
        pod("unbound"),
    ]

    order = [item["metadata"]["name"] for item in sorted(pods, key=deletion_rank)]

    assert order == ["unbound", "pending", "not ready", "young", "old"]


def test_what_was_done_is_not_done_again_until_it_is_seen():
    expectations = Expectations()
    expectations.expect_created("a/rs", "u1", NOW)
    expectations.expect_deleted("a/rs", "u2", NOW)

    assert not expectations.fulfilled("a/rs", NOW)
    expectations.saw_created("a/rs", "u1")
    assert not expectations.fulfilled("a/rs", NOW)
    expectations.saw_deleted("a/rs", "u2")
    assert expectations.fulfilled("a/rs", NOW)
    assert expectations.fulfilled("b/other", NOW)


def test_what_is_never_seen_is_forgotten_in_the_end():
    expectations = Expectations()
    expectations.expect_created("a/rs", "u1", NOW)

    assert expectations.fulfilled("a/rs", NOW + 301)

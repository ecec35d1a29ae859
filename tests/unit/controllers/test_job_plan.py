"""What a job needs next."""

from __future__ import annotations

import pytest

from apimachinery.meta import rfc3339
from controllers.workloads.job_plan import finished_condition, plan
from tests.support.fake_api import pod

NOW = 1_800_000_000.0
START = rfc3339(NOW - 100)


def job(*, completions=1, policy="Never", **spec):
    template = {"spec": {"restartPolicy": policy, "containers": []}}
    values = {"parallelism": 1, "completions": completions, "template": template}
    return {
        "metadata": {"name": "j"},
        "spec": {**values, **spec},
        "status": {"startTime": START},
    }


def pods(*phases):
    return [pod(f"p{n}", phase=phase) for n, phase in enumerate(phases)]


def failed(ago):
    found = pod("f", phase="Failed")
    ended = {"terminated": {"finishedAt": rfc3339(NOW - ago)}}
    found["status"]["containerStatuses"] = [{"state": ended}]
    return found


@pytest.mark.parametrize(
    ("a_job", "phases", "create", "delete"),
    [
        (job(), [], 1, 0),
        (job(), ["Running"], 0, 0),
        (job(completions=5, parallelism=3), [], 3, 0),
        (job(completions=5, parallelism=3), ["Succeeded"] * 3, 2, 0),
        (job(completions=5, parallelism=3), ["Running"] * 4, 0, 1),
        (job(completions=None, parallelism=2), [], 2, 0),
        (job(completions=None, parallelism=2), ["Succeeded", "Running"], 0, 0),
        (job(suspend=True), ["Running"], 0, 1),
    ],
)
def test_pods_are_made_and_ended(a_job, phases, create, delete):
    step = plan(a_job, pods(*phases), NOW)

    assert (step.create, len(step.delete)) == (create, delete)
    assert "conditions" not in step.status


def test_a_job_is_complete_when_enough_have_succeeded():
    step = plan(job(completions=2), pods("Succeeded", "Succeeded"), NOW)

    types = [condition["type"] for condition in step.status["conditions"]]
    assert types == ["SuccessCriteriaMet", "Complete"]
    assert step.status["completionTime"] == rfc3339(NOW)
    assert step.status["succeeded"] == 2


def test_a_failure_is_waited_out_longer_each_time():
    assert plan(job(), [failed(ago=4)], NOW).look_again == 6.0
    assert plan(job(), [failed(ago=4), failed(ago=4)], NOW).look_again == 16.0
    assert plan(job(), [failed(ago=10)], NOW).create == 1


def test_too_many_failures_end_the_job():
    given = job(backoffLimit=1, parallelism=2, completions=2)

    step = plan(given, [failed(4), failed(4), *pods("Running")], NOW)

    assert step.status["conditions"][-1]["type"] == "Failed"
    assert step.status["conditions"][-1]["reason"] == "BackoffLimitExceeded"
    assert len(step.delete) == 1
    assert step.status["failed"] == 3


def test_a_job_has_a_deadline():
    over = plan(job(activeDeadlineSeconds=99), pods("Running"), NOW)
    left = plan(job(activeDeadlineSeconds=130), pods("Running"), NOW)

    assert over.status["conditions"][-1]["reason"] == "DeadlineExceeded"
    assert left.look_again == 30.0


def test_a_new_job_notes_when_it_began():
    given = job()
    given["status"] = {}

    assert plan(given, [], NOW).status["startTime"] == rfc3339(NOW)


def test_a_finished_job_is_known_as_such():
    given = job()
    assert finished_condition(given) is None

    given["status"] = plan(given, pods("Succeeded"), NOW).status

    assert finished_condition(given) == "Complete"

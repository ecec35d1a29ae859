"""The same requests as real kubectls sent, answered as a real API server did."""

import copy
import json
from pathlib import Path

import pytest

from tests.integration.apiserver.conftest import JSON

VECTORS = Path(__file__).parents[2] / "vectors" / "apiserver"
# Ours adds no token volume: see apiserver/admission/pods.py.
PREFIX = "kube-api-access-"
MADE_UP = ("uid", "resourceVersion", "creationTimestamp")


def comparable(pod):
    pod = copy.deepcopy(pod)
    for field in MADE_UP:
        assert pod["metadata"].pop(field)
    for entry in pod["metadata"]["managedFields"]:
        assert entry.pop("time")
    volumes = pod["spec"].pop("volumes", [])
    assert all(v["name"].startswith(PREFIX) for v in volumes)
    for container in pod["spec"]["containers"]:
        container.pop("volumeMounts", None)
    return pod


@pytest.mark.parametrize(
    ("name", "query"),
    [
        ("create-pod", "?fieldManager=kubectl-create&fieldValidation=Strict"),
        ("run-pod", "?fieldManager=kubectl-run"),
    ],
)
async def test_a_pod_is_answered_as_the_real_server_answers(admin, name, query):
    recorded = json.loads((VECTORS / f"{name}-1.36.2.json").read_text())

    status, created = await admin.call(
        "POST", f"/api/v1/namespaces/default/pods{query}", recorded["request"], JSON
    )

    assert status == 201
    assert comparable(created) == comparable(recorded["response"])

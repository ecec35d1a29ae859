"""Nodes, described; the text is that of kubectl 1.36.4 for the same objects."""

from __future__ import annotations

import pytest

from kubectl_cli.describe.node import NodeView, describe_node

NODE = {
    "metadata": {
        "name": "n1",
        "labels": {"node-role.kubernetes.io/worker": "", "a": "b"},
        "creationTimestamp": "2026-11-22T06:00:00Z",
    },
    "spec": {"taints": [{"key": "k", "value": "v", "effect": "NoSchedule"}]},
    "status": {
        "capacity": {"cpu": "2", "memory": "4Gi", "pods": "110"},
        "allocatable": {"cpu": "2", "memory": "4Gi", "pods": "110", "x.io/gpu": "1"},
        "addresses": [{"type": "InternalIP", "address": "10.0.0.1"}],
        "nodeInfo": {"kubeletVersion": "v1.36.2"},
    },
}
POD = {
    "metadata": {
        "name": "p",
        "namespace": "default",
        "creationTimestamp": "2026-11-22T06:25:00Z",
    },
    "spec": {
        "containers": [
            {"resources": {"requests": {"cpu": "500m", "memory": "1Gi"}}},
            {"resources": {"requests": {"cpu": "250m"}, "limits": {"cpu": "1"}}},
        ],
        "initContainers": [{"resources": {"requests": {"cpu": "100m"}}}],
    },
}
LEASE = {"spec": {"holderIdentity": "n1", "renewTime": "2026-11-22T06:30:00.000000Z"}}


@pytest.fixture(autouse=True)
def half_past_six(monkeypatch: pytest.MonkeyPatch) -> None:
    from kubectl_cli.clock import to_seconds

    now = to_seconds("2026-11-22T06:30:00Z")
    monkeypatch.setattr("kubectl_cli.clock.now", lambda: now)
    monkeypatch.setenv("TZ", "UTC")


def test_a_node_is_described() -> None:
    text = describe_node(NodeView(NODE, LEASE, "", [POD], []))

    assert text.startswith(
        "Name:               n1\n"
        "Roles:              worker\n"
        "Labels:             a=b\n"
        "                    node-role.kubernetes.io/worker=\n"
        "Annotations:        <none>\n"
        "CreationTimestamp:  Sun, 22 Nov 2026 06:00:00 +0000\n"
        "Taints:             k=v:NoSchedule\n"
        "Unschedulable:      false\n"
        "Lease:\n"
        "  HolderIdentity:  n1\n"
        "  AcquireTime:     <unset>\n"
        "  RenewTime:       Sun, 22 Nov 2026 06:30:00 +0000\n"
    )
    assert (
        "Non-terminated Pods:          (1 in total)\n"
        "  Namespace                   Name    CPU Requests  CPU Limits  Memory Requests"
        "  Memory Limits  Age\n"
        "  ---------                   ----    ------------  ----------  ---------------"
        "  -------------  ---\n"
        "  default                     p       750m (37%)    1 (50%)     1Gi (25%)      "
        "  0 (0%)         5m\n"
        "Allocated resources:\n"
        "  (Total limits may be over 100 percent, i.e., overcommitted.)\n"
        "  Resource           Requests    Limits\n"
        "  --------           --------    ------\n"
        "  cpu                750m (37%)  1 (50%)\n"
        "  memory             1Gi (25%)   0 (0%)\n"
        "  ephemeral-storage  0 (0%)      0 (0%)\n"
        "  x.io/gpu           0           0\n"
        "Events:              <none>\n"
    ) in text


def test_pods_we_may_not_see_are_told() -> None:
    text = describe_node(NodeView(NODE, None, "", None, None))

    assert "Pods:" in text
    assert "not authorized" in text


def test_a_missing_lease_is_told_in_its_place() -> None:
    text = describe_node(NodeView(NODE, None, "leases not found", [], None))

    assert "Lease:              Failed to get lease: leases not found\n" in text

"""What keeps pods running, described: Deployments, ReplicaSets and the like.

Source: kubernetes/kubectl pkg/describe/describe.go (describeDeployment,
describeReplicaSet, describeDaemonSet, describeStatefulSet) of 1.36.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kubectl_cli.describe.pod_template import describe_pod_template
from kubectl_cli.describe.writer import Description, date
from kubectl_cli.selecting.pods import format_selector

if TYPE_CHECKING:
    from apimachinery.types import JsonObject

__all__ = [
    "WorkloadView",
    "describe_daemon_set",
    "describe_deployment",
    "describe_replica_set",
    "describe_replication_controller",
    "describe_stateful_set",
    "new_replica_set",
]

_HASH = "pod-template-hash"
_PHASES = ("Running", "Pending", "Succeeded", "Failed")
_COUNTS = (
    ("Desired Number of Nodes Scheduled", "desiredNumberScheduled"),
    ("Current Number of Nodes Scheduled", "currentNumberScheduled"),
    ("Number of Nodes Scheduled with Up-to-date Pods", "updatedNumberScheduled"),
    ("Number of Nodes Scheduled with Available Pods", "numberAvailable"),
    ("Number of Nodes Misscheduled", "numberMisscheduled"),
)


@dataclass(frozen=True, slots=True)
class WorkloadView:
    """What the server said: the object, what it owns (pods, or for a Deployment its
    ReplicaSets), and its events."""

    object: JsonObject
    owned: list[JsonObject]
    events: list[JsonObject] | None

    @property
    def metadata(self) -> JsonObject:
        found: JsonObject = self.object["metadata"]
        return found

    @property
    def spec(self) -> JsonObject:
        return self.object.get("spec") or {}

    @property
    def status(self) -> JsonObject:
        return self.object.get("status") or {}


def describe_deployment(view: WorkloadView) -> str:
    """The Deployment with its ReplicaSets, old and new."""
    out, spec, status = Description(), view.spec, view.status
    out.identity(view.metadata, with_labels=False)
    out.line(f"CreationTimestamp:\t{date(view.metadata.get('creationTimestamp'))}")
    out.labels("Labels", view.metadata.get("labels"))
    out.annotations(view.metadata.get("annotations"))
    out.line(f"Selector:\t{_selector(spec)}")
    counts = (
        f"{spec.get('replicas', 0)} desired",
        f"{status.get('updatedReplicas') or 0} updated",
        f"{status.get('replicas') or 0} total",
        f"{status.get('availableReplicas') or 0} available",
        f"{status.get('unavailableReplicas') or 0} unavailable",
    )
    out.line(f"Replicas:\t{' | '.join(counts)}")
    strategy = spec.get("strategy") or {}
    out.line(f"StrategyType:\t{strategy.get('type') or ''}")
    out.line(f"MinReadySeconds:\t{spec.get('minReadySeconds') or 0}")
    if rolling := strategy.get("rollingUpdate"):
        out.line(
            f"RollingUpdateStrategy:\t{rolling.get('maxUnavailable')} max unavailable,"
            f" {rolling.get('maxSurge')} max surge"
        )
    describe_pod_template(out, spec.get("template"))
    _conditions(out, status)
    _replica_sets(out, view)
    out.events(view.events)
    return out.render()


def _replica_sets(out: Description, view: WorkloadView) -> None:
    if not view.owned:
        return
    new = new_replica_set(view.object, view.owned)
    old = [each for each in view.owned if each is not new]
    out.line(f"OldReplicaSets:\t{_progress(old)}")
    out.line(f"NewReplicaSet:\t{_progress([new] if new else [])}")


def new_replica_set(
    deployment: JsonObject, replica_sets: list[JsonObject]
) -> JsonObject | None:
    """The oldest of the ReplicaSets that has the Deployment's present template.

    Source: kubernetes/kubectl pkg/util/deployment/deployment.go FindNewReplicaSet.
    """
    wanted = _without_hash((deployment.get("spec") or {}).get("template") or {})
    for each in sorted(replica_sets, key=_creation):
        if _without_hash((each.get("spec") or {}).get("template") or {}) == wanted:
            return each
    return None


def _creation(obj: JsonObject) -> tuple[str, str]:
    metadata = obj["metadata"]
    return str(metadata.get("creationTimestamp") or ""), metadata["name"]


def _without_hash(template: JsonObject) -> JsonObject:
    metadata = template.get("metadata") or {}
    labels = {k: v for k, v in (metadata.get("labels") or {}).items() if k != _HASH}
    kept = {k: v for k, v in metadata.items() if k != "creationTimestamp" and v}
    return {**template, "metadata": {**kept, "labels": labels}}


def _progress(replica_sets: list[JsonObject]) -> str:
    shown = [
        f"{each['metadata']['name']} ({(each.get('status') or {}).get('replicas') or 0}"
        f"/{(each.get('spec') or {}).get('replicas') or 0} replicas created)"
        for each in replica_sets
    ]
    return ", ".join(shown) or "<none>"


def describe_replica_set(view: WorkloadView) -> str:
    """The ReplicaSet with its pods by phase."""
    out = Description()
    out.identity(view.metadata, with_labels=False)
    out.line(f"Selector:\t{_selector(view.spec)}")
    out.labels("Labels", view.metadata.get("labels"))
    out.annotations(view.metadata.get("annotations"))
    out.controller(view.metadata)
    _replicas(out, view)
    return out.render()


def describe_replication_controller(view: WorkloadView) -> str:
    """The same of the older kind, whose selector is a map of labels."""
    out = Description()
    out.identity(view.metadata, with_labels=False)
    labels = view.spec.get("selector") or {}
    out.line(f"Selector:\t{format_selector({'matchLabels': labels}) or '<none>'}")
    out.labels("Labels", view.metadata.get("labels"))
    out.annotations(view.metadata.get("annotations"))
    _replicas(out, view)
    return out.render()


def _replicas(out: Description, view: WorkloadView) -> None:
    current, desired = view.status.get("replicas") or 0, view.spec.get("replicas") or 0
    out.line(f"Replicas:\t{current} current / {desired} desired")
    _pods(out, view)
    describe_pod_template(out, view.spec.get("template"))
    _conditions(out, view.status)
    out.events(view.events)


def describe_daemon_set(view: WorkloadView) -> str:
    """The DaemonSet with what it has on how many nodes."""
    out, spec = Description(), view.spec
    out.identity(view.metadata, with_labels=False)
    out.line(f"Selector:\t{_selector(spec)}")
    pod = (spec.get("template") or {}).get("spec") or {}
    nodes = format_selector({"matchLabels": pod.get("nodeSelector") or {}})
    out.line(f"Node-Selector:\t{nodes or '<none>'}")
    out.labels("Labels", view.metadata.get("labels"))
    out.annotations(view.metadata.get("annotations"))
    for title, key in _COUNTS:
        out.line(f"{title}: {view.status.get(key) or 0}")
    _pods(out, view)
    describe_pod_template(out, spec.get("template"))
    out.events(view.events)
    return out.render()


def describe_stateful_set(view: WorkloadView) -> str:
    """The StatefulSet with the claims that each pod makes."""
    out, spec = Description(), view.spec
    out.identity(view.metadata, with_labels=False)
    out.line(f"CreationTimestamp:\t{date(view.metadata.get('creationTimestamp'))}")
    out.line(f"Selector:\t{_selector(spec)}")
    out.labels("Labels", view.metadata.get("labels"))
    out.annotations(view.metadata.get("annotations"))
    total = view.status.get("replicas") or 0
    out.line(f"Replicas:\t{spec.get('replicas') or 0} desired | {total} total")
    strategy = spec.get("updateStrategy") or {}
    out.line(f"Update Strategy:\t{strategy.get('type') or ''}")
    rolling = strategy.get("rollingUpdate") or {}
    for title, key in (
        ("Partition", "partition"),
        ("MaxUnavailable", "maxUnavailable"),
    ):
        if rolling.get(key) is not None:
            out.line(f"{title}:\t{rolling[key]}", 1)
    _pods(out, view)
    describe_pod_template(out, spec.get("template"))
    _claims(out, spec.get("volumeClaimTemplates") or [])
    out.events(view.events)
    return out.render()


def _claims(out: Description, templates: list[JsonObject]) -> None:
    out.line("Volume Claims:" if templates else "Volume Claims:\t<none>")
    for each in templates:
        metadata, spec = each.get("metadata") or {}, each.get("spec") or {}
        out.line(f"Name:\t{metadata.get('name') or ''}", 1)
        out.line(f"StorageClass:\t{spec.get('storageClassName') or ''}", 1)
        out.labels("  Labels", metadata.get("labels"))
        out.annotations(metadata.get("annotations"), "  Annotations")
        requests = (spec.get("resources") or {}).get("requests") or {}
        out.line(f"Capacity:\t{requests.get('storage') or '<default>'}", 1)
        out.line(f"Access Modes:\t[{' '.join(spec.get('accessModes') or ())}]", 1)


def _selector(spec: JsonObject) -> str:
    return format_selector(spec.get("selector") or {}) or "<none>"


def _pods(out: Description, view: WorkloadView) -> None:
    phases = [(each.get("status") or {}).get("phase") for each in view.owned]
    running, waiting, succeeded, failed = map(phases.count, _PHASES)
    out.line(
        f"Pods Status:\t{running} Running / {waiting} Waiting /"
        f" {succeeded} Succeeded / {failed} Failed"
    )


def _conditions(out: Description, status: JsonObject) -> None:
    conditions = status.get("conditions") or ()
    if not conditions:
        return
    out.line("Conditions:")
    out.line("Type\tStatus\tReason", 1)
    out.line("----\t------\t------", 1)
    for each in conditions:
        cells = f"{each['status']}\t{each.get('reason') or ''}"
        out.line(f"{each['type']} \t{cells}", 1)

"""The templates that a workload has had: ReplicaSets of a Deployment, else
ControllerRevisions.

Source: kubernetes/kubectl pkg/polymorphichelpers/history.go, rollback.go of 1.36.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_cli.errors import CommandError
from kubectl_cli.rollouts.progress import REVISION
from kubectl_cli.selecting.pods import selector_of
from wire.records import dataclass

if TYPE_CHECKING:
    from apimachinery.types import JsonObject
    from kubectl_cli.client.factory import Factory
    from kubectl_cli.selecting.selected import Selected

__all__ = ["Revision", "previous", "revisions_of", "template_text"]

#: Kinds that kubectl knows of at all here.
_VISITED = frozenset(
    {
        *("CronJob", "DaemonSet", "Deployment", "Job", "Pod", "ReplicaSet"),
        *("ReplicationController", "StatefulSet"),
    }
)
_CAUSE = "kubernetes.io/change-cause"


@dataclass(frozen=True, slots=True)
class Revision:
    """One template, by its number; `source` is the object that keeps it."""

    number: int
    template: JsonObject
    source: JsonObject

    @property
    def cause(self) -> str:
        annotations = self.source["metadata"].get("annotations") or {}
        return str(annotations.get(_CAUSE) or "<none>")


def revisions_of(factory: Factory, each: Selected, word: str) -> list[Revision]:
    """All that are still there, oldest first.

    Raises:
        CommandError: no `word` (history viewer, rollbacker) for objects of this kind.
    """
    kind = each.resource.kind
    if kind not in _VISITED:
        what = "history" if word == "history viewer" else word
        raise CommandError(
            f'error retrieving {what} for "{kind}", no visitor method exists for'
            f" {{{each.resource.group} {kind}}}"
        )
    if kind not in ("Deployment", "DaemonSet", "StatefulSet"):
        raise CommandError(f'no {word} has been implemented for "{kind}"')
    keeper = "replicasets" if kind == "Deployment" else "controllerrevisions"
    path = f"/apis/apps/v1/namespaces/{each.namespace}/{keeper}"
    query = [("labelSelector", selector_of(each.object))]
    uid = each.object["metadata"].get("uid")
    found = []
    for item in factory.client.get(path, query).get("items") or ():
        owners = item["metadata"].get("ownerReferences") or ()
        if any(o.get("controller") and o.get("uid") == uid for o in owners):
            found.append(_revision(item))
    return sorted(found, key=lambda revision: revision.number)


def _revision(item: JsonObject) -> Revision:
    if "revision" in item:
        spec = (item.get("data") or {}).get("spec") or {}
        template = {
            k: v for k, v in (spec.get("template") or {}).items() if k != "$patch"
        }
        return Revision(int(item["revision"]), template, item)
    number = (item["metadata"].get("annotations") or {}).get(REVISION) or 0
    return Revision(int(number), (item.get("spec") or {}).get("template") or {}, item)


def previous(revisions: list[Revision], number: int, label: str) -> Revision:
    """The one of this number; for 0 the one before the last."""
    if number:
        for each in revisions:
            if each.number == number:
                return each
        raise CommandError(f"unable to find specified revision {number} in history")
    if len(revisions) < 2:
        raise CommandError(f"no rollout history found for {label}")
    return revisions[-2]


def template_text(template: JsonObject) -> str:
    """The template described, its columns not aligned, as kubectl has it here."""
    from kubectl_cli.describe.pod_template import describe_pod_template
    from kubectl_cli.describe.writer import Description

    out = Description()
    describe_pod_template(out, template)
    return out.render(aligned=False)

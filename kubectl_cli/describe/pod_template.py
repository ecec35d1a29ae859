"""The template of a workload's pods, described.

Source: kubernetes/kubectl pkg/describe/describe.go DescribePodTemplate of 1.36.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_cli.describe.containers import describe_containers
from kubectl_cli.describe.pod import describe_spread, describe_tolerations
from kubectl_cli.describe.volumes import describe_volumes

if TYPE_CHECKING:
    from apimachinery.types import JsonObject
    from kubectl_cli.describe.writer import Description

__all__ = ["describe_pod_template"]

_INDENT = "  "


def describe_pod_template(out: Description, template: JsonObject | None) -> None:
    """What the pods will be."""
    out.line("Pod Template:")
    if template is None:
        out.line("<unset>", 1)
        return
    metadata, spec = template.get("metadata") or {}, template.get("spec") or {}
    out.labels("  Labels", metadata.get("labels"))
    if annotations := metadata.get("annotations"):
        out.annotations(annotations, "  Annotations")
    if account := spec.get("serviceAccountName"):
        out.line(f"Service Account:\t{account}", 1)
    pod: JsonObject = {"metadata": {}}
    if containers := spec.get("initContainers"):
        describe_containers(out, "Init Containers", containers, None, pod, _INDENT)
    containers = spec.get("containers") or []
    describe_containers(out, "Containers", containers, None, pod, _INDENT)
    describe_volumes(out, spec.get("volumes") or [], _INDENT)
    describe_spread(out, spec, _INDENT)
    if name := spec.get("priorityClassName"):
        out.line(f"Priority Class Name:\t{name}", 1)
    out.labels("  Node-Selectors", spec.get("nodeSelector"))
    describe_tolerations(out, "  Tolerations", spec)

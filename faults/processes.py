"""Which process a rule means: services by the cluster's records, shims by the runtime's."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from faults.parameters import RuleError
from faults.places import kind_of
from faults.process_identity import start_time

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from hops.cluster_view import ClusterView

__all__ = ["find_process"]

_KINDS = {"apiserver": "apiserver", "kubelet": "kubelet", "runtime": "cri"}


def find_process(view: ClusterView, values: Mapping[str, Any]) -> dict[str, int]:
    """`pid` and `start_time` of the process that a rule's values name.

    Raises:
        RuleError: there is none, or more than one.
    """
    wanted = values["process"]
    if wanted == "shim":
        found = dict(_shims(view.state, values["of_pod"]))
        kind, which = "shim of a pod", "of_pod"
    else:
        found = dict(_services(view.state, _KINDS[wanted], values["node"]))
        kind, which = wanted, "node"
    alive = {name: pid for name, pid in found.items() if start_time(pid) is not None}
    if len(alive) != 1:
        # Those that it could name; a name that fits none is not all there is to say.
        seen = ", ".join(sorted(alive)) or _others(view, values) or "none runs"
        raise RuleError(f"kill: {which} must name one {kind}: {seen}")
    ((_, pid),) = alive.items()
    return {"pid": pid, "start_time": start_time(pid) or 0}


def _others(view: ClusterView, values: Mapping[str, Any]) -> str:
    """What there is when the name is left out; empty: nothing."""
    if values["process"] == "shim":
        found = _shims(view.state, "")
    else:
        found = _services(view.state, _KINDS[values["process"]], "")
    alive = [name for name, pid in found if start_time(pid) is not None]
    kind = _KINDS.get(values["process"], "")
    return ", ".join(sorted(name.removeprefix(f"{kind}-") for name in alive))


def _services(state: Path, kind: str, node: str) -> Iterator[tuple[str, int]]:
    for path in sorted((state / "run").glob("*.json")):
        name = path.stem
        if kind_of(name) == kind and node in ("", name.removeprefix(f"{kind}-")):
            yield name, int(_read(path).get("pid", 0))


def _shims(state: Path, pod: str) -> Iterator[tuple[str, int]]:
    for path in sorted(state.glob("nodes/*/cri/sandboxes/*/sandbox.json")):
        document = _read(path)
        metadata = document.get("config", {}).get("metadata", {})
        full = f"{metadata.get('namespace')}/{metadata.get('name')}"
        if document.get("ready") and pod in ("", metadata.get("name"), full):
            yield full, int(document.get("shim_pid", 0))


def _read(path: Path) -> dict[str, Any]:
    try:
        document: dict[str, Any] = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return document

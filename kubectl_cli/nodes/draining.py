"""Nodes without pods: marked, and their pods evicted.

Source: kubernetes/kubectl pkg/drain (cordon.go, drain.go, filters.go), pkg/cmd/drain.
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

from apimachinery.status import StatusError
from kubectl_cli.changes import DryRun
from kubectl_cli.client.rest import ACCEPT_REST
from kubectl_cli.errors import CommandError

if TYPE_CHECKING:
    from apimachinery.types import JsonObject
    from kubectl_cli.client.factory import Factory
    from kubectl_cli.flags import Options

__all__ = ["PodsLeftError", "chosen_nodes", "evict_all", "mark", "pods_to_evict"]

_NODES = "/api/v1/nodes"
_MIRROR = "kubernetes.io/config.mirror"
_OVER = ("Succeeded", "Failed")
_RETRY = 5.0  # seconds between two tries of an eviction that a budget forbids
_POLL = 1.0  # seconds between two looks for a pod that is to go
_FOREVER = 7 * 24 * 3600.0


class PodsLeftError(CommandError):
    """Pods that may not go without a flag that says so."""


def chosen_nodes(options: Options, factory: Factory) -> list[JsonObject]:
    """The nodes of the words or of the selector."""
    if options.text("selector"):
        query = [("labelSelector", options.text("selector")), ("limit", "500")]
        listed = factory.client.get(_NODES, query)
        return list(listed.get("items") or ())
    names = [word.removeprefix("node/") for word in options.args]
    return [factory.client.get(f"{_NODES}/{name}") for name in names]


def mark(
    factory: Factory, node: JsonObject, dry_run: DryRun, *, unschedulable: bool
) -> None:
    """Make the node take new pods or not, and say so."""
    name = node["metadata"]["name"]
    done = "cordoned" if unschedulable else "uncordoned"
    if bool((node.get("spec") or {}).get("unschedulable")) == unschedulable:
        print(f"node/{name} already {done}{dry_run.value}")
        return
    if dry_run is not DryRun.CLIENT:
        patch = {"spec": {"unschedulable": True if unschedulable else None}}
        factory.client.call(
            "PATCH",
            f"{_NODES}/{name}",
            [("dryRun", "All")] if dry_run is DryRun.SERVER else [],
            patch,
            content_type="application/strategic-merge-patch+json",
        )
    print(f"node/{name} {done}{dry_run.value}")


def pods_to_evict(
    options: Options, factory: Factory, node: str
) -> tuple[list[JsonObject], list[str]]:
    """The pods that shall go, and what the user is to be warned of.

    Raises:
        PodsLeftError: some may not go.
    """
    query = [("fieldSelector", f"spec.nodeName={node}"), ("limit", "500")]
    if options.text("pod-selector"):
        query.append(("labelSelector", options.text("pod-selector")))
    listed = factory.client.get("/api/v1/pods", query, accept=ACCEPT_REST)
    going: list[JsonObject] = []
    found: dict[str, list[str]] = {}
    for pod in listed.get("items") or ():
        goes, remark = _judge(options, pod)
        if goes:
            going.append(pod)
        if remark:
            found.setdefault(remark, []).append(_key(pod))
    told = [f"{remark}: {', '.join(names)}" for remark, names in found.items()]
    refused = [text for text in told if text.startswith("cannot")]
    if refused:
        raise PodsLeftError("\n".join(refused).replace("\n", ", "))
    return going, told


def _judge(options: Options, pod: JsonObject) -> tuple[bool, str]:
    """Whether the pod goes, and what is to be said of it; filters.go in its order."""
    metadata, over = pod["metadata"], (pod.get("status") or {}).get("phase") in _OVER
    owner = next(
        (o for o in metadata.get("ownerReferences") or () if o.get("controller")), None
    )
    if owner and owner.get("kind") == "DaemonSet" and not over:
        if not options.flag("ignore-daemonsets"):
            return False, (
                "cannot delete DaemonSet-managed Pods (use --ignore-daemonsets to"
                " ignore)"
            )
        return False, "ignoring DaemonSet-managed Pods"
    if _MIRROR in (metadata.get("annotations") or {}):
        return False, ""
    remark = ""
    volumes = (pod.get("spec") or {}).get("volumes") or ()
    if any("emptyDir" in volume for volume in volumes) and not over:
        if not options.flag("delete-emptydir-data"):
            return False, (
                "cannot delete Pods with local storage (use --delete-emptydir-data to"
                " override)"
            )
        remark = "deleting Pods with local storage"
    if owner is None and not over:
        if not options.flag("force"):
            return False, (
                "cannot delete Pods that declare no controller (use --force to override)"
            )
        remark = "deleting Pods that declare no controller"
    return True, remark


def _key(pod: JsonObject) -> str:
    return f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"


def evict_all(
    options: Options, factory: Factory, pods: list[JsonObject], dry_run: DryRun
) -> None:
    """Ask all to go, then wait until they are gone.

    Raises:
        CommandError: the time is over.
    """
    deadline = time.monotonic() + (options.seconds("timeout") or _FOREVER)
    deletes = options.flag("disable-eviction")
    waiting: list[JsonObject] = []
    for pod in pods:
        verb = "deleting" if deletes else "evicting"
        print(f"{verb} pod {_key(pod)}{dry_run.value}")
        if dry_run is DryRun.CLIENT:
            continue
        _ask(options, factory, pod, dry_run, deadline)
        if dry_run is DryRun.NONE:
            waiting.append(pod)
    for pod in waiting:
        _wait_gone(factory, pod, deadline)
        print(f"pod/{pod['metadata']['name']} {'deleted' if deletes else 'evicted'}")


def _ask(
    options: Options,
    factory: Factory,
    pod: JsonObject,
    dry_run: DryRun,
    deadline: float,
) -> None:
    how: JsonObject = {}
    if options.number("grace-period") >= 0:
        how["gracePeriodSeconds"] = options.number("grace-period")
    if dry_run is DryRun.SERVER:
        how["dryRun"] = ["All"]
    metadata = pod["metadata"]
    path = f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}"
    eviction = {
        "kind": "Eviction",
        "apiVersion": "policy/v1",
        "metadata": {key: metadata[key] for key in ("name", "namespace")},
        "deleteOptions": how,
    }
    while True:
        try:
            if options.flag("disable-eviction"):
                factory.client.call("DELETE", path, body=how)
            else:
                factory.client.call("POST", f"{path}/eviction", body=eviction)
        except StatusError as error:
            if error.reason == "NotFound":
                return
            if error.code != 429:
                raise CommandError(
                    f"error when evicting pods/{_quoted(pod)}: {error}"
                ) from None
            if time.monotonic() + _RETRY > deadline:
                raise _timed_out(pod) from None
            print(
                f"error when evicting pods/{_quoted(pod)} (will retry after 5s): {error}",
                file=sys.stderr,
            )
            time.sleep(_RETRY)
        else:
            return


def _quoted(pod: JsonObject) -> str:
    metadata = pod["metadata"]
    return f'"{metadata["name"]}" -n "{metadata["namespace"]}"'


def _wait_gone(factory: Factory, pod: JsonObject, deadline: float) -> None:
    metadata = pod["metadata"]
    path = f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}"
    while True:
        try:
            now = factory.client.get(path, accept=ACCEPT_REST)
        except StatusError as error:
            if error.reason == "NotFound":
                return
            raise
        if now["metadata"].get("uid") != metadata.get("uid"):
            return
        if time.monotonic() + _POLL > deadline:
            raise _timed_out(pod)
        time.sleep(_POLL)


def _timed_out(pod: JsonObject) -> CommandError:
    return CommandError(
        f"error when waiting for pod {_quoted(pod)} to terminate: global timeout reached"
    )

"""`cluster-info dump`: what there is in some namespaces, with the logs of all pods.

Source: kubernetes/kubectl pkg/cmd/clusterinfo/clusterinfo_dump.go.
"""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

from apimachinery.status import StatusError
from kubectl_cli.errors import CommandError
from kubectl_cli.flags import Flag
from kubectl_cli.printers.objects import PRINT_FLAGS, make_printer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from apimachinery.types import JsonObject
    from kubectl_cli.client.factory import Factory
    from kubectl_cli.flags import Options

SUMMARY = "Print what helps to find out what is wrong with a cluster."
USE = "cluster-info dump [flags]"
EXAMPLES = (
    "kubectl cluster-info dump\n"
    "kubectl cluster-info dump --namespaces default,kube-system"
    " --output-directory=/path/to/cluster-state"
)
FLAGS = (
    *(flag for flag in PRINT_FLAGS if flag.name != "output"),
    Flag("all-namespaces", "bool", short="A", help="All namespaces."),
    Flag("namespaces", "slice", help="These namespaces, with commas."),
    Flag("output", default="json", short="o", help="Output format."),
    Flag("output-directory", help="Folder to write files to; '-' is stdout."),
    Flag("pod-running-timeout", "duration", 20.0, help="Accepted for compatibility."),
)
#: File to type, in kubectl's order.
_TYPES = {
    "events": "/api/v1/namespaces/{}/events",
    "replication-controllers": "/api/v1/namespaces/{}/replicationcontrollers",
    "services": "/api/v1/namespaces/{}/services",
    "daemonsets": "/apis/apps/v1/namespaces/{}/daemonsets",
    "deployments": "/apis/apps/v1/namespaces/{}/deployments",
    "replicasets": "/apis/apps/v1/namespaces/{}/replicasets",
    "pods": "/api/v1/namespaces/{}/pods",
}
_SUFFIXES = {"json": ".json", "yaml": ".yaml"}


def run(options: Options, factory: Factory) -> int:
    """Dump the nodes, then each namespace."""
    dump = _Dump(options, factory)
    dump.write("nodes", factory.client.get("/api/v1/nodes"))
    for namespace in _namespaces(options, factory):
        for file, path in _TYPES.items():
            listed = factory.client.get(path.format(namespace))
            dump.write(f"{namespace}/{file}", listed)
        for pod in listed.get("items") or ():  # the pods are the last
            dump.write_logs(namespace, pod)
    if dump.folder:
        print(f"Cluster info dumped to {dump.folder}")
    return 0


def _namespaces(options: Options, factory: Factory) -> list[str]:
    if options.flag("all-namespaces"):
        listed = factory.client.get("/api/v1/namespaces")
        return [each["metadata"]["name"] for each in listed["items"]]
    return options.items("namespaces") or ["kube-system", factory.namespace]


class _Dump:
    """Where it all goes: one stream, or a file for each list and each pod."""

    def __init__(self, options: Options, factory: Factory) -> None:
        folder = options.text("output-directory")
        self.folder = "" if folder == "-" else folder
        self._client = factory.client
        printer = make_printer(options, typed=True)
        #: None: only names, which lists have not.
        self._printer = None if options.text("output") == "name" else printer
        self._suffix = _SUFFIXES.get(options.text("output"), ".txt")

    @contextmanager
    def _file(self, name: str) -> Iterator[IO[str]]:
        if not self.folder:
            yield sys.stdout
            return
        path = os.path.join(self.folder, name)
        os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
        with open(path, "w", encoding="utf-8", errors="surrogateescape") as stream:
            yield stream

    def write(self, name: str, listed: JsonObject) -> None:
        """Write a list in the format of -o."""
        if self._printer is None:
            raise CommandError(
                f"list types are not supported by name printing: *v1.{listed['kind']}"
            )
        text = self._printer.render(listed)
        with self._file(f"{name}{self._suffix}") as stream:
            stream.write(text)

    def write_logs(self, namespace: str, pod: JsonObject) -> None:
        """Write what the containers of a pod have said, or why it cannot be had."""
        name, spec = pod["metadata"]["name"], pod["spec"]
        containers = [*(spec.get("initContainers") or ()), *spec["containers"]]
        with self._file(f"{namespace}/{name}/logs.txt") as stream:
            for container in containers:
                what = f"logs for container {container['name']} of pod"
                what = f"{what} {namespace}/{name} ===="
                log = self._log(namespace, name, container["name"])
                stream.write(f"==== START {what}\n{log}==== END {what}\n")

    def _log(self, namespace: str, pod: str, container: str) -> str:
        path = f"/api/v1/namespaces/{namespace}/pods/{pod}/log"
        try:
            answer = self._client.raw("GET", path, [("container", container)])
        except StatusError as error:
            return f"Request log error: {error}\n"
        return answer.body.decode("utf-8", "surrogateescape")

"""Logs of pods: which ones are meant, read one after the other or all at once.

Source: kubernetes/kubectl pkg/cmd/logs/logs.go,
pkg/polymorphichelpers/logsforobject.go.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING, Any

from apimachinery.status import StatusError
from kubectl_cli.client.rest import ACCEPT_REST, lines_of
from kubectl_cli.errors import CommandError
from kubectl_cli.logs.errors import reading
from kubectl_cli.selecting.containers import choose_container
from kubectl_cli.selecting.list_failures import telling_of_list
from kubectl_cli.selecting.missing_namespace import telling_of_namespace
from kubectl_cli.selecting.pods import first_pod, is_ready, selector_of
from kubectl_cli.selecting.resources import POD
from kubectl_cli.selecting.targets import MISSING_RESOURCES, split_pair

if TYPE_CHECKING:
    from apimachinery.types import JsonObject
    from hops.blocking.responses import StreamingResponse
    from kubectl_cli.client.factory import Factory
    from kubectl_cli.client.rest import Query
    from kubectl_cli.flags import Options

__all__ = ["LogCommand"]

_DOING = "get the logs from"  # as errors have it


@dataclass(frozen=True, slots=True)
class _Log:
    """One container's log; `container` is "" where the server is to choose."""

    namespace: str
    pod: str
    container: str

    @property
    def path(self) -> str:
        return f"/api/v1/namespaces/{self.namespace}/pods/{self.pod}/log"


class LogCommand:
    """One run of `logs`."""

    def __init__(
        self,
        options: Options,
        factory: Factory,
        name: str,
        container: str,
        query: Query,
    ) -> None:
        self._options = options
        self._factory = factory
        self._name = name
        self._container = container
        self._query = query
        self._prefix = options.flag("prefix") or options.flag("all-pods")
        self._asking = Lock()  # the client is not for several threads

    def run(self) -> int:
        logs = self._find()
        most = self._options.number("max-log-requests")
        if self._options.flag("follow") and len(logs) > 1:
            if len(logs) > most:
                raise CommandError(
                    f"you are attempting to follow {len(logs)} log streams, but maximum"
                    f" allowed concurrency is {most}, use --max-log-requests to increase"
                    " the limit"
                )
            self._follow_all(logs)
            return 0
        for log in logs:
            self._print(log)
        return 0

    def _find(self) -> list[_Log]:
        if selector := self._options.text("selector"):
            return self._of_selector(selector)
        obj = self._get_object()
        if obj.get("kind") == "Pod":
            return self._of_pod(obj)
        if self._options.flag("all-pods"):
            namespace = obj["metadata"]["namespace"]
            pods = self._list(namespace, selector_of(obj, _DOING))
            return [log for pod in pods for log in self._of_pod(pod)]
        timeout = self._options.seconds("pod-running-timeout")
        pod, count = first_pod(self._factory, obj, timeout, _by_logging, _DOING)
        if count > 1:
            name = pod["metadata"]["name"]
            print(f"Found {count} pods, using pod/{name}", file=sys.stderr)
        return self._of_pod(pod)

    def _get_object(self) -> JsonObject:
        namespace = self._factory.namespace
        if not self._name:
            raise CommandError(MISSING_RESOURCES)
        if "/" in self._name:
            kind, name = split_pair(self._name)
            path = self._factory.mapper.resolve(kind).path(namespace, name)
        else:
            path = POD.path(namespace, self._name)
        try:
            with telling_of_namespace(self._factory.client, namespace):
                obj = self._factory.client.get(path, accept=ACCEPT_REST)
        except StatusError as error:
            if error.reason != "NotFound":
                raise
            raise CommandError(
                f"error from server (NotFound): {error.message}"
                f' in namespace "{namespace}"'
            ) from None
        obj["metadata"].setdefault("namespace", namespace)
        return obj

    def _of_selector(self, selector: str) -> list[_Log]:
        pods = self._list(self._factory.namespace, selector)
        if not pods:
            print(
                f"No resources found in {self._factory.namespace} namespace.",
                file=sys.stderr,
            )
        return [log for pod in pods for log in self._of_pod(pod)]

    def _list(self, namespace: str, selector: str) -> list[JsonObject]:
        path = f"/api/v1/namespaces/{namespace}/pods"
        query = [("labelSelector", selector), ("limit", "500")]
        pods: list[JsonObject] = []
        more = ""
        while True:
            asked = [*query, ("continue", more)] if more else query
            with telling_of_list(POD, query):
                listed = self._factory.client.get(path, asked, accept=ACCEPT_REST)
            pods += listed.get("items") or []
            more = (listed.get("metadata") or {}).get("continue") or ""
            if not more:
                return pods

    def _of_pod(self, pod: JsonObject) -> list[_Log]:
        namespace, name = pod["metadata"]["namespace"], pod["metadata"]["name"]
        if self._options.flag("all-containers"):
            spec = pod.get("spec") or {}
            sections = ("initContainers", "containers", "ephemeralContainers")
            return [
                _Log(namespace, name, each["name"])
                for section in sections
                for each in spec.get(section) or ()
            ]
        quiet = self._options.flag("all-pods")
        chosen = choose_container(pod, self._container, quiet=quiet, lenient=True)
        return [_Log(namespace, name, chosen["name"])]

    def _open(self, log: _Log) -> StreamingResponse:
        """The log's stream; with -f a container that is starting is waited for."""
        query = [*self._query, ("container", log.container)]
        waits = self._options.flag("follow") and not self._options.flag("ignore-errors")
        timeout = self._options.seconds("pod-running-timeout")
        deadline = time.monotonic() + timeout
        while True:
            try:
                with self._asking:
                    client = self._factory.client
                    return client.stream(log.path, query, accept=ACCEPT_REST)
            except StatusError as error:
                if not waits or error.reason != "BadRequest":
                    raise
                print(error.message, file=sys.stderr)
            left = max(0.0, deadline - time.monotonic())
            time.sleep(min(1.0, left))
            if left <= 1.0:
                raise CommandError("context deadline exceeded")

    def _print(self, log: _Log) -> None:
        try:
            with self._open(log) as stream, reading():
                self._copy(log, stream, sys.stdout.buffer)
        except StatusError as error:
            if not self._options.flag("ignore-errors"):
                raise
            sys.stdout.write(f"error: {error}\n")

    def _copy(self, log: _Log, stream: StreamingResponse, out: Any) -> None:
        sys.stdout.flush()
        if not self._prefix:
            for chunk in stream.chunks():
                out.write(chunk)
                out.flush()
            return
        head = f"[pod/{log.pod}/{log.container}] ".encode()
        for line in lines_of(stream.chunks()):
            out.write(head + line)
            out.flush()

    def _follow_all(self, logs: list[_Log]) -> None:
        """Several logs at once: one thread each, whole lines, the first error ends all."""
        from kubectl_cli.logs.merging import LogStreams

        streams = LogStreams(
            prefix=self._prefix, ignore_errors=self._options.flag("ignore-errors")
        )
        for log in logs:
            head = f"[pod/{log.pod}/{log.container}] "
            streams.add(head, partial(self._open, log))
        streams.run()


def _by_logging(pod: JsonObject) -> tuple[Any, ...]:
    """podutils.ByLogging: unassigned, unready and young ones last to first, so that the
    most interesting one comes first: assigned, then NOT ready before ready.

    ByLogging sorts "not ready < ready" since what fails is what one wants to read.
    """
    status, metadata = pod.get("status") or {}, pod["metadata"]
    phases = {"Running": 0, "Unknown": 1, "Pending": 2}
    restarts = [c.get("restartCount", 0) for c in status.get("containerStatuses") or ()]
    ready = is_ready(pod)
    return (
        not (pod.get("spec") or {}).get("nodeName"),
        phases.get(str(status.get("phase")), 3),
        not ready,
        -max(restarts, default=0),
        _youngest_first(str(metadata.get("creationTimestamp") or "")),
    )


def _youngest_first(timestamp: str) -> tuple[int, ...]:
    return tuple(-ord(letter) for letter in timestamp)

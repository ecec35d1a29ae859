"""What `run` does once its flags are right.

Source: kubernetes/kubectl pkg/cmd/run/run.go (Run, createGeneratedObject,
handleAttachPod, waitForPod), pkg/generate/versioned/run.go (BasicPod).
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from apimachinery.status import StatusError
from kubectl_cli.applying.last_applied import with_last_applied
from kubectl_cli.changes import DryRun, ResultPrinter, dry_run_of, raise_all
from kubectl_cli.client.rest import ACCEPT_REST
from kubectl_cli.deletion import deleted_text
from kubectl_cli.errors import CommandError, RemoteExitError
from kubectl_cli.waiting.until import follow_object

if TYPE_CHECKING:
    from apimachinery.types import JsonObject
    from kubectl_cli.client.factory import Factory
    from kubectl_cli.flags import Options

__all__ = ["RunCommand"]

_ENDED = ("Succeeded", "Failed")


class RunCommand:
    """One run of `run`."""

    def __init__(
        self,
        options: Options,
        factory: Factory,
        name: str,
        words: list[str],
        *,
        attached: bool,
    ) -> None:
        self._options = options
        self._factory = factory
        self._name = name
        self._words = words
        self._attached = attached
        self._dry_run = dry_run_of(options)
        self._printer = ResultPrinter(options, self._dry_run, typed=True)
        self._pods = f"/api/v1/namespaces/{factory.namespace}/pods"
        self._path = f"{self._pods}/{name}"

    def run(self) -> int:
        pod = self._generate()
        if self._options.flag("expose"):
            self._expose(pod)
        created = self._create(self._pods, pod)
        if not self._attached:
            self._printer.show(created, "created")
            return 0
        failure: Exception | None = None
        try:
            failure = self._attach()
        finally:
            if self._options.flag("rm"):
                self._remove()
        if failure is not None:
            raise failure
        return 0

    def _generate(self) -> JsonObject:
        options = self._options
        metadata: JsonObject = {"name": self._name}
        if self._factory.namespace_given:
            metadata["namespace"] = self._factory.namespace
        metadata["labels"] = self._labels()
        if annotations := _pairs(options.items("annotations"), "annotation"):
            metadata["annotations"] = annotations
        pod: JsonObject = {
            "kind": "Pod",
            "apiVersion": "v1",
            "metadata": metadata,
            "spec": {
                "containers": [self._container()],
                "restartPolicy": options.text("restart"),
                "dnsPolicy": "ClusterFirst",
            },
            "status": {},
        }
        return self._overridden(pod)

    def _labels(self) -> dict[str, str]:
        text = self._options.text("labels")
        if not text:
            return {"run": self._name}
        labels = {}
        for part in text.split(","):
            key, equals, value = part.partition("=")
            if not equals or not key:
                raise CommandError(f"unexpected label spec: {part}")
            labels[key] = value
        return labels

    def _container(self) -> JsonObject:
        options = self._options
        container: JsonObject = {"name": self._name, "image": options.text("image")}
        if self._words:
            key = "command" if options.flag("command") else "args"
            container[key] = self._words
        if options.text("port"):
            container["ports"] = [{"containerPort": _port(options.text("port"))}]
        if environment := [_variable(each) for each in options.items("env")]:
            container["env"] = environment
        container["resources"] = {}
        if options.text("image-pull-policy"):
            container["imagePullPolicy"] = options.text("image-pull-policy")
        if options.flag("privileged"):
            container["securityContext"] = {"privileged": True}
        if options.flag("stdin"):
            container["stdin"] = True
            if not options.flag("leave-stdin-open"):
                container["stdinOnce"] = True
        if options.flag("tty"):
            container["tty"] = True
        return container

    def _overridden(self, pod: JsonObject) -> JsonObject:
        text = self._options.text("overrides")
        if not text:
            return pod
        from kubectl_cli.documents.overrides import override

        return override(pod, text, self._options.text("override-type"))

    def _expose(self, pod: JsonObject) -> None:
        port = _port(self._options.text("port"))
        metadata: JsonObject = {"name": self._name}
        if self._factory.namespace_given:
            metadata["namespace"] = self._factory.namespace
        service = {
            "kind": "Service",
            "apiVersion": "v1",
            "metadata": metadata,
            "spec": {
                "ports": [{"protocol": "TCP", "port": port, "targetPort": port}],
                "selector": pod["metadata"]["labels"],
            },
            "status": {"loadBalancer": {}},
        }
        path = f"/api/v1/namespaces/{self._factory.namespace}/services"
        self._printer.show(self._create(path, service), "created")
        if self._options.text("output") == "yaml":
            print("---")

    def _create(self, path: str, obj: JsonObject) -> JsonObject:
        if self._options.flag("save-config"):
            obj = with_last_applied(obj)
        if self._dry_run is DryRun.CLIENT:
            return obj
        query = [("fieldManager", self._options.text("field-manager"))]
        if self._dry_run is DryRun.SERVER:
            query.append(("dryRun", "All"))
        return self._factory.client.call("POST", path, query, obj, accept=ACCEPT_REST)

    def _attach(self) -> Exception | None:
        """Wait, attach, and learn how the pod ended; the error to end with."""
        from kubectl_cli.streams.attaching import attach_or_else

        options = self._options
        pod = self._wait_for(
            _is_running_or_ended, options.seconds("pod-running-timeout")
        )
        container = self._shown_container(pod)
        phase = (pod.get("status") or {}).get("phase")
        if phase in _ENDED:
            # logs.go: "the pod has already completed", so its log is all there is
            self._print_log(container)
        else:
            self._print_log(container)
            attach_or_else(
                self._factory,
                pod,
                container,
                options,
                lambda: self._print_log(container),
            )
        if options.text("restart") == "Always" and phase not in _ENDED:
            return None
        ended = self._wait_for(_has_ended, 0)
        return self._outcome(ended)

    def _shown_container(self, pod: JsonObject) -> str:
        from kubectl_cli.selecting.containers import choose_container

        quiet = self._options.flag("quiet")
        return str(choose_container(pod, "", quiet=quiet)["name"])

    def _print_log(self, container: str) -> None:
        """1.36: what was written before we attach."""
        query = [("container", container)]
        path = f"{self._path}/log"
        try:
            with self._factory.client.stream(path, query, accept=ACCEPT_REST) as log:
                for chunk in log.chunks():
                    sys.stdout.flush()
                    sys.stdout.buffer.write(chunk)
            sys.stdout.flush()
        except StatusError:
            return

    def _wait_for(self, condition: Any, timeout: float) -> JsonObject:
        forever = 7 * 24 * 3600.0
        client = self._factory.client
        for kind, pod in follow_object(
            client, self._pods, self._name, timeout or forever
        ):
            if kind == "DELETED":
                raise CommandError(f'pods "{self._name}" not found')
            if kind in ("ADDED", "MODIFIED") and condition(pod):
                pod["metadata"].setdefault("namespace", self._factory.namespace)
                return pod
        raise CommandError("timed out waiting for the condition")

    def _outcome(self, pod: JsonObject) -> Exception | None:
        """The exit code of the first container that failed."""
        status = pod.get("status") or {}
        if status.get("phase") == "Succeeded":
            return None
        namespace, name = pod["metadata"]["namespace"], pod["metadata"]["name"]
        for each in status.get("containerStatuses") or ():
            ended = (each.get("state") or {}).get("terminated") or {}
            code = ended.get("exitCode") or 0
            if code:
                reason = ended.get("reason") or ""
                text = f"pod {namespace}/{name} terminated ({reason})"
                if message := ended.get("message"):
                    text += f"\n{message}"
                return RemoteExitError(text, code)
        reason = status.get("reason") or ""
        text = f"pod {namespace}/{name} failed"
        return CommandError(f"{text} ({reason})" if reason else text)

    def _remove(self) -> None:
        """--rm: delete the pod, and the service that --expose made."""
        client, namespace = self._factory.client, self._factory.namespace
        body = {
            "kind": "DeleteOptions",
            "apiVersion": "v1",
            "propagationPolicy": "Background",
        }
        errors: list[Exception] = []
        try:
            client.get(self._path, accept=ACCEPT_REST)
            client.call("DELETE", self._path, body=body, accept=ACCEPT_REST)
        except StatusError as error:
            if error.reason != "NotFound":
                errors.append(error)
        else:
            if not self._options.flag("quiet"):
                print(deleted_text("pod", self._name, namespace))
                sys.stdout.flush()
        if self._options.flag("expose"):
            path = f"/api/v1/namespaces/{namespace}/services/{self._name}"
            client.call("DELETE", path, body=body, accept=ACCEPT_REST)
            print(deleted_text("service", self._name, namespace))
        raise_all(errors)


def _is_running_or_ended(pod: JsonObject) -> bool:
    """podRunningAndReady or finished."""
    status = pod.get("status") or {}
    if status.get("phase") in _ENDED:
        return True
    if status.get("phase") != "Running":
        return False
    conditions = status.get("conditions") or ()
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)


def _has_ended(pod: JsonObject) -> bool:
    return (pod.get("status") or {}).get("phase") in _ENDED


def _port(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        from apimachinery.go_text import quote

        raise CommandError(
            f"strconv.Atoi: parsing {quote(text)}: invalid syntax"
        ) from None


def _variable(text: str) -> JsonObject:
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise CommandError(f"invalid env: {text}")
    return {"name": key, "value": value} if value else {"name": key}


def _pairs(items: list[str], what: str) -> dict[str, str]:
    pairs = {}
    for item in items:
        key, equals, value = item.partition("=")
        if not equals or not key:
            raise CommandError(f"unexpected {what} spec: {item}")
        pairs[key] = value
    return pairs

"""`Cluster`: a whole cluster for a program, from a test or a script.

    with mini_kube.Cluster() as cluster:
        cluster.run_pod("web", image="nginx")
        result = cluster.exec("web", "cat", "/etc/hostname")
        assert result.exit_code == 0

Everything of it lies in a folder of its own, below the system's folder for temporary
files, and goes when the `with` block is left, however it is left: also when the process
is killed (see `mini_kube.keeper`). Several may be up at once.
"""

from __future__ import annotations

import os
import subprocess
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from certs.pki import Pki
from cluster.layout import Layout
from cluster.services import executable
from hops.blocking.tls import TlsSettings
from hops.cluster_view import ClusterView
from mini_kube.api import Api, Manifest
from mini_kube.clock import Clock
from mini_kube.errors import ClusterError
from mini_kube.execution import ExecResult, Refused, open_exec, run_exec
from mini_kube.forwarding import PortForward
from mini_kube.keeping import Keeper
from mini_kube.manifests import documents
from mini_kube.pods import Pod, is_ready, make_pod
from mini_kube.resetting import reset
from mini_kube.wanted import check_wanted
from mini_kube.watching import Trace

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from faults.client import FaultClient

__all__ = ["Cluster"]


class Cluster:
    """A cluster of this program's own. Methods may be called from several threads.

    Args:
        nodes: how many kubelets and runtimes, from 1 to 50 as with `mini-kube up`.
        emulate_version: the Kubernetes version whose behaviour is shown, e.g. "1.30";
            empty: the newest.
        image_policy: "permissive" or "strict", see docs/images.md.
        image_catalogue: a YAML file with more images, see docs/images.md.
        kwok_config: a YAML file with objects of kwok.x-k8s.io, see
            docs/scripted-containers.md.
        trace: whether every frame of every hop is written down, for `trace`.
        name: part of the names of nodes and of the kubeconfig's context; lower-case
            letters, digits and '-', at most 24. Clusters side by side may share it.
        namespace: where `exec`, `run_pod` and the rest look when no other is given.
        timeout: how many seconds starting may take, and waiting for a pod.

    Raises:
        ValueError: an argument cannot be.
    """

    def __init__(
        self,
        *,
        nodes: int = 1,
        emulate_version: str = "",
        image_policy: str = "",
        image_catalogue: str | Path = "",
        kwok_config: str | Path = "",
        trace: bool = True,
        name: str = "test",
        namespace: str = "default",
        timeout: float = 60.0,
    ) -> None:
        check_wanted(
            nodes=nodes,
            name=name,
            timeout=timeout,
            emulate_version=emulate_version,
            image_policy=image_policy,
            files={"image_catalogue": image_catalogue, "kwok_config": kwok_config},
        )
        self.name = name
        self.namespace = namespace
        self.timeout = timeout
        self._settings = {
            "nodes": nodes,
            "emulate_version": emulate_version,
            "image_policy": image_policy,
            "image_catalogue": str(Path(image_catalogue).absolute())
            if image_catalogue
            else "",
            "kwok_config": str(Path(kwok_config).absolute()) if kwok_config else "",
        }
        self._traces = trace
        self._keeper: Keeper | None = None

    # ---- life

    def start(self) -> Self:
        """Start, and return when all nodes are Ready. Answers itself.

        Raises:
            ClusterError: it could not be started; nothing of it is left.
        """
        if self._keeper is not None:
            raise ClusterError("the cluster was started already")
        settings = {k: v for k, v in self._settings.items() if v}
        self._keeper = Keeper.start(
            self.name, settings, traces=self._traces, timeout=self.timeout
        )
        return self

    def stop(self) -> None:
        """End it, and return when nothing of it is left. Idempotent."""
        keeper, self._keeper = self._keeper, None
        for name in ("trace", "api", "faults", "clock"):
            part = self.__dict__.pop(name, None)
            if close := getattr(part, "close", None):
                close()
        if keeper is not None:
            keeper.stop()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def running(self) -> bool:
        """Whether it is up."""
        return self._keeper is not None and self._keeper.alive

    # ---- where it is

    @property
    def state(self) -> Path:
        """Its state folder: logs, certificates, the store."""
        return Path(self._facts["state"])

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig."""
        return self.state / "kubeconfig"

    @property
    def env(self) -> dict[str, str]:
        """Our environment with KUBECONFIG set, for programs that speak to it."""
        return {**os.environ, "KUBECONFIG": str(self.kubeconfig)}

    @property
    def nodes(self) -> tuple[str, ...]:
        """The names of its nodes."""
        return tuple(self._facts["nodes"])

    @property
    def server(self) -> str:
        """The URL of its API server."""
        return str(self._facts["server"])

    @property
    def services(self) -> Mapping[str, Path]:
        """Its services, and the control socket of each (`hops.admin`)."""
        sockets = self._facts["admin_sockets"]
        return {name: Path(path) for name, path in sockets.items()}

    @cached_property
    def view(self) -> ClusterView:
        """The cluster as the tools of mini-kube take it."""
        return ClusterView(
            name=self.name,
            state=self.state,
            sockets=Path(self._facts["sockets"]),
            kubeconfig=self.kubeconfig,
            admin_sockets=self.services,
            trace_dir=self.state / "trace" if self._traces else None,
        )

    # ---- its parts

    @cached_property
    def api(self) -> Api:
        """The Kubernetes API: objects as dicts."""
        pki = Pki(Layout(self.state, self.state).pki)
        tls = TlsSettings(
            ca_file=str(pki.ca_cert),
            cert_file=str(pki.admin.cert),
            key_file=str(pki.admin.key),
        )
        return Api(self.server, tls)

    @cached_property
    def trace(self) -> Trace:
        """What went over the hops since the cluster was started, or last reset."""
        return Trace(self.view)

    @cached_property
    def faults(self) -> FaultClient:
        """Making hops fail: `faults.add("latency", hop=..., latency=100)`."""
        from faults.client import FaultClient

        return FaultClient(self.view)

    @cached_property
    def clock(self) -> Clock:
        """The services' clocks, which can be moved: `clock.advance(4 * 3600)`."""
        return Clock(self.view)

    # ---- commands

    def kubectl(
        self,
        *arguments: str,
        input: str | None = None,
        check: bool = False,
        timeout: float | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run mini-kubectl; input and output are text.

        Raises:
            subprocess.CalledProcessError: it failed, and `check` was asked for.
        """
        return subprocess.run(
            [executable("mini-kubectl"), *arguments],
            input="" if input is None else input,
            capture_output=True,
            text=True,
            env=self.env,
            check=check,
            timeout=timeout,
        )

    def exec(
        self,
        pod: str,
        *argv: str,
        stdin: bytes = b"",
        container: str | None = None,
        namespace: str | None = None,
        tty: bool = False,
        timeout: float | None = None,
    ) -> ExecResult:
        """Run a command in a container, without kubectl: a few milliseconds.

        Args:
            container: needed when the pod has several.
            timeout: seconds; by default the cluster's.

        Raises:
            ApiError: the request was refused, e.g. there is no such pod.
            ExecError: the command could not be run, or the connection broke.
            TimeoutError: it has not ended in time.
        """
        path = self._pod_path(pod, namespace)
        seconds = self.timeout if timeout is None else timeout
        try:
            opened = open_exec(self.api, path, argv, container, tty=tty)
        except Refused as refusal:
            if refusal.error.status:
                raise refusal.error from None  # SPDY would be refused as well
            return self._exec_by_kubectl(
                pod, argv, stdin, container, namespace, seconds
            )
        return run_exec(opened, stdin, seconds)

    def apply(
        self, manifest: Manifest | str | Path, *, namespace: str | None = None
    ) -> list[Manifest]:
        """Create or change objects (server-side apply); answers them as they are now.

        Args:
            manifest: one object, or YAML with one or several, or a file of it.

        Raises:
            ApiError: the server refused one; those before it are applied.
        """
        where = namespace or self.namespace
        return [self.api.apply(each, where) for each in documents(manifest)]

    def run_pod(
        self,
        name: str,
        *,
        image: str = "",
        command: Sequence[str] = (),
        script: Mapping[str, Any] | None = None,
        files: Mapping[str, str | bytes] | None = None,
        env: Mapping[str, str] | None = None,
        ports: Sequence[int] = (),
        labels: Mapping[str, str] | None = None,
        container: Mapping[str, Any] | None = None,
        namespace: str | None = None,
        ready: bool = True,
        **spec: Any,
    ) -> Manifest:
        """Create a pod of one container, and return when it is Ready.

        Args:
            image: by default a container that does nothing until it is ended.
            command: instead of the image's own.
            script: the answers of a scripted container, see docs/scripted-containers.md.
            files: what its root holds, by path; makes it a scripted container.
            container: more fields of the container, in the API's words: probes, `tty` ...
            ready: False returns as soon as the pod is created.
            spec: more fields of the pod's spec, in the API's words.

        Raises:
            ValueError: the command is a text in place of a list.
            ApiError: the server refused, also a field that it does not know.
            WaitError: it was not Ready in time.
        """
        manifest = make_pod(
            name,
            image=image,
            command=command,
            script=script,
            files=files,
            env=env or {},
            ports=ports,
            labels=labels or {},
            container=container or {},
            spec=spec,
        )
        collection = self._pod_path("", namespace).rstrip("/")
        pod = self.api.call(
            "POST", collection, manifest, query={"fieldValidation": "Strict"}
        )
        return self.wait_ready(name, namespace=namespace) if ready else pod

    def pod(self, name: str, *, namespace: str | None = None) -> Pod:
        """A handle for a pod, which need not be there."""
        return Pod(self, name, namespace or self.namespace)

    def wait_ready(
        self, pod: str, *, namespace: str | None = None, timeout: float | None = None
    ) -> Manifest:
        """The pod, once its condition Ready is True.

        Raises:
            WaitError: it was not in time; the text has its status.
        """
        seconds = self.timeout if timeout is None else timeout
        path = self._pod_path(pod, namespace)
        found = self.api.wait(path, is_ready, timeout=seconds, what="Ready")
        assert found is not None  # noqa: S101 - what is absent is not Ready
        return found

    def logs(
        self,
        pod: str,
        *,
        container: str | None = None,
        namespace: str | None = None,
        previous: bool = False,
    ) -> str:
        """What the container has said so far.

        Raises:
            ApiError: there is no such container, or it has not started.
        """
        query = {"container": container} if container else {}
        if previous:
            query["previous"] = "true"
        data = self.api.text(f"{self._pod_path(pod, namespace)}/log", query)
        return data.decode(errors="replace")

    def port_forward(
        self, pod: str, port: int, *, namespace: str | None = None
    ) -> PortForward:
        """Forward a port of this machine to a port of a pod, while entered:

        with cluster.port_forward("web", 80) as local:
            socket.create_connection(("127.0.0.1", local.port))
        """
        return PortForward(self.env, pod, port, namespace or self.namespace)

    def reset(self) -> None:
        """Make it as it was when it was started, as far as can be seen from outside.

        All objects but those of the system are deleted, and waited for; faults are
        removed; traces are forgotten. The clocks stay where they are.
        """
        reset(self)

    # ---- inside

    @property
    def _facts(self) -> dict[str, Any]:
        if self._keeper is None:
            raise ClusterError("the cluster is not running")
        return self._keeper.facts

    def _pod_path(self, pod: str, namespace: str | None) -> str:
        return f"/api/v1/namespaces/{namespace or self.namespace}/pods/{pod}"

    def _exec_by_kubectl(
        self,
        pod: str,
        argv: Sequence[str],
        stdin: bytes,
        container: str | None,
        namespace: str | None,
        timeout: float,
    ) -> ExecResult:
        """Over SPDY, which a server older than WebSockets speaks."""
        flags = ["-i", "-n", namespace or self.namespace]
        if container:
            flags += ["-c", container]
        try:
            done = subprocess.run(
                [executable("mini-kubectl"), "exec", *flags, pod, "--", *argv],
                input=stdin,
                capture_output=True,
                env=self.env,
                timeout=timeout,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise TimeoutError("the command has not ended in time") from None
        return ExecResult(done.stdout, done.stderr, done.returncode)

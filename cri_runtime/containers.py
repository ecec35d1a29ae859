"""Containers: CREATED, RUNNING, EXITED, and each of these steps exactly once."""

from __future__ import annotations

import asyncio
import json
import logging
import os
from typing import TYPE_CHECKING, Any

from cri_runtime import ids
from cri_runtime.environment import link_mounts, make_process, stop_signal
from cri_runtime.errors import Code, CriError
from cri_runtime.records import Container, container_name
from cri_runtime.shim_client import ShimError
from hops.clock import wall_ns
from rpc import cri_v1_pb2 as cri

if TYPE_CHECKING:
    from pathlib import Path

    from cri_runtime.images.store import Images
    from cri_runtime.records import Sandbox
    from cri_runtime.sandboxes import Sandboxes
    from cri_runtime.scripts.scripts import Scripts
    from cri_runtime.shim.protocol import Message
    from cri_runtime.store import RecordStore

__all__ = ["Containers"]

logger = logging.getLogger(__name__)

# Which failure this is, in the layers that containerd and runc put around it.
_START_FAILURE = (
    "failed to create containerd task: failed to create shim task: OCI runtime create "
    "failed: runc create failed: unable to start container process: error during "
    "container init: "
)
_SIGKILL = 9
# containerd internal/cri/server/container_start.go and helpers.go
_START_ERROR_CODE = 128
_UNKNOWN_CODE = 255


class Containers:
    """Makes, starts, stops, forgets and finds again."""

    def __init__(
        self,
        sandboxes: Sandboxes,
        images: Images,
        store: RecordStore,
        scripts: Scripts,
    ) -> None:
        self._sandboxes = sandboxes
        self._images = images
        self._store = store
        self._scripts = scripts
        self._containers: dict[str, Container] = {}
        self._names: dict[str, str] = {}
        self._exits: dict[str, asyncio.Event] = {}
        self._locks: dict[str, asyncio.Lock] = {}
        self._starting: set[str] = set()
        self._stop_signals_sent: set[str] = set()
        sandboxes.on_event["exited"] = self._on_exited
        sandboxes.on_gone.append(self._on_gone)

    def all(self) -> list[Container]:
        """All containers."""
        return list(self._containers.values())

    def of(self, sandbox_id: str) -> list[Container]:
        """The containers of a sandbox."""
        return [c for c in self._containers.values() if c.sandbox_id == sandbox_id]

    def get(self, identity: str) -> Container | None:
        """By full id."""
        return self._containers.get(identity)

    def find(self, wanted: str) -> Container:
        """By id or unique prefix. Raises CriError: NotFound."""
        return ids.find(wanted, self._containers)

    def directory(self, container: Container) -> Path:
        """Where the container's belongings are."""
        return self._store.directory(container.id)

    def scratch(self, container: Container) -> Path:
        """The directory that stands for the container's root."""
        return self.directory(container) / "root"

    async def create(self, sandbox: Sandbox, config: cri.ContainerConfig) -> Container:
        """Make a container; nothing runs yet.

        Raises:
            CriError: no such image, the name is taken, the sandbox is not READY.
        """
        self._sandboxes.shim(sandbox.id)
        image = self._images.require(config.image.image)
        container = Container(
            ids.new_id(),
            sandbox.id,
            config,
            image_id=image.id,
            image_name=str(image.reference),
            image_ref=image.repo_digest,
            stop_signal=stop_signal(config, image),
            log_path=_log_path(sandbox, config),
        )
        self._reserve(container, sandbox)
        try:
            root = self.scratch(container)
            _make_directory(root)
            for path in link_mounts(list(config.mounts), root):
                logger.debug("mount left out: %s", path, extra={"id": container.id})
            container.process = make_process(
                container.id, config, image, sandbox, root, os.environ
            )
            self._scripts.dress(container, sandbox, image, root)
            _hand_over(root, container.process.user)
            container.created_at = wall_ns()
            self._save(container)
        except BaseException as error:
            # Whatever it was: the name is free again, for who tries once more.
            self._forget(container, sandbox)
            await asyncio.to_thread(self._store.remove, container.id)
            if not isinstance(error, OSError):
                raise
            raise CriError(f"failed to create container: {error}") from error
        self._containers[container.id] = container
        self._publish(container, cri.CONTAINER_CREATED_EVENT)
        return container

    async def start(self, container: Container) -> None:
        """Start the main process.

        Raises:
            CriError: not in CREATED, or the process cannot be started; the container is
                EXITED with 128 then.
        """
        async with self._lock(container):
            if container.state != cri.CONTAINER_CREATED:
                raise CriError(
                    f'failed to set starting state for container "{container.id}": '
                    f"container is in {container.state_name} state"
                )
            shim = self._sandboxes.shim(container.sandbox_id)
            self._starting.add(container.id)
            try:
                answer = await shim.request("start", **self._start_request(container))
            except ShimError as error:
                raise self._start_failed(container, error) from error
            finally:
                self._starting.discard(container.id)
            self._started(container, answer)

    async def stop(self, container: Container, grace_seconds: float) -> None:
        """Signal, grace period, SIGKILL. Nothing when it does not run."""
        if container.state != cri.CONTAINER_RUNNING:
            return
        ended = self._exit_event(container)
        if grace_seconds > 0:
            # containerd container_stop.go: once, however often it is asked to stop
            if container.id not in self._stop_signals_sent:
                self._stop_signals_sent.add(container.id)
                await self._signal(container, container.stop_signal)
            try:
                async with asyncio.timeout(grace_seconds):
                    await ended.wait()
            except TimeoutError:
                logger.info("grace period is over", extra={"id": container.id})
        if not ended.is_set():
            await self._signal(container, _SIGKILL)
            await ended.wait()

    async def remove(self, container: Container) -> None:
        """Forget a container; a running one is killed first. Idempotent."""
        if container.id in self._starting:
            text = f'container "{container.id}" is in starting state, can\'t be removed'
            raise CriError(f"failed to set removing state for container: {text}")
        async with self._lock(container):
            if container.id not in self._containers:
                return
            await self.stop(container, 0)
            sandbox = self._sandboxes.get(container.sandbox_id)
            if sandbox is not None:
                self._forget(container, sandbox)
                await self._tell_shim(container)
            await asyncio.to_thread(self._store.remove, container.id)
            del self._containers[container.id]
            self._locks.pop(container.id, None)
            self._exits.pop(container.id, None)
            self._stop_signals_sent.discard(container.id)
            self._scripts.forget(container)
        self._publish(container, cri.CONTAINER_DELETED_EVENT)

    async def reopen_log(self, container: Container) -> None:
        """Go on in a fresh log file. Raises CriError: not running."""
        if container.state != cri.CONTAINER_RUNNING:
            raise CriError("container is not running")
        shim = self._sandboxes.shim(container.sandbox_id)
        try:
            await shim.request("reopen_log", container=container.id)
        except ShimError as error:
            raise CriError(f"failed to reopen container log: {error}") from error

    async def wait(self, container: Container) -> None:
        """Until it has exited."""
        if not container.finished_at:
            await self._exit_event(container).wait()

    async def pids(self, container: Container) -> list[int]:
        """All processes of a running container; none when it does not run."""
        if container.state != cri.CONTAINER_RUNNING:
            return []
        try:
            shim = self._sandboxes.shim(container.sandbox_id)
            answer = await shim.request("pids", container=container.id)
        except (CriError, ShimError):
            return []
        pids: list[int] = answer["pids"]
        return pids

    async def update_resources(
        self, container: Container, resources: cri.LinuxContainerResources
    ) -> None:
        """Take the limits that are set; zero leaves one as it is.

        Source: containerd internal/cri/server/container_update_resources.go.
        """
        limits = container.config.linux.resources
        limits.MergeFrom(resources)
        self._save(container)
        if container.state != cri.CONTAINER_RUNNING:
            return
        try:
            shim = self._sandboxes.shim(container.sandbox_id)
            await shim.request(
                "limit_memory",
                container=container.id,
                bytes=limits.memory_limit_in_bytes,
            )
        except ShimError as error:
            logger.debug("limit: %s", error, extra={"id": container.id})

    def recover(self, told: dict[str, list[Message]]) -> None:
        """Find the containers of an earlier run, and what became of them since.

        `told` is what the shims of READY sandboxes say they hold.
        """
        described = {
            item["container"]: item for items in told.values() for item in items
        }
        for document in self._store.load().values():
            container = Container.from_document(document)
            sandbox = self._sandboxes.get(container.sandbox_id)
            if sandbox is None:
                self._store.remove(container.id)
                continue
            self._containers[container.id] = container
            name = container_name(container.config.metadata, sandbox.config.metadata)
            self._names[name] = container.id
            self._catch_up(container, described.get(container.id))

    def _catch_up(self, container: Container, item: Message | None) -> None:
        """Bring one container to where its shim says it is."""
        if container.finished_at:
            return
        if item is None:
            if container.started_at:
                self._lost(container)
            return
        container.pid, container.started_at = item["pid"], item["started_at"]
        if item["exit"]:
            self._ended(container, item["exit"])
        else:
            self._save(container)

    def _reserve(self, container: Container, sandbox: Sandbox) -> None:
        name = container_name(container.config.metadata, sandbox.config.metadata)
        if holder := self._names.get(name):
            raise CriError(
                f'failed to reserve container name "{name}": name "{name}" is reserved '
                f'for "{holder}"',
                Code.FAILED_PRECONDITION,
            )
        self._names[name] = container.id

    def _forget(self, container: Container, sandbox: Sandbox) -> None:
        name = container_name(container.config.metadata, sandbox.config.metadata)
        self._names.pop(name, None)

    def _start_request(self, container: Container) -> dict[str, Any]:
        config, process = container.config, container.process
        return {
            "container": container.id,
            "argv": process.argv,
            "env": process.env,
            "cwd": process.cwd,
            "user": process.user,
            "tty": config.tty,
            "stdin": config.stdin,
            "stdin_once": config.stdin_once,
            "log_path": container.log_path,
            "exit_path": str(self.directory(container) / "exit.json"),
            "memory_limit": config.linux.resources.memory_limit_in_bytes,
            "note": process.note,
        }

    def _started(self, container: Container, answer: Message) -> None:
        """Note the start, once: the end may be known before the answer is looked at."""
        if container.started_at or container.finished_at:
            return
        container.pid, container.started_at = answer["pid"], answer["started_at"]
        self._save(container)
        self._publish(container, cri.CONTAINER_STARTED_EVENT)

    def _start_failed(self, container: Container, error: ShimError) -> CriError:
        text = f"{_START_FAILURE}{error}"
        container.finished_at = wall_ns()
        container.exit_code = _START_ERROR_CODE
        container.reason, container.message = "StartError", text
        self._exit_event(container).set()
        self._save(container)
        self._publish(container, cri.CONTAINER_STOPPED_EVENT)
        return CriError(text)

    async def _signal(self, container: Container, number: int) -> None:
        try:
            shim = self._sandboxes.shim(container.sandbox_id)
            await shim.request("signal", container=container.id, signal=number)
        except (CriError, ShimError) as error:
            # It has just ended; the wait for that follows.
            logger.debug("signal: %s", error, extra={"id": container.id})

    async def _tell_shim(self, container: Container) -> None:
        try:
            shim = self._sandboxes.shim(container.sandbox_id)
            await shim.request("forget", container=container.id)
        except (CriError, ShimError) as error:
            logger.debug("forget: %s", error, extra={"id": container.id})

    def _on_exited(self, event: Message) -> None:
        container = self._containers.get(event["container"])
        if container is not None:
            self._started(container, event)
            self._ended(container, event["exit"])

    def _on_gone(self, sandbox: Sandbox) -> None:
        """The shim is gone, and all that ran below it."""
        for container in self.of(sandbox.id):
            if container.state == cri.CONTAINER_RUNNING:
                self._lost(container)

    def _lost(self, container: Container) -> None:
        """Nobody is left to say how it ended, unless the shim wrote it down."""
        try:
            told = json.loads((self.directory(container) / "exit.json").read_text())
        except (OSError, ValueError):
            told = {"code": _UNKNOWN_CODE, "finished_at": wall_ns(), "lost": True}
        self._ended(container, told)

    def _ended(self, container: Container, told: dict[str, Any]) -> None:
        """Note the end, once."""
        if container.finished_at:
            return
        container.finished_at = told["finished_at"]
        container.exit_code = told["code"]
        container.reason = _reason(told)
        self._exit_event(container).set()
        self._save(container)
        self._publish(container, cri.CONTAINER_STOPPED_EVENT)

    def _save(self, container: Container) -> None:
        self._store.save(container.id, container.to_document())

    def _publish(self, container: Container, kind: int) -> None:
        self._sandboxes.publish(container.sandbox_id, container.id, kind)

    def _exit_event(self, container: Container) -> asyncio.Event:
        return self._exits.setdefault(container.id, asyncio.Event())

    def _lock(self, container: Container) -> asyncio.Lock:
        return self._locks.setdefault(container.id, asyncio.Lock())


def _reason(told: dict[str, Any]) -> str:
    if told.get("lost"):
        return "Unknown"
    if told.get("oom"):
        return "OOMKilled"
    return "Error" if told["code"] else "Completed"


def _log_path(sandbox: Sandbox, config: cri.ContainerConfig) -> str:
    directory = sandbox.config.log_directory
    if not directory or not config.log_path:
        return ""
    return os.path.join(directory, config.log_path)


def _make_directory(root: Path) -> None:
    root.parent.mkdir(mode=0o711)
    root.mkdir(mode=0o755)


def _hand_over(root: Path, user: dict[str, Any] | None) -> None:
    if user is not None:
        os.chown(root, user["uid"], user["gid"])

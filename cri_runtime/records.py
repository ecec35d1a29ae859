"""What the runtime knows of a sandbox and of a container, in memory and on disk."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from google.protobuf.json_format import MessageToDict, ParseDict

from rpc import cri_v1_pb2 as cri

__all__ = ["Container", "Process", "Sandbox", "container_name", "sandbox_name"]

JsonObject = dict[str, Any]


def sandbox_name(metadata: cri.PodSandboxMetadata) -> str:
    """The name that a sandbox has to itself; containerd's MakeSandboxName."""
    return f"{metadata.name}_{metadata.namespace}_{metadata.uid}_{metadata.attempt}"


def container_name(
    metadata: cri.ContainerMetadata, sandbox: cri.PodSandboxMetadata
) -> str:
    """The name that a container has to itself; containerd's MakeContainerName."""
    pod = f"{sandbox.name}_{sandbox.namespace}_{sandbox.uid}"
    return f"{metadata.name}_{pod}_{metadata.attempt}"


@dataclass(slots=True)
class Sandbox:
    """A pod sandbox. Times are ns since the epoch."""

    id: str
    config: cri.PodSandboxConfig
    runtime_handler: str = ""
    created_at: int = 0
    ready: bool = True
    address: str = ""
    socket: str = ""
    shim_pid: int = 0

    FIELDS: ClassVar = (
        "id",
        "runtime_handler",
        "created_at",
        "ready",
        "address",
        "socket",
        "shim_pid",
    )

    @property
    def name(self) -> str:
        """The reserved name."""
        return sandbox_name(self.config.metadata)

    @property
    def host_network(self) -> bool:
        """Whether the pod has no address of its own."""
        options = self.config.linux.security_context.namespace_options
        return options.network == cri.NODE

    @property
    def state(self) -> cri.PodSandboxState:
        """As the API has it."""
        return cri.SANDBOX_READY if self.ready else cri.SANDBOX_NOTREADY

    def to_document(self) -> JsonObject:
        """For the disk."""
        document = {name: getattr(self, name) for name in self.FIELDS}
        return {**document, "config": _to_dict(self.config)}

    @classmethod
    def from_document(cls, document: JsonObject) -> Sandbox:
        """From the disk."""
        config = ParseDict(
            document.pop("config"), cri.PodSandboxConfig(), ignore_unknown_fields=True
        )
        return cls(config=config, **document)


@dataclass(slots=True)
class Process:
    """How the container's main process is run; an exec shares all but `argv`.

    `script` is the file of a scripted container's answers; "" for any other.
    """

    argv: list[str] = field(default_factory=list)
    env: dict[str, str] = field(default_factory=dict)
    cwd: str = "/"
    user: JsonObject | None = None
    note: str = ""
    script: str = ""


@dataclass(slots=True)
class Container:
    """A container. Times are ns since the epoch, 0 when not reached."""

    id: str
    sandbox_id: str
    config: cri.ContainerConfig
    process: Process = field(default_factory=Process)
    image_id: str = ""
    image_name: str = ""
    image_ref: str = ""
    stop_signal: int = 15
    log_path: str = ""
    created_at: int = 0
    started_at: int = 0
    finished_at: int = 0
    exit_code: int = 0
    reason: str = ""
    message: str = ""
    pid: int = 0

    FIELDS: ClassVar = (
        "id",
        "sandbox_id",
        "image_id",
        "image_name",
        "image_ref",
        "stop_signal",
        "log_path",
        "created_at",
        "started_at",
        "finished_at",
        "exit_code",
        "reason",
        "message",
        "pid",
    )

    @property
    def state(self) -> cri.ContainerState:
        """From the times, as containerd derives it."""
        if self.finished_at:
            return cri.CONTAINER_EXITED
        return cri.CONTAINER_RUNNING if self.started_at else cri.CONTAINER_CREATED

    @property
    def state_name(self) -> str:
        """E.g. CONTAINER_EXITED."""
        return cri.ContainerState.Name(self.state)

    def to_document(self) -> JsonObject:
        """For the disk."""
        document = {name: getattr(self, name) for name in self.FIELDS}
        process = {
            name: getattr(self.process, name)
            for name in ("argv", "env", "cwd", "user", "note", "script")
        }
        return {**document, "process": process, "config": _to_dict(self.config)}

    @classmethod
    def from_document(cls, document: JsonObject) -> Container:
        """From the disk."""
        config = ParseDict(
            document.pop("config"), cri.ContainerConfig(), ignore_unknown_fields=True
        )
        process = Process(**document.pop("process"))
        return cls(config=config, process=process, **document)


def _to_dict(
    config: cri.PodSandboxConfig | cri.ContainerConfig,
) -> JsonObject:
    return MessageToDict(config, preserving_proto_field_name=True)

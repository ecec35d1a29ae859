"""What a cluster was asked to be, kept in `cluster.json` between one `up` and the next.

A port that nobody gave is chosen once and then kept, so that a kubeconfig stays right
over a restart. It gives way only when somebody else has taken it meanwhile.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from certs.files import write_atomically

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "ClusterSettings",
    "SettingsError",
    "Tracing",
    "read_settings",
    "write_settings",
]

API_SERVER_PORT = "apiserver"


@dataclass(frozen=True, slots=True)
class Tracing:
    """Where to, empty for nowhere; and how much of each payload."""

    folder: str = ""
    data_bytes: str = ""

    @property
    def flags(self) -> tuple[str, ...]:
        """The flags that make a service trace from its first byte."""
        if not self.folder:
            return ()
        size = (f"--trace-bytes={self.data_bytes}",) if self.data_bytes else ()
        return (f"--trace-dir={self.folder}", *size)


class SettingsError(Exception):
    """The settings cannot be read, or ask for what cannot be."""


@dataclass(frozen=True, slots=True)
class ClusterSettings:
    """One cluster, as the user wants it.

    Attributes:
        ports: by service name; those in `fixed_ports` were given by the user.
        feature_gates: of API server and kubelets, as `--feature-gates` has them.
        kubelet_args: flags of the kubelets, as `name=value`; they win over ours.
        kubelet: a kubelet's executable to run in place of ours.
        cri_socket: a CRI endpoint (unix:///...) in place of our runtime.
        etcd: URLs of an etcd to keep the objects in, in place of a file of our own;
            `etcd_cafile`, `etcd_certfile`, `etcd_keyfile` and `etcd_prefix` belong to it.
        trace_bytes: how much of each payload a trace keeps: a number, or "all"; empty
            is the default of `hops.trace`.
        folder_was_there: the user had made the state folder: `delete` leaves it.
    """

    name: str
    sockets: str
    nodes: int = 1
    bind_address: str = "127.0.0.1"
    ports: Mapping[str, int] = field(default_factory=dict)
    fixed_ports: tuple[str, ...] = ()
    emulate_version: str = ""
    feature_gates: str = ""
    kubelet_args: tuple[str, ...] = ()
    trace_dir: str = ""
    trace_bytes: str = ""
    kubelet: str = ""
    cri_socket: str = ""
    image_policy: str = ""
    image_catalogue: str = ""
    kwok_config: str = ""
    etcd: str = ""
    etcd_cafile: str = ""
    etcd_certfile: str = ""
    etcd_keyfile: str = ""
    etcd_prefix: str = ""
    folder_was_there: bool = False

    @property
    def context_name(self) -> str:
        """How kubeconfigs call the cluster."""
        return "mini-kube" if self.name == "default" else f"mini-kube-{self.name}"

    @property
    def node_names(self) -> tuple[str, ...]:
        """The first node is called like the cluster, the others count on."""
        first = self.context_name
        return (first, *(f"{first}-{n}" for n in range(2, self.nodes + 1)))

    @property
    def client_host(self) -> str:
        """The host under which clients on this machine reach the services."""
        return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(  # noqa: S104 - compared only
            self.bind_address, self.bind_address
        )

    @property
    def tracing(self) -> Tracing:
        """What the services are to trace."""
        return Tracing(self.trace_dir, self.trace_bytes)

    def with_port(self, service: str, port: int) -> Self:
        return replace(self, ports={**self.ports, service: port})

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """Read what `write_settings` wrote; unknown keys are of a later version.

        Raises:
            TypeError, ValueError: a value has not the type it should have.
        """
        known = {item.name for item in fields(cls)}
        values = {key: value for key, value in document.items() if key in known}
        values["ports"] = {str(k): int(v) for k, v in values.get("ports", {}).items()}
        for key in ("fixed_ports", "kubelet_args"):
            values[key] = tuple(values.get(key, ()))
        return cls(**values)


def read_settings(path: Path) -> ClusterSettings | None:
    """The settings of an earlier `up`, or None when there was none.

    Raises:
        SettingsError: the file is damaged.
    """
    try:
        return ClusterSettings.from_json(json.loads(path.read_bytes()))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, AttributeError) as err:
        raise SettingsError(f"{path}: {err}") from err


def write_settings(path: Path, settings: ClusterSettings) -> None:
    document = json.dumps(asdict(settings), indent=1).encode()
    write_atomically(path, document)


def absolute(path: str) -> str:
    """A path as the services need it, who run in another folder; empty stays empty."""
    return str(Path(path).absolute()) if path else ""

"""The runtime's settings, from the command line."""

from __future__ import annotations

import argparse
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from apimachinery.emulation import parse_minor

if TYPE_CHECKING:
    from cri_runtime.streaming.dialect import Dialect

__all__ = ["Config", "build_parser"]


@dataclass(frozen=True, slots=True)
class Config:
    """All settings.

    Attributes:
        root: what outlives a reboot: records, scratch directories.
        state: what does not: sockets. Its path had better be short.
        stream_idle_timeout: seconds; containerd's default is 4 h.
        stream_creation_timeout: seconds; containerd has no setting for its 30 s.
    """

    address: str
    root: Path
    state: Path
    stream_server_address: str
    stream_server_port: int
    stream_idle_timeout: float
    stream_creation_timeout: float
    stream_protocols: str
    emulate_version: str
    image_policy: str
    catalogue: str
    kwok_config: str
    trace_dir: str
    trace_bytes: str
    admin_socket: str
    log_level: str

    @property
    def dialect(self) -> Dialect:
        """What the streaming server speaks."""
        # 30 ms of protocol cores that `stop-all` need not pay
        from cri_runtime.streaming.dialect import Dialect

        return Dialect(
            minor=parse_minor(self.emulate_version),
            as_containerd=self.stream_protocols == "containerd",
            creation_timeout=self.stream_creation_timeout,
        )

    @classmethod
    def from_arguments(cls, options: argparse.Namespace) -> Config:
        """From what the parser found."""
        fields = {name: getattr(options, name) for name in cls.__slots__}
        fields["root"] = Path(options.root).absolute()
        fields["state"] = Path(options.state).absolute()
        return cls(**fields)


def _default(variable: str, fallback: str) -> str:
    """A folder below an XDG base directory."""
    return os.path.join(os.environ.get(variable) or fallback, "mini-cri")


def build_parser() -> argparse.ArgumentParser:
    """The command line of mini-cri."""
    parser = argparse.ArgumentParser(
        prog="mini-cri",
        description="A container runtime (CRI v1) whose containers are local processes.",
    )
    commands = parser.add_subparsers(
        dest="command", metavar="COMMAND", help="without one: serve"
    )
    stop_all = commands.add_parser(
        "stop-all", help="kill all containers of a runtime and end its shims"
    )
    for target in (parser, stop_all):
        _add_folders(target)
    _add_options(parser)
    return parser


def _add_folders(parser: argparse.ArgumentParser) -> None:
    home = os.path.expanduser("~")
    parser.add_argument(
        "--root",
        default=_default("XDG_STATE_HOME", f"{home}/.local/state"),
        help="folder of records and scratch directories (default: %(default)s)",
    )
    parser.add_argument(
        "--state",
        default=_default("XDG_RUNTIME_DIR", f"/tmp/mini-cri-{os.getuid()}"),  # noqa: S108 - ours by its mode
        help="folder of sockets; keep it short (default: %(default)s)",
    )


def _add_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--address", default="", help="CRI socket (default: STATE/cri.sock)")
    add(
        "--stream-server-address",
        default="127.0.0.1",
        help="address of the streaming server (default: %(default)s)",
    )
    add(
        "--stream-server-port",
        type=int,
        default=0,
        help="port of the streaming server; 0 is any (default: %(default)s)",
    )
    add(
        "--stream-idle-timeout",
        type=_seconds,
        default=4 * 3600.0,
        metavar="DURATION",
        help="cut a stream without data after this time, e.g. 90s, 4h (default: 4h)",
    )
    add(
        "--stream-creation-timeout",
        type=_seconds,
        default=30.0,
        metavar="DURATION",
        help="time in which a SPDY client must have opened its streams (default: 30s)",
    )
    add(
        "--stream-protocols",
        choices=("all", "containerd"),
        default="all",
        help="what the streaming server speaks: all, or what containerd does, without "
        "WebSocket v5 and tunnelled port-forward, as always before 1.30 (default: "
        "%(default)s)",
    )
    add(
        "--emulate-version",
        type=_version,
        default="1.36",
        metavar="1.NN",
        help="whose streaming library is shown where versions differ "
        "(default: %(default)s)",
    )
    add(
        "--image-policy",
        choices=("permissive", "strict"),
        default="permissive",
        help="what becomes of images that the catalogue does not have: run the pod's own "
        "command, or fail to pull (default: %(default)s)",
    )
    add("--catalogue", default="", metavar="FILE", help="YAML file with more images")
    add(
        "--kwok-config",
        default="",
        metavar="FILE",
        help="YAML file with objects of kwok.x-k8s.io: Exec, Attach, Logs, PortForward",
    )
    add("--trace-dir", default="", metavar="DIR", help="write frames of all hops there")
    add("--trace-bytes", default="256", metavar="N", help="of each payload; or: all")
    add("--admin-socket", default="", metavar="PATH", help="control socket")
    add(
        "--log-level",
        choices=("debug", "info", "warning", "error"),
        default="info",
        help="least level of log lines on stderr (default: %(default)s)",
    )


def _seconds(text: str) -> float:
    """A duration as Go writes it, in one unit, or plain seconds."""
    units = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
    for unit, factor in units.items():
        if (
            text.endswith(unit)
            and text.removesuffix(unit).replace(".", "", 1).isdigit()
        ):
            return float(text.removesuffix(unit)) * factor
    return float(text)


def _version(text: str) -> str:
    """A Kubernetes version, of which the minor counts."""
    try:
        parse_minor(text)
    except ValueError as err:
        raise argparse.ArgumentTypeError(str(err)) from None
    return text

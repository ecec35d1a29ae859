"""Where a cluster keeps its things: the state folder, and a short folder for sockets.

    STATE/                       $XDG_STATE_HOME/mini-kube/NAME, or --state-dir
        cluster.json             what was asked for, and the ports that were chosen
        kubeconfig  pki/  conf/  apiserver.db
        nodes/NODE/{kubelet,cri} what the node's two services keep
        run/SERVICE.json         which process is which service
        logs/SERVICE.log
    SOCKETS/                     $XDG_RUNTIME_DIR/mini-kube/NAME, or below /tmp

A Unix socket's path is limited to 107 bytes (unix(7)), so sockets never lie below the
state folder, which may be anywhere.
"""

from __future__ import annotations

import os
import pwd
import stat
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "DEFAULT_NAME",
    "Layout",
    "LayoutError",
    "NodeLayout",
    "account_home",
    "locate",
]

DEFAULT_NAME: Final = "default"
_LONGEST_SOCKET_PATH: Final = 107
_LONGEST_FILE_NAME: Final = (
    40  # of what lies in the sockets folder, sub-folder included
)


class LayoutError(Exception):
    """A folder cannot be used; the text says which and why."""


@dataclass(frozen=True, slots=True)
class NodeLayout:
    """What belongs to one node."""

    name: str
    state: Path
    sockets: Path

    @property
    def kubelet_root(self) -> Path:
        return self.state / "kubelet"

    @property
    def pod_logs(self) -> Path:
        return self.state / "pods"

    @property
    def cri_root(self) -> Path:
        return self.state / "cri"

    @property
    def cri_state(self) -> Path:
        """What the runtime loses at a reboot; it holds the shims' sockets."""
        return self.sockets / f"{self.name}.d"

    @property
    def cri_socket(self) -> Path:
        return self.sockets / f"{self.name}.sock"


@dataclass(frozen=True, slots=True)
class Layout:
    """The folders and files of one cluster."""

    state: Path
    sockets: Path

    @property
    def settings(self) -> Path:
        return self.state / "cluster.json"

    @property
    def lock(self) -> Path:
        return self.state / "lock"

    @property
    def pki(self) -> Path:
        return self.state / "pki"

    @property
    def kubeconfig(self) -> Path:
        return self.state / "kubeconfig"

    @property
    def component_configs(self) -> Path:
        """Kubeconfigs of the services themselves."""
        return self.state / "conf"

    @property
    def database(self) -> Path:
        return self.state / "apiserver.db"

    @property
    def records(self) -> Path:
        return self.state / "run"

    @property
    def logs(self) -> Path:
        return self.state / "logs"

    def component_config(self, name: str) -> Path:
        return self.component_configs / f"{name}.conf"

    def record(self, service: str) -> Path:
        return self.records / f"{service}.json"

    def log(self, service: str) -> Path:
        return self.logs / f"{service}.log"

    def admin_socket(self, service: str) -> Path:
        return self.sockets / f"{service}.admin"

    def node(self, name: str) -> NodeLayout:
        return NodeLayout(name, self.state / "nodes" / name, self.sockets)

    def make(self) -> None:
        """Make the folders, for their owner only.

        Raises:
            LayoutError: one is somebody else's, or open to others.
        """
        for folder in (self.state, self.component_configs, self.records, self.logs):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.sockets.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _require_private(self.sockets.parent)
        self.sockets.mkdir(mode=0o700, exist_ok=True)
        _require_private(self.sockets)


def locate(
    name: str, state_dir: Path | None, environ: Mapping[str, str], home: Path
) -> Layout:
    """Where the cluster called `name` lives.

    Raises:
        LayoutError: the folder for sockets is too long for a socket's path.
    """
    if state_dir is None:
        state = _xdg_state(environ, home) / "mini-kube" / name
    else:
        state = state_dir.absolute()
    short_name = name
    # Two folders may hold clusters of one name, also by another HOME or XDG_STATE_HOME;
    # their sockets must not meet: the end of one removes the folder.
    if state != account_home() / ".local" / "state" / "mini-kube" / name:
        short_name = f"{name}-{zlib.crc32(os.fsencode(state)):08x}"
    sockets = _runtime_root(environ) / short_name
    if len(os.fsencode(sockets)) + 1 + _LONGEST_FILE_NAME > _LONGEST_SOCKET_PATH:
        raise LayoutError(
            f"the folder for sockets, {sockets}, is too long: a Unix socket's path"
            f" has at most {_LONGEST_SOCKET_PATH} bytes; set XDG_RUNTIME_DIR to a"
            " shorter one"
        )
    return Layout(state, sockets)


def account_home() -> Path:
    """The user's home as the system has it, whatever $HOME says; / when it has none."""
    try:
        return Path(pwd.getpwuid(os.getuid()).pw_dir)
    except KeyError:
        return Path("/")


def _xdg_state(environ: Mapping[str, str], home: Path) -> Path:
    # XDG Base Directory Specification: a relative path is invalid and is ignored.
    given = Path(environ.get("XDG_STATE_HOME", ""))
    return given if given.is_absolute() else home / ".local" / "state"


def _runtime_root(environ: Mapping[str, str]) -> Path:
    given = Path(environ.get("XDG_RUNTIME_DIR", ""))
    if given.is_absolute() and given.is_dir():
        return given / "mini-kube"
    return Path(f"/tmp/mini-kube-{os.getuid()}")  # noqa: S108 - checked when made


def _require_private(folder: Path) -> None:
    facts = folder.lstat()
    if not stat.S_ISDIR(facts.st_mode) or facts.st_uid != os.getuid():
        raise LayoutError(f"{folder} is not a folder of this user")
    if stat.S_IMODE(facts.st_mode) & 0o077:
        raise LayoutError(f"{folder} is open to other users; run: chmod 700 {folder}")

"""What a container's process finds around it: arguments, variables, directory, mounts, user.

There is no mount namespace. A container has a scratch directory that stands for its root:
HOME, the working directory unless the pod names one, and the place where its mounts are, as
links to their host paths. `$MINI_KUBE_ROOT` says where that is.
"""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Any

from cri_runtime.records import Process, Sandbox
from cri_runtime.shim.protocol import CONTAINER_VARIABLE
from rpc import cri_v1_pb2 as cri

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from cri_runtime.images.catalogue import Image

__all__ = ["DEFAULT_PATH", "link_mounts", "make_process", "stop_signal", "terminal_env"]

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
PORTS_ANNOTATION = "io.kubernetes.container.ports"

# Where a container that has nothing to do waits.
KEEP_ALIVE = ("sleep", "infinity")


def make_process(
    container_id: str,
    config: cri.ContainerConfig,
    image: Image,
    sandbox: Sandbox,
    root: Path,
    host: Mapping[str, str],
) -> Process:
    """How to run the main process. `host` is the runtime's own environment."""
    argv, note = _arguments(config, image)
    return Process(
        argv=argv,
        env=_variables(container_id, config, image, sandbox, root, host),
        cwd=_working_directory(config.working_dir or image.entry.working_dir, root),
        user=_user(config.linux.security_context),
        note=note,
    )


def _arguments(config: cri.ContainerConfig, image: Image) -> tuple[list[str], str]:
    """The pod's command replaces the image's entrypoint and command, its args the latter.

    Source: kubernetes.io/docs "Define a Command and Arguments for a Container".
    """
    command, args = list(config.command), list(config.args)
    if command:
        return command + args, ""
    argv = [*image.entry.entrypoint, *(args or image.entry.command)]
    if argv:
        return argv, ""
    kind = "has no command" if image.entry.known else "is not in the catalogue"
    note = (
        f"mini-cri: image {image.reference} {kind}, and the pod gives none: "
        "nothing runs here, the container is kept alive"
    )
    return list(KEEP_ALIVE), note


def _variables(
    container_id: str,
    config: cri.ContainerConfig,
    image: Image,
    sandbox: Sandbox,
    root: Path,
    host: Mapping[str, str],
) -> dict[str, str]:
    """Of the host only PATH and LANG come through."""
    variables = {"PATH": host.get("PATH") or DEFAULT_PATH, "HOME": str(root)}
    if lang := host.get("LANG"):
        variables["LANG"] = lang
    if hostname := sandbox.config.hostname or os.uname().nodename:
        variables["HOSTNAME"] = hostname
    if config.tty:
        variables["TERM"] = "xterm"
    variables |= image.entry.env
    for pair in config.envs:
        variables[pair.key] = pair.value.decode("utf-8", "surrogateescape")
    variables |= _own_variables(container_id, config, image, sandbox, root)
    return variables


def _own_variables(
    container_id: str,
    config: cri.ContainerConfig,
    image: Image,
    sandbox: Sandbox,
    root: Path,
) -> dict[str, str]:
    """What a process can know here that it cannot know elsewhere."""
    ports = config.annotations.get(PORTS_ANNOTATION, "")
    variables = {
        CONTAINER_VARIABLE: container_id,
        "MINI_KUBE_ROOT": str(root),
        "MINI_KUBE_POD_IP": sandbox.address,
        "MINI_KUBE_PORTS": ports or _as_ports(image.entry.ports),
        "MINI_KUBE_PORT_MAP": str(root.parent / "ports"),
    }
    return {name: value for name, value in variables.items() if value}


def _as_ports(ports: tuple[int, ...]) -> str:
    """In the form of the kubelet's annotation."""
    listed = ",".join(f'{{"containerPort":{port}}}' for port in ports)
    return f"[{listed}]" if listed else ""


def _working_directory(wanted: str, root: Path) -> str:
    """Inside the scratch directory if it is there, else the host's, else made inside."""
    if not wanted:
        return str(root)
    inside = _inside(root, wanted)
    if inside.is_dir():
        return str(inside)
    if os.path.isdir(wanted):
        return wanted
    try:
        inside.mkdir(parents=True, exist_ok=True)
    except OSError:
        return wanted  # the shim will say what is wrong with it
    return str(inside)


def _user(context: cri.LinuxContainerSecurityContext) -> dict[str, Any] | None:
    """Whom to become, which only root can."""
    if os.geteuid() != 0 or not context.HasField("run_as_user"):
        return None
    uid = context.run_as_user.value
    gid = context.run_as_group.value
    return {"uid": uid, "gid": gid, "groups": [gid, *context.supplemental_groups]}


def link_mounts(mounts: list[cri.Mount], root: Path) -> list[str]:
    """Make the mounts visible below `root`; returns the container paths that could not be.

    A mount inside another mount would have to be made on the host, so it is left out.
    """
    left_out = []
    for mount in sorted(mounts, key=lambda mount: mount.container_path):
        link = _inside(root, mount.container_path)
        if link == root or not mount.host_path or _leaves(link.parent, root):
            left_out.append(mount.container_path)
            continue
        link.parent.mkdir(parents=True, exist_ok=True)
        if not link.is_symlink() and not link.exists():
            link.symlink_to(mount.host_path)
    return left_out


def _inside(root: Path, path: str) -> Path:
    """A container's path below its scratch directory; `..` cannot lead out of it."""
    return root / os.path.normpath(f"/{path}").lstrip("/")


def _leaves(path: Path, root: Path) -> bool:
    """Whether the way to a path goes through a link."""
    return any(p.is_symlink() for p in (path, *path.parents) if p.is_relative_to(root))


def stop_signal(config: cri.ContainerConfig, image: Image) -> int:
    """The pod's, else the image's, else SIGTERM."""
    if config.stop_signal != cri.RUNTIME_DEFAULT:
        return _signal_number(cri.Signal.Name(config.stop_signal))
    return _signal_number(image.entry.stop_signal or "SIGTERM")


def _signal_number(name: str) -> int:
    """Linux' number of a name, SIGRTMINPLUS3 included."""
    for base, sign in (("SIGRTMINPLUS", 1), ("SIGRTMAXMINUS", -1)):
        if name.startswith(base):
            first = signal.SIGRTMIN if sign > 0 else signal.SIGRTMAX
            return first + sign * int(name.removeprefix(base))
    number = getattr(signal, name, signal.SIGTERM)
    return int(number)


def terminal_env(env: dict[str, str]) -> dict[str, str]:
    """containerd internal/cri/server/container_execsync.go: a terminal exec gets TERM."""
    return {"TERM": "xterm", **env}

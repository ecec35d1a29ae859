"""Volumes as directories below the kubelet's root.

    ROOT/pods/UID/volumes/kubernetes.io~KIND/NAME/

Source: kubernetes/kubernetes pkg/kubelet/kubelet_getters.go (paths),
pkg/volume/*/ (what each kind does).
"""

from __future__ import annotations

import asyncio
import os
import shutil
import stat
from typing import TYPE_CHECKING

from kube_client.reflector import Trouble
from kubelet import pod as pods
from kubelet.atomic_writer import InvalidPathError, write_payload
from kubelet.volume_payload import VolumeError, volume_payload

if TYPE_CHECKING:
    from apimachinery.types import JsonObject
    from kubelet.pod import PodUid
    from kubelet.volume_payload import PayloadSources

__all__ = ["VolumeSetUpError", "Volumes"]

_PLUGINS = {
    "emptyDir": "kubernetes.io~empty-dir",
    "configMap": "kubernetes.io~configmap",
    "secret": "kubernetes.io~secret",
    "downwardAPI": "kubernetes.io~downward-api",
    "projected": "kubernetes.io~projected",
}


class VolumeSetUpError(Exception):
    """A volume could not be set up; the text is that of the FailedMount event."""

    def __init__(self, volume: str, cause: object) -> None:
        super().__init__(f'MountVolume.SetUp failed for volume "{volume}" : {cause}')


class Volumes:
    """All pods' volumes of one kubelet."""

    def __init__(self, root: str) -> None:
        self._root = root

    def pod_directory(self, uid: PodUid) -> str:
        return os.path.join(self._root, "pods", uid)

    async def set_up(self, pod: JsonObject, sources: PayloadSources) -> dict[str, str]:
        """Make or refresh every volume of a pod; host paths by volume name.

        Raises:
            VolumeSetUpError: of the first volume that cannot be had.
        """
        volumes = pod["spec"].get("volumes") or []
        results = await asyncio.gather(
            *(self._set_up_one(pod, volume, sources) for volume in volumes)
        )
        return {
            volume["name"]: path for volume, path in zip(volumes, results, strict=True)
        }

    async def tear_down(self, uid: PodUid) -> None:
        """Remove everything of a pod."""
        await asyncio.to_thread(
            shutil.rmtree, self.pod_directory(uid), ignore_errors=True
        )

    def known_pods(self) -> set[str]:
        """The uids of pods that have a directory here."""
        try:
            return set(os.listdir(os.path.join(self._root, "pods")))
        except FileNotFoundError:
            return set()

    async def _set_up_one(
        self, pod: JsonObject, volume: JsonObject, sources: PayloadSources
    ) -> str:
        name = volume["name"]
        try:
            if (host_path := volume.get("hostPath")) is not None:
                return _host_path(host_path)
            path = self._path(pods.uid(pod), volume)
            payload = await volume_payload(pod, volume, sources)
            if payload is None:
                await asyncio.to_thread(_make_writable, path)
            else:
                await asyncio.to_thread(write_payload, path, payload)
        except (VolumeError, InvalidPathError, *Trouble) as err:
            raise VolumeSetUpError(name, err) from err
        return path

    def _path(self, uid: PodUid, volume: JsonObject) -> str:
        for kind, plugin in _PLUGINS.items():
            if kind in volume:
                directory = self.pod_directory(uid)
                return os.path.join(directory, "volumes", plugin, volume["name"])
        kinds = [kind for kind in volume if kind != "name"]
        if not kinds:
            # The API server defaults a volume without a source to emptyDir.
            return self._path(uid, {**volume, "emptyDir": {}})
        raise VolumeError(f"no volume plugin matched: {kinds[0]}")


def _make_writable(path: str) -> None:
    """emptyDir: open to every user a container may run as."""
    os.makedirs(path, mode=0o755, exist_ok=True)
    os.chmod(path, 0o777)  # noqa: S103 - see above


_TYPE_CHECKS = {
    "Directory": (stat.S_ISDIR, "is not a directory"),
    "File": (stat.S_ISREG, "is not a file"),
    "Socket": (stat.S_ISSOCK, "is not a socket"),
    "CharDevice": (stat.S_ISCHR, "is not a character device"),
    "BlockDevice": (stat.S_ISBLK, "is not a block device"),
}


def _host_path(source: JsonObject) -> str:
    """The path itself, made or checked as its type says.

    Source: kubernetes/kubernetes pkg/volume/hostpath/host_path.go.
    """
    path, kind = str(source["path"]), source.get("type") or ""
    if kind == "DirectoryOrCreate":
        os.makedirs(path, mode=0o755, exist_ok=True)
    elif kind == "FileOrCreate":
        os.close(os.open(path, os.O_CREAT, 0o644))
    elif kind in _TYPE_CHECKS:
        matches, complaint = _TYPE_CHECKS[kind]
        if not os.path.exists(path) or not matches(os.stat(path).st_mode):
            raise VolumeError(f"hostPath type check failed: {path} {complaint}")
    return path

"""The folder, or the file, that static pods are read from.

Source: kubernetes/kubernetes pkg/kubelet/config/{file,file_linux}.go.
"""

from __future__ import annotations

import asyncio
import glob
import logging
import os
import stat
from typing import TYPE_CHECKING

from kubelet import pod as pods
from kubelet.directory_watch import wake_on_change
from kubelet.static_pod import BadManifestError, read_static_pod

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from apimachinery.types import JsonObject

__all__ = ["Manifests"]

logger = logging.getLogger(__name__)

_MOST_BYTES = 10 << 20


class Manifests:
    """Reads static pods when their files change, and once in a while.

    Args:
        path: a folder, or one file; it need not be there.
        frequency: seconds after which all is read again in any case.
        on_pods: is told all pods that there are, whenever they were read.
        now: the time, as RFC 3339.
    """

    def __init__(
        self,
        path: str,
        node_name: str,
        frequency: float,
        on_pods: Callable[[list[JsonObject]], None],
        now: Callable[[], str],
    ) -> None:
        self._path = path
        self._node_name = node_name
        self._frequency = frequency
        self._on_pods = on_pods
        self._now = now
        self._seen: dict[str, str] = {}  # uid -> when
        self._complaints: set[str] = set()

    async def run(self) -> None:
        """Read until cancelled."""
        wake = asyncio.Event()
        while True:
            folder = await asyncio.to_thread(self._folder)
            # Anew each time: the folder may come, go, and be another.
            with wake_on_change(folder, wake, whole=True):
                self._on_pods(await asyncio.to_thread(self.read))
                await _first_of(wake, self._frequency)
                wake.clear()

    def read(self) -> list[JsonObject]:
        """The pods that there are; what is wrong with others is logged."""
        complaints: set[str] = set()
        found: dict[tuple[str, str], JsonObject] = {}
        for path in self._files(complaints):
            try:
                pod = self._read_file(path)
            except FileNotFoundError:
                continue  # gone meanwhile
            except (OSError, BadManifestError) as err:
                complaints.add(f"Could not process manifest file {path}: {err}")
                continue
            if pods.key(pod) in found:
                full = pods.full_name(pod)
                complaints.add(f"Pod {full} of {path} is there already: ignored")
                continue
            found[pods.key(pod)] = pod
        for text in sorted(complaints - self._complaints):
            logger.error(text)
        self._complaints = complaints
        uids = {pods.uid(pod) for pod in found.values()}
        self._seen = {uid: at for uid, at in self._seen.items() if uid in uids}
        return list(found.values())

    def _folder(self) -> str:
        """What is to be watched."""
        if os.path.isfile(self._path):
            return os.path.dirname(self._path)
        return self._path

    def _files(self, complaints: set[str]) -> Iterator[str]:
        if os.path.isfile(self._path):
            yield self._path
        elif not os.path.isdir(self._path):
            text = "Unable to read config path: path does not exist, ignoring"
            complaints.add(f"{text}: {self._path}")
        # Names that begin with a dot are left out, by this pattern as by Go's.
        for path in sorted(glob.glob(os.path.join(glob.escape(self._path), "*"))):
            if not os.path.isdir(path):
                yield path

    def _read_file(self, path: str) -> JsonObject:
        # Not to be held up by a FIFO: it is looked at before it is opened.
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise BadManifestError("Manifest path is not a directory or file")
        with open(path, "rb") as file:
            data = file.read(_MOST_BYTES + 1)
        if len(data) > _MOST_BYTES:
            raise BadManifestError("the file is longer than 10 MiB")
        pod = read_static_pod(data, path, self._node_name, self._now())
        seen = self._seen.setdefault(pods.uid(pod), self._now())
        pod["metadata"]["annotations"][pods.CONFIG_SEEN_ANNOTATION] = seen
        return pod


async def _first_of(wake: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await wake.wait()
    except TimeoutError:
        return

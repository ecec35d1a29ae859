"""What the pages show is what happens: each session is played, command by command."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from tests.support.cluster import BIN
from tests.support.doc_sessions import Shell, matches, steps_of

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
WITH_SESSIONS = [page for page in PAGES if any(steps_of(page.read_text()))]
#: What a reader has done before a page that does not begin with `mini-kube up` itself.
PRELUDE = """\
mini-kube up
export KUBECONFIG=$(mini-kube kubeconfig --path)
mini-kubectl run nginx --image=nginx
mini-kubectl wait pod/nginx --for=condition=Ready
"""
pytestmark = pytest.mark.e2e


@pytest.fixture
def env():
    """A new user's; whatever clusters it makes are ended."""
    home = Path(tempfile.mkdtemp(prefix="mk-", dir="/tmp"))
    kept = {k: v for k, v in os.environ.items() if not k.startswith("XDG_")}
    kept.pop("KUBECONFIG", None)
    env = {
        **kept,
        "HOME": str(home),
        "USER": "ada",
        "XDG_RUNTIME_DIR": str(home),
        "PATH": f"{BIN}:{os.environ['PATH']}",
        "COLUMNS": "120",
        "LC_ALL": "C.UTF-8",
    }
    yield env
    clusters = home / ".local" / "state" / "mini-kube"
    for cluster in clusters.iterdir() if clusters.is_dir() else ():
        command = [BIN / "mini-kube", "delete", "--name", cluster.name]
        subprocess.run(command, env=env, check=True, capture_output=True)
    shutil.rmtree(home)


@pytest.mark.parametrize("page", WITH_SESSIONS, ids=lambda page: page.name)
def test_the_sessions_of_a_page_happen_as_shown(page, env):
    folder = Path(env["HOME"])
    differing = []
    with Shell(folder, env) as shell:
        steps = list(steps_of(page.read_text()))
        if not steps[0].command.startswith("mini-kube up"):
            shell.run(PRELUDE)
        for step in steps:
            came = shell.run(step.command)
            if not matches(step.expected, came):
                shown = "\n".join(step.expected)
                differing.append(
                    f"$ {step.command}\n{shown}\n--- but:\n" + "\n".join(came)
                )
    assert not differing, "\n\n".join(differing)

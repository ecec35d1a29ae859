"""Any bytes end in events or RemoteProtocolError, whatever the cut.

The corpus is what the fuzzer kept because it reaches code that nothing else reached, and
every finding. It is played in each run; then the fuzzer looks for more, for
MINI_KUBE_FUZZ_SECONDS (60) a target, all targets at once.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz.targets import TARGETS
from tests.support.installing import installing

HERE = Path(__file__).parent
ATHERIS = HERE.parents[1] / ".cache" / "atheris"
SECONDS = int(os.environ.get("MINI_KUBE_FUZZ_SECONDS", "60"))


@pytest.mark.parametrize("name", TARGETS)
def test_the_corpus_holds(name: str) -> None:
    inputs = sorted((HERE / "corpus" / name).iterdir())
    assert inputs, f"no corpus of {name}"
    for each in inputs:
        try:
            TARGETS[name](each.read_bytes())
        except Exception as error:
            raise AssertionError(f"{each.name}: {error!r}") from error


@pytest.mark.slow
def test_a_minute_of_fuzzing_finds_nothing(tmp_path: Path) -> None:
    if not _has_atheris():
        pytest.skip("PyPI has no atheris for this interpreter")
    running = {name: _start(name, tmp_path) for name in TARGETS}
    findings = []
    for name, process in running.items():
        output, _ = process.communicate()
        text = output.decode(errors="replace")
        if process.returncode != 0:
            findings.append(f"{name}: exit code {process.returncode}\n{text[-4000:]}")
        assert "Done" in text or findings, text[-2000:]
    assert not findings, "\n".join(findings)


def _start(name: str, folder: Path) -> subprocess.Popen[bytes]:
    found = folder / name
    found.mkdir()
    return subprocess.Popen(
        [
            sys.executable,
            str(HERE / "fuzz.py"),
            name,
            f"-max_total_time={SECONDS}",
            "-max_len=4096",
            f"-artifact_prefix={found}/",
            str(found),
            str(HERE / "corpus" / name),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def _has_atheris() -> bool:
    """Whether it is there; installed by name into .cache when it can be had."""
    if importlib.util.find_spec("atheris") or (ATHERIS / "atheris").is_dir():
        return True
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--only-binary=:all:"]
    with installing("atheris"):
        done = subprocess.run(
            [*command, "--target", str(ATHERIS), "atheris"],
            check=False,
            capture_output=True,
        )
    return done.returncode == 0

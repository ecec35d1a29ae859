"""Real processes: known again, ended, never mistaken for another."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import replace

import pytest

from cluster.processes import ProcessIdentity, end_processes, identify, uptime

STUBBORN = (
    "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    "print('deaf', flush=True); signal.pause()"
)


@pytest.fixture
def sleeper():
    process = subprocess.Popen(["sleep", "1000"])
    yield process
    process.kill()
    process.wait()


def ended(*processes: ProcessIdentity, grace: float = 10) -> list[tuple[int, bool]]:
    told: list[tuple[int, bool]] = []
    end_processes(
        processes,
        grace=grace,
        on_end=lambda process, killed: told.append((process.pid, killed)),
    )
    return told


def test_a_process_is_known_again(sleeper):
    identity = identify(sleeper.pid)

    assert identity is not None
    assert identity.is_running()
    assert ProcessIdentity.from_json(identity.to_json()) == identity
    assert 0 <= uptime(identity) < 1000


def test_nobody_has_a_pid_that_is_free(sleeper):
    sleeper.kill()
    sleeper.wait()

    assert identify(sleeper.pid) is None


def test_a_zombie_does_not_run(sleeper):
    identity = identify(sleeper.pid)
    sleeper.kill()
    os.waitid(os.P_PID, sleeper.pid, os.WEXITED | os.WNOWAIT)

    assert not identity.is_running()


def test_sigterm_ends_a_process_and_says_so(sleeper):
    assert ended(identify(sleeper.pid)) == [(sleeper.pid, False)]
    assert sleeper.wait() == -signal.SIGTERM


def test_who_ignores_sigterm_is_killed():
    with subprocess.Popen(
        [sys.executable, "-c", STUBBORN], stdout=subprocess.PIPE
    ) as process:
        process.stdout.readline()

        assert ended(identify(process.pid), grace=0.05) == [(process.pid, True)]
        assert process.wait() == -signal.SIGKILL


@pytest.mark.parametrize(
    "change", [{"start_time": 1}, {"boot_id": "another"}], ids=["time", "boot"]
)
def test_another_process_with_the_pid_is_left_alone(sleeper, change):
    stranger = replace(identify(sleeper.pid), **change)

    assert ended(stranger) == [(sleeper.pid, False)]
    assert sleeper.poll() is None


def test_ending_nobody_is_fine():
    assert ended() == []

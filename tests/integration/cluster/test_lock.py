"""Two mini-kubes at once: one waits."""

from __future__ import annotations

import shutil
import subprocess
import sys
from contextlib import ExitStack

from cluster.lock import exclusive

HOLD = (
    "import sys; from pathlib import Path; from cluster.lock import exclusive\n"
    "with exclusive(Path(sys.argv[1]), lambda: print('waiting', flush=True)):\n"
    "    print('held', flush=True)"
)


def hold(path):
    command = [sys.executable, "-c", HOLD, str(path)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_the_second_waits_and_says_so_until_the_first_is_done(tmp_path):
    with exclusive(tmp_path / "lock", list):
        other = hold(tmp_path / "lock")
        assert other.stdout.readline() == "waiting\n"

    assert other.communicate()[0] == "held\n"
    assert other.returncode == 0


def test_nobody_waits_for_a_lock_that_is_free(tmp_path):
    told = []

    with exclusive(tmp_path / "lock", lambda: told.append("waiting")):
        pass

    assert told == []


def test_what_was_deleted_while_one_waited_is_made_again(tmp_path):
    lock = tmp_path / "state" / "lock"

    def make():
        lock.parent.mkdir(exist_ok=True)

    with ExitStack() as deletion:
        deletion.enter_context(exclusive(lock, list, make))
        deletion.callback(shutil.rmtree, lock.parent)

        with exclusive(lock, deletion.close, make):
            assert lock.exists()

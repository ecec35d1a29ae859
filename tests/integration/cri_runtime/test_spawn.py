"""Starting processes, and claims on addresses."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from cri_runtime.addresses import candidates
from cri_runtime.ids import new_id
from cri_runtime.shim.sockets import claim_address

PROGRAM = Path(__file__).with_name("spawning.py")


def spawned(*argv, cwd="/"):
    """What came of starting a process, in a process that may fork."""
    answer = subprocess.run(
        [sys.executable, "-I", "-S", PROGRAM, json.dumps([argv, cwd])],
        check=True,
        capture_output=True,
        timeout=20,
    )
    return json.loads(answer.stdout)


def test_a_program_is_started_and_nothing_else_is_left_open():
    assert spawned("sh", "-c", "exit 3") == {
        "status": 3 << 8,
        "leaked": False,
        "child": None,
    }


@pytest.mark.parametrize(
    ("argv", "cwd", "text"),
    [
        (("nope",), "/", 'exec: "nope": executable file not found in $PATH'),
        (
            ("/proc/nope",),
            "/",
            'exec: "/proc/nope": stat /proc/nope: no such file or directory',
        ),
        (("/tmp",), "/", 'exec: "/tmp": is a directory'),
        (("/etc/passwd",), "/", 'exec: "/etc/passwd": permission denied'),
        ((), "/", "no command specified"),
        (
            ("true",),
            "/proc/nope",
            'chdir to cwd ("/proc/nope") set in config.json failed: no such file or directory',
        ),
    ],
)
def test_a_start_that_fails_is_an_error_with_runcs_text_and_no_child(argv, cwd, text):
    assert spawned(*argv, cwd=cwd) == {"text": text, "leaked": False, "child": None}


def test_a_script_without_a_first_line_is_no_program(tmp_path):
    script = tmp_path / "script"
    script.write_text("echo hi\n")
    script.chmod(0o755)

    assert spawned(str(script))["text"] == f"exec {script}: exec format error"


def test_an_address_that_is_claimed_is_passed_over_until_it_is_let_go():
    addresses = candidates(new_id())[:2]
    first, claim = claim_address(addresses)
    second, other = claim_address(addresses)
    claim.close()
    third, again = claim_address(addresses)
    other.close()
    again.close()

    assert [first, second, third] == [addresses[0], addresses[1], addresses[0]]


def test_without_candidates_there_is_no_address():
    assert claim_address([]) == ("", None)

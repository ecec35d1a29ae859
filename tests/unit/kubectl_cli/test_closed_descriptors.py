"""A command whose stdin, stdout or stderr is closed: /dev/null stands in."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

SHOW = (
    "import os; from kubectl_cli.main import _fill_standard_descriptors as fill; fill();"
    "print('to stdout');"
    "ends = [os.readlink(f'/proc/self/fd/{n}') for n in range(3)];"
    "open(os.environ['FOUND'], 'w').write(' '.join(str(e == '/dev/null') for e in ends))"
)


@pytest.mark.parametrize(
    ("redirection", "expected"),
    [
        ("<&-", "True False False"),
        (">&-", "False True False"),
        ("2>&-", "False False True"),
        ("<&- >&- 2>&-", "True True True"),
    ],
)
def test_a_closed_descriptor_becomes_dev_null(redirection, expected, tmp_path) -> None:
    found = tmp_path / "found"

    subprocess.run(
        ["sh", "-c", f'exec "$0" -c "$1" {redirection}', sys.executable, SHOW],
        env={**os.environ, "FOUND": str(found)},
        stdin=subprocess.PIPE,
        capture_output=True,
        check=True,
    )

    assert found.read_text() == expected

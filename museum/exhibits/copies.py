"""Copying files."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from museum.exhibit import Exhibit, Seen

if TYPE_CHECKING:
    from museum.stage import Stage

__all__ = ["COPIES"]

_SIZE = 2_000_000


def _cut(stage: Stage) -> Seen:
    shell = stage.shell()
    stage.cluster.exec(shell, "sh", "-c", f"head -c {_SIZE} /dev/zero > large")
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "large"
        with stage.fault("limit_data", "apiserver-kubelet", bytes=700_000):
            done = stage.kubectl("cp", f"{shell}:large", str(target))
        size = target.stat().st_size if target.exists() else 0
    last = (done.stderr.splitlines() or ["no error"])[-1]
    return Seen(
        done.code != 0 and size < _SIZE,
        f"{size} of {_SIZE} bytes are there, exit code {done.code}: {last}",
    )


COPIES = (
    Exhibit(
        name="copy-ends-early",
        issue="kubernetes/kubernetes#60140",
        title="cp of a large file ends with unexpected EOF",
        story="""\
`kubectl cp` runs `tar cf -` in the container and unpacks what comes. A session that is
cut half way leaves half an archive, and what kubectl says is what its tar reader found:
`unexpected EOF`. `--retries` runs `tail -c +N` in the container to go on where it ended.

Here the connection between API server and kubelet is cut after 700,000 bytes.""",
        run=_cut,
    ),
)

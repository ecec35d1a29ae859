"""The owner's side of a keeper: starting it, and letting it go."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from mini_kube.errors import ClusterError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Keeper"]

_PATIENCE: Final = 60.0


class Keeper:
    """A keeper's process, and the folder in which its cluster is.

    Attributes:
        folder: everything of the cluster lies below; it goes with the cluster.
        facts: what the keeper said of the cluster when it was up.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self.folder = folder
        self._name = name
        self._owner = os.getpid()
        self.facts: dict[str, Any] = {}
        self._process: subprocess.Popen[bytes] | None = None

    @classmethod
    def start(
        cls, name: str, settings: Mapping[str, Any], *, traces: bool, timeout: float
    ) -> Keeper:
        """Bring a cluster up and return when its nodes are Ready.

        `settings` are fields of `cluster.settings.ClusterSettings`; `traces` says whether
        every frame is written down, in the state folder.

        Raises:
            ClusterError: it could not be started; nothing of it is left.
        """
        # Short, since it may be part of paths of sockets that tests make.
        keeper = cls(Path(tempfile.mkdtemp(prefix="mini-kube-")), name)
        try:
            keeper._start(settings, traces, timeout)
        except BaseException:
            keeper.stop()
            raise
        return keeper

    @property
    def alive(self) -> bool:
        """Whether the keeper is there, and so the cluster."""
        return self._process is not None and self._process.poll() is None

    def stop(self) -> None:
        """End the cluster, and return when nothing of it is left. Idempotent.

        A forked child that inherited us has no cluster to end: nothing happens there.

        Raises:
            ClusterError: something did not end.
        """
        if os.getpid() != self._owner:
            return
        process, self._process = self._process, None
        if process is not None:
            with contextlib.suppress(OSError):
                _pipe(process.stdin).close()
            try:
                process.wait(_PATIENCE)
            except subprocess.TimeoutExpired:
                raise ClusterError(
                    f"the cluster does not end; see {self.folder}/keeper.log"
                ) from None
            finally:
                _pipe(process.stdout).close()
        self._clean_up()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _clean_up(self) -> None:
        """A keeper that was killed has left the cluster to us."""
        state = self.folder / "state"
        if not state.exists():
            return
        from cluster.down import delete
        from cluster.layout import locate
        from cluster.report import Report

        layout = locate(self._name, state, os.environ, Path.home())
        delete(layout, Report(io.StringIO()))

    def _start(self, settings: Mapping[str, Any], traces: bool, timeout: float) -> None:
        with (self.folder / "keeper.err").open("wb") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "mini_kube.keeper", str(self.folder)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=_environment(),
                start_new_session=True,
            )
        request = {
            "name": self._name,
            "owner": os.getpid(),
            "settings": dict(settings),
            "traces": traces,
            "timeout": timeout,
        }
        stdin = _pipe(self._process.stdin)
        with contextlib.suppress(BrokenPipeError):
            stdin.write(json.dumps(request).encode() + b"\n")
            stdin.flush()
        line = _pipe(self._process.stdout).readline()
        if not line:
            text = (self.folder / "keeper.err").read_text(errors="replace").strip()
            raise ClusterError(f"the keeper of the cluster ended: {text}")
        answer = json.loads(line)
        if not answer["ok"]:
            raise ClusterError(answer["error"])
        self.facts = answer


def _pipe(stream: Any) -> Any:
    assert stream is not None  # noqa: S101 - both were asked for
    return stream


def _environment() -> dict[str, str]:
    """Ours; when we were loaded from a checkout, so will the cluster's programs be."""
    here = str(Path(__file__).parent.parent)
    if here.endswith(("site-packages", "dist-packages")):
        return dict(os.environ)
    path = os.environ.get("PYTHONPATH", "")
    return {**os.environ, "PYTHONPATH": f"{here}:{path}" if path else here}

"""A cluster as the tools that look at it need it: who runs, and where to ask.

`cluster` makes one of a state folder; `traces`, `faults`, `tap` and the rest take it, so
that none of them needs to know how a cluster is started.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["ClusterView"]


@dataclass(frozen=True, slots=True)
class ClusterView:
    """One cluster of this user's.

    Args:
        name: as given with `--name`.
        state: the state folder. Traces lie in `state / "trace"` unless `trace_dir`
            says otherwise.
        sockets: the folder for sockets, short enough for unix(7).
        kubeconfig: of its administrator.
        admin_sockets: service name -> control socket (`hops.admin`), of those running.
        trace_dir: where the running services write their traces; None: nowhere.
    """

    name: str
    state: Path
    sockets: Path
    kubeconfig: Path
    admin_sockets: Mapping[str, Path] = field(default_factory=dict)
    trace_dir: Path | None = None

    @property
    def traces(self) -> Path:
        """The folder to read traces from."""
        return self.trace_dir or self.state / "trace"

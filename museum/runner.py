"""Runs exhibits, each with its trouble and without."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mini_kube import Cluster
from museum.stage import Stage

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Self

    from museum.exhibit import Exhibit, Seen

__all__ = ["Museum", "Run", "Shown"]


@dataclass(frozen=True, slots=True)
class Run:
    """One run of an exhibit.

    Attributes:
        picture: its session as a Mermaid diagram; empty when there was none.
    """

    seen: Seen
    transcript: tuple[str, ...]
    picture: str = ""


@dataclass(frozen=True, slots=True)
class Shown:
    """An exhibit with its trouble, and without."""

    exhibit: Exhibit
    troubled: Run
    healthy: Run

    @property
    def holds(self) -> bool:
        """Whether the symptom shows with the cause, and only then."""
        return self.troubled.seen.symptom and not self.healthy.seen.symptom


class Museum:
    """Clusters to show exhibits in, one for each emulated version. Use it in a `with`.

    Args:
        kubectl: a real kubectl; None: there is none.
        with_real: use it for everything, in place of mini-kubectl.
    """

    def __init__(self, kubectl: Path | None = None, *, with_real: bool = False) -> None:
        self._kubectl = kubectl
        self._with_real = with_real
        self._clusters: dict[str, Cluster] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for cluster in self._clusters.values():
            cluster.stop()

    def show(self, exhibit: Exhibit) -> Shown:
        """Both runs.

        Raises:
            LookupError: it needs a real kubectl, and there is none.
        """
        if exhibit.needs_kubectl and self._kubectl is None:
            raise LookupError("it is shown with a real kubectl, and there is none")
        troubled, healthy = exhibit.versions
        return Shown(
            exhibit,
            self._run(exhibit, self._cluster(troubled), troubled=True),
            self._run(exhibit, self._cluster(healthy), troubled=False),
        )

    def _run(self, exhibit: Exhibit, cluster: Cluster, *, troubled: bool) -> Run:
        stage = Stage(cluster, troubled, self._kubectl, self._with_real)
        cluster.trace.clear()
        try:
            seen = exhibit.run(stage)
        finally:
            cluster.faults.reset()
        return Run(seen, tuple(stage.transcript), _picture(cluster))

    def _cluster(self, version: str) -> Cluster:
        if version not in self._clusters:
            cluster = Cluster(emulate_version=version, name="museum", trace=True)
            self._clusters[version] = cluster.start()
        return self._clusters[version]


def _picture(cluster: Cluster) -> str:
    """The last session with streams, or the last log."""
    sessions = [
        each
        for each in cluster.trace.sessions()
        if each.verb in ("exec", "attach", "port-forward", "logs")
    ]
    if not sessions:
        return ""
    longest = max(sessions, key=lambda each: len(each.events))
    return cluster.trace.picture(longest, "mermaid", most=40)

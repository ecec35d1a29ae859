"""What the pytest plugin keeps for a session: its cluster, its namespaces, its traces."""

from __future__ import annotations

import re
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from mini_kube.cluster import Cluster
from mini_kube.errors import ClusterError
from mini_kube.namespaces import Namespaces
from mini_kube.watching import STREAMING, Trace

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest

    from traces.sessions import Session

__all__ = ["ClusterSession", "settings_of"]

_MOST_PICTURES: Final = 5
_MOST_ROWS: Final = 200
_KEPT_FORMATS: Final = ("text", "html", "jsonl")


def settings_of(config: pytest.Config) -> dict[str, Any]:
    """The arguments of `Cluster` that the settings and flags of a pytest run ask for.

    Raises:
        pytest.UsageError: a number is none.
    """
    import pytest

    def given(name: str) -> str:
        flag = config.getoption(f"--{name.replace('_', '-')}", default=None)
        return str(flag or config.getini(name))

    def path(name: str) -> str:
        value = given(name)
        return str(config.rootpath / value) if value else ""

    try:
        settings: dict[str, Any] = {
            "nodes": int(given("mini_kube_nodes") or 1),
            "timeout": float(given("mini_kube_timeout") or 60),
        }
    except ValueError as err:
        raise pytest.UsageError(f"mini-kube: {err}") from None
    return settings | {
        "emulate_version": given("mini_kube_emulate_version"),
        "image_policy": given("mini_kube_image_policy"),
        "image_catalogue": path("mini_kube_image_catalogue"),
        "kwok_config": path("mini_kube_kwok_config"),
        "trace": bool(config.getini("mini_kube_trace")),
    }


class ClusterSession:
    """A cluster that many tests use, one after another."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self.cluster = Cluster(**settings)
        self._settings = settings
        self._trace: Trace | None = None
        self._namespaces: Namespaces | None = None

    def __enter__(self) -> Self:
        self.cluster.start()
        self._namespaces = Namespaces(self.cluster.api, timeout=self.cluster.timeout)
        if self._settings["trace"]:
            self._trace = Trace(self.cluster.view)
        return self

    def __exit__(self, *_: object) -> None:
        if self._namespaces is not None:
            self._namespaces.close()
        self.cluster.stop()

    @contextmanager
    def namespace(self) -> Iterator[str]:
        """A fresh namespace in which pods can be made, deleted behind our back."""
        assert self._namespaces is not None  # noqa: S101 - we are entered
        name, before = self._namespaces.take(), self.cluster.namespace
        self.cluster.namespace = name
        try:
            yield name
        finally:
            self.cluster.namespace = before
            self._namespaces.give_back(name)

    def begin_test(self) -> None:
        """What happened so far belongs to others."""
        if self._trace is not None:
            self._trace.clear()

    def pictures(self, test: str, folder: str | None) -> list[tuple[str, str]]:
        """The sessions of the test as sequence diagrams, each with a title.

        Args:
            folder: where they are written to as files, too.
        """
        if self._trace is None:
            return []
        try:
            sessions = self._trace.sessions(verb=STREAMING)
        except (OSError, ClusterError):
            return []  # the failure is told already; this only explains it
        if folder and sessions:
            _write(Path(folder) / _file_name(test), sessions)
        return [
            (f"mini-kube: {each.title}", self._trace.picture(each, most=_MOST_ROWS))
            for each in sessions[-_MOST_PICTURES:]
        ]


def _write(folder: Path, sessions: list[Session]) -> None:
    from traces.formats import FORMATS, Options

    folder.mkdir(parents=True, exist_ok=True)
    for number, session in enumerate(sessions, 1):
        for name in _KEPT_FORMATS:
            form = FORMATS[name]
            path = folder / f"{number}-{session.verb}{form.suffix}"
            path.write_bytes(form.render([session], Options()))


def _file_name(test: str) -> str:
    return re.sub(r"[^\w.-]+", "_", test).strip("_")[:200]

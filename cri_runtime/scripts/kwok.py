"""KWOK's objects that say what a container without a process answers.

`Exec`, `Attach`, `Logs` and `PortForward` are for the pod of their name and namespace;
`ClusterExec` and the others for all pods that their selector fits. An object for the pod
goes before those for all. In a list the entry that names the container (or port) is
taken, else the first that names none.

Source: kwok.sigs.k8s.io, API kwok.x-k8s.io/v1alpha1; kubernetes-sigs/kwok
pkg/apis/v1alpha1 (fields), pkg/kwok/server (which object is taken).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cri_runtime.scripts.kwok_shape import ShapeError, check_shape

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["KwokConfig", "KwokError", "NoTarget"]

JsonObject = dict[str, Any]

_API = "kwok.x-k8s.io/"
#: kind -> the list in its spec, and what an entry of it is chosen by.
_LISTS = {
    "Exec": ("execs", "containers"),
    "Attach": ("attaches", "containers"),
    "Logs": ("logs", "containers"),
    "PortForward": ("forwards", "ports"),
}


class KwokError(ValueError):
    """The file cannot be used; the text says why."""


class NoTarget(Exception):  # noqa: N818 - KWOK's own words
    """There is an object for the pod, but none of its entries fits."""


@dataclass(frozen=True, slots=True)
class _Rule:
    kind: str
    entries: tuple[JsonObject, ...]
    namespaces: tuple[str, ...]
    names: tuple[str, ...]
    cluster_wide: bool

    def fits(self, namespace: str, name: str) -> bool:
        if self.namespaces and namespace not in self.namespaces:
            return False
        return not self.names or name in self.names


class KwokConfig:
    """The objects of a file. Without one nothing is configured."""

    def __init__(self, documents: Iterable[Any] = ()) -> None:
        """Raises KwokError: an object is not as it should be."""
        rules = [rule for each in documents if (rule := _rule(each)) is not None]
        # Those for one pod are asked first.
        self._rules = sorted(rules, key=lambda rule: rule.cluster_wide)

    @classmethod
    def load(cls, path: str) -> KwokConfig:
        """Read a file; objects of other kinds, such as Stage, are passed over.

        Raises:
            KwokError: it cannot be read, or an object is not as it should be.
        """
        if not path:
            return cls()
        import yaml  # 20 ms, for the few who have such a file

        try:
            return cls(yaml.safe_load_all(Path(path).read_text()))
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise KwokError(f"{path}: {error}") from error
        except KwokError as error:
            raise KwokError(f"{path}: {error}") from None

    def find(
        self, kind: str, namespace: str, pod: str, wanted: str | int
    ) -> JsonObject | None:
        """The entry for a container, or for a port; None: nothing is said of the pod.

        Raises:
            NoTarget: there is an object for the pod, and it says nothing of this one.
        """
        for rule in self._rules:
            if rule.kind != kind or not rule.fits(namespace, pod):
                continue
            entry = _choose(rule.entries, _LISTS[kind][1], wanted)
            if entry is not None:
                return entry
            if not rule.cluster_wide:
                raise NoTarget(_no_target(kind, namespace, pod, wanted))
        return None


def _rule(document: Any) -> _Rule | None:
    if not isinstance(document, dict):
        return None
    if not str(document.get("apiVersion", "")).startswith(_API):
        return None
    name = str(document.get("kind"))
    kind = name.removeprefix("Cluster")
    if kind not in _LISTS:
        return None
    spec = document.get("spec")
    entries = spec.get(_LISTS[kind][0]) if isinstance(spec, dict) else None
    if not isinstance(spec, dict) or not isinstance(entries, list):
        raise KwokError(f"{name}: spec.{_LISTS[kind][0]}: a list is expected")
    try:
        check_shape(document)
    except ShapeError as error:
        raise KwokError(f"{name}: {error}") from None
    for entry in entries:
        _check(kind, entry)
    if name.startswith("Cluster"):
        selector = spec.get("selector") or {}
        namespaces = tuple(selector.get("matchNamespaces") or ())
        names = tuple(selector.get("matchNames") or ())
        return _Rule(kind, tuple(entries), namespaces, names, cluster_wide=True)
    metadata = document.get("metadata") or {}
    if not metadata.get("name"):
        raise KwokError(f"{name}: metadata.name: the pod's name is expected")
    where = (metadata.get("namespace") or "default",)
    return _Rule(kind, tuple(entries), where, (metadata["name"],), cluster_wide=False)


def _check(kind: str, entry: Any) -> None:
    if not isinstance(entry, dict):
        raise KwokError(f"{kind}: an object is expected, not {entry!r}")
    if kind in ("Attach", "Logs") and not entry.get("logsFile"):
        raise KwokError(f"{kind}: logsFile is missing")
    if kind == "PortForward" and not (
        entry.get("command") or entry.get("target") or entry.get("httpRoutes")
    ):
        raise KwokError("PortForward: no target or command")
    target = entry.get("target")
    if target is not None and not (target.get("address") and target.get("port")):
        raise KwokError("PortForward: target: port and address are expected")


def _choose(
    entries: tuple[JsonObject, ...], field: str, wanted: str | int
) -> JsonObject | None:
    for entry in entries:
        if wanted in (entry.get(field) or ()):
            return entry
    return next((entry for entry in entries if not entry.get(field)), None)


def _no_target(kind: str, namespace: str, pod: str, wanted: str | int) -> str:
    if kind == "PortForward":
        return f'forward not found for port {wanted} in pod "{namespace}/{pod}"'
    word = {"Exec": "exec", "Attach": "attach", "Logs": "log"}[kind]
    return (
        f'{word} target not found for container "{wanted}" in pod "{namespace}/{pod}"'
    )

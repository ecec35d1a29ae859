"""Which container of a pod a command means.

Source: kubernetes/kubectl pkg/cmd/util/podcmd/podcmd.go of 1.36.
"""

from __future__ import annotations

import sys

from kubectl_cli.errors import CommandError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, TextIO

    from apimachinery.types import JsonObject

__all__ = ["DEFAULT_ANNOTATION", "all_containers", "choose_container", "find_container"]

DEFAULT_ANNOTATION = "kubectl.kubernetes.io/default-container"
_SECTIONS = (
    ("containers", ""),
    ("ephemeralContainers", " (ephem)"),
    ("initContainers", " (init)"),
)


def all_containers(pod: JsonObject) -> Iterator[tuple[str, JsonObject]]:
    """Each container with the suffix that lists give it."""
    spec = pod.get("spec") or {}
    for section, suffix in _SECTIONS:
        for container in spec.get(section) or ():
            yield suffix, container


def _listed(pod: JsonObject) -> str:
    return ", ".join(f"{each['name']}{suffix}" for suffix, each in all_containers(pod))


def find_container(pod: JsonObject, name: str) -> JsonObject:
    """The container of this name.

    Raises:
        CommandError: the pod has none.
    """
    for _, container in all_containers(pod):
        if container["name"] == name:
            return container
    raise CommandError(
        f"container {name} is not valid for pod {pod['metadata']['name']} out of:"
        f" {_listed(pod)}"
    )


def choose_container(
    pod: JsonObject,
    name: str,
    *,
    quiet: bool,
    lenient: bool = False,
    told: TextIO | None = None,
) -> JsonObject:
    """The named container, else the annotated one, else the first; the last aloud.

    `lenient` is for logs, which only warn about an annotation that names none. `told`
    is where the choice is told, stderr by default.
    """
    if name:
        return find_container(pod, name)
    metadata: Any = pod["metadata"]
    annotated = (metadata.get("annotations") or {}).get(DEFAULT_ANNOTATION)
    if annotated:
        names = [each["name"] for _, each in all_containers(pod)]
        if annotated in names or not lenient:
            return find_container(pod, annotated)
        print(
            f'Default container name "{annotated}" not found in pod {metadata["name"]}',
            file=sys.stderr,
        )
    containers: list[JsonObject] = (pod.get("spec") or {}).get("containers") or []
    if not containers:
        raise CommandError(
            f"pod {metadata.get('namespace')}/{metadata.get('name') or ''}"
            " does not have any containers"
        )
    first = containers[0]
    if not quiet and sum(1 for _ in all_containers(pod)) > 1:
        print(
            f'Defaulted container "{first["name"]}" out of: {_listed(pod)}',
            file=told or sys.stderr,
        )
    return first

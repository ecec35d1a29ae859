"""What --profile and --custom make of a debug container and its pod.

Source: kubernetes/kubectl pkg/cmd/debug/profiles.go of 1.36.
"""

from __future__ import annotations

import json
from enum import Enum
from typing import TYPE_CHECKING, Any

from apimachinery.go_json import wrong_value
from kubectl_cli.errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from apimachinery.types import JsonObject
    from kubectl_cli.flags import Options

__all__ = ["PROFILES", "Style", "apply_custom", "apply_profile", "custom_container"]

_SECTIONS = ("initContainers", "containers", "ephemeralContainers")
_HOST_VOLUME = "host-root"


class Style(Enum):
    """How something is debugged."""

    EPHEMERAL = "ephemeral"
    COPY = "copy"
    NODE = "node"


def apply_profile(options: Options, pod: JsonObject, name: str, style: Style) -> None:
    """Change the container `name` of `pod`, and the pod, as the profile says."""
    PROFILES[options.text("profile")](options, pod, _find(pod, name), style)


def _find(pod: JsonObject, name: str) -> JsonObject:
    return next(each for each in _containers(pod["spec"]) if each["name"] == name)


def _containers(spec: JsonObject) -> Iterator[JsonObject]:
    for section in _SECTIONS:
        yield from spec.get(section) or ()


def _legacy(
    options: Options, pod: JsonObject, container: JsonObject, style: Style
) -> None:
    if style is Style.NODE:
        _mount_root(pod, container)
        _use_host_namespaces(pod)
    else:
        pod["metadata"].pop("labels", None)


def _general(
    options: Options, pod: JsonObject, container: JsonObject, style: Style
) -> None:
    if style is Style.NODE:
        _mount_root(pod, container)
        container.pop("securityContext", None)
        _use_host_namespaces(pod)
        return
    if style is Style.COPY:
        _strip(options, pod)
    _add_capabilities(container, "SYS_PTRACE")


def _baseline(
    options: Options, pod: JsonObject, container: JsonObject, style: Style
) -> None:
    container.pop("securityContext", None)
    if style is Style.COPY:
        _strip(options, pod)


def _restricted(
    options: Options, pod: JsonObject, container: JsonObject, style: Style
) -> None:
    container["securityContext"] = {
        "runAsNonRoot": True,
        "capabilities": {"drop": ["ALL"]},
        "allowPrivilegeEscalation": False,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    if style is Style.COPY:
        _strip(options, pod)


def _netadmin(
    options: Options, pod: JsonObject, container: JsonObject, style: Style
) -> None:
    _add_capabilities(container, "NET_ADMIN", "NET_RAW")
    if style is Style.NODE:
        _use_host_namespaces(pod)
    elif style is Style.COPY:
        _strip(options, pod)


def _sysadmin(
    options: Options, pod: JsonObject, container: JsonObject, style: Style
) -> None:
    container.setdefault("securityContext", {})["privileged"] = True
    if style is Style.NODE:
        _use_host_namespaces(pod)
        _mount_root(pod, container)
    elif style is Style.COPY:
        _strip(options, pod)


#: By the words of --profile.
PROFILES: dict[str, Callable[[Options, JsonObject, JsonObject, Style], None]] = {
    "legacy": _legacy,
    "general": _general,
    "baseline": _baseline,
    "restricted": _restricted,
    "netadmin": _netadmin,
    "sysadmin": _sysadmin,
}


def _strip(options: Options, pod: JsonObject) -> None:
    """What a copy is not to have of its original, and the processes they share."""
    metadata, spec = pod["metadata"], pod["spec"]
    for field in ("labels", "annotations"):
        if not options.flag(f"keep-{field}"):
            metadata.pop(field, None)
    for probe in ("liveness", "readiness", "startup"):
        if not options.flag(f"keep-{probe}"):
            for container in spec["containers"]:
                container.pop(f"{probe}Probe", None)
    if not options.flag("keep-init-containers"):
        spec.pop("initContainers", None)
    spec.setdefault("shareProcessNamespace", True)


def _mount_root(pod: JsonObject, container: JsonObject) -> None:
    volume = {"name": _HOST_VOLUME, "hostPath": {"path": "/"}}
    pod["spec"].setdefault("volumes", []).append(volume)
    mount = {"mountPath": "/host", "name": _HOST_VOLUME}
    container.setdefault("volumeMounts", []).append(mount)


def _use_host_namespaces(pod: JsonObject) -> None:
    pod["spec"].update(hostNetwork=True, hostPID=True, hostIPC=True)


def _add_capabilities(container: JsonObject, *names: str) -> None:
    context = container.setdefault("securityContext", {})
    context.setdefault("capabilities", {}).setdefault("add", []).extend(names)


def custom_container(path: str) -> JsonObject | None:
    """The partial container of --custom, JSON or YAML; None without one.

    Raises:
        CommandError: there is no such file, or it holds no container.
    """
    if not path:
        return None
    try:
        with open(path, "rb") as stream:
            text = stream.read()
    except OSError as error:
        raise CommandError(
            "must pass a container spec json file for custom profile: open"
            f" {path}: {(error.strerror or '').lower()}"
        ) from None
    value = _parse(text, path)
    if value is not None and not isinstance(value, dict):
        raise CommandError(
            f"{path} does not contain a valid container spec: error unmarshaling JSON:"
            f" while decoding JSON: {wrong_value(value, 'v1.Container')}"
        )
    return value


def _parse(text: bytes, path: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        from kubectl_cli.documents.yaml_input import YamlInputError, load_document

    try:
        return load_document(text)
    except YamlInputError as error:
        raise CommandError(
            f"{path} does not contain a valid container spec: error converting YAML to"
            f" JSON: {error}"
        ) from None


def apply_custom(
    custom: JsonObject | None, containers: list[JsonObject], name: str
) -> None:
    """Merge --custom into the container of this name, strategically."""
    if custom is None:
        return
    from apimachinery.patch.strategic import merge
    from apimachinery.schema import message

    index = next(i for i, each in enumerate(containers) if each["name"] == name)
    kind = message("core/v1", "Container")
    containers[index] = merge(containers[index], {**custom, "name": name}, kind)

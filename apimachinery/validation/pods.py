"""Pods: what a valid one is, and what an update may change.

Source: kubernetes/kubernetes pkg/apis/core/validation/validation.go (ValidatePodCreate,
ValidatePodSpec, ValidatePodUpdate, ValidatePodEphemeralContainersUpdate). Defaults have
been written before.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Final

from apimachinery.field_errors import (
    FieldError,
    Path,
    forbidden,
    invalid,
    not_found,
    not_supported,
    required,
)
from apimachinery.validation import names
from apimachinery.validation.collect import checked, non_negative, one_of
from apimachinery.validation.containers import (
    PodNames,
    container,
    containers,
    init_containers,
)
from apimachinery.validation.volumes import volumes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from apimachinery.types import JsonObject

__all__ = [
    "pod_spec",
    "validate_ephemeral_containers_update",
    "validate_pod",
    "validate_pod_update",
]

_SPEC: Final = Path("spec")
_RESTART: Final = ("Always", "OnFailure", "Never")
_DNS: Final = ("ClusterFirstWithHostNet", "ClusterFirst", "Default", "None")
_EFFECTS: Final = ("NoSchedule", "PreferNoSchedule", "NoExecute")
_MAX_INT32: Final = 2**31 - 1
_UPDATE_TEXT: Final = (
    "pod updates may not change fields other than `spec.containers[*].image`,"
    "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations`"
    " (only additions to existing tolerations),`spec.terminationGracePeriodSeconds`"
    " (allow it to be set to 1 if it was previously negative)"
)


def validate_pod(pod: JsonObject) -> list[FieldError]:
    """A pod as it is to be created; its metadata is checked elsewhere."""
    spec = pod.get("spec") or {}
    errors = list(pod_spec(spec, _SPEC))
    if spec.get("ephemeralContainers"):
        errors.append(
            forbidden(_SPEC.child("ephemeralContainers"), "cannot be set on create")
        )
    return errors


def pod_spec(spec: JsonObject, path: Path) -> Iterator[FieldError]:
    """A pod's spec, also inside a template."""
    items = spec.get("volumes") or []
    yield from volumes(items, path.child("volumes"))
    pod = PodNames(
        volumes=frozenset(str(item.get("name")) for item in items),
        host_network=bool(spec.get("hostNetwork")),
    )
    yield from containers(spec.get("containers") or [], path.child("containers"), pod)
    init = spec.get("initContainers") or []
    yield from init_containers(init, path.child("initContainers"), pod)
    at = path.child("restartPolicy")
    yield from one_of(at, spec.get("restartPolicy"), _RESTART)
    yield from one_of(path.child("dnsPolicy"), spec.get("dnsPolicy"), _DNS)
    yield from _dns_config(spec, path)
    yield from _names(spec, path)
    yield from _deadlines(spec, path)
    yield from _tolerations(spec.get("tolerations") or [], path.child("tolerations"))
    for position, gate in enumerate(spec.get("readinessGates") or []):
        at = path.child("readinessGates").index(position).child("conditionType")
        yield from checked(at, gate.get("conditionType") or "", names.qualified_name)


def _names(spec: JsonObject, path: Path) -> Iterator[FieldError]:
    for member, rule in (
        ("serviceAccountName", names.dns1123_subdomain),
        ("nodeName", names.dns1123_subdomain),
        ("hostname", names.dns1123_label),
        ("subdomain", names.dns1123_label),
        ("priorityClassName", names.dns1123_subdomain),
        ("runtimeClassName", names.dns1123_subdomain),
    ):
        if spec.get(member):
            yield from checked(path.child(member), spec[member], rule)
    selector = spec.get("nodeSelector") or {}
    for key, value in sorted(selector.items()):
        at = path.child("nodeSelector")
        yield from checked(at, key, names.qualified_name)
        for complaint in names.label_value(value):
            yield invalid(at, value, complaint)


def _dns_config(spec: JsonObject, path: Path) -> Iterator[FieldError]:
    servers = (spec.get("dnsConfig") or {}).get("nameservers")
    if spec.get("dnsPolicy") == "None" and not servers:
        text = "must provide at least one DNS nameserver when `dnsPolicy` is None"
        yield required(path.child("dnsConfig", "nameservers"), text)


def _deadlines(spec: JsonObject, path: Path) -> Iterator[FieldError]:
    deadline = spec.get("activeDeadlineSeconds")
    at = path.child("activeDeadlineSeconds")
    if deadline is not None:
        for complaint in names.in_range(deadline, 1, _MAX_INT32):
            yield invalid(at, deadline, complaint)
    grace = spec.get("terminationGracePeriodSeconds")
    yield from non_negative(path.child("terminationGracePeriodSeconds"), grace)


def _tolerations(items: list[JsonObject], path: Path) -> Iterator[FieldError]:
    for position, item in enumerate(items):
        at = path.index(position)
        key, operator = item.get("key") or "", item.get("operator") or "Equal"
        if key:
            yield from checked(at.child("key"), key, names.qualified_name)
        elif operator != "Exists":
            yield invalid(
                at.child("operator"),
                item.get("operator") or "",
                "operator must be Exists when `key` is empty, which means"
                ' "match all values and all keys"',
            )
        seconds, effect = item.get("tolerationSeconds"), item.get("effect") or ""
        if seconds is not None and effect != "NoExecute":
            text = "effect must be 'NoExecute' when `tolerationSeconds` is set"
            yield invalid(at.child("effect"), effect, text)
        value = item.get("value") or ""
        if operator == "Equal":
            yield from checked(at.child("operator"), value, names.label_value)
        elif operator == "Exists":
            if value:
                text = "value must be empty when `operator` is 'Exists'"
                yield invalid(at.child("operator"), value, text)
        else:
            yield not_supported(at.child("operator"), operator, ("Equal", "Exists"))
        if effect and effect not in _EFFECTS:
            yield not_supported(at.child("effect"), effect, _EFFECTS)


# -- updates --------------------------------------------------------------------------


def validate_pod_update(new: JsonObject, old: JsonObject) -> list[FieldError]:
    """Only images, a sooner deadline, more tolerations and open gates may change."""
    new_spec, old_spec = new.get("spec") or {}, old.get("spec") or {}
    errors = []
    for member in ("containers", "initContainers"):
        at = _SPEC.child(member)
        if len(new_spec.get(member) or []) != len(old_spec.get(member) or []):
            text = "pod updates may not add or remove containers"
            return [forbidden(at, text)]
        for position, item in enumerate(new_spec.get(member) or []):
            image = item.get("image") or ""
            where = at.index(position).child("image")
            if not image:
                errors.append(required(where))
            elif image != image.strip():
                text = "must not have leading or trailing whitespace"
                errors.append(invalid(where, image, text))
    errors += _deadline_update(new_spec, old_spec)
    errors += _tolerations_update(new_spec, old_spec)
    errors += _gates_update(new_spec, old_spec)
    if errors:
        return errors
    if _frozen(new_spec, old_spec) != _frozen(old_spec, old_spec):
        errors.append(forbidden(_SPEC, _UPDATE_TEXT))
    return errors


def _deadline_update(new: JsonObject, old: JsonObject) -> Iterator[FieldError]:
    deadline, before = (
        new.get("activeDeadlineSeconds"),
        old.get("activeDeadlineSeconds"),
    )
    at = _SPEC.child("activeDeadlineSeconds")
    if deadline is None:
        if before is not None:
            yield invalid(
                at, None, "must not update from a positive integer to nil value"
            )
        return
    complaints = names.in_range(deadline, 1, _MAX_INT32)
    for complaint in complaints:
        yield invalid(at, deadline, complaint)
    if not complaints and before is not None and deadline > before:
        text = f"must be less than or equal to previous value {before}"
        yield invalid(at, deadline, text)


def _tolerations_update(new: JsonObject, old: JsonObject) -> Iterator[FieldError]:
    at = _SPEC.child("tolerations")
    items = new.get("tolerations") or []
    kept = [_without_seconds(item) for item in items]
    for before in old.get("tolerations") or []:
        if before not in items and _without_seconds(before) not in kept:
            yield forbidden(
                at,
                "existing toleration can not be modified except its tolerationSeconds",
            )
            return
    yield from _tolerations(items, at)


def _without_seconds(item: JsonObject) -> JsonObject:
    return {name: value for name, value in item.items() if name != "tolerationSeconds"}


def _gates_update(new: JsonObject, old: JsonObject) -> Iterator[FieldError]:
    before = {gate.get("name") for gate in old.get("schedulingGates") or []}
    for position, gate in enumerate(new.get("schedulingGates") or []):
        if gate.get("name") not in before:
            at = _SPEC.child("schedulingGates").index(position)
            text = "only deletion is allowed, but found new scheduling gate"
            yield forbidden(at, f"{text} '{gate.get('name')}'")


def _frozen(spec: JsonObject, old: JsonObject) -> JsonObject:
    """The spec without what may change."""
    rest = copy.deepcopy(spec)
    for member in ("containers", "initContainers"):
        for item in rest.get(member) or []:
            item.pop("image", None)
    rest.pop("activeDeadlineSeconds", None)
    rest.pop("tolerations", None)
    rest.pop("schedulingGates", None)
    grace = old.get("terminationGracePeriodSeconds")
    if (
        isinstance(grace, int)
        and grace < 0
        and rest.get("terminationGracePeriodSeconds") == 1
    ):
        rest["terminationGracePeriodSeconds"] = grace
    if old.get("schedulingGates"):
        # A gated pod may still be told where it may run.
        for member in ("nodeSelector", "affinity"):
            rest.pop(member, None)
    return {name: value for name, value in rest.items() if value not in (None, [], {})}


def validate_ephemeral_containers_update(
    new: JsonObject, old: JsonObject
) -> list[FieldError]:
    """Ephemeral containers may be added, never changed or removed."""
    path = _SPEC.child("ephemeralContainers")
    items = (new.get("spec") or {}).get("ephemeralContainers") or []
    before = (old.get("spec") or {}).get("ephemeralContainers") or []
    errors = list(_ephemeral_containers(new.get("spec") or {}, items, path))
    if len(items) < len(before):
        errors.append(
            forbidden(path, "existing ephemeral containers may not be removed")
        )
        return errors
    by_name = {item.get("name"): item for item in items}
    for item in before:
        now = by_name.get(item.get("name"))
        name = item.get("name")
        if now is None:
            text = f'existing ephemeral containers "{name}" may not be removed'
            errors.append(forbidden(path, text))
        elif now != item:
            text = f'existing ephemeral containers "{name}" may not be changed'
            errors.append(forbidden(path, text))
    return errors


_EPHEMERAL_FORBIDDEN: Final = (
    "ports",
    "livenessProbe",
    "readinessProbe",
    "startupProbe",
    "lifecycle",
)


def _ephemeral_containers(
    spec: JsonObject, items: list[JsonObject], path: Path
) -> Iterator[FieldError]:
    regular = (*(spec.get("containers") or ()), *(spec.get("initContainers") or ()))
    pod = PodNames(
        volumes=frozenset(str(item.get("name")) for item in spec.get("volumes") or ()),
        containers={str(item.get("name")) for item in regular},
    )
    targets = {item.get("name") for item in regular}
    for position, item in enumerate(items):
        at = path.index(position)
        yield from container(item, at, pod)
        target = item.get("targetContainerName")
        if target and target not in targets:
            yield not_found(at.child("targetContainerName"), target)
        for member in _EPHEMERAL_FORBIDDEN:
            if item.get(member):
                text = "cannot be set for an Ephemeral Container"
                yield forbidden(at.child(member), text)
        if item.get("resources"):
            text = "cannot be set for an Ephemeral Container"
            yield forbidden(at.child("resources"), text)

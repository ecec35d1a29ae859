"""Roles and their bindings, described.

Source: kubernetes/kubectl pkg/describe/describe.go (RoleDescriber,
RoleBindingDescriber) of 1.36, kubernetes/component-helpers auth/rbac/validation
policy_compact.go and policy_comparator.go (BreakdownRule).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from kubectl_cli.describe.writer import Description, go_list

if TYPE_CHECKING:
    from collections.abc import Iterator

    from apimachinery.types import JsonObject

__all__ = ["describe_binding", "describe_role"]


@dataclass(frozen=True, slots=True)
class _Rule:
    """Verbs on one resource, or one verb on one URL."""

    verbs: tuple[str, ...]
    group: str | None = None
    resource: str | None = None
    name: str | None = None
    url: str | None = None

    @property
    def order(self) -> tuple[str, ...]:
        """How PolicyRule.String sorts."""
        return tuple(
            go_list(part)
            for part in (
                self.verbs,
                _one(self.group),
                _one(self.resource),
                _one(self.name),
                _one(self.url),
            )
        )

    @property
    def row(self) -> str:
        head, slash, sub = (self.resource or "").partition("/")
        if self.group:
            head = f"{head}.{self.group}"
        cells = (_one(self.url), _one(self.name), self.verbs)
        return "\t".join([head + slash + sub, *map(go_list, cells)])


def _one(value: str | None) -> tuple[str, ...]:
    return () if value is None else (value,)


def describe_role(obj: JsonObject, events: list[JsonObject] | None) -> str:
    """The rules, one line for each resource; kubectl shows no events here."""
    del events
    out = _head(obj)
    out.line("PolicyRule:")
    out.line("Resources\tNon-Resource URLs\tResource Names\tVerbs", 1)
    out.line("---------\t-----------------\t--------------\t-----", 1)
    parts = [part for rule in obj.get("rules") or () for part in _broken_down(rule)]
    for rule in sorted(_compact(parts), key=lambda each: each.order):
        out.line(rule.row, 1)
    return out.render()


def _broken_down(rule: JsonObject) -> Iterator[_Rule]:
    """A rule as many that each speak of one verb on one thing."""
    verbs = rule.get("verbs") or ()
    names = rule.get("resourceNames") or (None,)
    for group in rule.get("apiGroups") or ():
        for resource in rule.get("resources") or ():
            for verb in verbs:
                for name in names:
                    yield _Rule((verb,), group, resource, name)
    for url in rule.get("nonResourceURLs") or ():
        for verb in verbs:
            yield _Rule((verb,), url=url)


def _compact(rules: list[_Rule]) -> Iterator[_Rule]:
    """The verbs of one resource together; those of URLs stay apart."""
    found: dict[_Rule, list[str]] = {}
    for rule in rules:
        if rule.url is not None:
            yield rule
            continue
        verbs = found.setdefault(replace(rule, verbs=()), [])
        verbs += [verb for verb in rule.verbs if verb not in verbs]
    for key, verbs in found.items():
        yield replace(key, verbs=tuple(verbs))


def describe_binding(obj: JsonObject, events: list[JsonObject] | None) -> str:
    """Who has which role; kubectl shows no events here."""
    del events
    out, role = _head(obj), obj.get("roleRef") or {}
    out.line("Role:")
    out.line(f"Kind:\t{role.get('kind') or ''}", 1)
    out.line(f"Name:\t{role.get('name') or ''}", 1)
    out.line("Subjects:")
    out.line("Kind\tName\tNamespace", 1)
    out.line("----\t----\t---------", 1)
    for each in obj.get("subjects") or ():
        cells = [str(each.get(key) or "") for key in ("kind", "name", "namespace")]
        out.line("\t".join(cells), 1)
    return out.render()


def _head(obj: JsonObject) -> Description:
    """Name, labels and annotations: no namespace, also of a Role."""
    out, metadata = Description(), obj["metadata"]
    out.line(f"Name:\t{metadata['name']}")
    out.labels("Labels", metadata.get("labels"))
    out.annotations(metadata.get("annotations"))
    return out

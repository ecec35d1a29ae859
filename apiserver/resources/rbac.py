"""Roles and bindings.

Source: kubernetes/kubernetes pkg/apis/rbac/{v1/defaults.go,validation}; columns as
printers.go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from apimachinery.field_errors import FieldError, Path, invalid, required
from apiserver.resources.cells import AGE, CREATED_AT, NAME
from apiserver.resources.registry import Column, Resource
from apiserver.resources.strategy import Strategy

if TYPE_CHECKING:
    from apimachinery.types import JsonObject

__all__ = ["RBAC"]

_GROUP = "rbac.authorization.k8s.io"


class RoleStrategy(Strategy):
    def name_rule(self) -> str:
        return "path"

    def default(self, obj: JsonObject) -> None:
        obj.setdefault("rules", None)

    def validate(self, obj: JsonObject) -> list[FieldError]:
        return [
            required(
                Path("rules").index(index).child("verbs"),
                "verbs must contain at least one value",
            )
            for index, rule in enumerate(obj.get("rules") or ())
            if not rule.get("verbs")
        ]


class BindingStrategy(Strategy):
    def name_rule(self) -> str:
        return "path"

    def default(self, obj: JsonObject) -> None:
        role = obj.setdefault("roleRef", {})
        if not role.get("apiGroup"):
            role["apiGroup"] = _GROUP
        for subject in obj.get("subjects") or ():
            if not subject.get("apiGroup") and subject.get("kind") in ("User", "Group"):
                subject["apiGroup"] = _GROUP

    def validate_update(
        self, new: JsonObject, old: JsonObject, subresource: str
    ) -> list[FieldError]:
        if new.get("roleRef") == old.get("roleRef"):
            return []
        return [invalid(Path("roleRef"), new.get("roleRef"), "cannot change roleRef")]


def _role(binding: JsonObject, now: float) -> str:
    role = binding.get("roleRef") or {}
    return f"{role.get('kind', '')}/{role.get('name', '')}"


def _subjects(kind: str) -> Column:
    def cell(binding: JsonObject, now: float) -> str:
        return ", ".join(
            f"{s.get('namespace')}/{s.get('name')}"
            if kind == "ServiceAccount"
            else str(s.get("name"))
            for s in binding.get("subjects") or ()
            if s.get("kind") == kind
        )

    return Column(f"{kind}s", cell, wide=True, description="Who is bound.")


_ROLE_COLUMNS = (NAME, CREATED_AT)
_BINDING_COLUMNS = (
    NAME,
    Column("Role", _role, description="The role that is given."),
    AGE,
    _subjects("User"),
    _subjects("Group"),
    _subjects("ServiceAccount"),
)


class _Strategies:
    role: ClassVar = RoleStrategy()
    binding: ClassVar = BindingStrategy()


RBAC = (
    Resource(
        _GROUP,
        "v1",
        "clusterrolebindings",
        "ClusterRoleBinding",
        namespaced=False,
        columns=_BINDING_COLUMNS,
        strategy=_Strategies.binding,
    ),
    Resource(
        _GROUP,
        "v1",
        "clusterroles",
        "ClusterRole",
        namespaced=False,
        columns=_ROLE_COLUMNS,
        strategy=_Strategies.role,
    ),
    Resource(
        _GROUP,
        "v1",
        "rolebindings",
        "RoleBinding",
        namespaced=True,
        columns=_BINDING_COLUMNS,
        strategy=_Strategies.binding,
    ),
    Resource(
        _GROUP,
        "v1",
        "roles",
        "Role",
        namespaced=True,
        columns=_ROLE_COLUMNS,
        strategy=_Strategies.role,
    ),
)

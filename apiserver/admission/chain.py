"""Admission: what is decided about a write after it was authorized.

Mutating steps may complete the object, then validating ones may refuse it. They see
the object decoded and defaulted, before it is stored.

Source: kubernetes/apiserver pkg/admission/{interfaces,chain}.go; the order is that of
kubernetes/kubernetes pkg/kubeapiserver/options/plugins.go.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from apimachinery.types import JsonObject
    from apiserver.authn.user import UserInfo
    from apiserver.context import RequestContext
    from apiserver.resources.registry import Resource

__all__ = ["Admission", "AdmissionRequest", "AdmissionStep"]


@dataclass(slots=True)
class AdmissionRequest:
    """One write. `operation` is CREATE, UPDATE, DELETE or CONNECT."""

    operation: str
    resource: Resource
    subresource: str
    namespace: str
    name: str
    user: UserInfo
    context: RequestContext
    dry_run: bool = False


class AdmissionStep:
    """A step with nothing to say; real ones override what they need."""

    async def mutate(
        self, request: AdmissionRequest, obj: JsonObject, old: JsonObject | None
    ) -> None:
        """Complete the object in place, or refuse it."""

    def validate(
        self, request: AdmissionRequest, obj: JsonObject, old: JsonObject | None
    ) -> None:
        """Refuse the object as it is about to be stored, or let it pass."""


class Admission:
    """The steps in their order."""

    def __init__(self, steps: Sequence[AdmissionStep]) -> None:
        self._steps = tuple(steps)

    async def mutate(
        self, request: AdmissionRequest, obj: JsonObject, old: JsonObject | None = None
    ) -> None:
        """Run all mutating steps.

        Raises:
            StatusError: a step refuses.
        """
        for step in self._steps:
            await step.mutate(request, obj, old)

    def validate(
        self, request: AdmissionRequest, obj: JsonObject, old: JsonObject | None = None
    ) -> None:
        """Run all validating steps.

        Raises:
            StatusError: a step refuses.
        """
        for step in self._steps:
            step.validate(request, obj, old)

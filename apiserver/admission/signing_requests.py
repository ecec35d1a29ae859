"""A certificate signing request says who made it; nobody may say so for somebody else.

Source: kubernetes/kubernetes pkg/registry/certificates/certificates/strategy.go
(PrepareForCreate), where it comes before admission.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from apiserver.admission.chain import AdmissionRequest, AdmissionStep

if TYPE_CHECKING:
    from apimachinery.types import JsonObject

__all__ = ["SigningRequestUser"]

_FIELDS = ("username", "uid", "groups", "extra")


class SigningRequestUser(AdmissionStep):
    async def mutate(
        self, request: AdmissionRequest, obj: JsonObject, old: JsonObject | None
    ) -> None:
        if request.operation != "CREATE" or request.subresource:
            return
        if request.resource.kind != "CertificateSigningRequest":
            return
        spec = obj.setdefault("spec", {})
        for field in _FIELDS:
            spec.pop(field, None)
        spec.update(request.user.to_json())

"""The 403 that a refused action is answered with.

Source: kubernetes/apiserver pkg/endpoints/handlers/responsewriters/errors.go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from apimachinery import status
from apimachinery.go_text import quote
from apimachinery.gvk import GroupResource

if TYPE_CHECKING:
    from apiserver.authz.attributes import Attributes

__all__ = ["forbidden"]

_SANITIZE = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


def forbidden(attributes: Attributes, reason: str) -> status.StatusError:
    """`pods "p" is forbidden: User "u" cannot get resource "pods" …`."""
    message = _sentence(attributes).translate(_SANITIZE)
    if reason:
        message = f"{message}: {reason}"
    if not attributes.is_resource:
        return status.forbidden(None, "", message)
    resource = GroupResource(attributes.group, attributes.resource)
    return status.forbidden(resource, attributes.name, message)


def _sentence(attributes: Attributes) -> str:
    subject = f"User {quote(attributes.user.name)} cannot {attributes.verb}"
    if not attributes.is_resource:
        return f"{subject} path {quote(attributes.path)}"
    resource = attributes.resource
    if attributes.subresource:
        resource = f"{resource}/{attributes.subresource}"
    where = (
        f"in the namespace {quote(attributes.namespace)}"
        if attributes.namespace
        else "at the cluster scope"
    )
    return (
        f"{subject} resource {quote(resource)}"
        f" in API group {quote(attributes.group)} {where}"
    )

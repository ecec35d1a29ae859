"""Kinds that are asked, not stored: each POST is answered at once."""

from __future__ import annotations

from dataclasses import replace

from apiserver.resources.registry import Resource

__all__ = ["AUTHENTICATION", "AUTHORIZATION", "BINDINGS"]

_CREATE = ("create",)


def _review(
    group: str, resource: str, kind: str, *, namespaced: bool = False
) -> Resource:
    return Resource(
        group,
        "v1",
        resource,
        kind,
        namespaced=namespaced,
        verbs=_CREATE,
        action="reviews",
    )


BINDINGS = Resource(
    "", "v1", "bindings", "Binding", namespaced=True, verbs=_CREATE, action="bindings"
)
_SELF_SUBJECT = _review(
    "authentication.k8s.io", "selfsubjectreviews", "SelfSubjectReview"
)
AUTHENTICATION = (
    _SELF_SUBJECT,
    _review("authentication.k8s.io", "tokenreviews", "TokenReview"),
    # What `kubectl auth whoami` of 1.27 asks, which knows no v1 yet.
    replace(_SELF_SUBJECT, version="v1beta1", hidden=True),
)
AUTHORIZATION = (
    _review(
        "authorization.k8s.io",
        "localsubjectaccessreviews",
        "LocalSubjectAccessReview",
        namespaced=True,
    ),
    _review(
        "authorization.k8s.io", "selfsubjectaccessreviews", "SelfSubjectAccessReview"
    ),
    _review(
        "authorization.k8s.io", "selfsubjectrulesreviews", "SelfSubjectRulesReview"
    ),
    _review("authorization.k8s.io", "subjectaccessreviews", "SubjectAccessReview"),
)

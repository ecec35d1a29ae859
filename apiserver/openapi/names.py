"""What OpenAPI documents call the built-in types.

Source: kubernetes/kube-openapi pkg/util (ToRESTFriendlyName) over Go package paths:
k8s.io/api/core/v1.Pod is `io.k8s.api.core.v1.Pod`.
"""

from __future__ import annotations

__all__ = ["definition_name"]

_MACHINERY = {
    "meta/v1": "io.k8s.apimachinery.pkg.apis.meta.v1",
    "resource": "io.k8s.apimachinery.pkg.api.resource",
    "intstr": "io.k8s.apimachinery.pkg.util.intstr",
    "runtime": "io.k8s.apimachinery.pkg.runtime",
}


def definition_name(group_version: str, name: str) -> str:
    """The definition of a type of the schema table."""
    package = _MACHINERY.get(group_version)
    if package is None:
        group, _, version = group_version.rpartition("/")
        package = f"io.k8s.api.{group.partition('.')[0]}.{version}"
    return f"{package}.{name}"

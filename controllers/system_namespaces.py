"""The namespaces that every cluster has.

Source: kubernetes/kubernetes pkg/controlplane/controller/systemnamespaces.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from apimachinery.status import StatusError
from controllers.resources import NAMESPACES

if TYPE_CHECKING:
    from controllers.api import Api

__all__ = ["SYSTEM_NAMESPACES", "ensure_system_namespaces"]

SYSTEM_NAMESPACES: Final = ("default", "kube-node-lease", "kube-public", "kube-system")


async def ensure_system_namespaces(api: Api) -> None:
    """Create those that are missing.

    Raises:
        StatusError, OSError: the server refused for another reason.
    """
    present = {
        namespace["metadata"]["name"] for namespace in await api.list(NAMESPACES)
    }
    for name in SYSTEM_NAMESPACES:
        if name in present:
            continue
        namespace = {
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {"name": name},
        }
        try:
            await api.create(NAMESPACES, namespace)
        except StatusError as err:
            if err.code != 409:
                raise

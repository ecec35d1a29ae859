"""The kubeconfigs that a cluster hands out.

They are written as JSON, which is YAML too: `json.loads` reads one in a tenth of a
millisecond. The user's holds its certificates inline, so that it can be copied away;
those of the services name files, which renewal replaces under them.
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from certs.pki import KeyPairFiles, Pki

__all__ = ["component_kubeconfig", "user_kubeconfig"]


def user_kubeconfig(
    *, context: str, server: str, pki: Pki, extension: Mapping[str, Any]
) -> str:
    """The administrator's kubeconfig.

    `extension` is told under the name mini-kube, where kubectl ignores it: how our own
    tools find the services' admin sockets and traces.
    """
    files = pki.admin
    cluster = {
        "server": server,
        "certificate-authority-data": _encoded(pki.ca_cert.read_bytes()),
        "extensions": [{"name": "mini-kube", "extension": dict(extension)}],
    }
    user = {
        "client-certificate-data": _encoded(files.cert.read_bytes()),
        "client-key-data": _encoded(files.key.read_bytes()),
    }
    return _document(context, cluster, user)


def component_kubeconfig(
    *, user: str, server: str, pki: Pki, files: KeyPairFiles
) -> str:
    """The kubeconfig of a service; `user` is what its certificate says."""
    cluster = {"server": server, "certificate-authority": str(pki.ca_cert)}
    credentials = {
        "client-certificate": str(files.cert),
        "client-key": str(files.key),
    }
    return _document(user, cluster, credentials)


def _document(context: str, cluster: Mapping[str, Any], user: Mapping[str, Any]) -> str:
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": context, "cluster": cluster}],
        "users": [{"name": context, "user": user}],
        "contexts": [
            {"name": context, "context": {"cluster": context, "user": context}}
        ],
        "current-context": context,
        "preferences": {},
    }
    return json.dumps(document, indent=2) + "\n"


def _encoded(content: bytes) -> str:
    return base64.b64encode(content).decode()

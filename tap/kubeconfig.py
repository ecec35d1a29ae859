"""The kubeconfig that goes through the tap: one context, called as the real one."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from apimachinery.kubeconfig import (
    Kubeconfig,
    KubeconfigError,
    Overrides,
    load,
    resolve,
)
from certs.files import write_atomically

if TYPE_CHECKING:
    from collections.abc import Mapping

    from apimachinery.kubeconfig import ClientConfig
    from apimachinery.types import JsonObject
    from hops.cluster_view import ClusterView
    from tap.keys import TapKeys

__all__ = ["find_kubeconfigs", "read_context", "write_kubeconfig"]

# What a client says to the server itself, and not to the tap.
_USER_FIELDS = ("as", "as-uid", "as-groups", "as-user-extra")


def find_kubeconfigs(
    given: str | None, environment: Mapping[str, str], view: ClusterView | None
) -> list[str]:
    """Where kubectl would look; else the cluster of ours, if there is one."""
    if given:
        return [given]
    if named := environment.get("KUBECONFIG"):
        return [path for path in named.split(os.pathsep) if path]
    home = Path.home() / ".kube" / "config"
    if home.exists() or view is None:
        return [str(home)]
    return [str(view.kubeconfig)]


def read_context(paths: list[str], context: str) -> tuple[Kubeconfig, ClientConfig]:
    """The files, and what a client of the context needs.

    Raises:
        KubeconfigError: there is no such context, or no server in it.
        OSError: a file cannot be read.
    """
    if not any(os.path.exists(path) for path in paths):
        raise KubeconfigError(f"no kubeconfig: {', '.join(paths)} does not exist")
    config = load(paths)
    client = resolve(config, Overrides(context=context))
    if not client.server:
        raise KubeconfigError(f"context {client.context_name!r} has no server")
    return config, client


def write_kubeconfig(
    path: Path, config: Kubeconfig, client: ClientConfig, server: str, keys: TapKeys
) -> None:
    """Write it, mode 0600: who has it acts as the user of the real one."""
    ca, cert, key = keys.encoded()
    cluster: JsonObject = {"server": server, "certificate-authority-data": ca}
    if client.disable_compression:
        cluster["disable-compression"] = True
    if client.extensions:
        cluster["extensions"] = [
            {"name": name, "extension": value}
            for name, value in client.extensions.items()
        ]
    stanza = config.users.get(client.user_name, {})
    user: JsonObject = {"client-certificate-data": cert, "client-key-data": key}
    user |= {name: stanza[name] for name in _USER_FIELDS if stanza.get(name)}
    names = {
        "cluster": client.cluster_name or "tap",
        "user": client.user_name or "tap",
        "context": client.context_name or "tap",
    }
    context = {"cluster": names["cluster"], "user": names["user"]}
    namespace = config.contexts.get(client.context_name, {}).get("namespace")
    if namespace:
        context["namespace"] = namespace
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": names["cluster"], "cluster": cluster}],
        "users": [{"name": names["user"], "user": user}],
        "contexts": [{"name": names["context"], "context": context}],
        "current-context": names["context"],
    }
    write_atomically(path, json.dumps(document, indent=2).encode() + b"\n")

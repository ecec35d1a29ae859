"""`create namespace`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_cli.creation import IMPERATIVE_FLAGS, create_one, only_name

if TYPE_CHECKING:
    from kubectl_cli.client.factory import Factory
    from kubectl_cli.flags import Options

SUMMARY = "Create a namespace."
USE = "create namespace NAME [--dry-run=server|client|none]"
FLAGS = IMPERATIVE_FLAGS


def run(options: Options, factory: Factory) -> int:
    """POST the namespace."""
    name = only_name(options, "create namespace")
    obj = {
        "kind": "Namespace",
        "apiVersion": "v1",
        "metadata": {"name": name},
        "spec": {},
        "status": {},
    }
    return create_one(options, factory, "/api/v1/namespaces", obj)

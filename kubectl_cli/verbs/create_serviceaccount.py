"""`create serviceaccount`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_cli.creation import IMPERATIVE_FLAGS, create_in_namespace, only_name

if TYPE_CHECKING:
    from kubectl_cli.client.factory import Factory
    from kubectl_cli.flags import Options

SUMMARY = "Create a service account."
USE = "create serviceaccount NAME [--dry-run=server|client|none]"
FLAGS = IMPERATIVE_FLAGS


def run(options: Options, factory: Factory) -> int:
    """POST the service account."""
    name = only_name(options, "create serviceaccount")
    obj = {"kind": "ServiceAccount", "apiVersion": "v1", "metadata": {"name": name}}
    return create_in_namespace(
        options,
        factory,
        "/api/v1",
        "serviceaccounts",
        obj,
        failure="failed to create serviceaccount: ",
    )

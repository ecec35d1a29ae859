"""`create secret generic`: of files, folders and literals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kubectl_cli.creation import IMPERATIVE_FLAGS, create_in_namespace, only_name
from kubectl_cli.documents.data_sources import DATA_FLAGS, read_data
from kubectl_cli.documents.name_hash import append_hash
from kubectl_cli.flags import Flag

if TYPE_CHECKING:
    from kubectl_cli.client.factory import Factory
    from kubectl_cli.flags import Options

SUMMARY = "Create a secret from files, folders or literal values."
USE = (
    "create secret generic NAME [--type=string] [--from-file=[key=]source]"
    " [--from-literal=key1=value1] [--dry-run=server|client|none]"
)
FLAGS = (*IMPERATIVE_FLAGS, *DATA_FLAGS, Flag("type", help="The type of the secret."))


def run(options: Options, factory: Factory) -> int:
    """POST the secret."""
    name = only_name(options, "create secret generic")
    data = read_data(options, "Secret", name)
    return create_secret(
        options,
        factory,
        name,
        data,
        secret_type=options.text("type"),
        failure="failed to create secret ",
    )


def create_secret(
    options: Options,
    factory: Factory,
    name: str,
    data: dict[str, bytes],
    *,
    secret_type: str,
    failure: str,
) -> int:
    """POST a secret of any type; its command has --append-hash."""
    import base64

    obj: dict[str, Any] = {
        "kind": "Secret",
        "apiVersion": "v1",
        "metadata": {"name": name},
    }
    if data:
        obj["data"] = {k: base64.b64encode(data[k]).decode() for k in sorted(data)}
    if secret_type:
        obj["type"] = secret_type
    if options.flag("append-hash"):
        append_hash(obj)
    return create_in_namespace(
        options, factory, "/api/v1", "secrets", obj, failure=failure
    )

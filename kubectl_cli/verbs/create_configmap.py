"""`create configmap`: of files, folders and literals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kubectl_cli.creation import IMPERATIVE_FLAGS, create_in_namespace, only_name
from kubectl_cli.documents.data_sources import DATA_FLAGS, read_data
from kubectl_cli.documents.name_hash import append_hash

if TYPE_CHECKING:
    from kubectl_cli.client.factory import Factory
    from kubectl_cli.flags import Options

SUMMARY = "Create a config map from files, folders or literal values."
USE = (
    "create configmap NAME [--from-file=[key=]source] [--from-literal=key1=value1]"
    " [--dry-run=server|client|none]"
)
FLAGS = (*IMPERATIVE_FLAGS, *DATA_FLAGS)


def run(options: Options, factory: Factory) -> int:
    """POST the config map; what is no UTF-8 goes to binaryData."""
    import base64

    name = only_name(options, "create configmap")
    obj: dict[str, Any] = {
        "kind": "ConfigMap",
        "apiVersion": "v1",
        "metadata": {"name": name},
    }
    data = read_data(options, "ConfigMap", name)
    for key in sorted(data):
        try:
            text = data[key].decode()
        except UnicodeDecodeError:
            encoded = base64.b64encode(data[key]).decode()
            obj.setdefault("binaryData", {})[key] = encoded
        else:
            obj.setdefault("data", {})[key] = text
    if options.flag("append-hash"):
        append_hash(obj)
    return create_in_namespace(
        options,
        factory,
        "/api/v1",
        "configmaps",
        obj,
        failure="failed to create configmap: ",
    )

"""`create quota`.

Source: kubernetes/kubectl pkg/cmd/create/create_quota.go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kubectl_cli.creation import IMPERATIVE_FLAGS, create_in_namespace, only_name
from kubectl_cli.errors import CommandError
from kubectl_cli.flags import Flag

if TYPE_CHECKING:
    from kubectl_cli.client.factory import Factory
    from kubectl_cli.flags import Options

SUMMARY = "Create a resource quota."
USE = (
    "create quota NAME [--hard=key1=value1,key2=value2] [--scopes=Scope1,Scope2]"
    " [--dry-run=server|client|none]"
)
EXAMPLES = """kubectl create quota my-quota --hard=cpu=1,memory=1G,pods=2
kubectl create quota best-effort --hard=pods=100 --scopes=BestEffort"""
FLAGS = (
    *IMPERATIVE_FLAGS,
    Flag("hard", help="resource=quantity pairs that are the limits."),
    Flag("scopes", help="Scopes that must all match what is counted."),
)


def run(options: Options, factory: Factory) -> int:
    """POST the quota."""
    from kubectl_cli.documents.resource_lists import parse_resource_list

    name = only_name(options, "create quota")
    spec: dict[str, Any] = {}
    if hard := parse_resource_list(options.text("hard")):
        spec["hard"] = hard
    if scopes := options.text("scopes"):
        spec["scopes"] = scopes.split(",")
        if "" in spec["scopes"]:
            raise CommandError('invalid resource quota scope ""')
    obj = {
        "kind": "ResourceQuota",
        "apiVersion": "v1",
        "metadata": {"name": name},
        "spec": spec,
        "status": {},
    }
    return create_in_namespace(
        options,
        factory,
        "/api/v1",
        "resourcequotas",
        obj,
        failure="failed to create quota: ",
    )

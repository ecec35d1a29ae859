"""`create role` and `create clusterrole`.

Source: kubernetes/kubectl pkg/cmd/create (create_role.go, create_clusterrole.go).
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from kubectl_cli.creation import IMPERATIVE_FLAGS, create_one, only_name
from kubectl_cli.errors import AggregateError, CommandError
from kubectl_cli.flags import Flag

if TYPE_CHECKING:
    from kubectl_cli.client.factory import Factory
    from kubectl_cli.flags import Options

SUMMARY = {
    "create clusterrole": "Create a cluster role.",
    "create role": "Create a role with one rule.",
}
USE = {
    command: f"{command} NAME --verb=verb --resource=resource.group/subresource"
    " [--resource-name=resourcename] [--dry-run=server|client|none]"
    for command in SUMMARY
}
FLAGS = (
    *IMPERATIVE_FLAGS,
    Flag("aggregation-rule", "pairs", help="clusterrole: labels of roles to take in."),
    Flag("non-resource-url", "slice", help="clusterrole: URLs that it is about."),
    Flag("resource", "slice", help="Types that it is about."),
    Flag("resource-name", "array", help="Only objects of this name; may be repeated."),
    Flag("verb", "slice", help="What may be done with them."),
)
_GROUP = "rbac.authorization.k8s.io"
_VERBS = frozenset(
    {
        *("get", "list", "watch", "create", "update", "patch", "delete"),
        *("deletecollection", "use", "bind", "escalate", "impersonate", "*"),
        *("approve", "sign", "attest"),
    }
)


def run(options: Options, factory: Factory) -> int:
    """POST the role."""
    cluster = factory.command == "create clusterrole"
    name = only_name(options, factory.command)
    obj: dict[str, Any] = {
        "kind": "ClusterRole" if cluster else "Role",
        "apiVersion": f"{_GROUP}/v1",
        "metadata": {"name": name},
    }
    aggregated = options.pairs("aggregation-rule") if cluster else {}
    if aggregated:
        obj["rules"] = None
        selectors = [{"matchLabels": aggregated}]
        obj["aggregationRule"] = {"clusterRoleSelectors": selectors}
    else:
        obj["rules"] = _rules(options, factory, cluster=cluster)
    where = "" if cluster else f"namespaces/{factory.namespace}/"
    path = f"/apis/{_GROUP}/v1/{where}{'clusterroles' if cluster else 'roles'}"
    namespace = "" if cluster else factory.namespace
    return create_one(options, factory, path, obj, namespace=namespace)


def _rules(
    options: Options, factory: Factory, *, cluster: bool
) -> list[dict[str, Any]]:
    """A rule for each group of the API, in the order in which they are named."""
    verbs = list(dict.fromkeys(filter(None, options.items("verb"))))
    words = [word for word in options.items("resource") if word]
    urls = options.items("non-resource-url") if cluster else []
    if not verbs:
        raise CommandError("at least one verb must be specified")
    if not words and not urls:
        raise CommandError(
            "one of resource or nonResourceURL must be specified"
            if cluster
            else "at least one resource must be specified"
        )
    for verb in verbs:
        if words and verb not in _VERBS:
            text = f"Warning: '{verb}' is not a standard resource verb"
            print(text, file=sys.stderr)
    groups: dict[str, list[str]] = {}
    for word in words:
        group, resource = _resolve(factory, word)
        groups.setdefault(group, []).append(resource)
    rules: list[dict[str, Any]] = []
    for group, resources in groups.items():
        rule = {"verbs": verbs, "apiGroups": [group], "resources": resources}
        if options.items("resource-name"):
            rule["resourceNames"] = list(dict.fromkeys(options.items("resource-name")))
        rules.append(rule)
    if urls:
        rules.append({"verbs": verbs, "nonResourceURLs": urls})
    return rules


def _resolve(factory: Factory, word: str) -> tuple[str, str]:
    """Group and resource of `deploy.apps/scale`."""
    head, slash, sub = word.partition("/")
    if head == "*":
        return "*", "*"
    try:
        found = factory.mapper.resolve(head)
    except CommandError as error:
        raise AggregateError([error]) from None
    return found.group, f"{found.name}{slash}{sub}"

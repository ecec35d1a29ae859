"""`create rolebinding` and `create clusterrolebinding`.

Source: kubernetes/kubectl pkg/cmd/create (create_rolebinding.go,
create_clusterrolebinding.go).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_cli.creation import IMPERATIVE_FLAGS, create_one, only_name
from kubectl_cli.documents.subjects import RBAC_GROUP, subjects_of
from kubectl_cli.errors import CommandError
from kubectl_cli.flags import Flag

if TYPE_CHECKING:
    from kubectl_cli.client.factory import Factory
    from kubectl_cli.flags import Options

SUMMARY = {
    "create clusterrolebinding": "Give a cluster role to somebody, everywhere.",
    "create rolebinding": "Give a role to somebody, in a namespace.",
}
USE = {
    command: f"{command} NAME --clusterrole=NAME|--role=NAME [--user=username]"
    " [--group=groupname] [--serviceaccount=namespace:serviceaccountname]"
    for command in SUMMARY
}
FLAGS = (
    *IMPERATIVE_FLAGS,
    Flag("clusterrole", help="The cluster role to give."),
    Flag("group", "array", help="To this group; may be repeated."),
    Flag("role", help="rolebinding: the role to give."),
    Flag("serviceaccount", "array", help="To NAMESPACE:NAME; may be repeated."),
    Flag("user", "array", help="To this user; may be repeated."),
)


def run(options: Options, factory: Factory) -> int:
    """POST the binding."""
    command = factory.command
    cluster = command == "create clusterrolebinding"
    if cluster and not options.changed("clusterrole"):
        raise CommandError('required flag(s) "clusterrole" not set')
    name = only_name(options, command)
    role, cluster_role = options.text("role"), options.text("clusterrole")
    if not cluster and bool(role) == bool(cluster_role):
        raise CommandError("exactly one of clusterrole or role must be specified")
    kind = "ClusterRole" if cluster_role else "Role"
    obj = {
        "kind": "ClusterRoleBinding" if cluster else "RoleBinding",
        "apiVersion": f"{RBAC_GROUP}/v1",
        "metadata": {"name": name},
        "subjects": subjects_of(options),
        "roleRef": {"apiGroup": RBAC_GROUP, "kind": kind, "name": cluster_role or role},
    }
    resource = str(obj["kind"]).lower()
    where = "" if cluster else f"namespaces/{factory.namespace}/"
    return create_one(
        options,
        factory,
        f"/apis/{RBAC_GROUP}/v1/{where}{resource}s",
        obj,
        namespace="" if cluster else factory.namespace,
        failure=f"failed to create {resource}: ",
    )

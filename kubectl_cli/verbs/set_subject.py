"""`set subject`: give a role to more users, groups and service accounts.

Source: kubernetes/kubectl pkg/cmd/set/set_subject.go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_cli.documents.subjects import subjects_of
from kubectl_cli.errors import CommandError
from kubectl_cli.flags import Flag
from kubectl_cli.setting.flags import SELECTOR_FLAG, SET_FLAGS

if TYPE_CHECKING:
    from apimachinery.types import JsonObject
    from kubectl_cli.client.factory import Factory
    from kubectl_cli.flags import Options
    from kubectl_cli.selecting.selected import Selected

SUMMARY = "Add subjects to a role binding."
USE = (
    "set subject (-f FILENAME | TYPE NAME) [--user=username] [--group=groupname]"
    " [--serviceaccount=namespace:serviceaccountname] [--dry-run=server|client|none]"
)
EXAMPLES = "kubectl set subject rolebinding admin --user=user1 --group=group1"
FLAGS = (
    *SET_FLAGS,
    SELECTOR_FLAG,
    Flag("group", "array", help="These groups, too."),
    Flag("serviceaccount", "array", help="Also NAMESPACE:NAME."),
    Flag("user", "array", help="These users, too."),
)
_KINDS = ("RoleBinding", "ClusterRoleBinding")


def run(options: Options, factory: Factory) -> int:
    """Patch each binding that changes."""
    from kubectl_cli.setting.objects import ObjectSetter, found_before_flags

    setter = ObjectSetter(options, factory, "subjects updated")
    found = found_before_flags(options, factory, options.args)
    subjects = subjects_of(options, with_namespaces=False)
    if not subjects:
        raise CommandError(
            "you must specify at least one value of user, group or serviceaccount"
        )
    if any(each.object.get("kind") == "ClusterRoleBinding" for each in found):
        _require_namespaces(subjects)

    def edit(each: Selected, obj: JsonObject) -> tuple[()]:
        if obj.get("kind") not in _KINDS:
            raise CommandError(
                "setting subjects is only supported for RoleBinding/ClusterRoleBinding"
            )
        present = list(obj.get("subjects") or ())
        for subject in subjects:
            if subject.get("namespace") == "":
                subject = {**subject, "namespace": factory.namespace}
            if subject not in present:
                present.append(subject)
        if present:
            obj["subjects"] = present
        return ()

    return setter.run(found, edit, failure="failed to patch subjects to rolebinding: ")


def _require_namespaces(subjects: list[dict[str, str]]) -> None:
    if any(subject.get("namespace") == "" for subject in subjects):
        raise CommandError(
            "serviceaccount must be <namespace>:<name>, namespace must be specified"
        )

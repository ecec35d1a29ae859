"""Who a binding is for: --user, --group and --serviceaccount.

Source: kubernetes/kubectl pkg/cmd/create/create_rolebinding.go, pkg/cmd/set/set_subject.go.
"""

from __future__ import annotations

from kubectl_cli.errors import CommandError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from kubectl_cli.flags import Options

__all__ = ["RBAC_GROUP", "subjects_of"]

RBAC_GROUP = "rbac.authorization.k8s.io"


def subjects_of(
    options: Options, *, with_namespaces: bool = True
) -> list[dict[str, str]]:
    """Users, then groups, then service accounts.

    Without `with_namespaces` that of a service account may be empty: `:name`.
    """
    subjects = [
        {"kind": kind, "apiGroup": RBAC_GROUP, "name": name}
        for kind, flag in (("User", "user"), ("Group", "group"))
        for name in options.items(flag)
    ]
    for text in options.items("serviceaccount"):
        namespace, colon, name = text.partition(":")
        missing = with_namespaces and not namespace
        if missing or not colon or ":" in name or not name:
            raise CommandError("serviceaccount must be <namespace>:<name>")
        account = {"kind": "ServiceAccount", "name": name, "namespace": namespace}
        subjects.append(account)
    return subjects

"""`auth whoami`: who the server takes us for.

Source: kubernetes/kubectl pkg/cmd/auth/whoami.go.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from apimachinery.status import StatusError
from kubectl_cli.errors import UsageError
from kubectl_cli.printers.objects import PRINT_FLAGS, make_printer

if TYPE_CHECKING:
    from apimachinery.types import JsonObject
    from kubectl_cli.client.factory import Factory
    from kubectl_cli.flags import Options

SUMMARY = "Show who you are to the server."
USE = "auth whoami"
FLAGS = PRINT_FLAGS
_VERSIONS = ("v1", "v1beta1", "v1alpha1")


def run(options: Options, factory: Factory) -> int:
    """Ask with a SelfSubjectReview, and print its attributes."""
    if options.args:
        words = " ".join(options.args)
        raise UsageError(f"unexpected arguments: [{words}]", "kubectl auth whoami")
    printer = make_printer(options, typed=True)
    review = _ask(factory)
    if printer is not None:
        sys.stdout.write(printer.render(review))
        return 0
    from kubectl_cli.printers.tabwriter import align

    rows = [
        "ATTRIBUTE\tVALUE",
        *_rows((review.get("status") or {}).get("userInfo") or {}),
    ]
    sys.stdout.write(align(rows))
    return 0


def _ask(factory: Factory) -> JsonObject:
    for version in _VERSIONS:
        group_version = f"authentication.k8s.io/{version}"
        body = {"kind": "SelfSubjectReview", "apiVersion": group_version}
        path = f"/apis/{group_version}/selfsubjectreviews"
        try:
            return factory.client.call("POST", path, body=body)
        except StatusError as error:
            if error.reason != "NotFound" or version == _VERSIONS[-1]:
                raise
    raise AssertionError("the last version returns or raises")


def _rows(user: dict[str, Any]) -> list[str]:
    rows = []
    if user.get("username"):
        rows.append(f"Username\t{user['username']}")
    if user.get("uid"):
        rows.append(f"UID\t{user['uid']}")
    if user.get("groups"):
        rows.append(f"Groups\t[{' '.join(user['groups'])}]")
    extra = user.get("extra") or {}
    rows += [f"Extra: {key}\t[{' '.join(extra[key])}]" for key in sorted(extra)]
    return rows

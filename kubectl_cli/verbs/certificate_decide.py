"""`certificate approve`, `certificate deny`: decide on certificate signing requests.

Source: kubernetes/kubectl pkg/cmd/certificates/certificates.go.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from apimachinery.status import StatusError
from kubectl_cli.changes import ResultPrinter, raise_all
from kubectl_cli.documents.manifests import FILE_FLAGS
from kubectl_cli.errors import CommandError
from kubectl_cli.flags import Flag
from kubectl_cli.printers.objects import PRINT_FLAGS

if TYPE_CHECKING:
    from apimachinery.types import JsonObject
    from kubectl_cli.client.factory import Factory
    from kubectl_cli.flags import Options
    from kubectl_cli.selecting.selected import Selected

SUMMARY = {
    "certificate approve": "Approve a certificate signing request.",
    "certificate deny": "Deny a certificate signing request.",
}
USE = {command: f"{command} (-f FILENAME | NAME)" for command in SUMMARY}
FLAGS = (
    *PRINT_FLAGS,
    *FILE_FLAGS,
    Flag("force", "bool", help="Write even where it is decided so already."),
)
_TYPE = "certificatesigningrequests"
_TRIES = 10


@dataclass(frozen=True, slots=True)
class _Decision:
    """The condition that it sets, and the one that must not be there."""

    type: str
    opposite: str
    reason: str
    message: str


_APPROVED = _Decision(
    "Approved",
    "Denied",
    "KubectlApprove",
    "This CSR was approved by kubectl certificate approve.",
)
_DENIED = _Decision(
    "Denied",
    "Approved",
    "KubectlDeny",
    "This CSR was denied by kubectl certificate deny.",
)


def run(options: Options, factory: Factory) -> int:
    """Decide on each; one that cannot be decided does not keep the others back."""
    from kubectl_cli.selecting.selected import Selected, select_objects

    printer = ResultPrinter(options)
    if not options.args and not options.items("filename"):
        raise CommandError(
            "one or more CSRs must be specified as <name> or -f <filename>"
        )
    decision = _APPROVED if factory.command == "certificate approve" else _DENIED
    words = [word if "/" in word else f"{_TYPE}/{word}" for word in options.args]
    errors: list[Exception] = []
    for each in select_objects(options, factory, words):
        try:
            if not isinstance(each, Selected):
                raise each
            _decide(factory, each, decision, force=options.flag("force"))
            printer.show(each.object, decision.type.lower(), each.label)
        except (StatusError, CommandError) as error:
            errors.append(error)
    raise_all(errors)
    return 0


def _decide(
    factory: Factory, each: Selected, decision: _Decision, *, force: bool
) -> None:
    if each.resource.name != _TYPE:
        raise CommandError(
            "can only handle CertificateSigningRequest.certificates.k8s.io objects, got"
            f" {each.resource.kind}"
        )
    live = each.object
    for attempt in range(_TRIES + 1):
        changed = _decided(live, decision)
        if changed is None and not force:
            return
        try:
            path = each.resource.path(name=each.name, subresource="approval")
            factory.client.call("PUT", path, body=changed or live)
        except StatusError as error:
            if error.reason != "Conflict" or attempt == _TRIES:
                raise
            live = factory.client.get(each.path)
        else:
            return


def _decided(live: JsonObject, decision: _Decision) -> JsonObject | None:
    """The request with the condition; None when it has it already."""
    from kubectl_cli.clock import now

    conditions = (live.get("status") or {}).get("conditions") or []
    types = [condition.get("type") for condition in conditions]
    if decision.opposite in types:
        name = live["metadata"]["name"]
        raise CommandError(
            f'certificate signing request "{name}" is already {decision.opposite}'
        )
    if decision.type in types:
        return None
    condition = {
        "type": decision.type,
        "status": "True",
        "reason": decision.reason,
        "message": decision.message,
        "lastUpdateTime": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now())),
    }
    status = {**(live.get("status") or {}), "conditions": [*conditions, condition]}
    return {**live, "status": status}

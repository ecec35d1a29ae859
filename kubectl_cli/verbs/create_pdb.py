"""`create poddisruptionbudget`.

Source: kubernetes/kubectl pkg/cmd/create/create_pdb.go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kubectl_cli.creation import IMPERATIVE_FLAGS, create_in_namespace, only_name
from kubectl_cli.errors import CommandError
from kubectl_cli.flags import Flag

if TYPE_CHECKING:
    from kubectl_cli.client.factory import Factory
    from kubectl_cli.flags import Options

SUMMARY = "Create a pod disruption budget."
USE = (
    "create poddisruptionbudget NAME --selector=SELECTOR --min-available=N"
    " [--dry-run=server|client|none]"
)
EXAMPLES = """kubectl create pdb my-pdb --selector=app=rails --min-available=1
kubectl create pdb my-pdb --selector=app=nginx --min-available=50%"""
FLAGS = (
    *IMPERATIVE_FLAGS,
    Flag("max-unavailable", help="How many pods, or percent, may be missing."),
    Flag("min-available", help="How many pods, or percent, must be there."),
    Flag("selector", help="Labels of the pods."),
)
_STATUS = ("disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods")


def run(options: Options, factory: Factory) -> int:
    """POST the budget."""
    from kubectl_cli.documents.label_selectors import parse_label_selector

    name = only_name(options, "create poddisruptionbudget")
    least, most = options.text("min-available"), options.text("max-unavailable")
    if not options.text("selector"):
        raise CommandError("a selector must be specified")
    if not least and not most:
        raise CommandError("one of min-available or max-unavailable must be specified")
    if least and most:
        raise CommandError("min-available and max-unavailable cannot be both specified")
    spec: dict[str, Any] = {}
    if least:
        spec["minAvailable"] = _amount(least, "min-available")
    spec["selector"] = parse_label_selector(options.text("selector"))
    if most:
        spec["maxUnavailable"] = _amount(most, "max-unavailable")
    obj = {
        "kind": "PodDisruptionBudget",
        "apiVersion": "policy/v1",
        "metadata": {"name": name},
        "spec": spec,
        "status": dict.fromkeys(_STATUS, 0),
    }
    return create_in_namespace(
        options,
        factory,
        "/apis/policy/v1",
        "poddisruptionbudgets",
        obj,
        failure="failed to create poddisruptionbudgets: ",
    )


def _amount(text: str, flag: str) -> int | str:
    """`10` or `50%`."""
    digits = text.removesuffix("%")
    if not (digits.isascii() and digits.isdecimal()):
        raise CommandError(f"invalid format specified for {flag}")
    return text if text.endswith("%") else int(text)

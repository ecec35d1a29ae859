"""`create priorityclass`.

Source: kubernetes/kubectl pkg/cmd/create/create_priorityclass.go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kubectl_cli.creation import IMPERATIVE_FLAGS, create_one, only_name
from kubectl_cli.flags import Flag

if TYPE_CHECKING:
    from kubectl_cli.client.factory import Factory
    from kubectl_cli.flags import Options

SUMMARY = "Create a priority class."
USE = (
    "create priorityclass NAME --value=VALUE --global-default=BOOL"
    " [--dry-run=server|client|none]"
)
EXAMPLES = (
    'kubectl create priorityclass high --value=1000 --description="high priority"'
)
FLAGS = (
    *IMPERATIVE_FLAGS,
    Flag("description", help="When to use it, for people."),
    Flag("global-default", "bool", help="For all pods that name no class."),
    Flag(
        "preemption-policy",
        default="PreemptLowerPriority",
        help="PreemptLowerPriority or Never.",
    ),
    Flag("value", "int32", help="The priority of its pods."),
)


def run(options: Options, factory: Factory) -> int:
    """POST the priority class."""
    name = only_name(options, "create priorityclass")
    obj: dict[str, Any] = {
        "kind": "PriorityClass",
        "apiVersion": "scheduling.k8s.io/v1",
        "metadata": {"name": name},
        "value": options.number("value"),
    }
    if options.flag("global-default"):
        obj["globalDefault"] = True
    if options.text("description"):
        obj["description"] = options.text("description")
    obj["preemptionPolicy"] = options.text("preemption-policy")
    return create_one(
        options,
        factory,
        "/apis/scheduling.k8s.io/v1/priorityclasses",
        obj,
        failure="failed to create priorityclass: ",
    )

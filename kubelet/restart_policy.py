"""Should a container that is not running be started?

Source: kubernetes/kubernetes pkg/kubelet/container/helpers.go
(ShouldContainerBeRestarted); KEP-5307 for rules a container brings itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubelet import pod as pods
from kubelet.runtime_status import ContainerState

if TYPE_CHECKING:
    from apimachinery.types import JsonObject
    from kubelet.runtime_status import PodRuntimeStatus

__all__ = [
    "exit_asks_for_restart",
    "restarts_on_failure",
    "should_be_restarted",
]


def restarts_on_failure(pod: JsonObject) -> bool:
    return pods.restart_policy(pod) != "Never"


def exit_asks_for_restart(
    container: JsonObject, pod: JsonObject, exit_code: int
) -> bool:
    """Apply the container's rules, then its policy, then the pod's."""
    for rule in container.get("restartPolicyRules") or []:
        if _rule_matches(rule, exit_code):
            return bool(rule.get("action") == "Restart")
    policy = container.get("restartPolicy") or pods.restart_policy(pod)
    if policy == "Never":
        return False
    return policy == "Always" or exit_code != 0


def _rule_matches(rule: JsonObject, exit_code: int) -> bool:
    codes = rule.get("exitCodes")
    if not codes:
        return False
    listed = exit_code in (codes.get("values") or [])
    return listed if codes.get("operator") == "In" else not listed


def should_be_restarted(
    container: JsonObject, pod: JsonObject, status: PodRuntimeStatus
) -> bool:
    if pods.deletion_requested(pod):
        return False
    latest = status.latest(container["name"])
    if latest is None:
        return True
    match latest.state:
        case ContainerState.RUNNING:
            return False
        case ContainerState.UNKNOWN | ContainerState.CREATED:
            return True
        case ContainerState.EXITED:
            return exit_asks_for_restart(container, pod, latest.exit_code)

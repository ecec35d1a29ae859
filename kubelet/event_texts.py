"""Event messages whose words changed between versions.

Source: kubernetes/kubernetes pkg/kubelet/kuberuntime and pkg/kubelet/images by release
branch; PR 134043 for 1.35.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["EventTexts"]


@dataclass(frozen=True, slots=True)
class EventTexts:
    """Texts of one Kubernetes minor version, such as 36."""

    minor: int

    def created(self, container: str) -> str:
        if self.minor >= 35:
            return "Container created"
        separator = ": " if self.minor >= 29 else " "
        return f"Created container{separator}{container}"

    def started(self, container: str) -> str:
        return (
            "Container started"
            if self.minor >= 35
            else f"Started container {container}"
        )

    def already_present(self, image: str) -> str:
        text = f'Container image "{image}" already present on machine'
        return f"{text} and can be accessed by the pod" if self.minor >= 34 else text

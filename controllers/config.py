"""The settings of the controllers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["ControllersConfig"]


@dataclass(frozen=True, slots=True)
class ControllersConfig:
    """Whose kubeconfigs to use; `ca_file` is published to every namespace."""

    controllers_kubeconfig: Path
    scheduler_kubeconfig: Path
    ca_file: Path

"""Which kubectl we speak like."""

from __future__ import annotations

__all__ = ["GIT_VERSION", "KUSTOMIZE_VERSION", "MAJOR", "MINOR", "user_agent"]

#: The kubectl whose words and requests are the model.
GIT_VERSION = "v1.36.2"
MAJOR, MINOR = "1", "36"
KUSTOMIZE_VERSION = "v5.8.1"

_MACHINES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm", "i686": "386"}


def platform() -> str:
    """`linux/amd64`, in Go's names."""
    import os

    system = os.uname()
    return f"{system.sysname.lower()}/{_MACHINES.get(system.machine, system.machine)}"


def user_agent() -> str:
    """The User-Agent header; servers log it."""
    return f"mini-kubectl/{GIT_VERSION} ({platform()}) mini-kube"

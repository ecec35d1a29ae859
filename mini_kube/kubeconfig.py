"""Kubeconfigs made of the administrator's."""

from __future__ import annotations

import json

__all__ = ["in_namespace"]


def in_namespace(kubeconfig: str, namespace: str) -> str:
    """The same with another namespace in its context."""
    document = json.loads(kubeconfig)  # ours are written as JSON
    for context in document["contexts"]:
        context["context"]["namespace"] = namespace
    return json.dumps(document, indent=2) + "\n"

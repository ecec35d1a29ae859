"""What the error stream of exec and attach says."""

from __future__ import annotations

import json
from typing import Any

__all__ = ["status_facts"]


def status_facts(data: bytes) -> dict[str, Any]:
    """`status` when it is a Kubernetes Status, else its `text` (protocols before v4)."""
    try:
        status = json.loads(data)
    except (ValueError, RecursionError):
        return {"text": data.decode(errors="replace")}
    return {"status": status} if isinstance(status, dict) else {"text": str(status)}

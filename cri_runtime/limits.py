"""The limit on open descriptors: ours is raised, that of containers is not.

A session takes up to four descriptors here and three in its shim, and 1024, the usual soft limit,
is soon used up. The limit that we were started with is kept for those whom we start.
"""

from __future__ import annotations

import resource

__all__ = ["descriptor_limit", "raise_descriptor_limit"]

_started_with = resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def descriptor_limit() -> int:
    """The soft limit that this process was started with."""
    return _started_with


def raise_descriptor_limit() -> None:
    """Take all that we may have."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))

"""The collection: one list of all exhibits, by subject."""

from __future__ import annotations

from museum.exhibits.backends import BACKENDS
from museum.exhibits.copies import COPIES
from museum.exhibits.forwards import FORWARDS
from museum.exhibits.input import INPUT
from museum.exhibits.output import OUTPUT
from museum.exhibits.proxies import PROXIES
from museum.exhibits.silence import SILENCE
from museum.exhibits.starts import STARTS

__all__ = ["EXHIBITS"]

#: name -> exhibit
EXHIBITS = {
    each.name: each
    for each in (
        *OUTPUT,
        *INPUT,
        *STARTS,
        *SILENCE,
        *FORWARDS,
        *COPIES,
        *PROXIES,
        *BACKENDS,
    )
}

"""Which Kubernetes minor versions can be emulated, and with which feature gates.

Source: kubernetes/kubernetes pkg/features/kube_features.go for the gates; the texts of
their refusal are those of kubernetes/component-base featuregate.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "NEWEST_MINOR",
    "OLDEST_MINOR",
    "SPLIT_STREAMS",
    "FeatureGates",
    "parse_minor",
]

OLDEST_MINOR, NEWEST_MINOR = 28, 37

SPLIT_STREAMS = "PodLogsQuerySplitStreams"

# Gate -> the first minor that knows it, and whether it is on where nobody says.
_GATES = {SPLIT_STREAMS: (32, False)}

_VERSION = re.compile(r"v?1\.([0-9]{1,4})(?:\.[0-9]+)?", re.ASCII)


def parse_minor(text: str) -> int:
    """The minor of `1.36`, `v1.36` or `1.36.2`.

    Raises:
        ValueError: not a version, or none that is emulated.
    """
    match = _VERSION.fullmatch(text)
    known = f"1.{OLDEST_MINOR} to 1.{NEWEST_MINOR}"
    if match is None:
        raise ValueError(f"not a Kubernetes version: {text}: choose one of {known}")
    minor = int(match[1])
    if not OLDEST_MINOR <= minor <= NEWEST_MINOR:
        raise ValueError(f"Kubernetes {text} is not emulated: choose one of {known}")
    return minor


@dataclass(frozen=True, slots=True)
class FeatureGates:
    """Which gates were set by hand."""

    given: Mapping[str, bool]

    @classmethod
    def parse(cls, text: str) -> FeatureGates:
        """Read `Name=true,Other=false`.

        Raises:
            ValueError: with the words of the real flag.
        """
        given = {}
        for part in filter(None, (part.strip() for part in text.split(","))):
            name, equals, value = part.partition("=")
            if not equals:
                raise ValueError(f"missing bool value for {name}")
            if value.strip().lower() not in ("true", "false"):
                raise ValueError(f"invalid value of {name}={value}, err: not a bool")
            given[name.strip()] = value.strip().lower() == "true"
        return cls.of(given)

    @classmethod
    def of(cls, given: Mapping[str, bool]) -> FeatureGates:
        """Gates by name, as a configuration file has them. Raises ValueError."""
        for name in given:
            if name not in _GATES:
                raise ValueError(f"unrecognized feature gate: {name}")
        return cls(dict(given))

    def enabled(self, name: str, minor: int) -> bool:
        """Whether a gate is on in this minor version."""
        since, default = _GATES[name]
        return minor >= since and self.given.get(name, default)

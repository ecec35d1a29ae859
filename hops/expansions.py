"""Values of variables that a command line repeats.

`$(PASSWORD)` in a container's command or args is put in by the kubelet, so that the value
of a Secret stands not only in the environment. What is shorter than four characters is
left: it would be found in everything.

Source: kubernetes/kubernetes pkg/kubelet/container/helpers.go,
ExpandContainerCommandAndArgs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hops.taps.masks import MASK

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["hide_values", "telling_values", "value_spans"]

_SHORTEST: Final = 4
#: Made by runtimes and shells, and no secrets: a pod is often called like its program.
_OPEN: Final = frozenset(
    {"HOME", "HOSTNAME", "LANG", "LOGNAME", "PATH", "PWD", "SHELL", "TERM", "USER"}
)


def telling_values(variables: Iterable[tuple[str, str]]) -> list[str]:
    """Of (name, value): the values to look for, the longest first."""
    values = {
        value
        for name, value in variables
        if len(value) >= _SHORTEST and name not in _OPEN
    }
    return sorted(values, key=len, reverse=True)


def hide_values(text: str, values: Iterable[str]) -> str:
    """The text with the mask in the place of each."""
    for value in values:
        text = text.replace(value, MASK)
    return text


def value_spans(data: bytes, values: Iterable[bytes]) -> list[tuple[int, int]]:
    """Where they stand in the data: (start, end)."""
    spans = []
    for value in values:
        position = 0
        while (found := data.find(value, position)) >= 0:
            position = found + len(value)
            spans.append((found, position))
    return spans

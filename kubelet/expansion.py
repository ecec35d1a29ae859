"""`$(NAME)` in commands, arguments and values.

Source: kubernetes/kubernetes third_party/forked/golang/expansion/expand.go: `$$`
escapes, and a name nobody knows stays as it was written.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["UnknownVariableError", "expand", "expand_strictly"]

_REFERENCE = re.compile(r"\$(?:(\$)|\(([^)]*)\))")


class UnknownVariableError(Exception):
    """A reference that must resolve does not."""


def expand(text: str, *sources: Mapping[str, str]) -> str:
    """Replace references by the first source that has the name."""

    def replacement(match: re.Match[str]) -> str:
        if match[1]:
            return "$"
        for source in sources:
            if match[2] in source:
                return source[match[2]]
        return match[0]

    return _REFERENCE.sub(replacement, text) if "$" in text else text


def expand_strictly(text: str, variables: Mapping[str, str]) -> str:
    """The same, for `subPathExpr`: an unknown name is an error.

    Raises:
        UnknownVariableError
    """
    for match in _REFERENCE.finditer(text):
        if not match[1] and match[2] not in variables:
            raise UnknownVariableError(f'missing value for "{match[2]}"')
    return expand(text, variables)

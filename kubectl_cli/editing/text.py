"""What stands in the file that is edited: comments on top, objects below.

Source: kubernetes/kubectl pkg/cmd/util/editor/editoptions.go (editHeader, hasLines),
pkg/cmd/util/helpers.go (StripComments, ManualStrip).
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from kubectl_cli.documents.json_syntax import find_syntax_error
from kubectl_cli.documents.objects import find_untyped
from kubectl_cli.documents.yaml_input import YamlInputError, load_document
from wire.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "Reason",
    "content_of",
    "find_fault",
    "has_lines",
    "header",
    "strip_comments",
]

_HEADER = """\
# Please edit the object below. Lines beginning with a '#' will be ignored,
# and an empty file will abort the edit. If an error occurs while saving this file will be
# reopened with the relevant failures.
#
"""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why the file is opened once more: a sentence, and what it is about."""

    head: str
    details: tuple[str, ...] = ()

    def as_comment(self) -> str:
        """Lines with a `#` before them."""
        head = f"{self.head}:" if self.details else self.head
        lines = (head, *(f"* {detail}" for detail in self.details))
        return "".join(f"# {_hashed(line)}\n" for line in lines) + "#\n"


def _hashed(text: str) -> str:
    return re.sub(r"\n(?=[^#])", "\n# ", text)


def header(reasons: Iterable[Reason]) -> bytes:
    """The comments on top of the objects."""
    return (_HEADER + "".join(each.as_comment() for each in reasons)).encode()


def strip_comments(text: bytes) -> bytes:
    """The text without the lines that are comments.

    Unlike kubectl: a line that begins with blanks stays, since it may be one of a
    script in a ConfigMap.
    """
    return re.sub(rb"^#(?!!)[^\n]*\n?", b"", text, flags=re.MULTILINE)


def content_of(text: bytes) -> Any:
    """What counts when two texts are compared: JSON as it is, of YAML the values."""
    if _is_json(text):
        return text
    try:
        return [load_document(text)]
    except YamlInputError:
        return strip_comments(text)


def _is_json(text: bytes) -> bool:
    return text.lstrip().startswith(b"{")


def find_fault(text: bytes) -> str:
    """What forbids to send the text to a server, "" when nothing does."""
    try:
        if _is_json(text):
            return find_untyped(json.loads(text))
        return find_untyped(load_document(strip_comments(text)))
    except YamlInputError as error:
        return str(error)
    except ValueError as error:
        return str(find_syntax_error(text) or error)


def has_lines(text: bytes) -> bool:
    """Whether a line is neither empty nor a comment."""
    lines = (line.strip() for line in text.splitlines())
    return any(line and not line.startswith(b"#") for line in lines)

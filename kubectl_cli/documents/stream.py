"""The documents of a file: JSON values, YAML documents, or some of each.

A text that begins with a brace is JSON as long as it is good JSON; a document that is
not is tried as YAML, and if it is no YAML either, the trouble with the JSON is told.

Source: kubernetes/apimachinery pkg/util/yaml/decoder.go (YAMLOrJSONDecoder, YAMLReader).
"""

from __future__ import annotations

import contextlib
import json
import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

__all__ = ["DocumentError", "documents"]

_SEPARATOR = re.compile(rb"^---([^\n]*)\n?", re.MULTILINE)
_BLANKS = re.compile(rb"[ \t\r\n]*")
_MARK = b"\xef\xbb\xbf"


def _refuse(word: str) -> None:
    raise ValueError(word)  # NaN and Infinity are Python's, not JSON's


_DECODER = json.JSONDecoder(parse_constant=_refuse)


class DocumentError(Exception):
    """A document cannot be read; the sentence is kubectl's."""


def documents(text: bytes) -> Iterator[Any]:
    """One document after the other; an empty one is None.

    Raises:
        DocumentError: the next one is neither JSON nor YAML.
    """
    text = text.removeprefix(_MARK)
    if not text.lstrip().startswith(b"{"):
        for _, chunk in _chunks(text, 0):
            yield _yaml(chunk)
        return
    place = 0
    while (place := _skip_blanks(text, place)) < len(text):
        separator = _SEPARATOR.match(text, place)
        if separator is not None:
            place = separator.end()
            continue
        value, place = _next(text, place)
        yield value


def _skip_blanks(text: bytes, place: int) -> int:
    match = _BLANKS.match(text, place)
    return match.end() if match is not None else place


def _next(text: bytes, place: int) -> tuple[Any, int]:
    """The document that begins at `place`, and where it ends."""
    rest = text[place:].decode("utf-8", "replace")
    try:
        value, length = _DECODER.raw_decode(rest)
    except ValueError:
        return _as_yaml(text, place)
    return value, place + len(rest[:length].encode())


def _as_yaml(text: bytes, place: int) -> tuple[Any, int]:
    """What is no JSON, up to the next separator."""
    from kubectl_cli.documents.json_syntax import find_syntax_error

    problem = find_syntax_error(text, place)
    if problem is None:
        raise DocumentError("unexpected EOF")
    end, chunk = next(_chunks(text, place))
    value = None
    with contextlib.suppress(DocumentError):
        value = _yaml(chunk)
    if not isinstance(value, dict):
        raise DocumentError(f"json: offset {problem.offset}: {problem}")
    return value, end


def _chunks(text: bytes, place: int) -> Iterator[tuple[int, bytes]]:
    """What lies between separators that are a line of their own, and where it ends."""
    for match in _SEPARATOR.finditer(text, place):
        note = match[1].strip()
        if note and not note.startswith(b"#"):
            shown = note.decode("utf-8", "replace")
            raise DocumentError(f"invalid Yaml document separator: {shown}")
        chunk = text[place : match.start()]
        if not _is_empty(chunk):
            yield match.end(), chunk
        place = match.end()
    if not _is_empty(text[place:]):
        yield len(text), text[place:]


def _is_empty(chunk: bytes) -> bool:
    """Whether there are only blanks, comments and ends of documents."""
    lines = (line.strip() for line in chunk.splitlines())
    return all(line in (b"", b"...") or line.startswith(b"#") for line in lines)


def _yaml(chunk: bytes) -> Any:
    from kubectl_cli.documents.yaml_input import YamlInputError, load_document

    try:
        return load_document(chunk)
    except YamlInputError as error:
        raise DocumentError(f"error converting YAML to JSON: {error}") from None

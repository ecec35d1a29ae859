"""The objects in the documents of a text, and what makes one of them unusable.

Source: kubernetes/apimachinery pkg/apis/meta/v1/unstructured (UnstructuredJSONScheme).
"""

from __future__ import annotations

import json

from apimachinery.go_json import wrong_field, wrong_value
from kubectl_cli.errors import CommandError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from apimachinery.types import JsonObject

__all__ = ["find_untyped", "objects_of"]


def objects_of(
    text: bytes, source: str, *, validates: bool = False
) -> Iterator[JsonObject | CommandError]:
    """The objects of a text, lists taken apart, and in their place what is none.

    Raises:
        CommandError: the rest of the text cannot be read.
    """
    for document in _documents(text, source):
        if document is None:
            continue
        if validates:
            _validate(document, source)
        try:
            found = list(_flatten(document, source))
        except CommandError as error:
            yield error
        else:
            yield from found


def _validate(document: Any, source: str) -> None:
    if problem := find_untyped(document):
        raise CommandError(
            f'error validating "{source}": error validating data: {problem}; if you'
            " choose to ignore these errors, turn validation off with --validate=false"
        )


def find_untyped(document: Any) -> str:
    """What kubectl's own look at an object finds; the rest is left to the server.

    Source: kubernetes/kubectl pkg/validation/schema.go (ValidateBytes, getObjectKind).
    """
    if not isinstance(document, dict):
        return "invalid object to validate"
    missing = [
        f"{key} isn't string type" if document.get(key) else f"{key} not set"
        for key in ("apiVersion", "kind")
        if not document.get(key) or not isinstance(document[key], str)
    ]
    return f"[{', '.join(missing)}]" if len(missing) > 1 else "".join(missing)


def _flatten(document: Any, source: str) -> Iterator[JsonObject]:
    if not isinstance(document, dict):
        raise CommandError(
            f'unable to decode "{source}": '
            + wrong_value(document, "unstructured.detector")
        )
    if isinstance(document.get("items"), list) and str(
        document.get("kind", "")
    ).endswith("List"):
        for item in document["items"]:
            yield from _flatten(item, source)
        return
    if not document.get("kind"):
        shown = json.dumps(document, separators=(",", ":"), sort_keys=True)
        raise CommandError(
            f"unable to decode \"{source}\": Object 'Kind' is missing in '{shown}'"
        )
    document.setdefault("metadata", {})
    if document["metadata"] is None:
        document["metadata"] = {}
    _check_names(document["metadata"], source)
    yield document


def _check_names(metadata: Any, source: str) -> None:
    """What names an object must be text: `name: yes` is none in YAML."""
    if not isinstance(metadata, dict):
        raise _mismatch(source, metadata, "metadata", "v1.ObjectMeta")
    for field in ("name", "namespace", "generateName"):
        value = metadata.get(field)
        if value is not None and not isinstance(value, str):
            raise _mismatch(source, value, f"metadata.{field}", "string")
    for field in ("annotations", "labels"):
        _check_texts(metadata.get(field), f"metadata.{field}", source)


def _check_texts(texts: Any, field: str, source: str) -> None:
    if texts is None:
        return
    if not isinstance(texts, dict):
        raise _mismatch(source, texts, field, "map[string]string")
    for value in texts.values():
        if value is not None and not isinstance(value, str):
            raise _mismatch(source, value, field, "string")


def _mismatch(source: str, value: Any, field: str, wanted: str) -> CommandError:
    owner = "ObjectMeta" if "." in field else "metadataOnlyObject"
    return CommandError(
        f'unable to decode "{source}": {wrong_field(value, f"{owner}.{field}", wanted)}'
    )


def _documents(text: bytes, source: str) -> Iterator[Any]:
    from kubectl_cli.documents.stream import DocumentError, documents

    try:
        yield from documents(text)
    except DocumentError as error:
        raise CommandError(f"error parsing {source}: {error}") from None

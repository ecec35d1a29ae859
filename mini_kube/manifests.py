"""Manifests as people hand them over: an object, YAML with some, or a file of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from mini_kube.errors import ClusterError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mini_kube.api import Manifest

__all__ = ["documents"]


def documents(source: Manifest | str | Path) -> Iterator[Manifest]:
    """The objects, those of a List one by one.

    Raises:
        ClusterError: it is no manifest.
    """
    for document in _parsed(source):
        if not isinstance(document, dict):
            raise ClusterError(f"not an object: {str(document)[:60]!r}")
        if str(document.get("kind", "")).endswith("List") and "items" in document:
            yield from document["items"]
        else:
            yield document


def _parsed(source: Manifest | str | Path) -> Iterator[Any]:
    if isinstance(source, dict):
        yield source
        return
    from kubectl_cli.documents.yaml_input import YamlInputError, load_documents

    text = source.read_bytes() if isinstance(source, Path) else source.encode()
    try:
        yield from (each for each in load_documents(text) if each is not None)
    except YamlInputError as err:
        raise ClusterError(str(err)) from err

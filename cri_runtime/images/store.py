"""Which images the node has: what was pulled and not removed, kept on disk."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Literal

from cri_runtime.errors import invalid, not_found
from cri_runtime.images.reference import InvalidReference, Reference, parse
from cri_runtime.store import write_json

if TYPE_CHECKING:
    from pathlib import Path

    from cri_runtime.images.catalogue import Catalogue, Image

__all__ = ["PAUSE", "Images", "Policy"]

logger = logging.getLogger(__name__)

Policy = Literal["permissive", "strict"]

PAUSE = "registry.k8s.io/pause:3.10.1"


class Images:
    """Pull, find, remove."""

    def __init__(self, catalogue: Catalogue, path: Path, policy: Policy) -> None:
        self._catalogue = catalogue
        self._path = path
        self._policy = policy
        self._stored: dict[str, Image] = {}
        for name in {PAUSE, *_read(path)}:
            self._keep(parse(name))

    def all(self) -> list[Image]:
        """All that are there."""
        return list(self._stored.values())

    def find(self, text: str) -> Image | None:
        """By id, id prefix, or any form of the name."""
        digits = text.removeprefix("sha256:")
        by_id = [i for key, i in self._stored.items() if key[7:].startswith(digits)]
        if len(by_id) == 1 and len(digits) >= 4:
            return by_id[0]
        try:
            reference = parse(text)
        except InvalidReference:
            return None
        return next((i for i in self._stored.values() if _is(i, reference)), None)

    def pull(self, text: str) -> Image:
        """Make an image present.

        Raises:
            CriError: it is not to be had, in containerd's words.
        """
        try:
            reference = parse(text)
        except InvalidReference as error:
            raise invalid(
                f"failed to parse image reference {_quote(text)}: {error}"
            ) from None
        if self._policy == "strict" and self._catalogue.find(reference) is None:
            name = _quote(str(reference))
            # containerd core/remotes/docker/resolver.go and client/pull.go
            raise not_found(
                f"failed to pull and unpack image {name}: failed to resolve reference "
                f"{name}: {reference}: not found"
            )
        image = self._keep(reference)
        self._save()
        return image

    def remove(self, text: str) -> None:
        """Forget an image. One that is not there is no error."""
        image = self.find(text)
        if image is not None:
            del self._stored[image.id]
            self._save()

    def require(self, text: str) -> Image:
        """The image for a new container.

        Raises:
            CriError: NotFound, it was not pulled.
        """
        image = self.find(text)
        if image is None:
            raise not_found(f"failed to resolve image {_quote(text)}: not found")
        return image

    def is_pinned(self, image: Image) -> bool:
        """Whether garbage collection must leave it alone, as containerd's pause image."""
        return str(image.reference) == PAUSE

    def _keep(self, reference: Reference) -> Image:
        image = self._catalogue.find(reference) or self._catalogue.assume(reference)
        return self._stored.setdefault(image.id, image)

    def _save(self) -> None:
        names = sorted(str(image.reference) for image in self._stored.values())
        write_json(self._path, {"references": names})


def _is(image: Image, reference: Reference) -> bool:
    if reference.digest:
        return image.repo_digest == f"{reference.name}@{reference.digest}"
    return image.reference == reference


def _read(path: Path) -> list[str]:
    try:
        return [str(name) for name in json.loads(path.read_text())["references"]]
    except FileNotFoundError:
        return []
    except (ValueError, KeyError, TypeError) as error:
        # The kubelet pulls again what it misses.
        logger.warning("list of images dropped: %s: %s", path, error)
        return []


def _quote(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)

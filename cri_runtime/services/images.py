"""runtime.v1.ImageService.

Source: containerd/containerd internal/cri/server/images/*.go (cri.md section 12).
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from cri_runtime import stats
from cri_runtime.statuses import verbose_info
from rpc import cri_v1_pb2 as cri

if TYPE_CHECKING:
    from pathlib import Path

    from cri_runtime.images.catalogue import Image
    from cri_runtime.images.store import Images
    from cri_runtime.services.registry import Context

__all__ = ["ImageService"]

logger = logging.getLogger(__name__)


class ImageService:
    """List, look, pull, remove."""

    def __init__(self, images: Images, root: Path) -> None:
        self._images = images
        self._root = root

    async def list_images(
        self, _request: cri.ListImagesRequest, _context: Context
    ) -> cri.ListImagesResponse:
        """All images: containerd does not look at the filter either."""
        return cri.ListImagesResponse(images=map(self._message, self._images.all()))

    async def image_status(
        self, request: cri.ImageStatusRequest, _context: Context
    ) -> cri.ImageStatusResponse:
        """Without an image in the answer when it is not there."""
        image = self._images.find(request.image.image)
        if image is None:
            return cri.ImageStatusResponse()
        return cri.ImageStatusResponse(
            image=self._message(image),
            info=_info(image) if request.verbose else {},
        )

    async def pull_image(
        self, request: cri.PullImageRequest, _context: Context
    ) -> cri.PullImageResponse:
        image = self._images.pull(request.image.image)
        logger.info("image pulled", extra={"image": str(image.reference)})
        return cri.PullImageResponse(image_ref=image.id)

    async def remove_image(
        self, request: cri.RemoveImageRequest, _context: Context
    ) -> cri.RemoveImageResponse:
        self._images.remove(request.image.image)
        return cri.RemoveImageResponse()

    async def image_fs_info(
        self, _request: cri.ImageFsInfoRequest, _context: Context
    ) -> cri.ImageFsInfoResponse:
        images = self._images.all()
        size = sum(image.entry.size for image in images)
        used = stats.filesystem(self._root, size, len(images))
        return cri.ImageFsInfoResponse(
            image_filesystems=[used], container_filesystems=[used]
        )

    def _message(self, image: Image) -> cri.Image:
        reference = image.reference
        return cri.Image(
            id=image.id,
            repo_tags=[str(reference)] if reference.tag else [],
            repo_digests=[image.repo_digest],
            size=image.entry.size,
            uid=cri.Int64Value(value=0),
            spec=cri.ImageSpec(image=str(reference)),
            pinned=self._images.is_pinned(image),
        )


def _info(image: Image) -> dict[str, str]:
    entry = image.entry
    config = {
        "Entrypoint": list(entry.entrypoint),
        "Cmd": list(entry.command),
        "Env": [f"{name}={value}" for name, value in entry.env.items()],
        "WorkingDir": entry.working_dir,
        "ExposedPorts": {f"{port}/tcp": {} for port in entry.ports},
        "StopSignal": entry.stop_signal,
    }
    return verbose_info(chainID="", imageSpec={"config": config})

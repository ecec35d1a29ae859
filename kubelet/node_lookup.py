"""Asks for our node while the rest of the kubelet is still loading."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from apimachinery.status import StatusError
from kube_client.reflector import Trouble
from kube_client.resources import NODES

if TYPE_CHECKING:
    from apimachinery.types import JsonObject
    from kube_client.client import KubeClient

__all__ = ["look_up_node"]

logger = logging.getLogger(__name__)


async def look_up_node(client: KubeClient, name: str) -> JsonObject | None:
    """The node as the API server has it; waits for the server to be there."""
    delay = 0.02
    while True:
        try:
            return await client.get(NODES, name)
        except StatusError as err:
            if err.code == 404:
                return None
            logger.info("node not read yet", extra={"error": err.message})
        except Trouble as err:
            logger.debug("API server not there yet", extra={"error": str(err)})
        await asyncio.sleep(delay)
        delay = min(delay * 1.3, 1.0)

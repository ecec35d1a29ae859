"""The node's Lease: its heartbeat, cheaper than a status.

Source: kubernetes/component-helpers apimachinery/lease/controller.go: 40 seconds,
renewed every 10, with the version remembered from the last time.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from apimachinery.meta import micro_time
from apimachinery.status import StatusError
from hops.clock import wall
from kube_client.reflector import Trouble
from kube_client.resources import LEASES

if TYPE_CHECKING:
    from collections.abc import Callable

    from apimachinery.types import JsonObject
    from kube_client.client import KubeClient

__all__ = ["LEASE_NAMESPACE", "LeaseKeeper"]

logger = logging.getLogger(__name__)

LEASE_NAMESPACE = "kube-node-lease"
DURATION_SECONDS = 40
_RENEW_SECONDS = DURATION_SECONDS / 4
_FIRST_RETRY, _LONGEST_RETRY = 0.2, 7.0


class LeaseKeeper:
    """Renews one Lease until cancelled."""

    def __init__(
        self,
        client: KubeClient,
        node: str,
        node_uid: Callable[[], str],
        clock: Callable[[], float] = wall,
    ) -> None:
        self._client = client
        self._node = node
        self._node_uid = node_uid
        self._clock = clock
        self._lease: JsonObject | None = None

    async def run(self) -> None:
        delay = _FIRST_RETRY
        while True:
            try:
                await self.renew()
            except Trouble as err:
                self._lease = None
                logger.info("lease not renewed", extra={"error": str(err)})
                await asyncio.sleep(delay)
                delay = min(delay * 2, _LONGEST_RETRY)
            else:
                delay = _FIRST_RETRY
                await asyncio.sleep(_RENEW_SECONDS)

    async def renew(self) -> None:
        """One heartbeat.

        Raises:
            StatusError and others: it was not taken.
        """
        if self._lease is None:
            self._lease = await self._find()
        if self._lease is None:
            self._lease = await self._client.create(
                LEASES, self._fill({}), namespace=LEASE_NAMESPACE
            )
            return
        self._lease = await self._client.update(
            LEASES, self._fill(self._lease), namespace=LEASE_NAMESPACE
        )

    async def _find(self) -> JsonObject | None:
        try:
            return await self._client.get(LEASES, self._node, namespace=LEASE_NAMESPACE)
        except StatusError as err:
            if err.code != 404:
                raise
            return None

    def _fill(self, lease: JsonObject) -> JsonObject:
        metadata = {
            "name": self._node,
            "namespace": LEASE_NAMESPACE,
            **lease.get("metadata", {}),
        }
        if uid := self._node_uid():
            metadata["ownerReferences"] = [
                {"apiVersion": "v1", "kind": "Node", "name": self._node, "uid": uid}
            ]
        return {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": metadata,
            "spec": {
                **lease.get("spec", {}),
                "holderIdentity": self._node,
                "leaseDurationSeconds": DURATION_SECONDS,
                "renewTime": micro_time(self._clock()),
            },
        }

"""What every namespace has from its start: a service account and the CA to trust.

Source: kubernetes/kubernetes pkg/controller/serviceaccount/serviceaccounts_controller.go
(the account `default`), pkg/controller/certificates/rootcacertpublisher/publisher.go
(the config map `kube-root-ca.crt`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from apimachinery.status import StatusError
from controllers.resources import CONFIG_MAPS, SERVICE_ACCOUNTS
from controllers.work_queue import WorkQueue
from controllers.worker import work_off

if TYPE_CHECKING:
    from apimachinery.types import JsonObject
    from controllers.api import Api
    from controllers.informer import Informer
    from controllers.resources import ResourceType

__all__ = ["NamespaceFurnisher"]

_ROOT_CA: Final = "kube-root-ca.crt"
_DESCRIPTION: Final = (
    "Contains a CA bundle that can be used to verify the kube-apiserver when using"
    " internal endpoints such as the internal service IP or"
    " kubernetes.default.svc. No other usage is guaranteed across distributions of"
    " Kubernetes clusters."
)
_TERMINATING: Final = 403


class NamespaceFurnisher:
    """Creates both objects in each namespace, and again when somebody deletes one."""

    def __init__(
        self,
        api: Api,
        namespaces: Informer,
        config_maps: Informer | None,
        accounts: Informer | None,
        ca_pem: str,
    ) -> None:
        """An informer is None when the API server has no such type."""
        self._api = api
        self._namespaces = namespaces
        self._config_maps = config_maps
        self._accounts = accounts
        self._ca_pem = ca_pem
        self._queue: WorkQueue[str] = WorkQueue()

    async def run(self) -> None:
        """Work until cancelled."""
        for informer in (self._config_maps, self._accounts):
            if informer is not None:
                await informer.synced.wait()
                informer.on_change(self._content_changed)
        self._namespaces.on_change(self._namespace_changed)
        await work_off("namespace furniture", self._queue, self.reconcile)

    async def reconcile(self, name: str) -> None:
        """Create what the namespace lacks."""
        namespace = self._namespaces.get(name)
        if namespace is None or namespace["metadata"].get("deletionTimestamp"):
            return
        if self._accounts is not None and not self._accounts.get(f"{name}/default"):
            account = {"metadata": {"name": "default", "namespace": name}}
            await self._create(SERVICE_ACCOUNTS, account)
        if self._config_maps is None:
            return
        published = self._config_maps.get(f"{name}/{_ROOT_CA}")
        if published is None:
            await self._create(CONFIG_MAPS, self._bundle(name))
        elif published.get("data") != {"ca.crt": self._ca_pem}:
            await self._api.update(CONFIG_MAPS, self._bundle(name))

    def _bundle(self, namespace: str) -> JsonObject:
        return {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {
                "name": _ROOT_CA,
                "namespace": namespace,
                "annotations": {"kubernetes.io/description": _DESCRIPTION},
            },
            "data": {"ca.crt": self._ca_pem},
        }

    async def _create(self, resource: ResourceType, obj: JsonObject) -> None:
        document = {"apiVersion": resource.api_version, "kind": resource.kind, **obj}
        try:
            await self._api.create(resource, document)
        except StatusError as err:
            # It is there already, or the namespace is going away.
            if err.code not in (409, _TERMINATING, 404):
                raise

    def _namespace_changed(
        self, old: JsonObject | None, new: JsonObject | None
    ) -> None:
        if new is not None and old is None:
            self._queue.add(new["metadata"]["name"])

    def _content_changed(self, old: JsonObject | None, new: JsonObject | None) -> None:
        obj = new or old
        if obj is not None and obj["metadata"]["name"] in ("default", _ROOT_CA):
            self._queue.add(obj["metadata"]["namespace"])

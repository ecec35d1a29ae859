"""What admission writes into every new pod.

The ServiceAccount step gives the pod its account and honours one that is missing;
DefaultTolerationSeconds and Priority complete the spec.

Unlike upstream no `kube-api-access-…` volume is added: it is mounted at
/var/run/secrets/kubernetes.io/serviceaccount, and a pod here is a plain process of the
user who started the cluster, in whose file system that path cannot be made to exist. A
mount that is declared and missing would be worse than none. Clients in pods find the
API server through their kubeconfig.

Source: kubernetes/kubernetes plugin/pkg/admission/{serviceaccount,
defaulttolerationseconds,priority}/admission.go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from apimachinery import status
from apimachinery.go_text import quote
from apiserver.admission.chain import AdmissionRequest, AdmissionStep
from apiserver.resources.core import SERVICE_ACCOUNTS
from apiserver.resources.others import PRIORITY_CLASSES
from apiserver.resources.pods import PODS

if TYPE_CHECKING:
    from apimachinery.types import JsonObject

__all__ = ["DefaultTolerations", "PodPriority", "PodServiceAccount"]

_DEFAULT_ACCOUNT = "default"
_ACCOUNT_SECONDS = 2.0
_TOLERATED = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")
_TOLERATION_SECONDS = 300
_MIRROR = "kubernetes.io/config.mirror"
_SYSTEM_PRIORITIES = {
    "system-cluster-critical": 2_000_000_000,
    "system-node-critical": 2_000_001_000,
}


def _new_pod(request: AdmissionRequest) -> bool:
    return (
        request.resource is PODS
        and request.operation == "CREATE"
        and not request.subresource
    )


def _is_mirror(pod: JsonObject) -> bool:
    return _MIRROR in (pod["metadata"].get("annotations") or {})


class PodServiceAccount(AdmissionStep):
    async def mutate(
        self, request: AdmissionRequest, obj: JsonObject, old: JsonObject | None
    ) -> None:
        # "Don't modify the spec of mirror pods": the kubelet made them.
        if not _new_pod(request) or _is_mirror(obj):
            return
        spec = obj["spec"]
        name = spec.get("serviceAccountName") or spec.get("serviceAccount")
        spec["serviceAccountName"] = spec["serviceAccount"] = name or _DEFAULT_ACCOUNT
        account = await self._account(request, spec["serviceAccountName"])
        if not spec.get("imagePullSecrets") and account.get("imagePullSecrets"):
            spec["imagePullSecrets"] = list(account["imagePullSecrets"])

    async def _account(self, request: AdmissionRequest, name: str) -> JsonObject:
        services = request.context.services
        try:
            return await services.objects.get(SERVICE_ACCOUNTS, request.namespace, name)
        except status.StatusError as missing:
            if missing.code != 404:
                raise
            coming = name == _DEFAULT_ACCOUNT and await self._awaited(request)
            if coming:
                return coming
            raise status.forbidden(
                PODS.group_resource,
                request.name,
                f"error looking up service account {request.namespace}/{name}:"
                f" serviceaccount {quote(name)} not found",
            ) from None

    async def _awaited(self, request: AdmissionRequest) -> JsonObject | None:
        """The default account of a namespace that was made just now.

        A controller makes it; upstream looks ten times before it gives up.
        """
        cacher = request.context.services.cachers.of(SERVICE_ACCOUNTS)
        key = SERVICE_ACCOUNTS.key(request.namespace, _DEFAULT_ACCOUNT)
        watcher = await cacher.watch(key, timeout_seconds=_ACCOUNT_SECONDS)
        try:
            async for event in watcher:
                if event.type != "DELETED":
                    return event.object
        finally:
            watcher.close()
        return None


def _replaced_pod(request: AdmissionRequest) -> bool:
    return (
        request.resource is PODS
        and request.operation == "UPDATE"
        and not request.subresource
    )


class DefaultTolerations(AdmissionStep):
    async def mutate(
        self, request: AdmissionRequest, obj: JsonObject, old: JsonObject | None
    ) -> None:
        if not _new_pod(request) and not _replaced_pod(request):
            return
        obj.setdefault("spec", {})
        tolerations = list(obj["spec"].get("tolerations") or ())
        for key in _TOLERATED:
            if not any(_covers(toleration, key) for toleration in tolerations):
                tolerations.append(
                    {
                        "key": key,
                        "operator": "Exists",
                        "effect": "NoExecute",
                        "tolerationSeconds": _TOLERATION_SECONDS,
                    }
                )
        obj["spec"]["tolerations"] = tolerations


def _covers(toleration: JsonObject, key: str) -> bool:
    return toleration.get("key") in (key, None, "") and toleration.get("effect") in (
        "NoExecute",
        None,
        "",
    )


def _keep_priority(spec: JsonObject, before: JsonObject) -> None:
    """A PUT that leaves the computed fields out means the ones that are there."""
    for field in ("priority", "preemptionPolicy"):
        if field in before:
            spec.setdefault(field, before[field])


class PodPriority(AdmissionStep):
    async def mutate(
        self, request: AdmissionRequest, obj: JsonObject, old: JsonObject | None
    ) -> None:
        if _replaced_pod(request) and old is not None:
            _keep_priority(obj.setdefault("spec", {}), old.get("spec") or {})
        if not _new_pod(request):
            return
        spec = obj["spec"]
        priority, policy = 0, "PreemptLowerPriority"
        name = spec.get("priorityClassName")
        if name in _SYSTEM_PRIORITIES:
            priority = _SYSTEM_PRIORITIES[name]
        elif name:
            found = await self._class(request, name)
            priority = int(found.get("value") or 0)
            policy = found.get("preemptionPolicy") or policy
        spec["priority"] = priority
        spec.setdefault("preemptionPolicy", policy)

    async def _class(self, request: AdmissionRequest, name: str) -> JsonObject:
        services = request.context.services
        try:
            return await services.objects.get(PRIORITY_CLASSES, "", name)
        except status.StatusError as missing:
            if missing.code != 404:
                raise
            raise status.forbidden(
                PODS.group_resource,
                request.name,
                f"no PriorityClass with name {name} was found",
            ) from None

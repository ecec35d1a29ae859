"""/pods, /runningpods/ and /configz.

Source: kubernetes/kubernetes pkg/kubelet/server/server.go (getPods, getRunningPods);
kubernetes/component-base configz/configz.go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubelet.runtime_convert import (
    CONTAINER_NAME_LABEL,
    POD_NAME_LABEL,
    POD_NAMESPACE_LABEL,
    POD_UID_LABEL,
)
from kubelet.server.answers import json_answer
from kubelet.server.host import HOST
from rpc import cri_v1_pb2 as cri

if TYPE_CHECKING:
    from aiohttp import web

    from apimachinery.types import JsonObject

__all__ = ["configz", "pods_list", "running_pods"]


async def pods_list(request: web.Request) -> web.Response:
    """The pods that shall run here."""
    return json_answer(_pod_list(request.app[HOST].pods()))


async def running_pods(request: web.Request) -> web.Response:
    """The pods that do run here, as far as the runtime knows them: no status."""
    runtime = request.app[HOST].runtime
    found: dict[str, JsonObject] = {}
    running = cri.ContainerStateValue(state=cri.CONTAINER_RUNNING)
    for container in await runtime.list_containers(state=running):
        labels = container.labels
        pod = found.setdefault(
            labels[POD_UID_LABEL],
            {
                "metadata": {
                    "name": labels[POD_NAME_LABEL],
                    "namespace": labels[POD_NAMESPACE_LABEL],
                    "uid": labels[POD_UID_LABEL],
                },
                "spec": {"containers": []},
                "status": {},
            },
        )
        image = container.image.user_specified_image or container.image.image
        pod["spec"]["containers"].append(
            {"name": labels[CONTAINER_NAME_LABEL], "image": image, "resources": {}}
        )
    return json_answer(_pod_list(list(found.values())))


async def configz(request: web.Request) -> web.Response:
    """The settings in force."""
    config = request.app[HOST].config.to_kubelet_configuration()
    return json_answer(
        {"kubeletconfig": config}, **{"X-Content-Type-Options": "nosniff"}
    )


def _pod_list(items: list[JsonObject]) -> JsonObject:
    bare = [
        {k: v for k, v in item.items() if k not in ("kind", "apiVersion")}
        for item in items
    ]
    return {"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": bare}

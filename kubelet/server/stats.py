"""/stats/summary.

Source: kubernetes/kubelet pkg/apis/stats/v1alpha1/types.go; kubernetes/kubernetes
pkg/kubelet/server/stats/{handler,summary}.go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from apimachinery.meta import rfc3339
from hops.clock import wall
from kubelet.cri import CriError
from kubelet.machine import boot_time, read_usage
from kubelet.server.answers import json_answer, write_error
from kubelet.server.host import HOST
from kubelet.server.query import query_of
from kubelet.server.usage import ContainerUsage, PodUsage, usage_by_pod

if TYPE_CHECKING:
    from aiohttp import web

    from apimachinery.types import JsonObject
    from kubelet.server.host import Host

__all__ = ["summary"]


async def summary(request: web.Request) -> web.Response:
    """GET or POST; `?only_cpu_and_memory=true` leaves the rest out."""
    host = request.app[HOST]
    brief = query_of(request).get("only_cpu_and_memory") in ("true", "1")
    try:
        pods = await usage_by_pod(host.runtime)
    except CriError as err:
        return write_error(500, str(err))
    return json_answer(
        {
            "node": _node(host, brief=brief),
            "pods": [_pod(host, pod, brief=brief) for pod in pods],
        }
    )


def _node(host: Host, *, brief: bool) -> JsonObject:
    usage, machine = read_usage(host.config.root_dir), host.machine
    now = rfc3339(wall())
    node: JsonObject = {
        "nodeName": host.config.node_name,
        "startTime": rfc3339(boot_time()),
        "cpu": {"time": now, "usageCoreNanoSeconds": usage.cpu_nanoseconds},
        "memory": {
            "time": now,
            "availableBytes": usage.memory_available,
            "usageBytes": usage.memory_used,
            "workingSetBytes": usage.memory_used,
        },
    }
    if brief:
        return node
    disk = {
        "time": now,
        "availableBytes": usage.disk_available,
        "capacityBytes": machine.storage,
        "usedBytes": machine.storage - usage.disk_available,
        "inodesFree": usage.inodes_free,
        "inodes": machine.inodes,
        "inodesUsed": machine.inodes - usage.inodes_free,
    }
    return {
        **node,
        "fs": disk,
        "runtime": {"imageFs": disk, "containerFs": disk},
        "rlimit": {"time": now, "curproc": usage.processes},
    }


def _pod(host: Host, pod: PodUsage, *, brief: bool) -> JsonObject:
    status = host.pod_status(pod.uid) or {}
    now = rfc3339(wall())
    answer: JsonObject = {
        "podRef": {"name": pod.name, "namespace": pod.namespace, "uid": pod.uid},
        "startTime": status.get("startTime"),
        "containers": [_container(c, brief=brief) for c in pod.containers],
        "cpu": {
            "time": now,
            "usageNanoCores": pod.total("cpu_nanocores"),
            "usageCoreNanoSeconds": pod.total("cpu_nanoseconds"),
        },
        "memory": {
            "time": now,
            "usageBytes": pod.total("memory_usage"),
            "workingSetBytes": pod.total("memory_working_set"),
            "rssBytes": pod.total("memory_rss"),
        },
    }
    if not brief:
        used = pod.total("disk_used")
        answer["ephemeral-storage"] = {"time": now, "usedBytes": used}
    return answer


def _container(usage: ContainerUsage, *, brief: bool) -> JsonObject:
    answer: JsonObject = {
        "name": usage.name,
        "startTime": rfc3339(usage.started_at / 1e9),
        "cpu": _known(
            time=rfc3339(usage.cpu_at / 1e9),
            usageNanoCores=usage.cpu_nanocores,
            usageCoreNanoSeconds=usage.cpu_nanoseconds,
        ),
        "memory": _known(
            time=rfc3339(usage.memory_at / 1e9),
            usageBytes=usage.memory_usage,
            workingSetBytes=usage.memory_working_set,
            rssBytes=usage.memory_rss,
        ),
    }
    if not brief:
        answer["rootfs"] = _known(
            time=rfc3339(usage.memory_at / 1e9), usedBytes=usage.disk_used
        )
    return answer


def _known(**values: object) -> JsonObject:
    return {name: value for name, value in values.items() if value is not None}

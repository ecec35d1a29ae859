"""/metrics and its siblings.

Source: kubernetes/kubernetes pkg/kubelet/metrics/{metrics.go,
collectors/resource_metrics.go}, pkg/kubelet/prober/prober_manager.go; names of
/metrics/cadvisor from google/cadvisor metrics/prometheus.go.
"""

from __future__ import annotations

import os
import resource
from typing import TYPE_CHECKING

from hops.clock import wall
from kubelet.cri import CriError
from kubelet.machine import read_usage
from kubelet.server.answers import ok_text
from kubelet.server.host import HOST
from kubelet.server.metrics_text import CONTENT_TYPE, Family
from kubelet.server.usage import PodUsage, usage_by_pod

if TYPE_CHECKING:
    from aiohttp import web

    from kubelet.server.host import Host

__all__ = [
    "cadvisor_metrics",
    "kubelet_metrics",
    "probe_metrics",
    "resource_metrics",
    "slis_metrics",
]


async def kubelet_metrics(request: web.Request) -> web.Response:
    """The kubelet itself."""
    host = request.app[HOST]
    node = Family(
        "kubelet_node_name", "gauge", "The node's name. The count is always 1."
    )
    node.add(1, {"node": host.config.node_name})
    running_pods = Family(
        "kubelet_running_pods",
        "gauge",
        "Number of pods that have a running pod sandbox",
    )
    containers = Family(
        "kubelet_running_containers", "gauge", "Number of containers currently running"
    )
    states = {"created": 0, "running": 0, "exited": 0, "unknown": 0}
    try:
        listed = await host.runtime.list_containers()
        sandboxes = await host.runtime.list_sandboxes()
    except CriError:
        listed, sandboxes = [], []
    for container in listed:
        states[_STATE_WORDS[int(container.state)]] += 1
    for state, count in states.items():
        containers.add(count, {"container_state": state})
    running_pods.add(sum(sandbox.state == 0 for sandbox in sandboxes))
    return _answer([node, running_pods, containers, *_process_families()])


_STATE_WORDS = ("created", "running", "exited", "unknown")


def _process_families() -> list[Family]:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    cpu = Family(
        "process_cpu_seconds_total", "counter", "Processor time of this process"
    )
    cpu.add(usage.ru_utime + usage.ru_stime)
    memory = Family(
        "process_resident_memory_bytes", "gauge", "Resident memory of this process"
    )
    memory.add(_resident_bytes())
    descriptors = Family("process_open_fds", "gauge", "Open file descriptors")
    descriptors.add(len(os.listdir("/proc/self/fd")))
    return [cpu, memory, descriptors]


def _resident_bytes() -> int:
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


async def slis_metrics(request: web.Request) -> web.Response:
    """Health checks as numbers."""
    family = Family(
        "kubernetes_healthcheck", "gauge", "Result of a single healthcheck."
    )
    for name, complaint in request.app[HOST].health_checks().items():
        family.add(0 if complaint else 1, {"name": name, "type": "healthz"})
    return _answer([family])


async def resource_metrics(request: web.Request) -> web.Response:
    """What metrics-server reads: processor and memory of node, pods, containers."""
    host = request.app[HOST]
    error = 0
    try:
        pods = await usage_by_pod(host.runtime)
    except CriError:
        pods, error = [], 1
    families = [*_node_families(host), *_container_families(pods), *_pod_families(pods)]
    scrape = Family(
        "resource_scrape_error",
        "gauge",
        "1 if there was an error while getting metrics",
    )
    scrape.add(error)
    return _answer([*families, scrape])


def _node_families(host: Host) -> list[Family]:
    usage = read_usage(host.config.root_dir)
    now = int(wall() * 1000)
    cpu = Family(
        "node_cpu_usage_seconds_total",
        "counter",
        "Cumulative cpu time consumed by the node in core-seconds",
    )
    cpu.add(usage.cpu_nanoseconds / 1e9, milliseconds=now)
    memory = Family(
        "node_memory_working_set_bytes",
        "gauge",
        "Current working set of the node in bytes",
    )
    memory.add(usage.memory_used, milliseconds=now)
    return [cpu, memory]


def _container_families(pods: list[PodUsage]) -> list[Family]:
    cpu = Family(
        "container_cpu_usage_seconds_total",
        "counter",
        "Cumulative cpu time consumed by the container in core-seconds",
    )
    memory = Family(
        "container_memory_working_set_bytes",
        "gauge",
        "Current working set of the container in bytes",
    )
    start = Family(
        "container_start_time_seconds",
        "gauge",
        "Start time of the container since unix epoch in seconds",
    )
    for pod in pods:
        for c in pod.containers:
            labels = {"container": c.name, "namespace": pod.namespace, "pod": pod.name}
            start.add(c.started_at / 1e9, labels)
            if c.cpu_nanoseconds is not None:
                cpu.add(c.cpu_nanoseconds / 1e9, labels, milliseconds=c.cpu_at // 10**6)
            if c.memory_working_set is not None:
                at = c.memory_at // 10**6
                memory.add(c.memory_working_set, labels, milliseconds=at)
    return [cpu, memory, start]


def _pod_families(pods: list[PodUsage]) -> list[Family]:
    cpu = Family(
        "pod_cpu_usage_seconds_total",
        "counter",
        "Cumulative cpu time consumed by the pod in core-seconds",
    )
    memory = Family(
        "pod_memory_working_set_bytes",
        "gauge",
        "Current working set of the pod in bytes",
    )
    now = int(wall() * 1000)
    for pod in pods:
        labels = {"namespace": pod.namespace, "pod": pod.name}
        cpu.add(pod.total("cpu_nanoseconds") / 1e9, labels, milliseconds=now)
        memory.add(pod.total("memory_working_set"), labels, milliseconds=now)
    return [cpu, memory]


async def cadvisor_metrics(request: web.Request) -> web.Response:
    """The same containers under cAdvisor's names and labels."""
    cpu = Family(
        "container_cpu_usage_seconds_total",
        "counter",
        "Cumulative cpu time consumed in seconds.",
    )
    memory = Family(
        "container_memory_working_set_bytes", "gauge", "Current working set in bytes."
    )
    rss = Family("container_memory_rss", "gauge", "Size of RSS in bytes.")
    for pod in await usage_by_pod(request.app[HOST].runtime):
        for c in pod.containers:
            labels = {
                "container": c.name,
                "id": f"/kubepods/pod{pod.uid}/{c.id}",
                "image": c.image,
                "name": c.id,
                "namespace": pod.namespace,
                "pod": pod.name,
            }
            for family, value, scale in (
                (cpu, c.cpu_nanoseconds, 1e9),
                (memory, c.memory_working_set, 1),
                (rss, c.memory_rss, 1),
            ):
                if value is not None:
                    family.add(value / scale, labels)
    return _answer([cpu, memory, rss])


async def probe_metrics(request: web.Request) -> web.Response:
    """How often probes succeeded and failed."""
    family = Family(
        "prober_probe_total",
        "counter",
        "Cumulative number of a liveness, readiness or startup probe for a container by"
        " result.",
    )
    totals = request.app[HOST].probe_results.totals
    for (namespace, pod, container, kind, result), count in sorted(totals.items()):
        labels = {
            "container": container,
            "namespace": namespace,
            "pod": pod,
            "probe_type": kind,
            "result": result,
        }
        family.add(count, labels)
    return _answer([family])


def _answer(families: list[Family]) -> web.Response:
    return ok_text("".join(map(str, families)), CONTENT_TYPE)

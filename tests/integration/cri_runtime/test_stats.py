"""Usage from /proc, and the stream of events."""

import grpc
import pytest
from grpc.aio import AioRpcError

from rpc import cri_v1_pb2 as cri

from .conftest import until

CREATED, STARTED, STOPPED, DELETED = range(4)


async def test_a_busy_container_is_seen_to_use_the_processor(node):
    container = await node.run("sh", "-c", "while :; do :; done", labels={"a": "b"})
    request = cri.ContainerStatsRequest(container_id=container)

    used = 0
    while used < 50_000_000:
        stats = (await node.runtime.ContainerStats(request)).stats
        used = stats.cpu.usage_core_nano_seconds.value

    assert stats.attributes.id == container
    assert dict(stats.attributes.labels) == {"a": "b"}
    assert stats.memory.working_set_bytes.value > 0


async def test_what_a_container_writes_is_counted_and_what_it_mounts_is_not(
    node, folder
):
    (folder / "big").write_bytes(bytes(4_000_000))
    mounts = [cri.Mount(container_path="/big", host_path=str(folder / "big"))]
    container = await node.run("sleep", "1000", mounts=mounts)
    await node.sync(container, "sh", "-c", "head -c 1000000 /dev/zero > file")

    answer = await node.runtime.ListContainerStats(cri.ListContainerStatsRequest())

    (stats,) = answer.stats
    assert 1_000_000 <= stats.writable_layer.used_bytes.value < 2_000_000


async def test_only_running_containers_have_figures(node):
    container = await node.run("true")
    await node.exited(container)

    answer = await node.runtime.ListContainerStats(cri.ListContainerStatsRequest())
    request = cri.ContainerStatsRequest(container_id=container)
    with pytest.raises(AioRpcError) as caught:
        await node.runtime.ContainerStats(request)

    assert list(answer.stats) == []
    assert caught.value.code() == grpc.StatusCode.UNKNOWN


async def test_a_pods_figures_are_those_of_its_shim_and_containers(node):
    pod = await node.run_pod(labels={"a": "b"})
    await node.run("sleep", "1000", pod=pod, name="one")
    await node.run("sleep", "1000", pod=pod, name="two")

    wanted = cri.PodSandboxStatsFilter(label_selector={"a": "b"})
    request = cri.ListPodSandboxStatsRequest(filter=wanted)
    (stats,) = (await node.runtime.ListPodSandboxStats(request)).stats

    assert stats.attributes.id == pod
    assert stats.linux.process.process_count.value == 3
    assert {c.attributes.metadata.name for c in stats.linux.containers} == {
        "one",
        "two",
    }


async def test_events_tell_each_step_with_the_pod_as_it_is_then(node):
    call = node.runtime.GetContainerEvents(cri.GetEventsRequest())
    await until(lambda: node.runtime_process.events.subscribers)
    pod = await node.run_pod()
    container = await node.run("sh", "-c", "exit 3", pod=pod)
    await node.exited(container)
    await node.runtime.RemovePodSandbox(cri.RemovePodSandboxRequest(pod_sandbox_id=pod))

    events = [await call.read() for _ in range(8)]
    call.cancel()

    assert [(e.container_id, e.container_event_type) for e in events] == [
        (pod, CREATED),
        (pod, STARTED),
        (container, CREATED),
        (container, STARTED),
        (container, STOPPED),
        (pod, STOPPED),
        (container, DELETED),
        (pod, DELETED),
    ]
    (stopped,) = events[4].containers_statuses
    assert (stopped.state, stopped.exit_code) == (cri.CONTAINER_EXITED, 3)
    assert events[4].pod_sandbox_status.id == pod

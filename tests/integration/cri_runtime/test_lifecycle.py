"""Sandboxes and containers through their states, by a real gRPC client."""

import asyncio
import os
import signal

import grpc
import psutil
import pytest
from grpc.aio import AioRpcError

from rpc import cri_v1_pb2 as cri

from .conftest import all_gone, is_alive, until

MISSING = "f" * 64


async def refused(call):
    """The code and text of a refusal."""
    with pytest.raises(AioRpcError) as caught:
        await call
    return caught.value.code(), caught.value.details()


async def test_version_is_complete(node):
    answer = await node.runtime.Version(cri.VersionRequest())

    assert (answer.version, answer.runtime_api_version) == ("0.1.0", "v1")
    assert answer.runtime_name == "mini-cri"
    assert answer.runtime_version


async def test_both_conditions_of_the_status_hold(node):
    answer = await node.runtime.Status(cri.StatusRequest(verbose=True))

    conditions = {c.type: c.status for c in answer.status.conditions}
    assert conditions == {"RuntimeReady": True, "NetworkReady": True}
    assert [handler.name for handler in answer.runtime_handlers] == ["", "runc"]


async def test_a_sandbox_is_ready_until_it_is_stopped_and_gone_when_it_is_removed(node):
    pod = await node.run_pod("web", labels={"a": "b"}, annotations={"c": "d"})
    ready = await node.pod_status(pod)

    await node.runtime.StopPodSandbox(cri.StopPodSandboxRequest(pod_sandbox_id=pod))
    stopped = await node.pod_status(pod)
    await node.runtime.RemovePodSandbox(cri.RemovePodSandboxRequest(pod_sandbox_id=pod))

    assert (ready.state, stopped.state) == (cri.SANDBOX_READY, cri.SANDBOX_NOTREADY)
    assert (dict(ready.labels), dict(ready.annotations)) == ({"a": "b"}, {"c": "d"})
    assert ready.network.ip.startswith("127.")
    assert stopped.network.ip == ""
    assert await refused(node.pod_status(pod)) == (
        grpc.StatusCode.NOT_FOUND,
        "an error occurred when try to find sandbox: not found",
    )


async def test_a_pod_on_the_hosts_network_has_no_address(node):
    options = cri.NamespaceOption(network=cri.NODE)
    context = cri.LinuxSandboxSecurityContext(namespace_options=options)
    pod = await node.run_pod(linux=cri.LinuxPodSandboxConfig(security_context=context))

    assert (await node.pod_status(pod)).network.ip == ""


async def test_a_container_is_created_running_exited_and_gone(node):
    container = await node.create(await node.run_pod(), "sh", "-c", "exit 3")
    created = await node.status(container)
    await node.runtime.StartContainer(cri.StartContainerRequest(container_id=container))
    exited = await node.exited(container)
    await node.runtime.RemoveContainer(
        cri.RemoveContainerRequest(container_id=container)
    )

    assert created.state == cri.CONTAINER_CREATED
    assert (created.started_at, created.finished_at) == (0, 0)
    assert exited.state == cri.CONTAINER_EXITED
    assert exited.created_at <= exited.started_at <= exited.finished_at
    assert (exited.exit_code, exited.reason) == (3, "Error")
    assert await refused(node.status(container)) == (
        grpc.StatusCode.NOT_FOUND,
        f'an error occurred when try to find container "{container}": not found',
    )


@pytest.mark.parametrize(
    ("script", "code", "reason"),
    [
        ("true", 0, "Completed"),
        ("exit 255", 255, "Error"),
        ("kill -TERM $$", 143, "Error"),
        ("kill -KILL $$", 137, "Error"),
        ("kill -SEGV $$", 139, "Error"),
    ],
)
async def test_the_end_of_a_container_has_a_code_and_a_reason(
    node, script, code, reason
):
    status = await node.exited(await node.run("sh", "-c", script))

    assert (status.exit_code, status.reason) == (code, reason)


async def test_a_container_above_its_memory_limit_is_oom_killed(node):
    resources = cri.LinuxContainerResources(memory_limit_in_bytes=50 * 1024 * 1024)
    hog = "x = bytearray(200_000_000); print(len(x)); import time; time.sleep(1000)"
    container = await node.run(
        "python3", "-c", hog, linux=cri.LinuxContainerConfig(resources=resources)
    )

    status = await node.exited(container)

    assert (status.exit_code, status.reason) == (137, "OOMKilled")


async def test_a_container_that_cannot_start_has_128_and_the_reason(node):
    container = await node.create(await node.run_pod(), "nope")

    code, text = await refused(
        node.runtime.StartContainer(cri.StartContainerRequest(container_id=container))
    )
    status = await node.status(container)

    assert code == grpc.StatusCode.UNKNOWN
    assert text.endswith('exec: "nope": executable file not found in $PATH')
    assert (status.state, status.exit_code) == (cri.CONTAINER_EXITED, 128)
    assert (status.reason, status.message) == ("StartError", text)


async def test_starting_twice_is_refused(node):
    container = await node.run("sleep", "1000")

    assert await refused(
        node.runtime.StartContainer(cri.StartContainerRequest(container_id=container))
    ) == (
        grpc.StatusCode.UNKNOWN,
        f'failed to set starting state for container "{container}": container is in '
        "CONTAINER_RUNNING state",
    )


async def test_nothing_starts_in_a_stopped_sandbox(node):
    pod = await node.run_pod()
    container = await node.create(pod, "sleep", "1000")
    await node.runtime.StopPodSandbox(cri.StopPodSandboxRequest(pod_sandbox_id=pod))

    expected = (
        grpc.StatusCode.UNKNOWN,
        f'sandbox container "{pod}" is not running',
    )
    start = cri.StartContainerRequest(container_id=container)
    assert await refused(node.runtime.StartContainer(start)) == expected
    assert await refused(node.create(pod, "true", name="other")) == expected


async def test_names_are_reserved_until_their_owner_is_removed(node):
    pod = await node.run_pod("web")
    container = await node.create(pod, "true")

    code, text = await refused(node.run_pod("web"))
    assert code == grpc.StatusCode.FAILED_PRECONDITION
    assert text == (
        'failed to reserve sandbox name "web_default_uid-web_0": name '
        f'"web_default_uid-web_0" is reserved for "{pod}"'
    )
    code, text = await refused(node.create(pod, "true"))
    assert text == (
        'failed to reserve container name "c_web_default_uid-web_0": name '
        f'"c_web_default_uid-web_0" is reserved for "{container}"'
    )
    await node.runtime.RemovePodSandbox(cri.RemovePodSandboxRequest(pod_sandbox_id=pod))
    assert await node.run_pod("web") != pod


async def test_a_name_is_free_again_whatever_went_wrong(node, monkeypatch):
    def fail(*arguments):
        raise RuntimeError("a bug")

    pod = await node.run_pod("web")
    with monkeypatch.context() as patch:
        patch.setattr("cri_runtime.scripts.scripts.Scripts.dress", fail)
        await refused(node.create(pod, "true"))

    assert await node.create(pod, "true")


@pytest.mark.parametrize(
    ("method", "request_type", "field"),
    [
        ("StopPodSandbox", cri.StopPodSandboxRequest, "pod_sandbox_id"),
        ("RemovePodSandbox", cri.RemovePodSandboxRequest, "pod_sandbox_id"),
        ("StopContainer", cri.StopContainerRequest, "container_id"),
        ("RemoveContainer", cri.RemoveContainerRequest, "container_id"),
    ],
)
async def test_ending_what_is_not_there_is_no_error(node, method, request_type, field):
    await getattr(node.runtime, method)(request_type(**{field: MISSING}))


@pytest.mark.parametrize(
    ("method", "request_type"),
    [
        ("StartContainer", cri.StartContainerRequest),
        ("ReopenContainerLog", cri.ReopenContainerLogRequest),
        ("ExecSync", cri.ExecSyncRequest),
        ("ContainerStats", cri.ContainerStatsRequest),
        ("UpdateContainerResources", cri.UpdateContainerResourcesRequest),
    ],
)
async def test_a_missing_container_is_not_found(node, method, request_type):
    call = getattr(node.runtime, method)(request_type(container_id=MISSING))

    assert (await refused(call))[0] == grpc.StatusCode.NOT_FOUND


async def test_a_container_in_a_missing_sandbox_is_not_found(node):
    assert await refused(node.create(MISSING, "true")) == (
        grpc.StatusCode.NOT_FOUND,
        f'failed to find sandbox id "{MISSING}": not found',
    )


async def test_a_container_of_an_image_that_was_not_pulled_is_not_found(node):
    config = cri.ContainerConfig(
        metadata=cri.ContainerMetadata(name="c"), image=cri.ImageSpec(image="absent:1")
    )
    request = cri.CreateContainerRequest(
        pod_sandbox_id=await node.run_pod(), config=config
    )

    code, text = await refused(node.runtime.CreateContainer(request))

    assert code == grpc.StatusCode.NOT_FOUND
    assert text == 'failed to resolve image "absent:1": not found'


async def test_a_unique_prefix_of_an_id_will_do(node):
    pod = await node.run_pod()
    container = await node.run("sleep", "1000", pod=pod)

    assert (await node.status(container[:12])).id == container
    assert (await node.pod_status(pod[:12])).id == pod


async def test_stop_gives_the_main_process_time_to_end_well(node):
    script = "trap 'echo bye; exit 5' TERM; echo ready; while :; do sleep 0.01; done"
    pod = await node.run_pod("web")
    container = await node.run("sh", "-c", script, pod=pod)
    await until(lambda: "ready" in node.log(container, "web"))

    await node.stop_container(container, grace=30)

    status = await node.status(container)
    assert (status.exit_code, status.state) == (5, cri.CONTAINER_EXITED)
    assert "stdout F bye" in node.log(container, "web")


async def test_stop_kills_after_the_grace_period(node):
    script = "trap '' TERM; echo ready; while :; do sleep 0.01; done"
    pod = await node.run_pod("web")
    container = await node.run("sh", "-c", script, pod=pod)
    await until(lambda: "ready" in node.log(container, "web"))

    await node.stop_container(container, grace=1)

    assert (await node.status(container)).exit_code == 137


async def test_the_pods_stop_signal_is_sent(node):
    script = "trap 'exit 6' USR1; echo ready; while :; do sleep 0.01; done"
    pod = await node.run_pod("web")
    container = await node.run("sh", "-c", script, pod=pod, stop_signal=cri.SIGUSR1)
    await until(lambda: "ready" in node.log(container, "web"))

    await node.stop_container(container, grace=30)

    assert (await node.status(container)).exit_code == 6


async def test_all_descendants_are_killed_also_those_in_sessions_of_their_own(node):
    script = """
        setsid sh -c 'sleep 1000 & sleep 1000 & wait' &
        (setsid sh -c 'setsid sleep 1000 & exit' &)
        env -i setsid /bin/sleep 1000 &
        sleep 1000 &
        wait
    """
    container = await node.run("sh", "-c", script)
    record = node.runtime_process.containers.get(container)
    pids = []
    while len(pids) < 7:
        pids = await node.runtime_process.containers.pids(record)

    await node.stop_container(container)

    await all_gone(pids)


async def test_a_daemon_left_by_an_exec_lives_until_its_container_ends(node):
    container = await node.run("sleep", "1000")
    other = await node.run("sleep", "1000")
    answer = await node.sync(
        container, "sh", "-c", "env -i setsid /bin/sleep 1000 >&- 2>&- & echo $!"
    )
    daemon = int(answer.stdout)

    await node.stop_container(other)
    assert is_alive(daemon)

    await node.stop_container(container)
    await all_gone([daemon])


async def test_the_end_of_the_main_process_is_the_end_of_all_others(node):
    container = await node.run("sh", "-c", "setsid sleep 1000 & echo $! > pid; exit 0")

    status = await node.exited(container)

    root = node.runtime_process.containers.scratch(
        node.runtime_process.containers.get(container)
    )
    assert status.exit_code == 0
    assert not is_alive(int((root / "pid").read_text()))


async def test_removing_a_running_container_kills_it(node):
    container = await node.run("sleep", "1000")
    pid = node.runtime_process.containers.get(container).pid

    await node.runtime.RemoveContainer(
        cri.RemoveContainerRequest(container_id=container)
    )

    assert not is_alive(pid)


async def test_removing_a_sandbox_removes_its_containers(node):
    pod = await node.run_pod()
    await node.run("sleep", "1000", pod=pod)
    await node.create(pod, "true", name="other")

    await node.runtime.RemovePodSandbox(cri.RemovePodSandboxRequest(pod_sandbox_id=pod))

    answer = await node.runtime.ListContainers(cri.ListContainersRequest())
    assert list(answer.containers) == []
    assert list((node.config.root / "containers").iterdir()) == []


async def test_a_killed_shim_ends_its_containers_and_leaves_nobody(node):
    pod = await node.run_pod()
    container = await node.run("sh", "-c", "setsid sleep 1000 & sleep 1000", pod=pod)
    record = node.runtime_process.containers.get(container)
    pids = []
    while len(pids) < 3:
        pids = await node.runtime_process.containers.pids(record)

    os.kill(node.runtime_process.sandboxes.get(pod).shim_pid, signal.SIGKILL)

    status = await node.exited(container)
    assert (status.exit_code, status.reason) == (255, "Unknown")
    assert (await node.pod_status(pod)).state == cri.SANDBOX_NOTREADY
    await all_gone(pids)


async def test_a_killed_launcher_is_replaced(node):
    before = await node.run("sleep", "1000")
    launcher = await node.runtime_process._launcher.ensure()
    shim = node.runtime_process.sandboxes.all()[0].shim_pid

    psutil.Process(shim).parent().kill()
    await launcher.gone.wait()
    after = await node.run("sleep", "1000")

    assert (await node.status(before)).state == cri.CONTAINER_RUNNING
    assert (await node.status(after)).state == cri.CONTAINER_RUNNING
    pod = (await node.runtime.ListContainers(cri.ListContainersRequest())).containers
    for sandbox in {c.pod_sandbox_id for c in pod}:
        request = cri.StopPodSandboxRequest(pod_sandbox_id=sandbox)
        await node.runtime.StopPodSandbox(request)


async def test_lists_are_filtered_by_state_labels_and_sandbox(node):
    pod = await node.run_pod(labels={"app": "a"})
    other = await node.run_pod(labels={"app": "b"})
    running = await node.run("sleep", "1000", pod=pod, labels={"x": "1"})
    created = await node.create(other, "true", labels={"x": "2"})

    async def containers(**wanted):
        request = cri.ListContainersRequest(filter=cri.ContainerFilter(**wanted))
        answer = await node.runtime.ListContainers(request)
        return {c.id for c in answer.containers}

    async def pods(**wanted):
        request = cri.ListPodSandboxRequest(filter=cri.PodSandboxFilter(**wanted))
        return {p.id for p in (await node.runtime.ListPodSandbox(request)).items}

    created_only = cri.ContainerStateValue(state=cri.CONTAINER_CREATED)
    assert await containers() == {running, created}
    assert await containers(state=created_only) == {created}
    assert await containers(label_selector={"x": "1"}) == {running}
    assert await containers(pod_sandbox_id=pod) == {running}
    assert await containers(id=created[:10]) == {created}
    assert await containers(id=MISSING) == set()
    assert await pods(label_selector={"app": "b"}) == {other}
    ready = cri.PodSandboxStateValue(state=cri.SANDBOX_READY)
    assert await pods(state=ready) == {pod, other}


async def test_pods_have_addresses_of_their_own_and_may_use_the_same_port(node):
    pods = [await node.run_pod() for _ in range(3)]
    for pod in pods:
        await node.run(pod=pod, image="mini-kube/echo")
    addresses = {(await node.pod_status(pod)).network.ip for pod in pods}

    assert len(addresses) == 3
    for address in addresses:
        reader, writer = await connect(address, 8080)
        writer.write(b"hello")
        assert await reader.readexactly(5) == b"hello"
        writer.close()
        await writer.wait_closed()


async def connect(address, port):
    """Wait until somebody listens."""
    while True:
        try:
            return await asyncio.open_connection(address, port)
        except ConnectionRefusedError:
            await asyncio.sleep(0.005)


async def test_methods_that_are_not_built_say_so(node):
    call = node.runtime.CheckpointContainer(cri.CheckpointContainerRequest())

    assert await refused(call) == (
        grpc.StatusCode.UNIMPLEMENTED,
        "method CheckpointContainer is not implemented by mini-cri",
    )

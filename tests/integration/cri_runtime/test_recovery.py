"""The runtime goes and comes back; what runs in the shims does not notice."""

import asyncio
import json
import resource
import subprocess
import sys

import grpc
import psutil
import pytest

from cri_runtime.app import AlreadyRunning, Runtime
from cri_runtime.stop_all import stop_all
from hops.hops import Hops
from rpc import cri_v1_pb2 as cri
from rpc import cri_v1_pb2_grpc as cri_grpc

from .conftest import Node, all_gone, make_config, until


async def test_running_containers_are_found_again(node):
    pod = await node.run_pod("web")
    container = await node.run("sleep", "1000", pod=pod, labels={"a": "b"})
    before, pod_before = await node.status(container), await node.pod_status(pod)

    await node.restart()

    assert await node.status(container) == before
    assert await node.pod_status(pod) == pod_before
    assert (await node.sync(container, "echo", "hi")).stdout == b"hi\n"


async def test_an_end_that_came_while_the_runtime_was_away_is_learnt_once(node):
    container = await node.run("sh", "-c", "mkfifo fifo; read go < fifo; exit 4")
    record = node.runtime_process.containers.get(container)
    root = node.runtime_process.containers.scratch(record)
    await until((root / "fifo").exists)

    await node.stop()
    await asyncio.to_thread((root / "fifo").write_text, "go\n")
    await until((root.parent / "exit.json").exists)
    await node.start()

    first = await node.status(container)
    await node.restart()
    assert await node.status(container) == first
    assert (first.state, first.exit_code) == (cri.CONTAINER_EXITED, 4)


async def test_an_end_is_known_even_if_the_shim_is_gone_too(node):
    container = await node.run("sleep", "1000")

    await node.stop()
    assert await asyncio.to_thread(stop_all, node.config.root, node.config.state) == 0
    await node.start()

    status = await node.status(container)
    assert (status.state, status.exit_code) == (cri.CONTAINER_EXITED, 137)
    pods = (await node.runtime.ListPodSandbox(cri.ListPodSandboxRequest())).items
    assert [pod.state for pod in pods] == [cri.SANDBOX_NOTREADY]


async def test_a_shim_that_cannot_be_found_again_ends_with_its_containers(node):
    container = await node.run("sleep", "1000")
    pid = json.loads((await container_info(node, container))["info"])["pid"]
    for socket in (node.config.state / "s").iterdir():
        socket.unlink()

    await node.restart()

    await all_gone([pid])
    assert (await node.status(container)).state == cri.CONTAINER_EXITED


async def test_created_containers_and_stopped_sandboxes_are_remembered(node):
    pod = await node.run_pod()
    created = await node.create(pod, "true")
    stopped = await node.run_pod()
    await node.runtime.StopPodSandbox(cri.StopPodSandboxRequest(pod_sandbox_id=stopped))

    await node.restart()
    await node.runtime.StartContainer(cri.StartContainerRequest(container_id=created))

    assert (await node.exited(created)).exit_code == 0
    assert (await node.pod_status(stopped)).state == cri.SANDBOX_NOTREADY


async def test_pulled_images_are_remembered(node):
    pull = cri.PullImageRequest(image=cri.ImageSpec(image="nginx:1.27"))
    reference = (await node.images.PullImage(pull)).image_ref

    await node.restart()

    request = cri.ImageStatusRequest(image=cri.ImageSpec(image="nginx:1.27"))
    assert (await node.images.ImageStatus(request)).image.id == reference


async def test_an_execd_command_outlives_the_runtime(node):
    container = await node.run("sleep", "1000")
    await node.sync(container, "mkfifo", "fifo", "fifo2")
    script = (
        "echo started; read go < fifo; seq 1 100000; echo done > result; echo > fifo2"
    )
    stream = await node.exec(container, "sh", "-c", script, stdout=True)
    await stream.until(b"started")

    stream.close()
    await node.restart()
    await node.sync(container, "sh", "-c", "echo > fifo; read end < fifo2")

    assert (await node.sync(container, "cat", "result")).stdout == b"done\n"


async def test_names_stay_reserved(node):
    pod = await node.run_pod("web")

    await node.restart()

    with pytest.raises(Exception, match=f'is reserved for "{pod}"'):
        await node.run_pod("web")


async def test_a_second_runtime_on_the_same_folder_is_refused(node):
    with pytest.raises(AlreadyRunning):
        Runtime(node.config, Hops("second"))


async def test_a_shim_that_was_never_recorded_is_ended(node):
    socket = str(node.config.state / "s" / "stranger")
    launcher = node.runtime_process._launcher
    shim = await launcher.start_shim(socket, hostname="", addresses=[])

    await node.restart()

    await all_gone([shim.pid])


@pytest.fixture
def program(folder):
    """Starts `mini-cri` as a process of its own."""
    config = make_config(folder)
    arguments = ["--root", str(config.root), "--state", str(config.state)]
    command = [sys.executable, "-m", "cri_runtime.main"]
    started = []

    def start():
        process = subprocess.Popen(
            [*command, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        assert process.stdout.readline().startswith("mini-cri: serving on unix://")
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()
    stopped = subprocess.run([*command, "stop-all", *arguments], check=True, timeout=20)
    assert stopped.returncode == 0


async def connect(folder):
    """A client of a runtime that runs elsewhere."""
    node = Node(make_config(folder))
    node.channel = grpc.aio.insecure_channel(f"unix:{node.config.state}/cri.sock")
    node.runtime = cri_grpc.RuntimeServiceStub(node.channel)
    node.images = cri_grpc.ImageServiceStub(node.channel)
    return node


async def test_kill_9_loses_nothing(program, folder):
    process = program()
    node = await connect(folder)
    pods = [await node.run_pod() for _ in range(5)]
    containers = [await node.run("sleep", "1000", pod=pod) for pod in pods]
    before = [await node.status(container) for container in containers]
    await node.channel.close()

    process.kill()
    process.communicate()
    program()
    node = await connect(folder)

    assert [await node.status(container) for container in containers] == before
    await node.channel.close()


async def test_sigterm_ends_the_runtime_and_leaves_the_containers(program, folder):
    process = program()
    node = await connect(folder)
    container = await node.run("sleep", "1000")
    pid = json.loads((await container_info(node, container))["info"])["pid"]
    await node.channel.close()

    process.terminate()
    code = await asyncio.to_thread(process.wait, 20)

    assert code == 0
    assert psutil.Process(pid).status() == psutil.STATUS_SLEEPING


async def container_info(node, container):
    request = cri.ContainerStatusRequest(container_id=container, verbose=True)
    return (await node.runtime.ContainerStatus(request)).info


async def test_stop_all_ends_containers_at_once(program, folder):
    process = program()
    node = await connect(folder)
    container = await node.run("sh", "-c", "trap '' TERM; setsid sleep 1000 & wait")
    pid = json.loads((await container_info(node, container))["info"])["pid"]
    await node.channel.close()
    process.terminate()
    await asyncio.to_thread(process.wait, 20)

    assert await asyncio.to_thread(stop_all, node.config.root, node.config.state) == 0

    await all_gone([pid])


async def test_the_limit_on_descriptors_is_raised_for_us_and_not_for_containers(
    program, folder
):
    process = program()
    node = await connect(folder)
    container = await node.run("sh", "-c", "ulimit -n > limit; sleep 1000")
    limit = await node.sync(container, "sh", "-c", "ulimit -n; ulimit -Hn")
    soft, hard = map(int, limit.stdout.split())
    await node.channel.close()

    own, _ = psutil.Process(process.pid).rlimit(psutil.RLIMIT_NOFILE)

    assert own == hard
    assert soft == resource.getrlimit(resource.RLIMIT_NOFILE)[0]

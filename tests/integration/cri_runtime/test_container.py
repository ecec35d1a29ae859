"""What a container's process finds: arguments, variables, directory, mounts, logs, images."""

import os

import grpc
import pytest
from grpc.aio import AioRpcError

from cri_runtime.config import Config
from rpc import cri_v1_pb2 as cri
from wire.cri_log import LogDecoder

from .conftest import Node, make_config, until


def records(node, container, pod):
    path = node.config.root / "logs" / pod / "c" / "0.log"
    decoder = LogDecoder()
    return decoder.receive_data(path.read_bytes()) + decoder.receive_eof()


async def output(node, *command, **fields):
    """Run a container to its end; returns what it wrote to stdout."""
    pod = await node.run_pod("web")
    container = await node.run(*command, pod=pod, **fields)
    await node.exited(container)
    found = records(node, container, "web")
    return b"".join(r.content for r in found if r.stream == "stdout").decode()


async def test_nothing_of_the_host_leaks_in_but_path_and_lang(node, monkeypatch):
    monkeypatch.setenv("SECRET_OF_THE_HOST", "1")

    lines = (await output(node, "env")).splitlines()

    names = {line.split("=")[0] for line in lines if not line.startswith("MINI_KUBE_")}
    assert names <= {"PATH", "LANG", "HOME", "HOSTNAME"}
    assert "HOSTNAME=web" in lines


async def test_variables_are_set_as_given_and_win(node):
    envs = [cri.KeyValue(key="A", value=b"b c"), cri.KeyValue(key="HOME", value=b"/x")]

    text = await output(node, "sh", "-c", 'echo "$A $HOME"', envs=envs)

    assert text == "b c /x\n"


async def test_variables_need_not_be_text(node):
    envs = [cri.KeyValue(key="RAW", value=b"\xff\xfe")]

    text = await output(node, "sh", "-c", 'printf %s "$RAW" | od -An -tx1', envs=envs)

    assert text.split() == ["ff", "fe"]


async def test_the_working_directory_is_a_scratch_directory_and_home(node):
    text = await output(node, "sh", "-c", 'pwd; echo "$HOME"; touch here; ls')

    directory, home, listing = text.split()
    assert directory == home
    assert directory.startswith(str(node.config.root / "containers"))
    assert listing == "here"


async def test_a_working_directory_of_the_host_is_used_if_it_is_there(node):
    assert await output(node, "pwd", working_dir="/usr") == "/usr\n"


async def test_a_working_directory_that_is_not_there_is_made_inside(node):
    text = await output(
        node, "sh", "-c", 'echo "${PWD#$MINI_KUBE_ROOT}"', working_dir="/no/such"
    )

    assert text == "/no/such\n"


async def test_mounts_are_links_below_the_scratch_directory(node, folder):
    (folder / "volume").mkdir()
    (folder / "volume" / "key").write_text("value\n")
    mounts = [
        cri.Mount(container_path="/etc/config", host_path=str(folder / "volume")),
        cri.Mount(container_path="/etc/config/inner", host_path=str(folder)),
        cri.Mount(container_path="/../escape", host_path=str(folder / "volume")),
    ]

    text = await output(
        node, "sh", "-c", "cat etc/config/key escape/key; ls etc/config", mounts=mounts
    )

    assert text == "value\nvalue\nkey\n"


async def test_a_working_directory_may_be_in_a_mount(node, folder):
    (folder / "key").write_text("value\n")
    mounts = [cri.Mount(container_path="/data", host_path=str(folder))]

    assert (
        await output(node, "cat", "key", mounts=mounts, working_dir="/data")
        == "value\n"
    )


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
async def test_the_pods_user_is_become_and_reported(node, folder):
    folder.chmod(0o755)
    context = cri.LinuxContainerSecurityContext(
        run_as_user=cri.Int64Value(value=1234),
        run_as_group=cri.Int64Value(value=2345),
        supplemental_groups=[3456],
    )
    pod = await node.run_pod("web")
    linux = cri.LinuxContainerConfig(security_context=context)
    container = await node.run(
        "sh", "-c", "id -u; id -G; touch x", pod=pod, linux=linux
    )

    status = await node.exited(container)

    text = b"".join(r.content for r in records(node, container, "web"))
    assert text == b"1234\n2345 3456\n"
    assert status.exit_code == 0
    assert status.user.linux.uid == 1234
    assert list(status.user.linux.supplemental_groups) == [2345, 3456]


async def test_log_records_are_as_the_kubelet_reads_them(node):
    pod = await node.run_pod("web")
    script = (
        "echo one; echo two >&2; head -c 20000 /dev/zero | tr '\\0' x; echo; printf end"
    )
    container = await node.run("sh", "-c", script, pod=pod)

    status = await node.exited(container)

    found = records(node, container, "web")
    stdout = [(r.partial, len(r.content)) for r in found if r.stream == "stdout"]
    assert stdout == [(False, 4), (True, 16384), (False, 3617), (True, 3)]
    assert [r.content for r in found if r.stream == "stderr"] == [b"two\n"]
    assert status.log_path == str(node.config.root / "logs" / "web" / "c" / "0.log")


async def test_no_output_is_lost_at_the_end(node):
    text = await output(node, "seq", "1", "200000")

    assert text == "".join(f"{i}\n" for i in range(1, 200001))


async def test_the_log_of_a_terminal_has_the_carriage_returns_taken_off(node):
    text = await output(node, "sh", "-c", "tty; echo hello", tty=True)

    terminal, hello = text.splitlines()
    assert terminal.startswith("/dev/pts/")
    assert hello == "hello"


async def test_a_rotated_log_goes_on_in_a_fresh_file(node):
    pod = await node.run_pod("web")
    script = "mkfifo fifo; echo before; read go < fifo; echo after"
    container = await node.run("sh", "-c", script, pod=pod)
    path = node.config.root / "logs" / "web" / "c" / "0.log"
    await until(lambda: "before" in path.read_text())

    path.rename(path.with_suffix(".log.20240501-100000"))
    request = cri.ReopenContainerLogRequest(container_id=container)
    await node.runtime.ReopenContainerLog(request)
    await node.sync(container, "sh", "-c", "echo > fifo")
    await node.exited(container)

    assert [r.content for r in records(node, container, "web")] == [b"after\n"]


async def test_the_log_of_an_exited_container_is_not_reopened(node):
    container = await node.run("true")
    await node.exited(container)

    with pytest.raises(AioRpcError, match="container is not running"):
        await node.runtime.ReopenContainerLog(
            cri.ReopenContainerLogRequest(container_id=container)
        )


async def test_an_unknown_image_without_a_command_is_kept_alive_and_its_log_says_so(
    node,
):
    pod = await node.run_pod("web")
    container = await node.run(pod=pod, image="example.com/unknown:1")
    path = node.config.root / "logs" / "web" / "c" / "0.log"

    await until(lambda: path.exists() and path.read_text())

    assert (
        "stderr F mini-cri: image example.com/unknown:1 is not in the catalogue, and the "
        "pod gives none: nothing runs here, the container is kept alive"
        in path.read_text()
    )
    assert (await node.status(container)).state == cri.CONTAINER_RUNNING


async def test_an_unknown_image_runs_the_pods_own_command(node):
    assert await output(node, "echo", "hi", image="example.com/unknown:1") == "hi\n"


async def test_a_shell_without_input_ends_well(node):
    status = await node.exited(await node.run(image="alpine"))

    assert (status.exit_code, status.reason) == (0, "Completed")


async def test_nginx_answers_on_the_port_that_the_pod_declares(node):
    pod = await node.run_pod()
    ports = {
        "io.kubernetes.container.ports": '[{"containerPort":8081,"protocol":"TCP"}]'
    }
    container = await node.run(pod=pod, image="nginx:1.27", annotations=ports)
    address = (await node.pod_status(pod)).network.ip
    fetch = f"until curl -s {address}:8081; do sleep 0.01; done"

    answer = await node.sync(container, "sh", "-c", fetch)

    assert b"<h1>Welcome to nginx!</h1>" in answer.stdout
    await node.stop_container(container, grace=30)
    assert (await node.status(container)).exit_code == 0


async def test_a_port_that_cannot_be_had_is_replaced_and_noted(node):
    pod = await node.run_pod()
    ports = {"io.kubernetes.container.ports": '[{"containerPort":8081}]'}
    for name in ("first", "second"):
        await node.run(pod=pod, image="mini-kube/echo", name=name, annotations=ports)

    async def noted():
        request = cri.PodSandboxStatusRequest(pod_sandbox_id=pod, verbose=True)
        answer = await node.runtime.PodSandboxStatus(request)
        return '"ports": {"8081": ' in answer.info["info"]

    directory = node.config.root / "containers"
    # it is there before its line is
    await until(lambda: any(path.read_text() for path in directory.glob("*/ports")))
    assert await noted()


@pytest.fixture
async def strict(folder):
    """A node that knows only the catalogue, and one image more."""
    catalogue = folder / "images.yaml"
    catalogue.write_text(
        """
        images:
          - name: example.com/hello
            tags: ["1.0"]
            entrypoint: [echo]
            command: [hello, world]
            env: {GREETING: hi}
            working_dir: /usr
        """
    )
    config = make_config(folder, image_policy="strict", catalogue=str(catalogue))
    assert isinstance(config, Config)
    node = await Node(config).start()
    yield node
    for pod in (await node.runtime.ListPodSandbox(cri.ListPodSandboxRequest())).items:
        request = cri.RemovePodSandboxRequest(pod_sandbox_id=pod.id)
        await node.runtime.RemovePodSandbox(request)
    await node.stop()


async def test_images_of_the_users_catalogue_run(strict):
    assert await output(strict, image="example.com/hello:1.0") == "hello world\n"


@pytest.mark.parametrize("image", ["x:latest", "example.com/hello:2.0"])
async def test_the_strict_policy_pulls_nothing_unknown(strict, image):
    with pytest.raises(AioRpcError) as caught:
        await strict.create("", image=image)

    full = image if "/" in image else f"docker.io/library/{image}"
    assert caught.value.code() == grpc.StatusCode.NOT_FOUND
    assert caught.value.details() == (
        f'failed to pull and unpack image "{full}": failed to resolve reference "{full}": '
        f"{full}: not found"
    )


async def test_an_image_is_listed_once_it_is_pulled_and_until_it_is_removed(node):
    spec = cri.ImageSpec(image="nginx:1.27")
    request = cri.ImageStatusRequest(image=spec, verbose=True)
    before = await node.images.ImageStatus(request)
    reference = (
        await node.images.PullImage(cri.PullImageRequest(image=spec))
    ).image_ref
    present = await node.images.ImageStatus(request)
    by_id = cri.ImageStatusRequest(image=cri.ImageSpec(image=reference))
    same = await node.images.ImageStatus(by_id)
    await node.images.RemoveImage(cri.RemoveImageRequest(image=spec))
    after = await node.images.ImageStatus(request)

    assert not before.HasField("image")
    assert present.image.id == reference
    assert list(present.image.repo_tags) == ["docker.io/library/nginx:1.27"]
    assert present.image.size > 0
    assert same.image == present.image
    assert not after.HasField("image")


async def test_the_pause_image_is_there_and_pinned(node):
    images = (await node.images.ListImages(cri.ListImagesRequest())).images

    assert [(list(i.repo_tags), i.pinned) for i in images] == [
        (["registry.k8s.io/pause:3.10.1"], True)
    ]


async def test_the_image_filesystem_is_reported(node):
    answer = await node.images.ImageFsInfo(cri.ImageFsInfoRequest())

    filesystem = answer.image_filesystems[0]
    assert filesystem.timestamp > 0
    assert filesystem.fs_id.mountpoint == str(node.config.root)
    assert filesystem.used_bytes.value > 0

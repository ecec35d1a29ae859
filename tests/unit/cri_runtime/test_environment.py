"""What a container's process is given."""

import signal

import pytest

from cri_runtime.environment import link_mounts, make_process, stop_signal
from cri_runtime.images.catalogue import Entry, Image
from cri_runtime.images.reference import parse
from cri_runtime.records import Sandbox
from rpc import cri_v1_pb2 as cri

SANDBOX = Sandbox("s" * 64, cri.PodSandboxConfig(hostname="web"), address="127.70.0.1")


def image(**fields):
    return Image(Entry("docker.io/library/x", **fields), parse("x"))


def process(config, an_image, root, host=None):
    return make_process("c" * 64, config, an_image, SANDBOX, root, host or {})


@pytest.mark.parametrize(
    ("command", "args", "argv"),
    [
        ([], [], ["entry", "cmd"]),
        ([], ["arg"], ["entry", "arg"]),
        (["own"], [], ["own"]),
        (["own"], ["arg"], ["own", "arg"]),
    ],
)
def test_the_pods_command_and_args_replace_the_images(tmp_path, command, args, argv):
    config = cri.ContainerConfig(command=command, args=args)

    made = process(config, image(entrypoint=("entry",), command=("cmd",)), tmp_path)

    assert (made.argv, made.note) == (argv, "")


def test_nothing_to_run_is_kept_alive_with_a_note(tmp_path):
    made = process(cri.ContainerConfig(), image(known=False), tmp_path)

    assert made.argv == ["sleep", "infinity"]
    assert "docker.io/library/x:latest is not in the catalogue" in made.note


def test_variables_of_the_pod_win_over_the_images_and_those_over_ours(tmp_path):
    config = cri.ContainerConfig(envs=[cri.KeyValue(key="B", value=b"pod")])
    entry = image(env={"A": "image", "B": "image", "HOME": "/image"}, command=("x",))

    env = process(config, entry, tmp_path).env

    assert (env["A"], env["B"], env["HOME"]) == ("image", "pod", "/image")


def test_of_the_host_only_path_and_lang_come_through(tmp_path):
    host = {"PATH": "/p", "LANG": "xx", "SECRET": "1", "TERM": "vt100"}

    env = process(cri.ContainerConfig(command=["x"]), image(), tmp_path, host).env

    assert (env["PATH"], env["LANG"]) == ("/p", "xx")
    assert not env.keys() & {"SECRET", "TERM"}
    assert env["HOSTNAME"] == "web"
    assert env["MINI_KUBE_POD_IP"] == "127.70.0.1"


def test_a_terminal_has_a_type(tmp_path):
    config = cri.ContainerConfig(command=["x"], tty=True)

    assert process(config, image(), tmp_path).env["TERM"] == "xterm"


def test_ports_of_the_pod_are_told_else_those_of_the_image(tmp_path):
    declared = '[{"containerPort":8080}]'
    config = cri.ContainerConfig(
        annotations={"io.kubernetes.container.ports": declared}
    )
    entry = image(command=("x",), ports=(80, 81))

    ours = process(config, entry, tmp_path).env["MINI_KUBE_PORTS"]
    theirs = process(cri.ContainerConfig(), entry, tmp_path).env["MINI_KUBE_PORTS"]

    assert ours == declared
    assert theirs == '[{"containerPort":80},{"containerPort":81}]'


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [("", ""), ("/usr", None), ("/mnt-not-there", "mnt-not-there"), ("/../up", "up")],
)
def test_the_working_directory_is_the_scratch_directory_the_hosts_or_made(
    tmp_path, wanted, expected
):
    made = process(
        cri.ContainerConfig(working_dir=wanted, command=["x"]), image(), tmp_path
    )

    assert made.cwd == (
        wanted if expected is None else str(tmp_path / expected).rstrip("/")
    )


def test_mounts_become_links_and_nothing_is_made_on_the_host(tmp_path):
    root, volume = tmp_path / "root", tmp_path / "volume"
    root.mkdir()
    volume.mkdir()
    mounts = [
        cri.Mount(container_path="/data/inner", host_path=str(tmp_path)),
        cri.Mount(container_path="/data", host_path=str(volume)),
        cri.Mount(container_path="/", host_path=str(volume)),
        cri.Mount(container_path="/image"),
    ]

    left_out = link_mounts(mounts, root)

    assert (root / "data").readlink() == volume
    assert left_out == ["/", "/data/inner", "/image"]
    assert list(volume.iterdir()) == []


@pytest.mark.parametrize(
    ("pods", "images", "number"),
    [
        (cri.RUNTIME_DEFAULT, "", signal.SIGTERM),
        (cri.RUNTIME_DEFAULT, "SIGQUIT", signal.SIGQUIT),
        (cri.SIGUSR1, "SIGQUIT", signal.SIGUSR1),
        (cri.SIGRTMINPLUS3, "", signal.SIGRTMIN + 3),
        (cri.SIGRTMAXMINUS2, "", signal.SIGRTMAX - 2),
        (cri.SIGRTMIN, "", signal.SIGRTMIN),
    ],
)
def test_the_stop_signal_is_the_pods_the_images_or_term(pods, images, number):
    config = cri.ContainerConfig(stop_signal=pods)

    assert stop_signal(config, image(stop_signal=images)) == number


@pytest.mark.parametrize("name", cri.Signal.keys())
def test_every_signal_of_the_api_has_a_number(name):
    config = cri.ContainerConfig(stop_signal=cri.Signal.Value(name))

    assert 0 < stop_signal(config, image()) <= 64

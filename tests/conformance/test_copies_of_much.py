"""`cp` of a large file, there and back, by kubectls over both transports and by ours.

MINI_KUBE_BIG_MIB is its size: `make soak` copies 1,024 MiB. The pod's own folder holds
no tar: the one of the machine is found.
"""

from __future__ import annotations

import hashlib
import os

import pytest

from faults.client import FaultClient
from hops.cluster_view import ClusterView
from tests.support.kubectls import kubectls

_MIB = 1024 * 1024
_SIZE = int(os.environ.get("MINI_KUBE_BIG_MIB", "128"))
_PATIENCE = 60 + _SIZE


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """A file whose every MiB is another one."""
    path = tmp_path_factory.mktemp("large") / "large"
    piece = os.urandom(_MIB)
    with path.open("wb") as file:
        for number in range(_SIZE):
            file.write(number.to_bytes(8) + piece[8:])
    yield path
    path.unlink()


def digest_of(path):
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@pytest.fixture(params=["1.29", "1.37", "mini"])
def copier(request):
    """1.29 speaks SPDY, the others speak WebSocket."""
    if request.param == "mini":
        return "mini-kubectl"
    found = kubectls(request.param)
    if not found:
        pytest.skip(f"kubectl {request.param} cannot be had on this machine")
    return found[0].path


def test_a_large_file_goes_there_and_comes_back_whole(
    cluster, shell, copier, large, tmp_path, fresh_name
):
    back = tmp_path / "back"
    found = cluster.mini_kubectl("exec", shell, "--", "find", ".", "-name", "tar")
    assert (found.returncode, found.stdout) == (0, "")

    there = cluster.run(
        copier, "cp", str(large), f"{shell}:{fresh_name}", timeout=_PATIENCE
    )
    summed = cluster.mini_kubectl(
        "exec", shell, "--", "sha256sum", fresh_name, timeout=_PATIENCE
    )
    came = cluster.run(
        copier, "cp", f"{shell}:{fresh_name}", str(back), timeout=_PATIENCE
    )
    cluster.mini_kubectl("exec", shell, "--", "rm", fresh_name, check=True)

    assert (there.returncode, came.returncode) == (0, 0), there.stderr + came.stderr
    assert summed.stdout.split()[0] == digest_of(large)
    assert digest_of(back) == digest_of(large)
    back.unlink()


@pytest.fixture
def cut(cluster):
    """Every connection to the runtime's streaming server ends after 5 MiB."""
    sockets = {path.stem: path for path in cluster.folder.rglob("*.admin")}
    folder = next(iter(sockets.values())).parent
    view = ClusterView(cluster.name, cluster.state, folder, cluster.kubeconfig, sockets)
    with FaultClient(view).added(
        "limit_data", hop="kubelet-cri-streaming", bytes=5 * _MIB
    ) as fault:
        yield fault


# Over a WebSocket kubectl itself gives up: the error of the session ends the program
# before the copy is resumed (cp.go, initReadFrom: CheckErr in a goroutine).
@pytest.mark.parametrize("copier", ["1.29", "mini"], indirect=True)
def test_a_copy_that_is_cut_again_and_again_is_whole(
    cluster, shell, copier, cut, tmp_path, fresh_name
):
    script = f"head -c {12 * _MIB} /dev/urandom > {fresh_name}; sha256sum {fresh_name}"
    made = cluster.mini_kubectl("exec", shell, "--", "sh", "-c", script, check=True)

    arguments = ["cp", f"{shell}:{fresh_name}", str(tmp_path / "back")]
    lost = cluster.run(copier, *arguments)
    done = cluster.run(copier, *arguments, "--retries=5")

    assert cut.hits >= 3
    assert lost.returncode == 1
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("Resuming copy at ") == 2
    assert digest_of(tmp_path / "back") == made.stdout.split()[0]

"""`cp` of a large file, there and back, by kubectls over both transports and by ours.

MINI_KUBE_BIG_MIB is its size: `make soak` copies 1,024 MiB. The pod's own folder holds
no tar: the one of the machine is found.
"""

from __future__ import annotations

import hashlib
import os

import pytest

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

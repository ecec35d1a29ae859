"""An etcd with certificates behind a tap, driven by etcdctl."""

import argparse
import asyncio
import json
import os

import pytest

from tap.errors import TapError
from tap.etcd import EtcdTap
from tap.running import TapFolder
from tests.integration.tap.conftest import Pki
from tests.support.etcd import Etcd
from tests.support.tools import tool_or_skip


@pytest.fixture(scope="module")
def etcdctl():
    return tool_or_skip("etcdctl", "etcd-client")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return Pki(tmp_path_factory.mktemp("etcd"), clients=True)


@pytest.fixture(scope="module")
def etcd(files):
    with Etcd(tls=(files.ca, files.cert, files.key)) as process:
        yield process


@pytest.fixture
def options(etcd, files):
    return argparse.Namespace(
        endpoint=etcd.url,
        cacert=files.ca,
        cert=files.cert,
        key=files.key,
        insecure_skip_tls_verify=False,
        listen="127.0.0.1:0",
    )


@pytest.fixture
async def make_tap(tmp_path, hops):
    made = []

    def make(options):
        folder = tmp_path / "tap"
        folder.mkdir()
        tap = EtcdTap(options, hops, TapFolder(folder, folder, folder / "admin"), None)
        made.append(tap)
        return tap

    yield make
    for tap in made:
        await tap.close()


def run(etcdctl, tap, *arguments, certificate=True):
    """etcdctl's exit code and outputs, with what the tap says to show."""
    keys = tap._keys
    host, port = tap._tap.address
    flags = [f"--endpoints=https://{host}:{port}", f"--cacert={keys.ca}"]
    if certificate:
        flags += [f"--cert={keys.client_cert}", f"--key={keys.client_key}"]
    return asyncio.create_subprocess_exec(
        etcdctl,
        "--dial-timeout=2s",
        "--command-timeout=5s",
        *flags,
        *arguments,
        env={**os.environ, "ETCDCTL_API": "3"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def outcome(process):
    made = await process
    out, error = await made.communicate()
    return made.returncode, out.decode(), error.decode()


async def test_etcdctl_reads_and_writes_through_it(
    make_tap, options, etcdctl, hops, tmp_path
):
    hops.trace_to(tmp_path / "trace")
    tap = make_tap(options)
    await tap.start()

    assert await outcome(run(etcdctl, tap, "put", "k", "v")) == (0, "OK\n", "")
    assert await outcome(run(etcdctl, tap, "get", "k")) == (0, "k\nv\n", "")
    await outcome(run(etcdctl, tap, "lease", "grant", "60"))
    await outcome(run(etcdctl, tap, "member", "list"))
    await outcome(run(etcdctl, tap, "endpoint", "status"))

    hops.trace_to(None)
    (file,) = (tmp_path / "trace").glob("*.jsonl")
    events = [json.loads(line) for line in file.read_text().splitlines()[1:]]
    kinds = {e["type"] for e in events if e["layer"] == "etcd"}
    assert {"Put", "Range", "LeaseGrant", "MemberList", "Status"} <= kinds
    assert "raw" not in {e["layer"] for e in events}


async def test_who_has_not_the_taps_certificate_is_not_let_in(
    make_tap, options, etcdctl
):
    tap = make_tap(options)
    await tap.start()

    code, out, _ = await outcome(run(etcdctl, tap, "get", "k", certificate=False))

    assert (code != 0, out) == (True, "")


async def test_it_does_not_start_before_an_etcd_of_another_authority(
    make_tap, options, tmp_path
):
    folder = tmp_path / "other"
    folder.mkdir()
    options.cacert = Pki(folder).ca

    with pytest.raises(TapError, match="certificate signed by unknown authority"):
        await make_tap(options).start()


async def test_a_socket_of_one_user_is_not_opened_to_all(make_tap, options):
    options.endpoint = "unix:///run/etcd.sock"

    with pytest.raises(TapError, match="--listen must be one, too"):
        make_tap(options)

"""The HTTPS server: who may, what is answered, in which words."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from urllib.parse import quote

import grpc
import pytest

from hops.client import UpgradeRefused
from rpc import podresources_v1_pb2 as podresources
from rpc import podresources_v1_pb2_grpc as podresources_grpc
from tests.integration.kubelet.conftest import SESSION, container, is_ready, pod

EXEC = "/exec/default/web/c?output=1&error=1"


def command(*words, target=EXEC, **flags):
    query = "".join(f"&command={quote(word)}" for word in words)
    return target + query + "".join(f"&{name}={value}" for name, value in flags.items())


async def test_exec_brings_output_and_status(world):
    await world.run("web")

    stdout, stderr, status = await world.exec(
        command("sh", "-c", "echo out; echo err >&2; exit 7")
    )

    assert (stdout, stderr) == (b"out\n", b"err\n")
    assert status["reason"] == "NonZeroExitCode"
    assert status["details"]["causes"] == [{"reason": "ExitCode", "message": "7"}]


async def test_exec_takes_stdin(world):
    await world.run("web")
    data = bytes(range(256)) * 400

    stdout, _, status = await world.exec(command("cat", input=1), stdin=data)

    assert stdout == data
    assert status["status"] == "Success"


@pytest.mark.parametrize(
    ("query", "output"),
    [
        ("command=a;b&command=c", b"c\n"),
        ("command=a%zz&command=%&command=c", b"c\n"),
        ("command=%C3%BC+x%2By", "ü x+y\n".encode()),
        ("command=a%23b", b"a#b\n"),
        ("command=a#b", b"a#b\n"),
        # a string of CRI is UTF-8, and containerd hands the command on as JSON
        ("command=%ff%e2%82x", "\ufffd\ufffd\ufffdx\n".encode()),
    ],
)
async def test_a_command_is_read_from_the_query_as_go_reads_it(world, query, output):
    await world.run("web")

    stdout, _, _ = await world.exec(f"{EXEC}&command=echo&{query}")

    assert stdout == output


async def test_a_websocket_does_not_wait_for_the_body_that_its_request_announced(world):
    await world.run("web")

    stdout, _, _ = await world.exec(
        command("echo", "hi"), headers=[("Content-Length", "5")]
    )

    assert stdout == b"hi\n"


async def test_exec_by_uid_and_by_post(world):
    uid = (await world.run("web"))["metadata"]["uid"]

    by_uid = command("echo", "hi", target=f"/exec/default/web/{uid}/c?output=1")
    assert (await world.exec(by_uid))[0] == b"hi\n"
    wrong = command("true", target="/exec/default/web/other/c?output=1")
    assert await world.refused(wrong) == (500, 'container not found ("c")')


async def test_attach_shows_what_comes_next(world):
    spec = container("c", "read line; echo got $line; sleep 1000", stdin=True)
    await world.run("web", spec)
    upgraded = await world.upgrade("/attach/default/web/c?input=1&output=1")

    from wire.remotecommand import RemoteCommandClient, StdoutReceived, StreamOptions

    options = StreamOptions(stdin=True, stdout=True, stderr=False, tty=False)
    session = RemoteCommandClient("v5.channel.k8s.io", options)
    session.send_stdin(b"hello\n")
    upgraded.connection.writelines(session.data_to_send())
    text = b""
    while b"got hello\n" not in text:
        for event in session.receive_data(await upgraded.connection.read()):
            if isinstance(event, StdoutReceived):
                text += event.data
    upgraded.connection.close()


@pytest.mark.parametrize(
    ("target", "status", "body"),
    [
        (
            "/exec/default/web/c?command=true",
            400,
            "you must specify at least 1 of stdin, stdout, stderr",
        ),
        (
            "/exec/default/web/c?command=true&output=true",
            400,
            "you must specify at least 1 of stdin, stdout, stderr",
        ),
        ("/exec/default/nope/c?output=1", 404, "pod does not exist"),
        ("/exec/other/web/c?output=1", 404, "pod does not exist"),
        ("/exec/default/web/nope?output=1", 500, 'container not found ("nope")'),
        (
            "/attach/default/web/nope?output=1",
            500,
            "container nope not found in pod web_default",
        ),
        ("/attach/default/nope/c?output=1", 404, "pod does not exist"),
        ("/portForward/default/nope?port=80", 404, "pod does not exist"),
        ("/portForward/default/web/wrong-uid?port=80", 404, "pod not found"),
        ("/portForward/default/web", 400, 'query parameter "port" is required'),
        (
            "/portForward/default/web?port=x",
            400,
            'unable to parse "x" as a port: strconv.ParseUint: parsing "x": invalid syntax',
        ),
        ("/portForward/default/web?port=0", 400, 'port "0" must be > 0'),
    ],
)
async def test_refused_upgrade(world, target, status, body):
    await world.run("web")

    assert await world.refused(target) == (status, body)


async def test_plain_request_to_exec(world):
    await world.run("web")

    response = await world.get(command("true"))

    assert (response.status, response.body) == (500, b"Upgrade request required\n")


async def test_refusal_of_the_runtime_reaches_the_client(world):
    await world.run("web")

    with pytest.raises(UpgradeRefused) as refusal:
        await world.upgrade(command("true"), protocols=("v2.channel.k8s.io",))

    assert refusal.value.head.status == 403


async def test_exec_without_a_runtime(world):
    await world.run("web")
    await world.stop_runtime()

    status, body = await world.refused(command("true"))

    assert status == 500
    assert body.startswith("rpc error: code = Unavailable desc = ")


async def test_session_id_reaches_the_runtime(world, monkeypatch):
    await world.run("web")
    seen = []
    streams = type(world.kubelet.runtime)
    original = streams.exec_url

    async def exec_url(self, *args, **kwargs):
        from kubelet import traceparent

        seen.append(traceparent.current())
        return await original(self, *args, **kwargs)

    monkeypatch.setattr(streams, "exec_url", exec_url)
    await world.exec(command("true"), headers=[("traceparent", SESSION)])

    assert seen == [SESSION]


@pytest.mark.parametrize(
    ("query", "status", "body"),
    [
        ("cmd=echo+a+b", 200, "a b\n"),
        (
            "cmd=cat+/nope",
            500,
            "command 'cat /nope' exited with 1: cat: /nope: No such file or directory\n",
        ),
    ],
)
async def test_run(world, query, status, body):
    await world.run("web")

    assert await world.text(f"/run/default/web/c?{query}", "POST") == (status, body)


async def test_logs_go_out_bare_and_chunked(world):
    await world.run("web", "echo one; echo two; sleep 1000")
    await world.log("web", "one\ntwo\n")

    response = await world.get("/containerLogs/default/web/c?tailLines=1")

    names = {name.lower() for name, _ in response.headers}
    assert response.body == b"two\n"
    assert "transfer-encoding" in names
    assert "content-type" not in names
    assert "server" not in names


async def test_log_with_timestamps(world):
    await world.run("web", "echo one; sleep 1000")
    await world.log("web", "one\n")

    _, text = await world.text("/containerLogs/default/web/c?timestamps=true")

    stamp, _, line = text.partition(" ")
    assert len(stamp) == len("2024-05-01T10:00:00.123456789Z")
    assert line == "one\n"


async def test_follow_ends_with_the_container(world):
    mark = world.folder / "go"
    spec = f"echo one; while ! [ -e {mark} ]; do sleep 0.01; done; echo last"
    world.api.add("pods", pod("once", spec, restartPolicy="Never"))
    await world.api.pod("once", is_ready)
    following = asyncio.ensure_future(
        world.text("/containerLogs/default/once/c?follow=true")
    )
    await world.log("once", "one\n")

    mark.touch()

    assert await following == (200, "one\nlast\n")


async def test_log_whose_file_is_gone_is_told_in_the_body(world):
    ready = await world.run("web")
    directory = world.folder / "logs" / "pods"
    path = directory / f"default_web_{ready['metadata']['uid']}" / "c" / "0.log"
    path.unlink()

    status, text = await world.text("/containerLogs/default/web/c")

    assert status == 200
    assert text == (
        f'failed to try resolving symlinks in path "{path}":'
        f" lstat {path}: no such file or directory"
    )


@pytest.mark.parametrize(
    ("target", "status", "body"),
    [
        (
            "/containerLogs/default/web/c?tailLines=x",
            400,
            '{"message": "Unable to decode query."}',
        ),
        (
            "/containerLogs/default/web/c?tailLines=-1",
            422,
            '{"message": "Invalid request."}',
        ),
        ("/containerLogs/default/nope/c", 404, 'pod "nope" does not exist'),
        (
            "/containerLogs/default/web/nope",
            404,
            'container "nope" not found in pod "web"',
        ),
        (
            "/containerLogs/default/web/c?previous=true",
            400,
            'previous terminated container "c" in pod "web" not found',
        ),
        (
            "/containerLogs/default/web/c?stream=Stdout",
            400,
            'unable to return the given log stream: "Stdout". Please enable'
            " PodLogsQuerySplitStreams feature gate in kubelet",
        ),
    ],
)
async def test_refused_logs(world, target, status, body):
    await world.run("web")

    assert await world.text(target) == (status, body)


async def test_logs_of_a_waiting_container(world):
    world.api.add("pods", pod("bad", container("c", image="BAD!")))
    await world.api.event("bad", "Failed")
    await world.api.pod("bad", lambda p: p["status"].get("containerStatuses"))

    status, text = await world.text("/containerLogs/default/bad/c")

    assert status == 400
    assert text.startswith('container "c" in pod "bad" is waiting to start: ')


async def test_pods_have_the_kubelets_own_status(world):
    await world.run("web")

    listing = json.loads((await world.get("/pods")).body)

    assert listing["kind"] == "PodList"
    (item,) = listing["items"]
    assert item["metadata"]["name"] == "web"
    assert item["status"]["phase"] == "Running"
    assert "kind" not in item


async def test_running_pods_come_from_the_runtime(world):
    await world.run("web")

    listing = json.loads((await world.get("/runningpods/")).body)

    (item,) = listing["items"]
    assert item["spec"]["containers"] == [
        {"name": "c", "image": "busybox", "resources": {}}
    ]


@pytest.mark.parametrize(
    ("target", "status", "body"),
    [
        ("/healthz", 200, "ok"),
        (
            "/healthz?verbose",
            200,
            "[+]ping ok\n[+]log ok\n[+]syncloop ok\nhealthz check passed\n",
        ),
        ("/healthz/syncloop", 200, "ok"),
        ("/healthz/nope", 404, "404: Page Not Found"),
        ("/nope", 404, "404: Page Not Found"),
        ("/debug/flags/v", 405, "flags endpoint is disabled.\n"),
    ],
)
async def test_small_answers(world, target, status, body):
    assert await world.text(target) == (status, body)


async def test_excluded_check(world):
    _, text = await world.text("/healthz?verbose&exclude=log&exclude=x")

    assert "[+]log excluded: ok\n" in text
    assert 'cannot be excluded: no matches for "x"' in text


async def test_wrong_method(world):
    assert await world.text("/pods", "POST") == (405, "405: Method Not Allowed")


async def test_configz_shows_the_settings(world):
    shown = json.loads((await world.get("/configz")).body)

    assert shown["kubeletconfig"]["maxPods"] == 110


async def test_numbers_of_node_and_containers(world):
    await world.run("web")

    _, resources = await world.text("/metrics/resource")
    _, own = await world.text("/metrics")
    summary = json.loads((await world.get("/stats/summary")).body)

    assert "node_cpu_usage_seconds_total " in resources
    assert 'container_start_time_seconds{container="c"' in resources
    assert 'kubelet_running_containers{container_state="running"} 1' in own
    assert "kubelet_running_pods 1" in own
    assert summary["node"]["nodeName"] == "node-1"
    assert summary["pods"][0]["podRef"]["name"] == "web"


async def test_probe_counts(world):
    probe = {"exec": {"command": ["true"]}, "periodSeconds": 1}
    await world.run("web", container("c", readinessProbe=probe))

    _, text = await world.text("/metrics/probes")

    assert (
        'prober_probe_total{container="c",namespace="default",pod="web",'
        'probe_type="Readiness",result="successful"}' in text
    )


async def test_system_logs(bare_world):
    world = bare_world
    logs = world.folder / "varlog"
    (logs / "sub").mkdir(parents=True)
    (logs / "a.log").write_text("text")
    await world.start(system_log_dir=str(logs))

    status, listing = await world.text("/logs/")

    assert status == 200
    assert '<a href="a.log">a.log</a>' in listing
    assert '<a href="sub/">sub/</a>' in listing
    assert await world.text("/logs/a.log") == (200, "text")
    assert (await world.text("/logs/../../etc/passwd"))[0] == 404


async def test_client_without_a_certificate_is_refused(world):
    async with world.client_as(None) as nobody:
        response = await nobody.request("GET", "/pods")

    assert (response.status, response.body) == (401, b"Unauthorized")


async def test_anonymous_requests_where_they_are_allowed(bare_world):
    world = await bare_world.start(anonymous_auth=True)

    async with world.client_as(None) as nobody:
        response = await nobody.request("GET", "/healthz")

    assert response.status == 200


@pytest.mark.parametrize(
    ("version", "body"),
    [
        (
            "1.31",
            "Forbidden (user=kube-apiserver-kubelet-client, verb=get, resource=nodes,"
            " subresource=proxy)",
        ),
        (
            "1.36",
            "Forbidden (user=kube-apiserver-kubelet-client, verb=get, resource=nodes,"
            " subresource(s)=[pods proxy])\n",
        ),
    ],
)
async def test_forbidden_by_the_api_server(bare_world, version, body):
    world = await bare_world.start(
        authorization_mode="Webhook", emulate_version=version
    )
    world.api.reviews = {"pods": False, "proxy": False}

    assert await world.text("/pods") == (403, body)


async def test_fine_grained_permission_is_enough(bare_world):
    world = await bare_world.start(authorization_mode="Webhook")
    world.api.reviews = {"proxy": False}

    assert (await world.text("/pods"))[0] == 200


async def test_bearer_token_is_reviewed(bare_world):
    world = await bare_world.start(authentication_token_webhook=True)
    world.api.tokens = {"good": {"username": "me", "groups": ["system:authenticated"]}}

    async with world.client_as(None) as client:
        answers = [
            await client.request(
                "GET", "/pods", headers=[("Authorization", f"Bearer {token}")]
            )
            for token in ("good", "bad")
        ]

    assert [answer.status for answer in answers] == [200, 401]


async def test_read_only_and_health_ports(bare_world, unused_tcp_port_factory):
    read_only, health = unused_tcp_port_factory(), unused_tcp_port_factory()
    world = await bare_world.start(read_only_port=read_only, healthz_port=health)

    async def ask(port, target):
        from hops.client import HttpClient
        from hops.hop import Hop

        url = f"http://127.0.0.1:{port}"
        async with HttpClient(world.hops, Hop.APISERVER_KUBELET, url) as client:
            response = await client.request("GET", target)
            return response.status, response.body.decode()

    assert (await ask(read_only, "/pods"))[0] == 200
    disabled = (405, "Debug endpoints are disabled.\n")
    assert await ask(read_only, "/runningpods/") == disabled
    assert await ask(read_only, "/exec/a/b/c") == disabled
    assert await ask(health, "/healthz") == (200, "ok")
    assert (await ask(health, "/pods"))[0] == 404


async def test_debugging_handlers_can_be_off(bare_world):
    world = await bare_world.start(enable_debugging_handlers=False)

    disabled = (405, "Debug endpoints are disabled.\n")
    assert await world.text("/containerLogs/a/b/c") == disabled
    assert (await world.text("/pods"))[0] == 200


async def test_pod_resources_are_told_on_their_socket(world):
    await world.run("web")
    path = f"{world.config.root_dir}/pod-resources/kubelet.sock"
    await world.until_runtime(lambda: Path(path).exists())

    async with grpc.aio.insecure_channel(f"unix:{path}") as channel:
        stub = podresources_grpc.PodResourcesListerStub(channel)
        listed = await stub.List(podresources.ListPodResourcesRequest())
        one = await stub.Get(
            podresources.GetPodResourcesRequest(pod_name="web", pod_namespace="default")
        )
        total = await stub.GetAllocatableResources(
            podresources.AllocatableResourcesRequest()
        )
        with pytest.raises(grpc.aio.AioRpcError) as unknown:
            await stub.Get(podresources.GetPodResourcesRequest(pod_name="no"))

    assert [(p.name, p.containers[0].name) for p in listed.pod_resources] == [
        ("web", "c")
    ]
    assert one.pod_resources == listed.pod_resources[0]
    assert list(total.cpu_ids) == list(range(world.kubelet.machine.cpus))
    assert unknown.value.details() == "pod no in namespace  not found"
    assert os.stat(path).st_mode & 0o777 == 0o600


async def test_pod_resources_are_served_in_a_folder_too_deep_for_a_socket(bare_world):
    deep = f"{bare_world.folder}/{'deep/' * 20}kubelet.sock"
    world = await bare_world.start(pod_resources_socket=deep)
    await world.until_runtime(lambda: Path(deep).exists())
    folder = os.open(os.path.dirname(deep), os.O_RDONLY)

    try:
        short = f"unix:/proc/self/fd/{folder}/kubelet.sock"
        async with grpc.aio.insecure_channel(short) as channel:
            stub = podresources_grpc.PodResourcesListerStub(channel)
            listed = await stub.List(podresources.ListPodResourcesRequest())
    finally:
        os.close(folder)
    await world.stop_kubelet()

    assert list(listed.pod_resources) == []
    await world.until_runtime(lambda: not Path(deep).exists())


async def test_runtime_that_is_gone_is_told_in_plain_words(world):
    await world.stop_runtime()

    status, text = await world.text("/runningpods/")

    assert status == 500
    assert text.startswith("rpc error: code = Unavailable desc = ")

"""What kubernetes_asyncio does."""

import asyncio
import json
import sys

import aiohttp
from kubernetes_asyncio import client, config, watch
from kubernetes_asyncio.stream import WsApiClient

NAMESPACE = "default"
STDIN, STDOUT, STDERR, ERROR = range(4)


async def run(api, pod, command, *, lines=()):
    connection = await api.connect_get_namespaced_pod_exec(
        pod,
        NAMESPACE,
        command=command,
        stdin=bool(lines),
        stdout=True,
        stderr=True,
        tty=False,
        _preload_content=False,
    )
    streams = {STDOUT: b"", STDERR: b"", ERROR: b""}
    async with connection as socket:
        for line in lines:
            await socket.send_bytes(bytes([STDIN]) + line.encode())
        async for message in socket:
            streams[message.data[0]] += message.data[1:]
    code = WsApiClient.parse_error_data(streams[ERROR].decode())
    return [code, streams[STDOUT].decode(), streams[STDERR].decode()]


async def attach(api, pod):
    connection = await api.connect_get_namespaced_pod_attach(
        pod,
        NAMESPACE,
        stdin=True,
        stdout=True,
        stderr=True,
        tty=False,
        _preload_content=False,
    )
    out = b""
    async with connection as socket:
        await socket.send_bytes(bytes([STDIN]) + b"hello\n")
        async for message in socket:
            out += message.data[1:] if message.data[0] == STDOUT else b""
            if b"\n" in out:
                break
    return out.decode()


async def refused(api, pod):
    try:
        await run(api, pod, ["true"])
    except aiohttp.WSServerHandshakeError as error:
        return error.status == 404
    return False


async def watch_pod(core, name):
    async with watch.Watch().stream(
        core.list_namespaced_pod,
        NAMESPACE,
        field_selector=f"metadata.name={name}",
        timeout_seconds=20,
    ) as events:
        async for event in events:
            if event["object"].status.phase == "Running":
                return "Running"
    return None


async def main(kubeconfig, pod, logged, watched):
    await config.load_kube_config(kubeconfig)
    async with client.ApiClient() as plain, WsApiClient() as streaming:
        core, api = client.CoreV1Api(plain), client.CoreV1Api(streaming)
        listed = await core.list_namespaced_pod(NAMESPACE)
        log = await core.read_namespaced_pod_log(
            logged, NAMESPACE, follow=True, _preload_content=False
        )
        codes = [await run(api, pod, ["sh", "-c", f"exit {c}"]) for c in (0, 1, 42)]
        many = await run(api, pod, ["seq", "1", "100000"])
        echoed = await run(api, pod, ["head", "-n", "2"], lines=["one\n", "two\n"])
        return {
            "list": [item.metadata.name for item in listed.items],
            "watch": await watch_pod(core, watched),
            "logs": (await log.content.read()).decode(),
            "exec": await run(api, pod, ["sh", "-c", "echo out; echo err >&2; exit 7"]),
            "exit codes": [code for code, _, _ in codes],
            "much output": len(many[1]),
            "stdin": echoed[1],
            "attach": await attach(api, watched),
            "missing pod": await refused(api, "no-such-pod"),
        }


print(json.dumps(asyncio.run(main(*sys.argv[1:]))))

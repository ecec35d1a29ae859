"""What kr8s does. It offers v4 only, over which it refuses to send standard input."""

import json
import socket
import sys

import kr8s
from kr8s.objects import Pod


def run(pod, command):
    done = pod.exec(command, check=False)
    return [done.returncode, done.stdout.decode(), done.stderr.decode()]


def watch_pod(api, name):
    for _, pod in api.watch("pods", field_selector=f"metadata.name={name}"):
        if pod.status.phase == "Running":
            return "Running"
    return None


def forward(pod):
    with (
        pod.portforward(remote_port=7000, local_port="auto") as port,
        socket.create_connection(("127.0.0.1", port), timeout=20) as connection,
    ):
        connection.sendall(b"hello")
        return connection.makefile("rb").read().decode()


def missing(name, api):
    try:
        Pod.get(name, api=api, timeout=0)
    except kr8s.NotFoundError:
        return True
    return False


def main(kubeconfig, name, logged, watched):
    api = kr8s.api(kubeconfig=kubeconfig)
    pod = Pod.get(name, api=api)
    return {
        "list": [each.name for each in api.get("pods", namespace="default")],
        "watch": watch_pod(api, watched),
        "logs": "".join(
            f"{line}\n" for line in Pod.get(logged, api=api).logs(follow=True)
        ),
        "exec": run(pod, ["sh", "-c", "echo out; echo err >&2; exit 7"]),
        "exit codes": [run(pod, ["sh", "-c", f"exit {c}"])[0] for c in (0, 1, 42)],
        "much output": len(run(pod, ["seq", "1", "100000"])[1]),
        "port-forward": forward(Pod.get(watched, api=api)),
        "missing pod": missing("no-such-pod", api),
    }


print(json.dumps(main(*sys.argv[1:])))

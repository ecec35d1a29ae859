"""What lightkube does."""

import json
import sys

from httpx2.websockets import WebSocketUpgradeError
from lightkube import Client, KubeConfig
from lightkube.resources.core_v1 import Pod


def run(client, pod, command, **options):
    done = client.exec(pod, command=command, stdout=True, stderr=True, **options)
    return [done.exit_code, done.stdout, done.stderr]


def watch_pod(client, name):
    for _, pod in client.watch(Pod, fields={"metadata.name": name}):
        if pod.status.phase == "Running":
            return "Running"
    return None


def missing(client, name):
    try:
        client.exec(name, command=["true"], stdout=True)
    except WebSocketUpgradeError as error:
        return error.response.status_code == 404
    return False


def main(kubeconfig, pod, logged, watched):
    client = Client(config=KubeConfig.from_file(kubeconfig))
    return {
        "list": [each.metadata.name for each in client.list(Pod)],
        "watch": watch_pod(client, watched),
        "logs": "".join(client.log(logged, follow=True)),
        "exec": run(client, pod, ["sh", "-c", "echo out; echo err >&2; exit 7"]),
        "exit codes": [
            run(client, pod, ["sh", "-c", f"exit {c}"])[0] for c in (0, 1, 42)
        ],
        "much output": len(run(client, pod, ["seq", "1", "100000"])[1]),
        "stdin": run(client, pod, ["cat"], stdin="one\ntwo\n")[1],
        "missing pod": missing(client, "no-such-pod"),
    }


print(json.dumps(main(*sys.argv[1:])))

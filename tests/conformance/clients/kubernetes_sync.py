"""What the official client does, in the version that this interpreter has."""

import json
import sys

from kubernetes import client, config, watch
from kubernetes.stream import portforward, stream

NAMESPACE = "default"


def session(api, pod, command, *, stdin=False):
    return stream(
        api.connect_get_namespaced_pod_exec,
        pod,
        NAMESPACE,
        command=command,
        stdin=stdin,
        stdout=True,
        stderr=True,
        tty=False,
        _preload_content=False,
    )


def run(api, pod, command):
    found = session(api, pod, command)
    out, err = "", ""
    while found.is_open():
        found.update(timeout=10)
        out += found.read_stdout() if found.peek_stdout() else ""
        err += found.read_stderr() if found.peek_stderr() else ""
    out += found.read_stdout() if found.peek_stdout() else ""
    err += found.read_stderr() if found.peek_stderr() else ""
    return [found.returncode, out, err]


def echo(api, pod, lines):
    """Send lines to `head`, which ends by itself: v4 cannot close its input."""
    found = session(api, pod, ["head", "-n", str(len(lines))], stdin=True)
    for line in lines:
        found.write_stdin(line)
    out = ""
    while found.is_open():
        found.update(timeout=10)
        out += found.read_stdout() if found.peek_stdout() else ""
    return out


def attach(api, pod):
    found = stream(
        api.connect_get_namespaced_pod_attach,
        pod,
        NAMESPACE,
        stdin=True,
        stdout=True,
        stderr=True,
        tty=False,
        _preload_content=False,
    )
    found.write_stdin("hello\n")
    out = ""
    while found.is_open() and "\n" not in out:
        found.update(timeout=10)
        out += found.read_stdout() if found.peek_stdout() else ""
    found.close()
    return out


def forward(api, pod):
    forwarding = portforward(
        api.connect_get_namespaced_pod_portforward, pod, NAMESPACE, ports="7000"
    )
    socket = forwarding.socket(7000)
    socket.setblocking(True)
    socket.sendall(b"hello")
    return socket.makefile("rb").read().decode()


def refused(api, pod):
    try:
        session(api, pod, ["true"])
    except client.ApiException as error:
        return "404 Not Found" in str(error.reason)
    return False


def main(kubeconfig, pod, logged, watched):
    config.load_kube_config(kubeconfig)
    api = client.CoreV1Api()
    phases = []
    for event in watch.Watch().stream(
        api.list_namespaced_pod,
        NAMESPACE,
        field_selector=f"metadata.name={watched}",
        timeout_seconds=20,
    ):
        phases.append(event["object"].status.phase)
        if phases[-1] == "Running":
            break
    log = api.read_namespaced_pod_log(
        logged, NAMESPACE, follow=True, _preload_content=False
    )
    return {
        "list": [
            item.metadata.name for item in api.list_namespaced_pod(NAMESPACE).items
        ],
        "watch": phases[-1],
        "logs": b"".join(log.stream()).decode(),
        "exec": run(api, pod, ["sh", "-c", "echo out; echo err >&2; exit 7"]),
        "exit codes": [run(api, pod, ["sh", "-c", f"exit {c}"])[0] for c in (0, 1, 42)],
        "much output": len(run(api, pod, ["seq", "1", "100000"])[1]),
        "stdin": echo(api, pod, ["one\n", "two\n"]),
        "attach": attach(api, watched),
        "port-forward": forward(api, watched),
        "missing pod": refused(api, "no-such-pod"),
    }


print(json.dumps(main(*sys.argv[1:])))

"""`port-forward`: reach ports of a pod through the API server.

Source: kubernetes/kubectl pkg/cmd/portforward/portforward.go.
"""

from __future__ import annotations

import signal
from contextlib import suppress

from kubectl_cli.errors import CommandError, UsageError
from kubectl_cli.flags import Flag
from kubectl_cli.global_flags import EXPLAIN_FLAG

TYPE_CHECKING = False
if TYPE_CHECKING:
    from apimachinery.types import JsonObject
    from kubectl_cli.client.factory import Factory
    from kubectl_cli.flags import Options

SUMMARY = "Forward local ports to a pod."
USE = "port-forward TYPE/NAME [options] [LOCAL_PORT:]REMOTE_PORT [...]"
EXAMPLES = """kubectl port-forward nginx 8080:80
kubectl port-forward deployment/web 5000 6000
kubectl port-forward service/web :https --address 127.0.0.1"""
FLAGS = (
    EXPLAIN_FLAG,
    Flag(
        "address",
        "slice",
        ["localhost"],
        help="Addresses to listen on (IP addresses or localhost), with commas.",
    ),
    Flag(
        "pod-running-timeout",
        "duration",
        60.0,
        help="How long to wait for a pod of the object to run.",
    ),
)


def run(options: Options, factory: Factory) -> int:
    """Find the pod, connect, listen, and forward until it is over."""
    words = options.args
    if len(words) < 2:
        raise UsageError(
            "TYPE/NAME and list of ports are required for port-forward",
            "kubectl port-forward",
        )
    timeout = options.seconds("pod-running-timeout")
    if timeout <= 0:
        raise UsageError(
            "--pod-running-timeout must be higher than zero", "kubectl port-forward"
        )
    pod, numbered = _find(factory, words[0], words[1:], timeout)
    _forward(factory, pod, numbered, options.items("address"))
    return 0


def _find(
    factory: Factory, name: str, words: list[str], timeout: float
) -> tuple[JsonObject, list[str]]:
    """The pod, and the words with numbers for the names of its ports."""
    from kubectl_cli.forwarding.ports import pod_ports, service_ports
    from kubectl_cli.selecting.pods import object_and_pod

    obj, pod = object_and_pod(factory, name, timeout)
    if obj.get("kind") == "Service":
        return pod, service_ports(words, obj, pod)
    return pod, pod_ports(words, pod)


def _forward(
    factory: Factory, pod: JsonObject, numbered: list[str], addresses: list[str]
) -> None:
    from kubectl_cli.forwarding.carriers import open_forwarding
    from kubectl_cli.forwarding.forwarder import PortForwarder
    from kubectl_cli.forwarding.listeners import listen_on_ports, parse_addresses
    from kubectl_cli.forwarding.ports import parse_ports
    from kubectl_cli.selecting.resources import POD

    metadata = pod["metadata"]
    phase = (pod.get("status") or {}).get("phase") or ""
    if phase != "Running":
        raise CommandError(
            f"unable to forward port because pod is not running. Current status={phase}"
        )
    parsed_addresses = parse_addresses(addresses)
    ports = parse_ports(numbered)
    # kubectl asks for it (signal.Notify), so it has it where a shell has the signal
    # ignored for its jobs in the background.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with suppress(KeyboardInterrupt):
        path = POD.path(metadata["namespace"], metadata["name"], "portforward")
        carrier = open_forwarding(factory.client, path)
        try:
            listeners = listen_on_ports(ports, parsed_addresses)
        except CommandError:
            carrier.upgraded.connection.close()
            raise
        PortForwarder(carrier, listeners).run()

"""What `8080:80`, `:80` and `web` mean: a local port, and a port of the pod.

Source: kubernetes/kubectl pkg/cmd/portforward/portforward.go (checkUDPPorts,
translateServicePortToTargetPort, convertPodNamedPortToNumber), pkg/util/podutils
(LookupContainerPortNumber...); kubernetes/client-go tools/portforward (parsePorts).
"""

from __future__ import annotations

from kubectl_cli.errors import CommandError
from wire.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

    from apimachinery.types import JsonObject

__all__ = ["ForwardedPort", "parse_ports", "pod_ports", "service_ports"]

_MAX_PORT = 65535


@dataclass(frozen=True, slots=True)
class ForwardedPort:
    """A local port, 0 for any that is free, and the port of the pod behind it."""

    local: int
    remote: int

    def __str__(self) -> str:
        return f"{{{self.local} {self.remote}}}"


def parse_ports(words: Iterable[str]) -> list[ForwardedPort]:
    """Read words whose names have been replaced by numbers."""
    return [_parse(word) for word in words]


def _parse(word: str) -> ForwardedPort:
    local, remote = _split(word)
    local = local or "0"
    port = ForwardedPort(_number("local", local), _number("remote", remote))
    if port.remote == 0:
        raise CommandError("remote port must be > 0")
    return port


def _number(which: str, text: str) -> int:
    """strconv.ParseUint with 16 bits, and its texts."""
    from apimachinery.go_text import quote

    problem = ""
    if not (text.isascii() and text.isdigit()):
        problem = "invalid syntax"
    elif len(text.lstrip("0")) > 5 or int(text) > _MAX_PORT:
        problem = "value out of range"
    if problem:
        raise CommandError(
            f"error parsing {which} port '{text}': strconv.ParseUint:"
            f" parsing {quote(text)}: {problem}"
        )
    return int(text)


def _split(word: str) -> tuple[str, str]:
    """The local and the remote part, which are the same where there is one only.

    Unlike kubectl, which takes the first of three for both.
    """
    parts = word.split(":")
    if len(parts) > 2:
        raise CommandError(f"invalid port format '{word}'")
    return parts[0], parts[-1]


def _is_number(text: str) -> bool:
    digits = text[1:] if text[:1] in ("-", "+") else text
    return digits.isascii() and digits.isdigit() and len(digits) < 10


def pod_ports(words: list[str], pod: JsonObject) -> list[str]:
    """The words with the pod's port names replaced by their numbers."""
    _refuse_udp(words, _container_ports(pod), "containerPort")
    shown: list[str] = []
    for word in words:
        local, remote = _split(word)
        number = remote if _is_number(remote) else str(_port_of_pod(pod, remote))
        shown.append(number if local == remote else f"{local}:{number}")
    return shown


def service_ports(words: list[str], service: JsonObject, pod: JsonObject) -> list[str]:
    """The words with the service's ports replaced by those of the pod behind them."""
    _refuse_udp(words, (service.get("spec") or {}).get("ports") or (), "port")
    shown: list[str] = []
    for word in words:
        local, remote = _split(word)
        if _is_number(remote):
            number = int(remote)
        else:
            number = _port_of_service(service, remote)
            local = str(number) if local == remote else local
        target = str(_target_port(service, pod, number))
        shown.append(target if local == target else f"{local}:{target}")
    return shown


def _port_of_service(service: JsonObject, name: str) -> int:
    for port in service["spec"].get("ports") or ():
        if port.get("name") == name:
            return int(port["port"])
    raise CommandError(
        f"Service '{service['metadata']['name']}' does not have a named port '{name}'"
    )


def _target_port(service: JsonObject, pod: JsonObject, number: int) -> int:
    spec = service["spec"]
    for port in spec.get("ports") or ():
        if port["port"] != number:
            continue
        if spec.get("clusterIP") == "None":
            return number
        target = port.get("targetPort") or number
        return target if isinstance(target, int) else _port_of_pod(pod, str(target))
    name = service["metadata"]["name"]
    raise CommandError(f"Service {name} does not have a service port {number}")


def _port_of_pod(pod: JsonObject, name: str) -> int:
    for port in _container_ports(pod):
        if port.get("name") == name:
            return int(port["containerPort"])
    raise CommandError(
        f"Pod '{pod['metadata']['name']}' does not have a named port '{name}'"
    )


def _container_ports(pod: JsonObject) -> Iterator[dict[str, Any]]:
    """Those of sidecars too, which are init containers that go on."""
    spec = pod.get("spec") or {}
    sidecars = [
        each
        for each in spec.get("initContainers") or ()
        if each.get("restartPolicy") == "Always"
    ]
    for container in [*(spec.get("containers") or ()), *sidecars]:
        yield from container.get("ports") or ()


def _refuse_udp(words: list[str], ports: Iterable[dict[str, Any]], key: str) -> None:
    """Refuse ports that are UDP and not TCP as well."""
    protocols: dict[str, set[str]] = {}
    for port in ports:
        for name in {str(port.get(key)), str(port.get("name") or "")} - {""}:
            protocols.setdefault(name, set()).add(port.get("protocol") or "TCP")
    for word in words:
        remote = _split(word)[1]
        found = protocols.get(remote, set())
        if "UDP" in found and "TCP" not in found:
            raise CommandError(f"UDP protocol is not supported for {remote}")

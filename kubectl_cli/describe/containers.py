"""The containers of a pod, described.

Source: kubernetes/kubectl pkg/describe/describe.go describeContainers and its parts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kubectl_cli.describe.writer import date, go_list

if TYPE_CHECKING:
    from apimachinery.types import JsonObject
    from kubectl_cli.describe.writer import Description

__all__ = ["describe_containers", "describe_resources"]


def describe_containers(
    out: Description,
    title: str,
    containers: list[JsonObject],
    statuses: list[JsonObject] | None,
    pod: JsonObject,
    indent: str = "",
) -> None:
    """All containers of one sort, with what their statuses say.

    With an indent, that of a template, names stand one blank further in.
    """
    by_name = {each["name"]: each for each in statuses or ()}
    out.line(f"{indent}{title}:" if containers else f"{indent}{title}: <none>")
    for container in containers:
        status = by_name.get(container["name"])
        out.line(f"{' ' if indent else ''}{container['name']}:", 1)
        _basics(out, container, status)
        _command(out, "Command", container.get("command"))
        _command(out, "Args", container.get("args"))
        if status is not None:
            _state(out, status)
        describe_resources(out, container.get("resources"), 2)
        _probes(out, container)
        _environment_sources(out, container)
        _environment(out, container, pod)
        _mounts(out, container)


def _basics(out: Description, container: JsonObject, status: JsonObject | None) -> None:
    if status is not None:
        out.line(f"Container ID:\t{status.get('containerID') or ''}", 2)
    out.line(f"Image:\t{container.get('image') or ''}", 2)
    if status is not None:
        out.line(f"Image ID:\t{status.get('imageID') or ''}", 2)
    for title, key in (("Port", "containerPort"), ("Host Port", "hostPort")):
        ports = [
            f"{port.get(key) or 0}/{port.get('protocol') or ''}"
            + (f" ({port['name']})" if port.get("name") else "")
            for port in container.get("ports") or ()
        ]
        text = ", ".join(ports)
        out.line(f"{title}{'s' if ',' in text else ''}:\t{text or '<none>'}", 2)
    profile = (container.get("securityContext") or {}).get("seccompProfile")
    if profile:
        out.line(f"SeccompProfile:\t{profile.get('type')}", 2)
        if profile.get("type") == "Localhost":
            out.line(f"LocalhostProfile:\t{profile.get('localhostProfile')}", 2)


def _command(out: Description, title: str, words: list[str] | None) -> None:
    if not words:
        return
    out.line(f"{title}:", 2)
    for word in words:
        for part in word.split("\n"):
            out.line(part, 3)


def _state(out: Description, status: JsonObject) -> None:
    _one_state(out, "State", status.get("state") or {})
    last = status.get("lastState") or {}
    if last.get("terminated"):
        _one_state(out, "Last State", last)
    out.line(f"Ready:\t{'True' if status.get('ready') else 'False'}", 2)
    out.line(f"Restart Count:\t{status.get('restartCount') or 0}", 2)


def _one_state(out: Description, title: str, state: JsonObject) -> None:
    if running := state.get("running"):
        out.line(f"{title}:\tRunning", 2)
        out.line(f"Started:\t{date(running.get('startedAt'))}", 3)
    elif ended := state.get("terminated"):
        _terminated(out, title, ended)
    else:
        out.line(f"{title}:\tWaiting", 2)
        if reason := (state.get("waiting") or {}).get("reason"):
            out.line(f"Reason:\t{reason}", 3)


def _terminated(out: Description, title: str, ended: JsonObject) -> None:
    out.line(f"{title}:\tTerminated", 2)
    for label, key in (("Reason", "reason"), ("Message", "message")):
        if ended.get(key):
            out.line(f"{label}:\t{ended[key]}", 3)
    out.line(f"Exit Code:\t{ended.get('exitCode') or 0}", 3)
    if ended.get("signal"):
        out.line(f"Signal:\t{ended['signal']}", 3)
    out.line(f"Started:\t{date(ended.get('startedAt'))}", 3)
    out.line(f"Finished:\t{date(ended.get('finishedAt'))}", 3)


def describe_resources(
    out: Description, resources: JsonObject | None, level: int
) -> None:
    """Limits and requests."""
    for title, key in (("Limits", "limits"), ("Requests", "requests")):
        amounts = (resources or {}).get(key)
        if amounts:
            out.line(f"{title}:", level)
            for name in sorted(amounts):
                out.line(f"{name}:\t{amounts[name]}", level + 1)


def _probes(out: Description, container: JsonObject) -> None:
    for title, key in (
        ("Liveness", "livenessProbe"),
        ("Readiness", "readinessProbe"),
        ("Startup", "startupProbe"),
    ):
        if container.get(key):
            out.line(f"{title}:\t{_probe(container[key])}", 2)


def _probe(probe: JsonObject) -> str:
    attributes = (
        f"delay={probe.get('initialDelaySeconds') or 0}s"
        f" timeout={probe.get('timeoutSeconds') or 0}s"
        f" period={probe.get('periodSeconds') or 0}s"
        f" #success={probe.get('successThreshold') or 0}"
        f" #failure={probe.get('failureThreshold') or 0}"
    )
    if "exec" in probe:
        return f"exec {go_list(probe['exec'].get('command') or ())} {attributes}"
    if http := probe.get("httpGet"):
        scheme = str(http.get("scheme") or "").lower()
        address = f"{http.get('host') or ''}:{http.get('port')}"
        path = str(http.get("path") or "")
        slash = "" if path.startswith("/") or not path else "/"
        return f"http-get {scheme}://{address}{slash}{path} {attributes}"
    if tcp := probe.get("tcpSocket"):
        return f"tcp-socket {tcp.get('host') or ''}:{tcp.get('port')} {attributes}"
    if grpc := probe.get("grpc"):
        service = grpc.get("service") or ""
        return f"grpc <pod>:{grpc.get('port')} {service} {attributes}"
    return f"unknown {attributes}"


def _environment_sources(out: Description, container: JsonObject) -> None:
    sources = container.get("envFrom") or ()
    if not sources:
        return
    out.line("Environment Variables from:", 2)
    for each in sources:
        kind = "ConfigMap" if each.get("configMapRef") else "Secret"
        reference = each.get("configMapRef") or each.get("secretRef") or {}
        optional = _bool(reference.get("optional"))
        if each.get("prefix"):
            kind += f" with prefix '{each['prefix']}'"
        out.line(f"{reference.get('name')}\t{kind}\tOptional: {optional}", 3)


def _bool(value: Any) -> str:
    return "true" if value else "false"


def _environment(out: Description, container: JsonObject, pod: JsonObject) -> None:
    variables = container.get("env") or ()
    out.line("Environment:" if variables else "Environment:\t<none>", 2)
    for each in variables:
        source = each.get("valueFrom")
        if not source:
            head = f"{each['name']}:"
            for part in str(each.get("value") or "").split("\n"):
                out.line(f"{head}\t{part}", 3)
                head = ""
        else:
            out.line(f"{each['name']}:\t{_value_from(source, container, pod)}", 3)


def _value_from(source: JsonObject, container: JsonObject, pod: JsonObject) -> str:
    if field := source.get("fieldRef"):
        value = _field_value(field["fieldPath"], pod)
        return (
            f" {value} ({field.get('apiVersion') or ''}:{field['fieldPath']})".lstrip()
            if value
            else f" ({field.get('apiVersion') or ''}:{field['fieldPath']})"
        )
    if resource := source.get("resourceFieldRef"):
        name = str(resource["resource"])
        value = _resource_value(name, container)
        return f"{value} ({name})"
    if key := source.get("secretKeyRef"):
        optional = _bool(key.get("optional"))
        return (
            f"<set to the key '{key['key']}' in secret '{key.get('name')}'>"
            f"\tOptional: {optional}"
        )
    key = source.get("configMapKeyRef") or {}
    optional = _bool(key.get("optional"))
    return (
        f"<set to the key '{key.get('key')}' of config map '{key.get('name')}'>"
        f"\tOptional: {optional}"
    )


def _field_value(path: str, pod: JsonObject) -> str:
    """The value of a downward field, as far as an object on the client tells it."""
    metadata = pod["metadata"]
    spec, status = pod.get("spec") or {}, pod.get("status") or {}
    known = {
        "metadata.name": metadata.get("name"),
        "metadata.namespace": metadata.get("namespace"),
        "metadata.uid": metadata.get("uid"),
        "spec.nodeName": None,
        "spec.serviceAccountName": None,
        "status.podIP": None,
        "status.hostIP": None,
    }
    del spec, status  # describe.go resolves the metadata only
    return str(known.get(path) or "")


def _resource_value(name: str, container: JsonObject) -> str:
    resources = container.get("resources") or {}
    section, _, resource = name.partition(".")
    value = (resources.get(section) or {}).get(resource)
    return str(value) if value else "node allocatable"


def _mounts(out: Description, container: JsonObject) -> None:
    mounts = container.get("volumeMounts") or ()
    out.line("Mounts:" if mounts else "Mounts:\t<none>", 2)
    for mount in sorted(mounts, key=lambda each: str(each["mountPath"])):
        flags = ["ro" if mount.get("readOnly") else "rw"]
        if mount.get("subPath"):
            from apimachinery.go_text import quote

            flags.append(f"path={quote(mount['subPath'])}")
        out.line(f"{mount['mountPath']} from {mount['name']} ({','.join(flags)})", 3)
    devices = container.get("volumeDevices") or ()
    if devices:
        out.line("Devices:", 2)
        for device in sorted(devices, key=lambda each: str(each["devicePath"])):
            out.line(f"{device['devicePath']} from {device['name']}", 3)

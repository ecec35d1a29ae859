"""`create ingress`.

Source: kubernetes/kubectl pkg/cmd/create/create_ingress.go.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from kubectl_cli.creation import IMPERATIVE_FLAGS, create_in_namespace, only_name
from kubectl_cli.errors import CommandError
from kubectl_cli.flags import Flag

if TYPE_CHECKING:
    from kubectl_cli.client.factory import Factory
    from kubectl_cli.flags import Options

SUMMARY = "Create an ingress."
USE = "create ingress NAME --rule=host/path=service:port[,tls[=secret]]"
EXAMPLES = """kubectl create ingress simple --rule="foo.com/bar=svc1:8080,tls=my-cert"
kubectl create ingress multipath --rule="foo.com/=svc:port" --rule="foo.com/admin*=adm:80\""""
FLAGS = (
    *IMPERATIVE_FLAGS,
    Flag("annotation", "array", help="key=value; may be repeated."),
    Flag("class", help="The ingress class."),
    Flag("default-backend", help="SERVICE:PORT for what no rule catches."),
    Flag(
        "rule", "array", help="HOST/PATH=SERVICE:PORT[,tls[=SECRET]]; with * a prefix."
    ),
)
_RULE = re.compile(
    r"(?P<host>[\w*.-]*)(?P<path>/[^,=\n]*)=(?P<service>[\w-]+):(?P<port>[\w-]+)"
    r"(?P<tls>,tls=?(?P<secret>[\w-]+)?)?",
    re.ASCII,
)


def run(options: Options, factory: Factory) -> int:
    """POST the ingress."""
    name = only_name(options, "create ingress")
    backend, rules = options.text("default-backend"), options.items("rule")
    if not backend and not rules:
        raise CommandError(
            "not enough information provided: every ingress has to either specify a"
            " default-backend (which catches all traffic) or a list of rules (which"
            " catch specific paths)"
        )
    matches = [_rule(text) for text in rules]
    metadata: dict[str, Any] = {"name": name}
    if annotations := _annotations(options.items("annotation")):
        metadata["annotations"] = annotations
    spec: dict[str, Any] = {}
    if options.text("class"):
        spec["ingressClassName"] = options.text("class")
    if backend:
        service, _, port = backend.partition(":")
        if backend.count(":") != 1:
            raise CommandError(
                "default-backend should be in format servicename:serviceport"
            )
        spec["defaultBackend"] = _backend(service, port)
    if tls := _tls(matches):
        spec["tls"] = tls
    if matches:
        spec["rules"] = _rules(matches)
    obj = {
        "kind": "Ingress",
        "apiVersion": "networking.k8s.io/v1",
        "metadata": metadata,
        "spec": spec,
        "status": {"loadBalancer": {}},
    }
    return create_in_namespace(
        options,
        factory,
        "/apis/networking.k8s.io/v1",
        "ingresses",
        obj,
        failure="failed to create ingress: ",
    )


def _rule(text: str) -> re.Match[str]:
    match = _RULE.fullmatch(text)
    if match is None:
        raise CommandError(
            f"rule {text} is invalid and should be in format"
            " host/path=svcname:svcport[,tls[=secret]]"
        )
    return match


def _annotations(texts: list[str]) -> dict[str, str]:
    for text in texts:
        if "=" not in text:
            raise CommandError(
                f"annotation {text} is invalid and should be in format key=[value]"
            )
    return {key: value for key, _, value in (text.partition("=") for text in texts)}


def _backend(service: str, port: str) -> dict[str, Any]:
    number = {"number": int(port)} if port.isdecimal() else {"name": port}
    return {"service": {"name": service, "port": number}}


def _tls(rules: list[re.Match[str]]) -> list[dict[str, Any]]:
    """The hosts of each secret; a host counts the first time only."""
    hosts_of: dict[str, list[str]] = {}
    seen: set[str] = set()
    for rule in rules:
        host, secret = rule["host"], rule["secret"] or ""
        if not rule["tls"] or host in seen:
            continue
        seen.add(host)
        if secret in hosts_of:
            hosts_of[secret].append(host)
        elif host or secret:
            hosts_of[secret] = [host] if host else []
    entries = []
    for secret, hosts in hosts_of.items():
        entry: dict[str, Any] = {"hosts": hosts} if hosts else {}
        entries.append({**entry, "secretName": secret} if secret else entry)
    return entries


def _rules(rules: list[re.Match[str]]) -> list[dict[str, Any]]:
    """An entry for each host, with its paths."""
    paths_of: dict[str, list[dict[str, Any]]] = {}
    for rule in rules:
        path = rule["path"]
        entry = {
            "path": path.removesuffix("*"),
            "pathType": "Prefix" if path.endswith("*") else "Exact",
            "backend": _backend(rule["service"], rule["port"]),
        }
        paths_of.setdefault(rule["host"], []).append(entry)
    return [
        {**({"host": host} if host else {}), "http": {"paths": paths}}
        for host, paths in paths_of.items()
    ]

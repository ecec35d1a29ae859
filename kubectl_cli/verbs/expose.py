"""`expose`: a service for what runs already.

Source: kubernetes/kubectl pkg/cmd/expose/expose.go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_cli.changes import DRY_RUN_FLAG, DryRun, ResultPrinter, dry_run_of
from kubectl_cli.documents.manifests import FILE_FLAGS
from kubectl_cli.errors import CommandError
from kubectl_cli.flags import Flag
from kubectl_cli.printers.objects import PRINT_FLAGS
from kubectl_cli.selecting.pods import format_selector

if TYPE_CHECKING:
    from apimachinery.types import JsonObject
    from kubectl_cli.client.factory import Factory
    from kubectl_cli.client.rest import Query
    from kubectl_cli.flags import Options
    from kubectl_cli.selecting.selected import Selected

SUMMARY = "Make a service for a pod, a service or a workload."
USE = (
    "expose (-f FILENAME | TYPE NAME) [--port=port] [--protocol=TCP|UDP|SCTP]"
    " [--target-port=number-or-name] [--name=name] [--external-ip=external-ip-of-service]"
    " [--type=type]"
)
EXAMPLES = "kubectl expose deployment nginx --port=80 --target-port=8000"
FLAGS = (
    *PRINT_FLAGS,
    *FILE_FLAGS,
    DRY_RUN_FLAG,
    Flag("cluster-ip", help="The address; None for a headless service."),
    Flag("external-ip", help="An address outside the cluster."),
    Flag("field-manager", default="kubectl-expose", help="Who owns the fields."),
    Flag("labels", short="l", help="Labels of the service; else those of the object."),
    Flag("load-balancer-ip", help="The address that a load balancer shall have."),
    Flag("name", help="The service's name; else that of the object."),
    Flag("port", help="The port; else those of the object."),
    Flag("protocol", help="TCP, UDP or SCTP."),
    Flag("selector", help="Labels of the pods; else the selector of the object."),
    Flag("session-affinity", help="None or ClientIP."),
    Flag("target-port", help="Number or name of the port in the pods."),
    Flag("type", help="ClusterIP, NodePort, LoadBalancer or ExternalName."),
)
_KINDS = ("Deployment", "Pod", "ReplicaSet", "ReplicationController", "Service")
_LONGEST_NAME = 63


def run(options: Options, factory: Factory) -> int:
    """POST a service for each object."""
    from kubectl_cli.selecting.selected import Selected, select_objects

    dry_run = dry_run_of(options)
    printer = ResultPrinter(options, dry_run)
    for each in select_objects(options, factory, options.args, selects=False):
        if not isinstance(each, Selected):
            raise each
        service = _service(options, each)
        if factory.namespace_given:
            service["metadata"]["namespace"] = each.namespace
        if dry_run is not DryRun.CLIENT:
            query: Query = [("fieldManager", options.text("field-manager"))]
            if dry_run is DryRun.SERVER:
                query.append(("dryRun", "All"))
            path = f"/api/v1/namespaces/{each.namespace}/services"
            service = factory.client.call("POST", path, query, service)
        printer.show(service, "exposed")
    return 0


def _service(options: Options, each: Selected) -> JsonObject:
    kind = str(each.object.get("kind"))
    if kind not in _KINDS:
        raise CommandError(f"cannot expose a {_kind_name(each)}")
    labels = _pairs(options.text("labels")) or each.object["metadata"].get("labels")
    metadata: JsonObject = {"name": (options.text("name") or each.name)[:_LONGEST_NAME]}
    if labels:
        metadata["labels"] = labels
    spec: JsonObject = {
        "selector": _pairs(options.text("selector")) or _selector(each),
        "ports": _ports(options, each),
    }
    for flag, field in (
        ("type", "type"),
        ("cluster-ip", "clusterIP"),
        ("load-balancer-ip", "loadBalancerIP"),
        ("session-affinity", "sessionAffinity"),
    ):
        if options.text(flag):
            spec[field] = options.text(flag)
    if options.text("external-ip"):
        spec["externalIPs"] = [options.text("external-ip")]
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata,
        "spec": spec,
        "status": {"loadBalancer": {}},
    }


def _kind_name(each: Selected) -> str:
    group = each.resource.group
    return f"{each.resource.kind}.{group}" if group else each.resource.kind


def _pairs(text: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in text.split(",") if "=" in part)
    return {key: value for key, _, value in pairs}


def _selector(each: Selected) -> dict[str, str]:
    obj, spec = each.object, each.object.get("spec") or {}
    kind = obj.get("kind")
    if kind == "Pod":
        labels = obj["metadata"].get("labels")
        if not labels:
            raise CommandError(
                "couldn't retrieve selectors via --selector flag or introspection: the"
                " pod has no labels and cannot be exposed"
            )
        return dict(labels)
    found = spec.get("selector") or {}
    if kind in ("Service", "ReplicationController"):
        if not found:
            raise CommandError(
                "couldn't retrieve selectors via --selector flag or introspection:"
                f" the {'service' if kind == 'Service' else 'object'} has no pod selector"
                " set"
            )
        return dict(found)
    if found.get("matchExpressions"):
        raise CommandError(
            "couldn't retrieve selectors via --selector flag or introspection: couldn't"
            f' convert expressions - "{format_selector(found)}" to map-based selector'
            " format"
        )
    return dict(found.get("matchLabels") or {})


def _ports(options: Options, each: Selected) -> list[JsonObject]:
    protocols = _protocols(each)
    if options.text("port"):
        numbers = options.text("port").split(",")
    else:
        numbers = list(protocols)
    if not numbers:
        raise CommandError("couldn't find port via --port flag or introspection")
    ports: list[JsonObject] = []
    for index, number in enumerate(numbers, 1):
        port: JsonObject = {"name": f"port-{index}"} if len(numbers) > 1 else {}
        target = options.text("target-port") or number
        port["port"] = _number(number)
        port["protocol"] = options.text("protocol") or protocols.get(number, "TCP")
        port["targetPort"] = int(target) if target.isdecimal() else target
        ports.append(port)
    return ports


def _number(text: str) -> int:
    if not text.isdecimal():
        raise CommandError(f'strconv.Atoi: parsing "{text}": invalid syntax')
    return int(text)


def _protocols(each: Selected) -> dict[str, str]:
    """The ports that the object has, and their protocols."""
    spec = each.object.get("spec") or {}
    if each.object.get("kind") == "Service":
        return {
            str(p["port"]): p.get("protocol") or "TCP" for p in spec.get("ports") or ()
        }
    pod = (
        spec
        if each.object.get("kind") == "Pod"
        else (spec.get("template") or {}).get("spec")
    )
    return {
        str(port["containerPort"]): port.get("protocol") or "TCP"
        for container in (pod or {}).get("containers") or ()
        for port in container.get("ports") or ()
    }

"""`autoscale`: a HorizontalPodAutoscaler for what can be scaled.

Source: kubernetes/kubectl pkg/cmd/autoscale/autoscale.go.
"""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Any

from apimachinery.status import StatusError
from kubectl_cli.changes import (
    DRY_RUN_FLAG,
    DryRun,
    ResultPrinter,
    dry_run_of,
    raise_all,
    write_query,
)
from kubectl_cli.creation import with_status
from kubectl_cli.documents.manifests import FILE_FLAGS
from kubectl_cli.errors import CommandError
from kubectl_cli.flags import Flag
from kubectl_cli.printers.objects import PRINT_FLAGS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from apimachinery.types import JsonObject
    from kubectl_cli.client.factory import Factory
    from kubectl_cli.flags import Options
    from kubectl_cli.selecting.resources import Resource

    Found = tuple[Resource, str] | StatusError | CommandError

SUMMARY = "Let a workload be scaled by what its pods use."
USE = (
    "autoscale (-f FILENAME | TYPE NAME | TYPE/NAME) [--min=MINPODS] --max=MAXPODS"
    " [--cpu=CPU] [--memory=MEMORY]"
)
EXAMPLES = """kubectl autoscale deployment foo --min=2 --max=10
kubectl autoscale deployment bar --max=6 --cpu=60% --memory=200Mi"""
FLAGS = (
    *PRINT_FLAGS,
    *FILE_FLAGS,
    DRY_RUN_FLAG,
    Flag("cpu", help="Such as 70% of what is requested, or 500m."),
    Flag("cpu-percent", "int32", -1, help="Deprecated: --cpu with a percentage."),
    Flag("field-manager", default="kubectl-autoscale", help="Who owns the fields."),
    Flag("max", "int32", -1, help="At most so many pods."),
    Flag("memory", help="Such as 60% of what is requested, or 200Mi."),
    Flag("min", "int32", -1, help="At least so many pods."),
    Flag("name", help="The autoscaler's name; else that of the object."),
    Flag("save-config", "bool", help="Keep the configuration for a later apply."),
)
REQUIRED = ("max",)
_GROUP = "/apis/autoscaling"
_DEPRECATED = (
    "Flag --cpu-percent has been deprecated, Use --cpu with percentage or resource"
    " quantity format (e.g., '70%' for utilization or '500m' for milliCPU)."
)
#: What a number without a unit counts.
_UNITS = {"cpu": "m", "memory": "Mi"}


def run(options: Options, factory: Factory) -> int:
    """POST an autoscaler for each object; one that fails does not stop the others."""
    if options.changed("cpu-percent"):
        print(_DEPRECATED, file=sys.stderr)
    dry_run = dry_run_of(options)
    metrics = _metrics(options)
    errors: list[Exception] = []
    count = 0
    for each in _objects(options, factory):
        try:
            if isinstance(each, Exception):
                raise each
            _check_scalable(factory, each[0])
            _create(options, factory, _autoscaler(options, *each, metrics), dry_run)
            count += 1
        except (StatusError, CommandError) as error:
            errors.append(error)
    raise_all(errors)
    if not count:
        raise CommandError("no objects passed to autoscale")
    return 0


def _objects(options: Options, factory: Factory) -> Iterator[Found]:
    """Type and name of each object; those of files are not asked for."""
    from kubectl_cli.documents.manifests import visit_manifests
    from kubectl_cli.selecting.selected import Selected, select_objects

    if files := options.items("filename"):
        recursive = options.flag("recursive")
        for each in visit_manifests(files, factory, recursive=recursive):
            yield (
                each if isinstance(each, CommandError) else (each.resource, each.name)
            )
        return
    for found in select_objects(options, factory, options.args):
        if isinstance(found, Selected):
            yield found.resource, found.name
        else:
            yield found


def _check_scalable(factory: Factory, resource: Resource) -> None:
    for each in factory.mapper.discovered():
        same = (each.full_name, each.version) == (resource.full_name, resource.version)
        if same and "scale" in each.subresources:
            return
    raise CommandError(
        f"cannot autoscale a {resource.kind}: could not find scale subresource for"
        f" {resource.group}/{resource.version}, Resource={resource.name} in discovery"
        " information"
    )


def _metrics(options: Options) -> list[JsonObject]:
    """The targets of the flags."""
    least, most = options.number("min"), options.number("max")
    percent = options.number("cpu-percent")
    if most < 1:
        raise CommandError(
            f"--max=MAXPODS is required and must be at least 1, max: {most}"
        )
    if most < least:
        raise CommandError(
            "--max=MAXPODS must be larger or equal to --min=MINPODS, max:"
            f" {most}, min: {least}"
        )
    if percent > 0 and options.text("cpu"):
        raise CommandError("--cpu-percent and --cpu are mutually exclusive")
    targets = {
        name: _target(options.text(name), name)
        for name in ("cpu", "memory")
        if options.text(name)
    }
    if percent > 0:
        utilization = {"type": "Utilization", "averageUtilization": percent}
        targets = {"cpu": utilization, **targets}
    return [
        {"type": "Resource", "resource": {"name": name, "target": target}}
        for name, target in targets.items()
    ]


def _target(text: str, resource: str) -> JsonObject:
    """`70%` of the requests, `500m`, or a number of the usual unit."""
    from apimachinery.quantity import Quantity, QuantityError

    text = text.strip()
    if text.endswith("%"):
        if not re.fullmatch(r"\+?[0-9]{1,9}%", text):
            raise CommandError(f"invalid percentage value: {text[:-1]}")
        return {"type": "Utilization", "averageUtilization": int(text[:-1])}
    try:
        amount = f"{float(text):g}{_UNITS[resource]}"
    except ValueError:
        amount = text
    try:
        value = str(Quantity.parse(amount))
    except QuantityError as error:
        if amount != text:
            raise CommandError(str(error)) from None
        raise CommandError(f"invalid resource {resource} value: {text}") from None
    return {"type": "AverageValue", "averageValue": value}


def _autoscaler(
    options: Options, resource: Resource, name: str, metrics: list[JsonObject]
) -> JsonObject:
    reference = {
        "kind": resource.kind,
        "name": name,
        "apiVersion": resource.api_version,
    }
    spec: dict[str, Any] = {"scaleTargetRef": reference}
    if options.number("min") > 0:
        spec["minReplicas"] = options.number("min")
    spec["maxReplicas"] = options.number("max")
    if metrics:
        spec["metrics"] = metrics
    return {
        "kind": "HorizontalPodAutoscaler",
        "apiVersion": "autoscaling/v2",
        "metadata": {"name": options.text("name") or name},
        "spec": spec,
        "status": {"desiredReplicas": 0, "currentMetrics": None},
    }


def _create(
    options: Options, factory: Factory, obj: JsonObject, dry_run: DryRun
) -> None:
    """POST it, as autoscaling/v1 where the server refuses v2 and v1 can say the same."""
    printer = ResultPrinter(options, dry_run, typed=True)
    if factory.namespace_given:
        obj["metadata"]["namespace"] = factory.namespace
    if dry_run is DryRun.CLIENT:
        printer.show(obj, "created")
        return
    try:
        made = _post(options, factory, obj, dry_run)
    except StatusError:
        made = _post(options, factory, _as_v1(options, obj), dry_run)
    printer.show(made, "autoscaled")


def _post(
    options: Options, factory: Factory, obj: JsonObject, dry_run: DryRun
) -> JsonObject:
    version = str(obj["apiVersion"]).rpartition("/")[2]
    resource = "horizontalpodautoscalers"
    path = f"{_GROUP}/{version}/namespaces/{factory.namespace}/{resource}"
    if options.flag("save-config"):
        from kubectl_cli.applying.last_applied import with_last_applied

        obj = with_last_applied(obj, typed=True)
    try:
        made = factory.client.call("POST", path, write_query(options, dry_run), obj)
    except StatusError as error:
        if error.message != "the server could not find the requested resource":
            raise
        # client-go says of what it was when the answer does not.
        message = f"{error.message} (post {resource}.autoscaling)"
        raise StatusError({**error.status, "message": message}) from None
    return with_status(made, obj)


def _as_v1(options: Options, obj: JsonObject) -> JsonObject:
    """autoscaling/v1 knows the utilization of the CPU only."""
    percent, cpu = options.number("cpu-percent"), options.text("cpu").strip()
    only_percent = percent >= 0 or cpu.endswith("%")
    if not cpu or options.text("memory") or not only_percent:
        # What kubectl prints where no error is to be told.
        reason = "%!w(<nil>)" if cpu else "empty input"
        raise CommandError(
            "failed to create autoscaling/v2 HPA and the configuration is incompatible"
            f" with autoscaling/v1: {reason}"
        )
    spec = {key: value for key, value in obj["spec"].items() if key != "metrics"}
    if percent >= 0:
        spec["targetCPUUtilizationPercentage"] = percent
    status = {"currentReplicas": 0, "desiredReplicas": 0}
    return {**obj, "apiVersion": "autoscaling/v1", "spec": spec, "status": status}

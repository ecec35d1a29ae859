"""apps/v1 and batch/v1: stored objects that controllers act on.

Source: kubernetes/kubernetes pkg/apis/{apps,batch}/v1/defaults.go; columns as
pkg/printers/internalversion/printers.go.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, ClassVar

from apimachinery.duration import human_duration
from apimachinery.field_errors import (
    FieldError,
    Path,
    invalid,
    not_supported,
    required,
)
from apimachinery.meta import parse_time
from apimachinery.pod_defaults import default_pod_spec
from apiserver.resources.cells import (
    AGE,
    CONTAINERS,
    IMAGES,
    NAME,
    NONE,
    SELECTOR,
    age_of,
    boolean,
    integer,
    label_text,
    path,
    read,
    text,
)
from apiserver.resources.registry import Column, Resource, scale, status
from apiserver.resources.strategy import Strategy

if TYPE_CHECKING:
    from apimachinery.types import JsonObject

__all__ = ["WORKLOADS"]

_CONTROLLER_UID = "batch.kubernetes.io/controller-uid"
_JOB_NAME = "batch.kubernetes.io/job-name"
_LEGACY_LABELS = {_CONTROLLER_UID: "controller-uid", _JOB_NAME: "job-name"}


class TemplateStrategy(Strategy):
    """A kind that makes pods from `spec.template`."""

    has_status: ClassVar = True
    tracks_generation: ClassVar = True
    defaults: ClassVar[JsonObject] = {}

    def default(self, obj: JsonObject) -> None:
        spec = obj.setdefault("spec", {})
        for field, value in self.defaults.items():
            spec.setdefault(field, value)
        pod_spec = read(spec, "template.spec")
        if pod_spec is not None:
            default_pod_spec(pod_spec, template=True)

    def validate(self, obj: JsonObject) -> list[FieldError]:
        return [*_replica_errors(obj), *_selector_errors(obj), *_template_errors(obj)]

    def validate_update(
        self, new: JsonObject, old: JsonObject, subresource: str
    ) -> list[FieldError]:
        if subresource == "status":
            return []
        errors = self.validate(new)
        selector = read(new, "spec.selector")
        if selector != read(old, "spec.selector"):
            where = Path("spec").child("selector")
            errors.append(invalid(where, selector, "field is immutable"))
        return errors


def _replica_errors(obj: JsonObject) -> list[FieldError]:
    replicas = read(obj, "spec.replicas")
    if replicas is None or replicas >= 0:
        return []
    where = Path("spec").child("replicas")
    return [invalid(where, replicas, "must be greater than or equal to 0")]


def _template_errors(obj: JsonObject) -> list[FieldError]:
    """The pods to be made must be valid, and restart for ever."""
    from apimachinery.validation import pods  # 10 ms: not at start

    template = Path("spec").child("template", "spec")
    spec = read(obj, "spec.template.spec") or {}
    errors = list(pods.pod_spec(spec, template))
    if spec.get("restartPolicy") not in (None, "Always"):
        where = template.child("restartPolicy")
        errors.append(not_supported(where, spec["restartPolicy"], ("Always",)))
    return errors


def _selector_errors(obj: JsonObject) -> list[FieldError]:
    selector = read(obj, "spec.selector")
    labels = read(obj, "spec.template.metadata.labels") or {}
    if not selector:
        return [required(Path("spec").child("selector"))]
    matches = selector.get("matchLabels") or {}
    if any(labels.get(key) != value for key, value in matches.items()):
        where = Path("spec").child("template", "metadata", "labels")
        detail = "`selector` does not match template `labels`"
        return [invalid(where, labels, detail)]
    return []


class DeploymentStrategy(TemplateStrategy):
    defaults: ClassVar = {
        "replicas": 1,
        "revisionHistoryLimit": 10,
        "progressDeadlineSeconds": 600,
    }

    def default(self, obj: JsonObject) -> None:
        super().default(obj)
        strategy = obj["spec"].setdefault("strategy", {})
        if not strategy.get("type"):
            strategy["type"] = "RollingUpdate"
        if strategy["type"] == "RollingUpdate":
            rolling = strategy["rollingUpdate"] = strategy.get("rollingUpdate") or {}
            rolling.setdefault("maxUnavailable", "25%")
            rolling.setdefault("maxSurge", "25%")


class ReplicaSetStrategy(TemplateStrategy):
    defaults: ClassVar = {"replicas": 1}
    selectable_fields: ClassVar = {"status.replicas": "status.replicas"}


class StatefulSetStrategy(TemplateStrategy):
    defaults: ClassVar = {
        "replicas": 1,
        "podManagementPolicy": "OrderedReady",
        "revisionHistoryLimit": 10,
    }

    def default(self, obj: JsonObject) -> None:
        super().default(obj)
        strategy = obj["spec"].setdefault("updateStrategy", {})
        strategy.setdefault("type", "RollingUpdate")
        if strategy["type"] == "RollingUpdate":
            strategy.setdefault("rollingUpdate", {}).setdefault("partition", 0)


class DaemonSetStrategy(TemplateStrategy):
    defaults: ClassVar = {"revisionHistoryLimit": 10}

    def default(self, obj: JsonObject) -> None:
        super().default(obj)
        strategy = obj["spec"].setdefault("updateStrategy", {})
        strategy.setdefault("type", "RollingUpdate")
        if strategy["type"] == "RollingUpdate":
            rolling = strategy.setdefault("rollingUpdate", {})
            rolling.setdefault("maxUnavailable", 1)
            rolling.setdefault("maxSurge", 0)


class JobStrategy(TemplateStrategy):
    selectable_fields: ClassVar = {"status.successful": "status.succeeded"}
    defaults: ClassVar = {
        "backoffLimit": 6,
        "completionMode": "NonIndexed",
        "suspend": False,
        "podReplacementPolicy": "TerminatingOrFailed",
    }

    def default(self, obj: JsonObject) -> None:
        super().default(obj)
        spec = obj["spec"]
        if spec.get("completions") is None and spec.get("parallelism") is None:
            spec["completions"] = 1
        spec.setdefault("parallelism", 1)

    def prepare_for_create(self, obj: JsonObject) -> None:
        super().prepare_for_create(obj)
        if not obj["spec"].get("manualSelector"):
            _generate_job_selector(obj)

    def validate(self, obj: JsonObject) -> list[FieldError]:
        policy = read(obj, "spec.template.spec.restartPolicy")
        if policy in ("OnFailure", "Never"):
            return []
        where = Path("spec").child("template", "spec", "restartPolicy")
        if policy == "Always":
            return [required(where, 'valid values: "OnFailure", "Never"')]
        return [not_supported(where, policy, ("OnFailure", "Never"))]


def _generate_job_selector(job: JsonObject) -> None:
    """A job finds its own pods by its uid, unless told otherwise."""
    metadata, spec = job["metadata"], job["spec"]
    uid = metadata.get("uid") or str(uuid.uuid4())
    template = spec.setdefault("template", {}).setdefault("metadata", {})
    labels = template["labels"] = template.get("labels") or {}
    wanted = {_CONTROLLER_UID: uid, _JOB_NAME: metadata.get("name", "")}
    for label, value in wanted.items():
        labels.setdefault(label, value)
        labels.setdefault(_LEGACY_LABELS[label], value)
    spec["selector"] = {"matchLabels": {_CONTROLLER_UID: uid}}


class CronJobStrategy(Strategy):
    has_status: ClassVar = True
    tracks_generation: ClassVar = True

    def default(self, obj: JsonObject) -> None:
        spec = obj.setdefault("spec", {})
        for field, value in {
            "concurrencyPolicy": "Allow",
            "suspend": False,
            "successfulJobsHistoryLimit": 3,
            "failedJobsHistoryLimit": 1,
        }.items():
            spec.setdefault(field, value)
        pod_spec = read(spec, "jobTemplate.spec.template.spec")
        if pod_spec is not None:
            default_pod_spec(pod_spec, template=True)


def _ratio(have: str, want: str) -> Column:
    def cell(obj: JsonObject, now: float) -> str:
        return f"{read(obj, have) or 0}/{read(obj, want) or 0}"

    return Column("Ready", cell, description="Ready replicas out of those wanted.")


def _job_status(job: JsonObject, now: float) -> str:
    conditions = {
        c.get("type"): c.get("status") for c in read(job, "status.conditions") or ()
    }
    for kind in ("Complete", "Failed"):
        if conditions.get(kind) == "True":
            return kind
    if read(job, "metadata.deletionTimestamp"):
        return "Terminating"
    for kind, word in (
        ("Suspended", "Suspended"),
        ("FailureTarget", "FailureTarget"),
        ("SuccessCriteriaMet", "SuccessCriteriaMet"),
    ):
        if conditions.get(kind) == "True":
            return word
    return "Running"


def _job_completions(job: JsonObject, now: float) -> str:
    succeeded = read(job, "status.succeeded") or 0
    completions = read(job, "spec.completions")
    if completions is not None:
        return f"{succeeded}/{completions}"
    parallelism = read(job, "spec.parallelism") or 0
    return f"{succeeded}/1 of {parallelism}" if parallelism > 1 else f"{succeeded}/1"


def _job_duration(job: JsonObject, now: float) -> str:
    start = parse_time(read(job, "status.startTime"))
    end = parse_time(read(job, "status.completionTime"))
    if start is None:
        return ""
    return human_duration((now if end is None else end) - start)


def _last_schedule(job: JsonObject, now: float) -> str:
    last = read(job, "status.lastScheduleTime")
    return age_of(last, now) if last else NONE


def _active(job: JsonObject, now: float) -> int:
    return len(read(job, "status.active") or ())


def _controller(obj: JsonObject, now: float) -> str:
    for owner in read(obj, "metadata.ownerReferences") or ():
        if owner.get("controller"):
            group = owner.get("apiVersion", "").rpartition("/")[0]
            kind = str(owner.get("kind", "")).lower()
            return f"{kind}{'.' + group if group else ''}/{owner.get('name')}"
    return NONE


def _resource(group: str, resource: str, kind: str, **more: Any) -> Resource:
    more.setdefault("categories", ("all",))
    return Resource(group, "v1", resource, kind, namespaced=True, **more)


_TEMPLATE_COLUMNS = (CONTAINERS, IMAGES, SELECTOR)

WORKLOADS = (
    _resource(
        "apps",
        "controllerrevisions",
        "ControllerRevision",
        categories=(),
        columns=(
            NAME,
            Column("Controller", _controller),
            integer("Revision", "revision"),
            AGE,
        ),
    ),
    _resource(
        "apps",
        "daemonsets",
        "DaemonSet",
        short_names=("ds",),
        subresources=(status(),),
        columns=(
            NAME,
            integer("Desired", "status.desiredNumberScheduled"),
            integer("Current", "status.currentNumberScheduled"),
            integer("Ready", "status.numberReady"),
            integer("Up-to-date", "status.updatedNumberScheduled"),
            integer("Available", "status.numberAvailable"),
            Column(
                "Node Selector",
                lambda o, _: label_text(read(o, "spec.template.spec.nodeSelector")),
            ),
            AGE,
            *_TEMPLATE_COLUMNS,
        ),
        strategy=DaemonSetStrategy(),
    ),
    _resource(
        "apps",
        "deployments",
        "Deployment",
        short_names=("deploy",),
        subresources=(scale(), status()),
        columns=(
            NAME,
            _ratio("status.readyReplicas", "spec.replicas"),
            Column("Up-to-date", path("status.updatedReplicas", 0), type="integer"),
            Column("Available", path("status.availableReplicas", 0), type="integer"),
            AGE,
            *_TEMPLATE_COLUMNS,
        ),
        strategy=DeploymentStrategy(),
    ),
    _resource(
        "apps",
        "replicasets",
        "ReplicaSet",
        short_names=("rs",),
        subresources=(scale(), status()),
        columns=(
            NAME,
            integer("Desired", "spec.replicas"),
            integer("Current", "status.replicas"),
            integer("Ready", "status.readyReplicas"),
            AGE,
            *_TEMPLATE_COLUMNS,
        ),
        strategy=ReplicaSetStrategy(),
    ),
    _resource(
        "apps",
        "statefulsets",
        "StatefulSet",
        short_names=("sts",),
        subresources=(scale(), status()),
        columns=(
            NAME,
            _ratio("status.readyReplicas", "spec.replicas"),
            AGE,
            CONTAINERS,
            IMAGES,
        ),
        strategy=StatefulSetStrategy(),
    ),
    _resource(
        "batch",
        "cronjobs",
        "CronJob",
        short_names=("cj",),
        subresources=(status(),),
        columns=(
            NAME,
            text("Schedule", "spec.schedule"),
            text("Timezone", "spec.timeZone", "", NONE),
            boolean("Suspend", "spec.suspend"),
            Column("Active", _active, type="integer"),
            Column("Last Schedule", _last_schedule),
            AGE,
            *_TEMPLATE_COLUMNS,
        ),
        strategy=CronJobStrategy(),
    ),
    _resource(
        "batch",
        "jobs",
        "Job",
        subresources=(status(),),
        columns=(
            NAME,
            Column("Status", _job_status),
            Column("Completions", _job_completions),
            Column("Duration", _job_duration),
            AGE,
            *_TEMPLATE_COLUMNS,
        ),
        strategy=JobStrategy(),
    ),
    Resource(
        "",
        "v1",
        "replicationcontrollers",
        "ReplicationController",
        namespaced=True,
        short_names=("rc",),
        categories=("all",),
        subresources=(scale(), status()),
        columns=(
            NAME,
            integer("Desired", "spec.replicas"),
            integer("Current", "status.replicas"),
            integer("Ready", "status.readyReplicas"),
            AGE,
            *_TEMPLATE_COLUMNS,
        ),
        strategy=StatefulSetStrategy(),
    ),
)

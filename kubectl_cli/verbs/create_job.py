"""`create job`.

Source: kubernetes/kubectl pkg/cmd/create/create_job.go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kubectl_cli.creation import IMPERATIVE_FLAGS, create_in_namespace, only_name
from kubectl_cli.errors import CommandError
from kubectl_cli.flags import Flag
from kubectl_cli.selecting.targets import MISSING_RESOURCES, split_pair

if TYPE_CHECKING:
    from kubectl_cli.client.factory import Factory
    from kubectl_cli.flags import Options

SUMMARY = "Create a job of an image, or as a cron job makes it."
USE = "create job NAME --image=image [--from=cronjob/name] -- [COMMAND] [args...]"
EXAMPLES = """kubectl create job my-job --image=busybox -- date
kubectl create job test-job --from=cronjob/a-cronjob"""
FLAGS = (
    *IMPERATIVE_FLAGS,
    Flag("from", help="cronjob/NAME: the job that it makes, now."),
    Flag("image", help="The image."),
)
_MANUAL = {"cronjob.kubernetes.io/instantiate": "manual"}


def run(options: Options, factory: Factory) -> int:
    """POST the job."""
    name = only_name(options, "create job")
    source, image = options.text("from"), options.text("image")
    command = options.args[options.dash_at :] if options.dash_at is not None else []
    if bool(source) == bool(image):
        raise CommandError("either --image or --from must be specified")
    if command and source:
        raise CommandError("cannot specify --from and command")
    metadata: dict[str, Any] = {"name": name}
    if source:
        cron_job = _cron_job(factory, source)
        owner = {key: cron_job["metadata"][key] for key in ("name", "uid")}
        owner |= {"apiVersion": "batch/v1", "kind": "CronJob", "controller": True}
        template = cron_job["spec"]["jobTemplate"]
        inner = template.get("metadata") or {}
        metadata["annotations"] = _MANUAL | (inner.get("annotations") or {})
        if inner.get("labels"):
            metadata["labels"] = inner["labels"]
        metadata["ownerReferences"] = [owner]
        spec = dict(template.get("spec") or {})
        spec["template"] = {"metadata": {}, **(spec.get("template") or {})}
    else:
        spec = job_spec(name, image, command, "Never")
    obj = {
        "kind": "Job",
        "apiVersion": "batch/v1",
        "metadata": metadata,
        "spec": spec,
        "status": {},
    }
    return create_in_namespace(
        options,
        factory,
        "/apis/batch/v1",
        "jobs",
        obj,
        failure="failed to create job: ",
    )


def _cron_job(factory: Factory, source: str) -> dict[str, Any]:
    if "/" not in source:
        factory.mapper.resolve(source)
        raise CommandError(MISSING_RESOURCES)
    kind, name = split_pair(source)
    resource = factory.mapper.resolve(kind)
    found = factory.client.get(resource.path(factory.namespace, name))
    if resource.kind != "CronJob":
        raise CommandError(f"unknown object type *{resource.version}.{resource.kind}")
    return found


def job_spec(name: str, image: str, command: list[str], restart: str) -> dict[str, Any]:
    """One container, which the job and its pod are named after."""
    container: dict[str, Any] = {"name": name, "image": image}
    if command:
        container["command"] = command
    container["resources"] = {}
    pod = {"containers": [container], "restartPolicy": restart}
    return {"template": {"metadata": {}, "spec": pod}}

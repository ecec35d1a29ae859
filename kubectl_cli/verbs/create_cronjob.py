"""`create cronjob`.

Source: kubernetes/kubectl pkg/cmd/create/create_cronjob.go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_cli.creation import IMPERATIVE_FLAGS, create_in_namespace, only_name
from kubectl_cli.flags import Flag

if TYPE_CHECKING:
    from kubectl_cli.client.factory import Factory
    from kubectl_cli.flags import Options

SUMMARY = "Create a cron job of an image."
USE = (
    "create cronjob NAME --image=image --schedule='0/5 * * * ?' -- [COMMAND] [args...]"
)
EXAMPLES = (
    'kubectl create cronjob my-job --image=busybox --schedule="*/1 * * * *" -- date'
)
FLAGS = (
    *IMPERATIVE_FLAGS,
    Flag("image", help="The image."),
    Flag("restart", help="The restart policy of the pods: OnFailure or Never."),
    Flag("schedule", help="When, as cron has it."),
)
REQUIRED = ("image", "schedule")


def run(options: Options, factory: Factory) -> int:
    """POST the cron job."""
    from kubectl_cli.verbs.create_job import job_spec

    name = only_name(options, "create cronjob")
    command = options.args[options.dash_at :] if options.dash_at is not None else []
    restart = options.text("restart") or "OnFailure"
    obj = {
        "kind": "CronJob",
        "apiVersion": "batch/v1",
        "metadata": {"name": name},
        "spec": {
            "schedule": options.text("schedule"),
            "jobTemplate": {
                "metadata": {"name": name},
                "spec": job_spec(name, options.text("image"), command, restart),
            },
        },
        "status": {},
    }
    return create_in_namespace(
        options,
        factory,
        "/apis/batch/v1",
        "cronjobs",
        obj,
        failure="failed to create cronjob: ",
    )

"""`create deployment`.

Source: kubernetes/kubectl pkg/cmd/create/create_deployment.go.
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

SUMMARY = "Create a deployment of some images."
USE = "create deployment NAME --image=image -- [COMMAND] [args...]"
FLAGS = (
    *IMPERATIVE_FLAGS,
    Flag("image", "slice", help="An image; may be repeated."),
    Flag("port", "int", -1, help="The port that the container offers."),
    Flag("replicas", "int", 1, short="r", help="How many pods."),
)
REQUIRED = ("image",)


def run(options: Options, factory: Factory) -> int:
    """POST the deployment."""
    name = only_name(options, "create deployment")
    command = options.args[options.dash_at :] if options.dash_at is not None else []
    images = options.items("image")
    if len(images) > 1 and command:
        raise CommandError("cannot specify multiple --image options and command")
    labels = {"app": name}
    obj: dict[str, Any] = {
        "kind": "Deployment",
        "apiVersion": "apps/v1",
        "metadata": {"name": name, "labels": labels},
        "spec": {
            "replicas": options.number("replicas"),
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {
                    "containers": [_container(i, options, command) for i in images]
                },
            },
            "strategy": {},
        },
        "status": {},
    }
    return create_in_namespace(
        options,
        factory,
        "/apis/apps/v1",
        "deployments",
        obj,
        failure="failed to create deployment: ",
    )


def _container(image: str, options: Options, command: list[str]) -> dict[str, Any]:
    container: dict[str, Any] = {"name": _name_of(image), "image": image}
    if command:
        container["command"] = command
    if options.number("port") >= 0:
        container["ports"] = [{"containerPort": options.number("port")}]
    container["resources"] = {}
    return container


def _name_of(image: str) -> str:
    """The last word of the image without tag and digest, as a name may be."""
    base = image.rpartition("/")[2]
    base = re.split(r"[:@]", base)[0]
    return re.sub(r"[^-a-z0-9]", "-", base.lower()).strip("-")

"""`set resources`: what the containers of a pod or a template ask for and may use.

Source: kubernetes/kubectl pkg/cmd/set/set_resources.go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_cli.errors import CommandError
from kubectl_cli.flags import Flag
from kubectl_cli.setting.flags import CONTAINERS_FLAG, SELECTOR_FLAG, SET_FLAGS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from apimachinery.types import JsonObject
    from kubectl_cli.client.factory import Factory
    from kubectl_cli.flags import Options
    from kubectl_cli.selecting.selected import Selected

SUMMARY = "Change the requests and limits of a pod template."
USE = (
    "set resources (-f FILENAME | TYPE NAME)  ([--limits=LIMITS & --requests=REQUESTS]"
)
EXAMPLES = (
    "kubectl set resources deployment nginx -c=nginx --limits=cpu=200m,memory=512Mi"
)
FLAGS = (
    *SET_FLAGS,
    SELECTOR_FLAG,
    CONTAINERS_FLAG,
    Flag("limits", help="Such as cpu=100m,memory=256Mi."),
    Flag("requests", help="Such as cpu=100m,memory=256Mi."),
)


def run(options: Options, factory: Factory) -> int:
    """Patch each object that changes."""
    from kubectl_cli.documents.resource_lists import parse_resource_list
    from kubectl_cli.setting.objects import ObjectSetter, found_before_flags
    from kubectl_cli.setting.pod_specs import containers_named, pod_spec

    setter = ObjectSetter(options, factory, "resource requirements updated")
    found = found_before_flags(options, factory, options.args)
    if not options.text("limits") and not options.text("requests"):
        raise CommandError(
            "you must specify an update to requests or limits (in the form of"
            " --requests/--limits)"
        )
    amounts = {
        kind: parse_resource_list(options.text(kind)) for kind in ("limits", "requests")
    }
    pattern = options.text("containers")

    def edit(each: Selected, obj: JsonObject) -> Iterator[CommandError]:
        containers = containers_named(pod_spec(each, obj), pattern)
        if not containers:
            yield CommandError(f"error: unable to find container named {pattern}")
        for container in containers:
            for kind, new in amounts.items():
                if new:
                    resources = container.setdefault("resources", {})
                    resources[kind] = {**(resources.get(kind) or {}), **new}

    return setter.run(
        found, edit, failure="failed to patch resources update to pod template "
    )

"""`set serviceaccount`: who the pods of a template are.

Source: kubernetes/kubectl pkg/cmd/set/set_serviceaccount.go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_cli.errors import CommandError
from kubectl_cli.setting.flags import SET_FLAGS

if TYPE_CHECKING:
    from apimachinery.types import JsonObject
    from kubectl_cli.client.factory import Factory
    from kubectl_cli.flags import Options
    from kubectl_cli.selecting.selected import Selected

SUMMARY = "Change the service account of a pod template."
USE = "set serviceaccount (-f FILENAME | TYPE NAME) SERVICE_ACCOUNT"
EXAMPLES = "kubectl set serviceaccount deployment nginx-deployment serviceaccount1"
FLAGS = SET_FLAGS


def run(options: Options, factory: Factory) -> int:
    """Patch each object."""
    from kubectl_cli.setting.objects import ObjectSetter, all_or_none, check_flags
    from kubectl_cli.setting.pod_specs import pod_spec

    setter = ObjectSetter(options, factory, "serviceaccount updated")
    check_flags(options)
    if not options.args:
        raise CommandError("serviceaccount is required")
    *words, name = options.args
    found = all_or_none(options, factory, words)

    def edit(each: Selected, obj: JsonObject) -> tuple[()]:
        pod_spec(each, obj)["serviceAccountName"] = name
        return ()

    return setter.run(
        found, edit, failure="failed to patch ServiceAccountName ", unchanged_too=True
    )

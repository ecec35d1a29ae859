"""`create token`: a token of a service account.

Source: kubernetes/kubectl pkg/cmd/create/create_token.go.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from apimachinery.status import StatusError
from kubectl_cli.creation import only_name
from kubectl_cli.errors import CommandError
from kubectl_cli.flags import Flag
from kubectl_cli.printers.objects import COMMON_FORMATS, PRINT_FLAGS, make_printer

if TYPE_CHECKING:
    from kubectl_cli.client.factory import Factory
    from kubectl_cli.flags import Options

SUMMARY = "Ask for a token of a service account."
USE = "create token SERVICE_ACCOUNT_NAME"
EXAMPLES = """kubectl create token myapp --duration 10m
kubectl create token myapp --bound-object-kind Secret --bound-object-name mysecret"""
FLAGS = (
    *PRINT_FLAGS,
    Flag("audience", "array", help="Who shall accept it; may be repeated."),
    Flag("bound-object-kind", help="It ends with an object: Node, Pod or Secret."),
    Flag("bound-object-name", help="The name of that object."),
    Flag(
        "bound-object-uid", help="The UID of that object; else that of the present one."
    ),
    Flag("duration", "duration", help="How long it shall be valid."),
)
_KINDS = ("Node", "Pod", "Secret")


def run(options: Options, factory: Factory) -> int:
    """POST the request, and print the token or the whole answer."""
    name = only_name(options, "create token")
    printer = make_printer(options, COMMON_FORMATS, typed=True)
    obj = {
        "kind": "TokenRequest",
        "apiVersion": "authentication.k8s.io/v1",
        "metadata": {},
        "spec": _spec(options),
        "status": {"token": "", "expirationTimestamp": None},
    }
    path = f"/api/v1/namespaces/{factory.namespace}/serviceaccounts/{name}/token"
    try:
        answer = factory.client.call("POST", path, [], obj)
    except StatusError as error:
        raise CommandError(f"failed to create token: {error}") from None
    token = (answer.get("status") or {}).get("token")
    if not token:
        raise CommandError("failed to create token: no token in server response")
    if printer is not None:
        answer["spec"].setdefault("boundObjectRef", None)  # written always, as Go does
        sys.stdout.write(printer.render(answer))
    else:
        sys.stdout.write(f"{token}\n" if sys.stdout.isatty() else token)
    return 0


def _spec(options: Options) -> dict[str, Any]:
    duration = options.seconds("duration")
    if duration < 0:
        raise CommandError("--duration must be greater than or equal to 0")
    if not duration.is_integer():
        raise CommandError("--duration cannot be expressed in units less than seconds")
    if "" in options.items("audience"):
        raise CommandError("--audience must not be an empty string")
    return {
        "audiences": options.items("audience") or None,
        "expirationSeconds": int(duration) or None,
        "boundObjectRef": _bound_object(options),
    }


def _bound_object(options: Options) -> dict[str, str] | None:
    kind = options.text("bound-object-kind")
    name, uid = options.text("bound-object-name"), options.text("bound-object-uid")
    if not kind:
        for flag, value in (("name", name), ("uid", uid)):
            if value:
                raise CommandError(
                    f"--bound-object-{flag} can only be set if --bound-object-kind is"
                    " provided"
                )
        return None
    if kind not in _KINDS:
        raise CommandError(
            f"supported --bound-object-kind values are {', '.join(_KINDS)}"
        )
    if not name:
        raise CommandError(
            "--bound-object-name is required if --bound-object-kind is provided"
        )
    found = {"kind": kind, "apiVersion": "v1", "name": name}
    return {**found, "uid": uid} if uid else found

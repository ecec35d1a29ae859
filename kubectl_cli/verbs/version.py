"""`version`: of the client, and of the server unless told not to ask."""

from __future__ import annotations

import sys

from kubectl_cli.errors import CommandError
from kubectl_cli.flags import Flag
from kubectl_cli.versions import GIT_VERSION, KUSTOMIZE_VERSION, MAJOR, MINOR

TYPE_CHECKING = False
if TYPE_CHECKING:
    from apimachinery.types import JsonObject
    from kubectl_cli.client.factory import Factory
    from kubectl_cli.flags import Options

SUMMARY = "Print the version of the client and of the server."
USE = "version [flags]"
EXAMPLES = "kubectl version\nkubectl version --client -o yaml"
FLAGS = (
    Flag("client", "bool", help="Only the client's version; no server is asked."),
    Flag("output", short="o", help="One of 'yaml' or 'json'."),
)


def run(options: Options, factory: Factory) -> int:
    """Print the versions; a server that does not answer fails after the client's."""
    output = options.text("output")
    if options.args:
        raise CommandError(f"extra arguments: [{' '.join(options.args)}]")
    if output not in ("", "yaml", "json"):
        raise CommandError("--output must be 'yaml' or 'json'")
    server: JsonObject | None = None
    failure: Exception | None = None
    if not options.flag("client"):
        factory.client  # noqa: B018 - a kubeconfig that is wrong counts before all
        try:
            server = _server_version(factory)
        except Exception as error:  # noqa: BLE001 - told after the client's version
            failure = error
    if output:
        _print_structured(output, server)
    else:
        _print_text(server)
    if failure is not None:
        raise failure
    if server is not None:
        _warn_of_skew(server)
    return 0


def _server_version(factory: Factory) -> JsonObject:
    from kubectl_cli.client.rest import ACCEPT_REST

    query = [] if factory.options.changed("request-timeout") else [("timeout", "32s")]
    return factory.client.get("/version", query, accept=ACCEPT_REST)


def _print_text(server: JsonObject | None) -> None:
    print(f"Client Version: {GIT_VERSION}")
    print(f"Kustomize Version: {KUSTOMIZE_VERSION}")
    if server is not None:
        print(f"Server Version: {server.get('gitVersion', '')}")


def _print_structured(output: str, server: JsonObject | None) -> None:
    versions: JsonObject = {
        "clientVersion": client_version(),
        "kustomizeVersion": KUSTOMIZE_VERSION,
    }
    if server is not None:
        versions["serverVersion"] = server
    if output == "yaml":
        from kubectl_cli.printers.yaml import to_yaml

        print(to_yaml(versions))
        return
    import json

    print(json.dumps(versions, indent=2))


def client_version() -> JsonObject:
    """What `-o json` says of us: the modelled version, and truly how we were built."""
    from kubectl_cli.versions import platform

    return {
        "major": MAJOR,
        "minor": MINOR,
        "gitVersion": GIT_VERSION,
        "gitCommit": "mini-kube",
        "gitTreeState": "clean",
        "buildDate": "1970-01-01T00:00:00Z",
        "goVersion": f"python{sys.version.split()[0]}",
        "compiler": sys.implementation.name,
        "platform": platform(),
    }


def _warn_of_skew(server: JsonObject) -> None:
    """More than one minor version apart is not supported.

    Source: kubernetes/kubectl pkg/cmd/version/skew_warning.go.
    """
    minor = "".join(letter for letter in str(server.get("minor")) if letter.isdigit())
    if not minor or abs(int(minor) - int(MINOR)) <= 1:
        return
    print(
        f"WARNING: version difference between client ({MAJOR}.{MINOR}) and server"
        f" ({server.get('major')}.{minor}) exceeds the supported minor version skew of"
        " +/-1",
        file=sys.stderr,
    )

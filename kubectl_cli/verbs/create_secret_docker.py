"""`create secret docker-registry`: what to pull images with.

Source: kubernetes/kubectl pkg/cmd/create/create_secret_docker.go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_cli.creation import IMPERATIVE_FLAGS, only_name
from kubectl_cli.documents.data_sources import (
    APPEND_HASH_FLAG,
    FROM_FILE_FLAG,
    read_files,
)
from kubectl_cli.errors import CommandError
from kubectl_cli.flags import Flag
from kubectl_cli.verbs.create_secret import create_secret

if TYPE_CHECKING:
    from kubectl_cli.client.factory import Factory
    from kubectl_cli.flags import Options

SUMMARY = "Create a secret for a registry of images."
USE = (
    "create secret docker-registry NAME --docker-username=user"
    " --docker-password=password --docker-email=email [--docker-server=string]"
    " [--from-file=[key=]source] [--dry-run=server|client|none]"
)
EXAMPLES = (
    "kubectl create secret docker-registry my-secret"
    " --from-file=.dockerconfigjson=path/to/.docker/config.json"
)
FLAGS = (
    *IMPERATIVE_FLAGS,
    APPEND_HASH_FLAG,
    FROM_FILE_FLAG,
    Flag("docker-email", help="The user's address."),
    Flag("docker-password", help="The password."),
    Flag("docker-server", default="https://index.docker.io/v1/", help="The registry."),
    Flag("docker-username", help="The user."),
)
_KEY = ".dockerconfigjson"
_TYPE = "kubernetes.io/dockerconfigjson"


def run(options: Options, factory: Factory) -> int:
    """POST the secret."""
    name = only_name(options, "create secret docker-registry")
    required = ("docker-username", "docker-password", "docker-server")
    if options.items("from-file"):
        data = read_files(options.items("from-file"), "Secret", name, default_key=_KEY)
    elif all(options.text(flag) for flag in required):
        data = {_KEY: _docker_config(options).encode("utf-8", "surrogateescape")}
    else:
        raise CommandError(
            "either --from-file or the combination of --docker-username,"
            " --docker-password and --docker-server is required"
        )
    return create_secret(
        options,
        factory,
        name,
        data,
        secret_type=_TYPE,
        failure="failed to create secret ",
    )


def _docker_config(options: Options) -> str:
    """What `docker login` writes to ~/.docker/config.json."""
    import base64

    from kubectl_cli.printers.json import compact

    user, password = options.text("docker-username"), options.text("docker-password")
    entry = {"username": user, "password": password}
    if options.text("docker-email"):
        entry["email"] = options.text("docker-email")
    pair = f"{user}:{password}".encode("utf-8", "surrogateescape")
    entry["auth"] = base64.b64encode(pair).decode()
    auths = {options.text("docker-server"): entry}
    return compact({"auths": auths}, sort_keys=False)

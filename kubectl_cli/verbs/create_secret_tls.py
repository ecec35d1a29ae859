"""`create secret tls`: of a certificate and its private key.

Source: kubernetes/kubectl pkg/cmd/create/create_secret_tls.go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_cli.creation import IMPERATIVE_FLAGS, only_name
from kubectl_cli.documents.data_sources import APPEND_HASH_FLAG
from kubectl_cli.documents.files import read_file
from kubectl_cli.errors import CommandError
from kubectl_cli.flags import Flag
from kubectl_cli.verbs.create_secret import create_secret

if TYPE_CHECKING:
    from kubectl_cli.client.factory import Factory
    from kubectl_cli.flags import Options

SUMMARY = "Create a secret of a certificate and its key."
USE = (
    "create secret tls NAME --cert=path/to/cert/file --key=path/to/key/file"
    " [--dry-run=server|client|none]"
)
EXAMPLES = (
    "kubectl create secret tls my-tls --cert=path/to/tls.crt --key=path/to/tls.key"
)
FLAGS = (
    *IMPERATIVE_FLAGS,
    APPEND_HASH_FLAG,
    Flag("cert", help="The file of the certificate, PEM."),
    Flag("key", help="The file of its private key, PEM."),
)
_TYPE = "kubernetes.io/tls"


def run(options: Options, factory: Factory) -> int:
    """POST the secret, if the two belong together."""
    from kubectl_cli.documents.key_pairs import check_key_pair

    name = only_name(options, "create secret tls")
    certificate, key = options.text("cert"), options.text("key")
    if not certificate or not key:
        raise CommandError("key and cert must be specified")
    data = {"tls.crt": _read(certificate), "tls.key": _read(key)}
    check_key_pair(data["tls.crt"], data["tls.key"])
    return create_secret(
        options,
        factory,
        name,
        data,
        secret_type=_TYPE,
        failure="failed to create secret ",
    )


def _read(path: str) -> bytes:
    try:
        return read_file(path)
    except CommandError as error:
        raise CommandError(f"Cannot read file {path}, {error}") from None

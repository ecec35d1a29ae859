"""`config set-cluster`: make or change a cluster of the kubeconfig.

Source: kubernetes/kubectl pkg/cmd/config/set_cluster.go.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from kubectl_cli.errors import CommandError
from kubectl_cli.flags import Flag

if TYPE_CHECKING:
    from apimachinery.types import JsonObject
    from kubectl_cli.client.factory import Factory
    from kubectl_cli.flags import Options

SUMMARY = "Make or change a cluster of the kubeconfig."
USE = (
    "config set-cluster NAME [--server=server]"
    " [--certificate-authority=path/to/certificate/authority]"
    " [--insecure-skip-tls-verify=true] [--tls-server-name=example.com]"
)
EXAMPLES = (
    "kubectl config set-cluster e2e --server=https://1.2.3.4\n"
    "kubectl config set-cluster e2e --embed-certs --certificate-authority=ca.crt"
)
FLAGS = (
    Flag("certificate-authority", help="File with the authority of the server."),
    Flag(
        "embed-certs", "bool", help="Put the content of the file into the kubeconfig."
    ),
    Flag("insecure-skip-tls-verify", "bool", help="Accept any server. Not secure."),
    Flag("proxy-url", help="Proxy on the way to the server."),
    Flag("server", help="Address of the API server."),
    Flag("tls-server-name", help="Name that the server's certificate must have."),
)
_AUTHORITY = "certificate-authority"
_INSECURE = "insecure-skip-tls-verify"


def run(options: Options, factory: Factory) -> int:
    """Change the fields that were given, leave the others."""
    from kubectl_cli.client.kubeconfig_files import put_stanza

    if len(options.args) != 1:
        from kubectl_cli.help import unexpected_words

        module = sys.modules[__name__]
        raise unexpected_words(factory.command, module, options.args)
    _validate(options)
    name, config = options.args[0], factory.kubeconfig
    stanza = _changed(config.clusters.get(name, {}), options)
    put_stanza(options, config, "clusters", name, stanza, relative=True)
    print(f'Cluster "{name}" set.')
    return 0


def _validate(options: Options) -> None:
    from kubectl_cli.client.kubeconfig_files import check_embedded

    if not options.args[0]:
        raise CommandError("you must specify a non-empty cluster name")
    authority = options.text(_AUTHORITY)
    if options.flag(_INSECURE) and authority:
        raise CommandError(
            "you cannot specify a certificate authority and insecure mode at the same"
            " time"
        )
    if options.flag("embed-certs"):
        check_embedded(options, (_AUTHORITY,))


def _changed(stanza: JsonObject, options: Options) -> JsonObject:
    from kubectl_cli.client.kubeconfig_files import content

    stanza = dict(stanza)
    if options.changed("server"):
        # A name that was right for the other server is not for this one.
        stanza.pop("tls-server-name", None)
    for key in ("server", "tls-server-name", "proxy-url"):
        if options.changed(key):
            stanza[key] = options.text(key)
    if options.changed(_INSECURE):
        stanza[_INSECURE] = options.flag(_INSECURE)
        if stanza[_INSECURE]:
            _forget_authority(stanza)
    if options.changed(_AUTHORITY):
        path = options.text(_AUTHORITY)
        _forget_authority(stanza)
        stanza.pop(_INSECURE, None)
        if options.flag("embed-certs"):
            stanza[f"{_AUTHORITY}-data"] = content(path)
        else:
            stanza[_AUTHORITY] = os.path.abspath(path)
    return stanza


def _forget_authority(stanza: JsonObject) -> None:
    stanza.pop(_AUTHORITY, None)
    stanza.pop(f"{_AUTHORITY}-data", None)

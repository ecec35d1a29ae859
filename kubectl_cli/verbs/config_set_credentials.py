"""`config set-credentials`: make or change a user of the kubeconfig.

Source: kubernetes/kubectl pkg/cmd/config/set_credentials.go.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from kubectl_cli.errors import CommandError
from kubectl_cli.flags import Flag

if TYPE_CHECKING:
    from apimachinery.types import JsonObject
    from kubectl_cli.client.factory import Factory
    from kubectl_cli.flags import Options

SUMMARY = "Make or change a user of the kubeconfig."
USE = (
    "config set-credentials NAME [--client-certificate=path/to/certfile]"
    " [--client-key=path/to/keyfile] [--token=bearer_token] [--username=basic_user]"
    " [--password=basic_password] [--auth-provider=provider_name]"
    " [--auth-provider-arg=key=value] [--exec-command=exec_command]"
    " [--exec-api-version=exec_api_version] [--exec-arg=arg] [--exec-env=key=value]"
)
EXAMPLES = (
    "kubectl config set-credentials cluster-admin --client-key=~/.kube/admin.key\n"
    "kubectl config set-credentials cluster-admin --exec-env=key1=val1"
)
FLAGS = (
    Flag("auth-provider", help="Name of a provider of credentials."),
    Flag("auth-provider-arg", "slice", help="key=value for it, or key- for none."),
    Flag("client-certificate", help="File with the user's certificate."),
    Flag("client-key", help="File with the key of the certificate."),
    Flag("embed-certs", "bool", help="Put the files' content into the kubeconfig."),
    Flag("exec-api-version", help="API version that the plugin speaks."),
    Flag("exec-arg", "slice", help="Arguments of the plugin, in place of the old."),
    Flag("exec-command", help="Plugin to ask for credentials."),
    Flag("exec-env", "array", help="key=value in its environment, or key- for none."),
    Flag("exec-interactive-mode", help="IfAvailable, Never or Always."),
    Flag("exec-provide-cluster-info", "bool", help="Tell the plugin of the cluster."),
    Flag("password", help="Password for basic authentication."),
    Flag("token", help="Bearer token to show to the server."),
    Flag("username", help="User name for basic authentication."),
)
_FILES = ("client-certificate", "client-key")
_MODES = ("", "IfAvailable", "Never", "Always")


def run(options: Options, factory: Factory) -> int:
    """Change the fields that were given, leave the others."""
    from kubectl_cli.client.kubeconfig_files import put_stanza

    try:
        if len(options.args) != 1:
            raise CommandError(f"unexpected args: [{' '.join(options.args)}]")
        provider = _Pairs(options, "auth-provider-arg")
        variables = _Pairs(options, "exec-env")
    except CommandError:
        from kubectl_cli.help import show_command

        show_command(factory.command, sys.modules[__name__])
        raise
    _validate(options)
    name, config = options.args[0], factory.kubeconfig
    stanza = dict(config.users.get(name, {}))
    _change_files(stanza, options)
    _change_secrets(stanza, options)
    _change_provider(stanza, options, provider)
    _change_plugin(stanza, options, variables)
    put_stanza(options, config, "users", name, stanza, relative=True)
    print(f'User "{name}" set.')
    return 0


class _Pairs:
    """A flag of `key=value` to set and `key-` to remove.

    Source: kubernetes/kubectl pkg/cmd/util/helpers.go (ParsePairs).
    """

    def __init__(self, options: Options, flag: str) -> None:
        self.new: dict[str, str] = {}
        self.removed: set[str] = set()
        wrong = []
        for item in options.items(flag):
            key, equals, value = item.partition("=")
            if equals and key:
                self.new[key] = value
            elif not equals and item.endswith("-") and item != "-":
                self.removed.add(item[:-1])
            else:
                wrong.append(item)
        if wrong:
            raise CommandError(f"invalid {flag} format: {', '.join(wrong)}")


def _validate(options: Options) -> None:
    from kubectl_cli.client.kubeconfig_files import check_embedded

    if not options.args[0]:
        raise CommandError("you must specify a non-empty user name")
    if options.text("token") and _has_basic(options):
        raise CommandError(
            "you cannot specify more than one authentication method at the same time:"
            " --token, --username/--password"
        )
    if options.flag("embed-certs"):
        check_embedded(options, _FILES)
    if options.text("exec-interactive-mode") not in _MODES:
        raise CommandError(
            "invalid interactive mode type, can be only IfAvailable, Never, Always"
        )


def _has_basic(options: Options) -> bool:
    return bool(options.text("username") or options.text("password"))


def _change_files(stanza: JsonObject, options: Options) -> None:
    from kubectl_cli.client.kubeconfig_files import content

    for key in _FILES:
        if not options.changed(key):
            continue
        stanza.pop(key, None)
        stanza.pop(f"{key}-data", None)
        path = options.text(key)
        if options.flag("embed-certs") and path:
            stanza[f"{key}-data"] = content(path)
        elif not options.flag("embed-certs"):
            stanza[key] = os.path.abspath(path)


def _change_secrets(stanza: JsonObject, options: Options) -> None:
    """One way to show who one is takes the place of the other."""
    for key in ("token", "username", "password"):
        if options.changed(key):
            stanza[key] = options.text(key)
    if options.text("token"):
        stanza.pop("username", None)
        stanza.pop("password", None)
    elif _has_basic(options):
        stanza.pop("token", None)


def _change_provider(stanza: JsonObject, options: Options, pairs: _Pairs) -> None:
    name = options.text("auth-provider")
    provider = stanza.get("auth-provider")
    if options.changed("auth-provider") and (provider or {}).get("name") != name:
        provider = {}
    if provider is None:
        return
    old = provider.get("config") or {}
    kept = {key: value for key, value in old.items() if key not in pairs.removed}
    config = dict(sorted({**kept, **pairs.new}.items()))
    name = name or str(provider.get("name") or "")
    stanza["auth-provider"] = {"config": config, "name": name}


def _change_plugin(stanza: JsonObject, options: Options, pairs: _Pairs) -> None:
    """Without a plugin and without --exec-command the other flags say nothing."""
    plugin: dict[str, Any] = dict(stanza.get("exec") or {})
    if options.changed("exec-command"):
        plugin["command"] = options.text("exec-command")
        plugin.pop("args", None)
    if not plugin:
        return
    for flag, key in (
        ("exec-api-version", "apiVersion"),
        ("exec-interactive-mode", "interactiveMode"),
    ):
        if options.changed(flag):
            plugin[key] = options.text(flag)
    if options.changed("exec-provide-cluster-info"):
        plugin["provideClusterInfo"] = options.flag("exec-provide-cluster-info")
    if options.items("exec-arg"):
        plugin["args"] = options.items("exec-arg")
    plugin["env"] = _environment(plugin.get("env") or [], pairs)
    stanza["exec"] = plugin


def _environment(old: list[JsonObject], pairs: _Pairs) -> list[JsonObject]:
    values = {each["name"]: each.get("value", "") for each in old}
    kept = {name: v for name, v in values.items() if name not in pairs.removed}
    return [{"name": n, "value": v} for n, v in {**kept, **pairs.new}.items()]

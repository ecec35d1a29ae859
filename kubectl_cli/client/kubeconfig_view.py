"""kubeconfigs as kubectl shows and writes them.

Source: kubernetes/client-go tools/clientcmd/api/v1/types.go (the order of fields),
api/helpers.go (what is hidden), kubernetes/kubectl pkg/cmd/config.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Any

from kubectl_cli.errors import CommandError

if TYPE_CHECKING:
    from apimachinery.kubeconfig import Kubeconfig
    from apimachinery.types import JsonObject

__all__ = ["as_document", "flatten", "hide", "minify", "write_file"]

_CLUSTER = (
    "server",
    "tls-server-name",
    "insecure-skip-tls-verify",
    "certificate-authority",
    "certificate-authority-data",
    "proxy-url",
    "disable-compression",
    "extensions",
)
_USER = (
    "client-certificate",
    "client-certificate-data",
    "client-key",
    "client-key-data",
    "token",
    "tokenFile",
    "as",
    "as-uid",
    "as-groups",
    "as-user-extra",
    "username",
    "password",
    "auth-provider",
    "exec",
    "extensions",
)
_CONTEXT = ("cluster", "user", "namespace", "extensions")
_EXEC = (
    "command",
    "args",
    "env",
    "apiVersion",
    "installHint",
    "provideClusterInfo",
    "interactiveMode",
)
_REQUIRED = {"server", "cluster", "user"}
_EXEC_ALWAYS = {"command", "args", "env", "provideClusterInfo"}


def as_document(config: Kubeconfig) -> JsonObject:
    """The file: entries by name, fields in the order of their type."""
    document: JsonObject = {"kind": "Config", "apiVersion": "v1"}
    if preferences := config.rest.get("preferences"):
        document["preferences"] = preferences
    document |= {
        "clusters": _entries(config.clusters, "cluster", _CLUSTER),
        "users": _entries(config.users, "user", _USER),
        "contexts": _entries(config.contexts, "context", _CONTEXT),
        "current-context": config.current_context,
    }
    if extensions := config.rest.get("extensions"):
        document["extensions"] = _by_key(extensions)
    return document


def _entries(
    stanzas: dict[str, JsonObject], key: str, order: tuple[str, ...]
) -> list[JsonObject] | None:
    if not stanzas:
        return None
    return [
        {"name": name, key: _ordered(stanzas[name], order)} for name in sorted(stanzas)
    ]


def _ordered(stanza: JsonObject, order: tuple[str, ...]) -> JsonObject:
    result: JsonObject = {}
    for name in order:
        value = stanza.get(name)
        if name == "exec" and value:
            result[name] = _ordered_exec(value)
        elif name == "extensions" and value:
            result[name] = [_by_key(each) for each in value]
        elif value or name in _REQUIRED:
            if name == "user" and order is not _CONTEXT:
                continue
            result[name] = value if value is not None else ""
    if order is _USER:
        result.pop("cluster", None)
    return result


def _by_key(value: Any) -> Any:
    """An extension comes as YAML and is kept as JSON, whose keys Go sorts."""
    if isinstance(value, dict):
        # "name" stands first: it is a field of NamedExtension, the rest is opaque
        keys = sorted(value, key=lambda key: (key != "name", key))
        return {key: _by_key(value[key]) for key in keys}
    return [_by_key(each) for each in value] if isinstance(value, list) else value


def _ordered_exec(plugin: JsonObject) -> JsonObject:
    result: JsonObject = {}
    for name in _EXEC:
        value = plugin.get(name)
        if name == "provideClusterInfo":
            result[name] = bool(value)
        elif value or name in _EXEC_ALWAYS:
            result[name] = value or None
    return result


def hide(document: JsonObject) -> JsonObject:
    """Put REDACTED and DATA+OMITTED where secrets and certificates stand."""
    for entry in document["users"] or ():
        user = entry["user"]
        for key in ("client-certificate-data", "client-key-data"):
            _replace(user, key, "DATA+OMITTED")
        for key in ("token", "password"):
            _replace(user, key, "REDACTED")
        for variable in (user.get("exec") or {}).get("env") or ():
            variable["value"] = "REDACTED"
    for entry in document["clusters"] or ():
        _replace(entry["cluster"], "certificate-authority-data", "DATA+OMITTED")
    return document


def _replace(stanza: JsonObject, key: str, text: str) -> None:
    if stanza.get(key):
        stanza[key] = text


def minify(config: Kubeconfig, context: str) -> Kubeconfig:
    """Only what the context needs."""
    from apimachinery.kubeconfig import Kubeconfig as Config

    name = context or config.current_context
    if not name:
        raise CommandError("current-context must exist in order to minify")
    if name not in config.contexts:
        raise CommandError(f"cannot locate context {name}")
    stanza = config.contexts[name]
    cluster, user = str(stanza.get("cluster") or ""), str(stanza.get("user") or "")
    if user and user not in config.users:
        raise CommandError(f"cannot locate user {user}")
    if cluster and cluster not in config.clusters:
        raise CommandError(f"cannot locate cluster {cluster}")
    return Config(
        clusters={cluster: config.clusters[cluster]} if cluster else {},
        users={user: config.users[user]} if user else {},
        contexts={name: stanza},
        current_context=name,
        rest=config.rest,
        origins=config.origins,
    )


_FILES = (
    ("users", "client-certificate", "client-certificate-data"),
    ("users", "client-key", "client-key-data"),
    ("clusters", "certificate-authority", "certificate-authority-data"),
)


def flatten(config: Kubeconfig) -> Kubeconfig:
    """Files become data in the kubeconfig itself."""
    import base64

    for section, path_key, data_key in _FILES:
        for name, stanza in getattr(config, section).items():
            path = stanza.pop(path_key, "")
            if not path or stanza.get(data_key):
                continue
            folder = os.path.dirname(config.origin(section, name))
            full = os.path.join(folder, path)
            try:
                with open(full, "rb") as stream:
                    stanza[data_key] = base64.b64encode(stream.read()).decode()
            except OSError as error:
                problem = (error.strerror or "").lower()
                raise CommandError(f"open {full}: {problem}") from None
    return config


def write_file(path: str, config: Kubeconfig) -> None:
    """Replace the file at once. It holds secrets: 0600, unless it has a mode already.

    A link stays one: what it leads to is written.
    """
    from kubectl_cli.printers.yaml import to_yaml

    if os.path.exists(path) and not os.access(path, os.W_OK):
        raise CommandError(f"open {path}: permission denied")
    document: dict[str, Any] = as_document(config)
    path = os.path.realpath(path)
    os.makedirs(os.path.dirname(path), mode=0o750, exist_ok=True)
    temporary = f"{path}.{os.getpid()}.tmp"
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    with open(os.open(temporary, flags, 0o600), "w", encoding="utf-8") as stream:
        stream.write(to_yaml(document))
        with contextlib.suppress(FileNotFoundError):
            os.fchmod(stream.fileno(), os.stat(path).st_mode)
    os.replace(temporary, path)

"""kubeconfig: which server to talk to, as whom, and in which namespace.

A `Kubeconfig` keeps the stanzas as the files have them, by name, and knows the file
each came from; `resolve` turns one context into a `ClientConfig`, all a client needs.
Our own files are JSON (which is YAML), so that reading one needs no YAML parser.

Source: kubernetes/client-go tools/clientcmd (loader.go, client_config.go,
validation.go, overrides.go).
"""

from __future__ import annotations

import base64
import binascii
import json
import os

from apimachinery.go_json import wrong_field
from wire.records import dataclass, field, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from apimachinery.types import JsonObject

__all__ = [
    "ClientConfig",
    "InvalidConfigurationError",
    "Kubeconfig",
    "KubeconfigError",
    "MissingStanzaError",
    "Overrides",
    "load",
    "load_file",
    "merge",
    "parse",
    "resolve",
]


class KubeconfigError(Exception):
    """A kubeconfig cannot be read, or does not hold what was asked of it."""


class MissingStanzaError(KubeconfigError):
    """The context, cluster or user that was asked for is not there."""

    def __init__(self, kind: str, name: str) -> None:
        super().__init__(f'{kind} "{name}" does not exist')
        self.kind = kind
        self.name = name


class InvalidConfigurationError(KubeconfigError):
    """What a context names does not fit together; one reason a line."""

    def __init__(self, reasons: list[str]) -> None:
        super().__init__(", ".join(reasons))
        self.reasons = reasons


@dataclass
class Kubeconfig:
    """One or several files, merged. Stanzas are as in the file, by name."""

    clusters: dict[str, JsonObject] = field(default_factory=dict)
    users: dict[str, JsonObject] = field(default_factory=dict)
    contexts: dict[str, JsonObject] = field(default_factory=dict)
    current_context: str = ""
    #: What no client of ours reads, and whoever writes a file must not lose.
    rest: JsonObject = field(default_factory=dict)
    #: (section, name) to the file that holds the stanza
    origins: dict[tuple[str, str], str] = field(default_factory=dict)

    def origin(self, section: str, name: str) -> str:
        """The file that holds this stanza, "" when none does."""
        return self.origins.get((section, name), "")


@dataclass(frozen=True, slots=True)
class Overrides:
    """What the command line says instead of the file; "" and None say nothing."""

    context: str = ""
    cluster: str = ""
    user: str = ""
    namespace: str = ""
    cluster_fields: tuple[tuple[str, Any], ...] = ()
    user_fields: tuple[tuple[str, Any], ...] = ()


_NO_OVERRIDES = Overrides()


@dataclass(frozen=True, slots=True)
class ClientConfig:
    """Everything a client needs: the server, the trust, the credentials.

    Files are absolute paths; `*_data` holds decoded PEM and wins over the file.
    """

    server: str
    namespace: str = "default"
    certificate_authority: str = ""
    certificate_authority_data: bytes = b""
    insecure_skip_tls_verify: bool = False
    tls_server_name: str = ""
    proxy_url: str = ""
    disable_compression: bool = False
    client_certificate: str = ""
    client_certificate_data: bytes = b""
    client_key: str = ""
    client_key_data: bytes = b""
    token: str = ""
    token_file: str = ""
    username: str = ""
    password: str = ""
    as_user: str = ""
    as_uid: str = ""
    as_groups: tuple[str, ...] = ()
    as_user_extra: tuple[tuple[str, tuple[str, ...]], ...] = ()
    exec: JsonObject | None = None
    context_name: str = ""
    cluster_name: str = ""
    user_name: str = ""
    extensions: JsonObject = field(default_factory=dict)

    @property
    def has_credentials(self) -> bool:
        """Whether there is anything to show to the server."""
        return bool(
            self.token
            or self.token_file
            or self.username
            or self.client_certificate
            or self.client_certificate_data
            or self.exec
        )

    def with_namespace(self, namespace: str) -> ClientConfig:
        return replace(self, namespace=namespace)


_REST = ("preferences", "extensions")
#: A section, what an entry of it holds, and the Go type of that.
_SECTIONS = (
    ("clusters", "cluster", "Cluster"),
    ("users", "user", "AuthInfo"),
    ("contexts", "context", "Context"),
)


def parse(text: str, path: str = "") -> Kubeconfig:
    """Read one file's text; `path` is where it lies, for relative paths in it.

    Raises:
        KubeconfigError: it is no kubeconfig.
    """
    document = _decode(text)
    if document is None:
        return Kubeconfig()
    if not isinstance(document, dict):
        raise KubeconfigError(
            f'couldn\'t get version/kind; json parse error: found "{document}"'
        )
    kind, version = document.get("kind"), document.get("apiVersion")
    if kind not in (None, "", "Config") or version not in (None, "", "v1"):
        raise KubeconfigError(
            f'no kind "{kind}" is registered for version "{version}" in scheme'
            ' "k8s.io/client-go/tools/clientcmd/api/latest/latest.go:50"'
        )
    current = _typed(document, "current-context", str, "Config.current-context")
    config = Kubeconfig(current_context=current)
    config.rest = {key: document[key] for key in _REST if document.get(key)}
    for section, key, go_type in _SECTIONS:
        wanted = f"[]v1.Named{go_type}"
        for entry in _typed(document, section, list, f"Config.{section}", wanted):
            if not isinstance(entry, dict):
                text = wrong_field(entry, f"Config.{section}", f"v1.Named{go_type}")
                raise KubeconfigError(text)
            name = _typed(entry, "name", str, f"Named{go_type}.{section}.name")
            # NamedClusters to map: "error converting *[]NamedCluster ... duplicate name"
            if name in (stanzas := getattr(config, section)):
                raise KubeconfigError(f'duplicate name "{name}" in list: {section}')
            place = f"Named{go_type}.{section}.{key}"
            stanzas[name] = _typed(entry, key, dict, place, f"v1.{go_type}")
            config.origins[section, name] = path
    return config


def _typed(
    stanza: JsonObject, key: str, kind: type, place: str, go_type: str = "string"
) -> Any:
    """A member of this type; the empty one where it is missing or null."""
    value = stanza.get(key)
    if value is not None and not isinstance(value, kind):
        raise KubeconfigError(wrong_field(value, place, go_type))
    return kind() if value is None else value


def _decode(text: str) -> Any:
    if text.lstrip()[:1] == "{":
        try:
            return json.loads(text)
        except json.JSONDecodeError:
            pass  # a YAML flow mapping is no JSON
    import yaml

    try:
        return yaml.load(text, _loader(yaml))
    except yaml.YAMLError as error:
        raise KubeconfigError(f"yaml: {_yaml_text(error)}") from None


def _loader(yaml: Any) -> Any:
    """A safe loader; a date stays the text it is, as Go reads it."""
    base = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    resolvers = {
        letter: [each for each in rules if each[0] != "tag:yaml.org,2002:timestamp"]
        for letter, rules in base.yaml_implicit_resolvers.items()
    }
    return type("KubeconfigLoader", (base,), {"yaml_implicit_resolvers": resolvers})


def _yaml_text(error: Any) -> str:
    """`line N: problem`, counted as goyaml counts: only scanner errors from 1."""
    problem = getattr(error, "problem", None) or str(error)
    from_one = "Scanner" in type(error).__name__
    for name in ("problem_mark", "context_mark"):
        mark = getattr(error, name, None)
        if mark is not None and mark.line:
            return f"line {mark.line + from_one}: {problem}"
    return str(problem)


def load_file(path: str) -> Kubeconfig:
    """Read one file.

    Raises:
        OSError: it cannot be read.
        KubeconfigError: it is no kubeconfig.
    """
    with open(path, encoding="utf-8") as stream:
        text = stream.read()
    try:
        return parse(text, os.path.abspath(path))
    except KubeconfigError as error:
        raise KubeconfigError(f'error loading config file "{path}": {error}') from None


def load(paths: Iterable[str]) -> Kubeconfig:
    """Read these files, merged; those that do not exist are skipped."""
    configs = []
    for path in paths:
        try:
            configs.append(load_file(path))
        except FileNotFoundError:
            continue
    return merge(configs)


def merge(configs: Iterable[Kubeconfig]) -> Kubeconfig:
    """The first file to name a stanza, or the current context, has it."""
    merged = Kubeconfig()
    for config in configs:
        for section, *_ in _SECTIONS:
            for name, stanza in getattr(config, section).items():
                getattr(merged, section).setdefault(name, stanza)
        for key, origin in config.origins.items():
            merged.origins.setdefault(key, origin)
        merged.current_context = merged.current_context or config.current_context
        merged.rest = {**config.rest, **merged.rest}
    return merged


def resolve(config: Kubeconfig, overrides: Overrides = _NO_OVERRIDES) -> ClientConfig:
    """What a client of the chosen context needs.

    Raises:
        KubeconfigError: what was named does not exist.
        InvalidConfigurationError: the parts do not fit together.
    """
    context_name = overrides.context or config.current_context
    context = _named(config.contexts, overrides.context, "context", context_name)
    cluster_name = overrides.cluster or str(context.get("cluster") or "")
    user_name = overrides.user or str(context.get("user") or "")
    cluster = dict(_named(config.clusters, overrides.cluster, "cluster", cluster_name))
    user = dict(_named(config.users, overrides.user, "auth info", user_name))
    _override_cluster(cluster, overrides.cluster_fields)
    user.update(overrides.user_fields)
    namespace = overrides.namespace or str(context.get("namespace") or "") or "default"
    _validate_user(user, user_name)
    return ClientConfig(
        namespace=namespace,
        context_name=context_name,
        cluster_name=cluster_name,
        user_name=user_name,
        **_cluster_parts(cluster, config.origin("clusters", cluster_name)),
        **_user_parts(user, config.origin("users", user_name)),
    )


def _named(
    stanzas: Mapping[str, JsonObject], asked: str, kind: str, name: str
) -> JsonObject:
    # client_config.go: what the user asked for must exist, what a context names not
    if asked and name not in stanzas:
        raise MissingStanzaError(kind, asked)
    if kind == "context" and name and name not in stanzas:
        raise InvalidConfigurationError(
            [f"context was not found for specified context: {name}"]
        )
    return stanzas.get(name, {})


def _override_cluster(cluster: JsonObject, fields: Iterable[tuple[str, Any]]) -> None:
    values = dict(fields)
    # overrides.go: --insecure-skip-tls-verify drops the authority, and the other way
    if values.get("insecure-skip-tls-verify"):
        cluster.pop("certificate-authority", None)
        cluster.pop("certificate-authority-data", None)
    if values.get("certificate-authority"):
        cluster.pop("certificate-authority-data", None)
        cluster.pop("insecure-skip-tls-verify", None)
    cluster.update(values)


def _validate_user(user: JsonObject, name: str) -> None:
    reasons = []
    if user.get("username") and (user.get("token") or user.get("tokenFile")):
        reasons.append(
            f"more than one authentication method found for {name};"
            " found [token basicAuth], only one is allowed"
        )
    if user.get("exec"):
        command = user["exec"]
        if not command.get("command"):
            reasons.append(
                f"command must be specified for {name} to use exec authentication plugin"
            )
        if not command.get("apiVersion"):
            reasons.append(
                f"apiVersion must be specified for {name} to use exec"
                " authentication plugin"
            )
    if reasons:
        raise InvalidConfigurationError(reasons)


def _cluster_parts(cluster: JsonObject, origin: str) -> dict[str, Any]:
    extensions = cluster.get("extensions") or ()
    return {
        "server": str(cluster.get("server") or ""),
        "certificate_authority": _path(cluster, "certificate-authority", origin),
        "certificate_authority_data": _data(cluster, "certificate-authority-data"),
        "insecure_skip_tls_verify": cluster.get("insecure-skip-tls-verify") is True,
        "tls_server_name": str(cluster.get("tls-server-name") or ""),
        "proxy_url": str(cluster.get("proxy-url") or ""),
        "disable_compression": cluster.get("disable-compression") is True,
        "extensions": {each["name"]: each.get("extension") for each in extensions},
    }


def _user_parts(user: JsonObject, origin: str) -> dict[str, Any]:
    extra = user.get("as-user-extra") or {}
    return {
        "client_certificate": _path(user, "client-certificate", origin),
        "client_certificate_data": _data(user, "client-certificate-data"),
        "client_key": _path(user, "client-key", origin),
        "client_key_data": _data(user, "client-key-data"),
        "token": str(user.get("token") or ""),
        "token_file": _path(user, "tokenFile", origin),
        "username": str(user.get("username") or ""),
        "password": str(user.get("password") or ""),
        "as_user": str(user.get("as") or ""),
        "as_uid": str(user.get("as-uid") or ""),
        "as_groups": tuple(user.get("as-groups") or ()),
        "as_user_extra": tuple((key, tuple(extra[key])) for key in sorted(extra)),
        "exec": _exec(user.get("exec"), origin),
    }


def _exec(plugin: JsonObject | None, origin: str) -> JsonObject | None:
    """The credential plugin; a command with a slash is relative to the file."""
    if not plugin:
        return None
    command = str(plugin.get("command") or "")
    if "/" in command and not os.path.isabs(command):
        command = os.path.join(os.path.dirname(origin), command)
    return {**plugin, "command": command}


def _path(stanza: JsonObject, key: str, origin: str) -> str:
    """A file of the stanza. "Relative paths are relative to the kubeconfig"."""
    value = str(stanza.get(key) or "")
    if not value or os.path.isabs(value) or not origin:
        return value
    return os.path.join(os.path.dirname(origin), value)


def _data(stanza: JsonObject, key: str) -> bytes:
    try:
        return base64.b64decode(stanza.get(key) or "", validate=True)
    except (binascii.Error, TypeError, ValueError) as error:
        raise KubeconfigError(f"{key}: illegal base64 data: {error}") from None

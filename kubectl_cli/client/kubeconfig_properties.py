"""A value in a kubeconfig by its dotted name: `clusters.c1.server`.

Names may hold dots themselves: a name goes on until the next word is one of a field.
The fields are those of client-go's internal types, where impersonation is called `act-as`.

Source: kubernetes/kubectl pkg/cmd/config/navigation_step_parser.go, set.go;
kubernetes/client-go tools/clientcmd/api/types.go.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kubectl_cli.errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Property", "find_property"]

_TOP = ("apiVersion", "current-context", "kind")


def _text(text: str) -> Any:
    return text


def _bool(text: str) -> Any:
    from kubectl_cli.flags import read_bool

    try:
        return read_bool(text)
    except ValueError as error:
        raise CommandError(str(error)) from None


def _bytes(text: str) -> Any:
    """Base64, kept as it is in the file."""
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        wrong = re.search(r"[^A-Za-z0-9+/]", text)
        at = wrong.start() if wrong else len(text) - len(text) % 4
        raise CommandError(
            f"error decoding input value: illegal base64 data at input byte {at}"
        ) from None
    return text


def _list(_: str) -> Any:
    raise CommandError("unrecognized slice type. string")


def _struct(_: str) -> Any:
    raise CommandError("only a field that is one value can be set")


_EXTENSIONS = {"extensions": ("extensions", _struct)}
_CLUSTER: dict[str, tuple[str, Callable[[str], Any]]] = {
    "certificate-authority": ("certificate-authority", _text),
    "certificate-authority-data": ("certificate-authority-data", _bytes),
    "disable-compression": ("disable-compression", _bool),
    "insecure-skip-tls-verify": ("insecure-skip-tls-verify", _bool),
    "proxy-url": ("proxy-url", _text),
    "server": ("server", _text),
    "tls-server-name": ("tls-server-name", _text),
    **_EXTENSIONS,
}
_USER: dict[str, tuple[str, Callable[[str], Any]]] = {
    "act-as": ("as", _text),
    "act-as-groups": ("as-groups", _list),
    "act-as-uid": ("as-uid", _text),
    "act-as-user-extra": ("as-user-extra", _struct),
    "auth-provider": ("auth-provider", _struct),
    "client-certificate": ("client-certificate", _text),
    "client-certificate-data": ("client-certificate-data", _bytes),
    "client-key": ("client-key", _text),
    "client-key-data": ("client-key-data", _bytes),
    "exec": ("exec", _struct),
    "password": ("password", _text),
    "token": ("token", _text),
    "tokenFile": ("tokenFile", _text),
    "username": ("username", _text),
    **_EXTENSIONS,
}
_CONTEXT: dict[str, tuple[str, Callable[[str], Any]]] = {
    "cluster": ("cluster", _text),
    "namespace": ("namespace", _text),
    "user": ("user", _text),
    **_EXTENSIONS,
}
_SECTIONS = {"clusters": _CLUSTER, "contexts": _CONTEXT, "users": _USER}


@dataclass(frozen=True, slots=True)
class Property:
    """Where a value stands: a section alone, a stanza of it, or a field of that.

    `key` is the field's name in the file. At the top only `section` says what it is.
    """

    section: str
    name: str = ""
    key: str = ""
    read: Callable[[str], Any] = _text

    @property
    def is_at_top(self) -> bool:
        return self.section in _TOP

    def value(self, text: str, *, raw: bool) -> Any:
        """What the file is to hold for `text`; `raw`: bytes that are not base64 yet."""
        if raw and self.read is _bytes:
            return base64.b64encode(text.encode("utf-8", "surrogateescape")).decode()
        return self.read(text)


def find_property(path: str) -> Property:
    """The property that a dotted name means.

    Raises:
        CommandError: there is none of this name.
    """
    section, *words = path.split(".")
    if section in _TOP and not words:
        return Property(section)
    if section in _TOP:
        raise _not_parsed(path)
    fields = _SECTIONS.get(section)
    if fields is None:
        raise CommandError(f"unable to parse {path} after [] at api.Config")
    end = next((i for i in range(1, len(words)) if words[i] in fields), len(words))
    name, rest = ".".join(words[:end]), words[end:]
    if len(rest) > 1:
        raise _not_parsed(path)
    return (
        Property(section, name, *fields[rest[0]]) if rest else Property(section, name)
    )


def _not_parsed(path: str) -> CommandError:
    return CommandError(f"unable to parse one or more field values of {path}")

"""kubeconfig files changed in place, one stanza at a time.

A change goes to the file that holds the stanza, a new stanza to the first file that
exists, else to the last one.

Source: kubernetes/client-go tools/clientcmd/config.go (ModifyConfig).
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from kubectl_cli.client.client_config import config_paths
from kubectl_cli.errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Callable

    from apimachinery.kubeconfig import Kubeconfig
    from apimachinery.types import JsonObject
    from kubectl_cli.flags import Options

__all__ = [
    "check_embedded",
    "content",
    "default_file",
    "drop_stanza",
    "home_of",
    "modify",
    "put_current_context",
    "put_stanza",
]

#: Fields that name files; what lies beside or below the kubeconfig is named from there.
_PATHS = ("certificate-authority", "client-certificate", "client-key")


def default_file(options: Options) -> str:
    """The first file that exists, else the last one."""
    paths = config_paths(options)
    return next((path for path in paths if os.path.exists(path)), paths[-1])


def home_of(options: Options, config: Kubeconfig, section: str, name: str) -> str:
    """The file that holds the stanza, or will hold it."""
    return config.origin(section, name) or default_file(options)


def put_stanza(
    options: Options,
    config: Kubeconfig,
    section: str,
    name: str,
    stanza: JsonObject,
    *,
    relative: bool = False,
) -> None:
    """Write one stanza; `relative` says that its paths are named from the file."""
    path = home_of(options, config, section, name)
    if relative:
        folder = os.path.dirname(os.path.abspath(path))
        for key in _PATHS:
            if stanza.get(key):
                stanza[key] = _relative(str(stanza[key]), folder)

    def change(part: Kubeconfig) -> None:
        getattr(part, section)[name] = stanza

    modify(path, change)


def _relative(path: str, folder: str) -> str:
    """Source: kubernetes/client-go tools/clientcmd/loader.go
    (RelativizePathWithNoBacksteps)."""
    whole = os.path.join(folder, path)
    found = os.path.relpath(whole, folder)
    return whole if found.startswith("../") else found


def drop_stanza(options: Options, config: Kubeconfig, section: str, name: str) -> None:
    """Take one stanza out of the file that holds it."""
    path = home_of(options, config, section, name)
    modify(path, lambda part: getattr(part, section).pop(name, None))


def put_current_context(options: Options, config: Kubeconfig, name: str) -> None:
    """Set it in the default file, or clear it in the first file that has one.

    Source: writeCurrentContext of the same file.
    """
    if name == config.current_context:
        return

    def change(part: Kubeconfig) -> None:
        part.current_context = name

    modify(default_file(options) if name else _home_of_current(options), change)


def _home_of_current(options: Options) -> str:
    from apimachinery.kubeconfig import load

    for path in config_paths(options):
        if load([path]).current_context:
            return path
    return default_file(options)


def modify(path: str, change: Callable[[Kubeconfig], object]) -> None:
    """Read the file, change it, write it; a lock file keeps others out."""
    from apimachinery.kubeconfig import load
    from kubectl_cli.client.kubeconfig_view import write_file

    lock = f"{path}.lock"
    try:
        os.makedirs(os.path.dirname(path) or ".", mode=0o750, exist_ok=True)
        os.close(os.open(lock, os.O_CREAT | os.O_EXCL, 0))
    except OSError as error:
        doing = "open" if error.filename == lock else "mkdir"
        problem = (error.strerror or "").lower()
        raise CommandError(f"{doing} {error.filename}: {problem}") from None
    try:
        config = load([path])
        change(config)
        write_file(path, config)
    finally:
        os.unlink(lock)


def check_embedded(options: Options, flags: tuple[str, ...]) -> None:
    """See that there is a file to embed, and that those named are there.

    Source: kubernetes/kubectl pkg/cmd/config/set_cluster.go, set_credentials.go.
    """
    if not any(options.text(flag) for flag in flags):
        names = " or ".join(f"--{flag}" for flag in flags)
        raise CommandError(f"you must specify a {names} to embed")
    for flag in flags:
        path = options.text(flag)
        try:
            if path:
                os.stat(path)
        except OSError as error:
            problem = (error.strerror or "").lower()
            raise CommandError(
                f"could not stat {flag} file {path}: stat {path}: {problem}"
            ) from None


def content(path: str) -> str:
    """The file in base64, as the `-data` fields have it."""
    import base64

    with open(path, "rb") as stream:
        return base64.b64encode(stream.read()).decode()

"""--from-file, --from-literal, --from-env-file: the data of ConfigMaps and Secrets.

Source: kubernetes/kubectl pkg/cmd/util/env_file.go, pkg/generate/versioned
(configmap, secret), pkg/cmd/create/create_configmap.go.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from kubectl_cli.documents.files import read_file
from kubectl_cli.errors import CommandError
from kubectl_cli.flags import Flag

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kubectl_cli.flags import Options

__all__ = [
    "APPEND_HASH_FLAG",
    "DATA_FLAGS",
    "FROM_FILE_FLAG",
    "read_data",
    "read_files",
]

APPEND_HASH_FLAG = Flag(
    "append-hash", "bool", help="Put a hash of the content behind the name."
)
FROM_FILE_FLAG = Flag("from-file", "slice", help="[key=]file, or a folder of files.")
DATA_FLAGS = (
    APPEND_HASH_FLAG,
    FROM_FILE_FLAG,
    Flag("from-env-file", "slice", help="Files with a key=value a line."),
    Flag("from-literal", "array", help="key=value."),
)


def read_data(options: Options, kind: str, name: str) -> dict[str, bytes]:
    """The keys and values that the flags name."""
    if options.items("from-env-file") and (
        options.items("from-file") or options.items("from-literal")
    ):
        raise CommandError(
            "from-env-file cannot be combined with from-file or from-literal"
        )
    return _collect(_all(options), kind, name)


def read_files(
    sources: list[str], kind: str, name: str, *, default_key: str = ""
) -> dict[str, bytes]:
    """The same of --from-file alone; a file without a key gets the default one."""
    files = (pair for each in sources for pair in _file(each, default_key))
    return _collect(files, kind, name)


def _collect(
    pairs: Iterator[tuple[str, bytes]], kind: str, name: str
) -> dict[str, bytes]:
    data: dict[str, bytes] = {}
    for key, value in pairs:
        if key in data:
            raise CommandError(
                f'cannot add key "{key}", another key by that name already exists in'
                f' Data for {kind} "{name}"'
            )
        data[key] = value
    return data


def _all(options: Options) -> Iterator[tuple[str, bytes]]:
    for source in options.items("from-file"):
        yield from _file(source)
    for source in options.items("from-literal"):
        key, equals, value = source.partition("=")
        if not equals or not key:
            raise CommandError(f"invalid literal source {source}, expected key=value")
        yield key, _unquoted(value).encode("utf-8", "surrogateescape")
    for path in options.items("from-env-file"):
        yield from _env_file(path)


def _unquoted(value: str) -> str:
    """One pair of quotes around the value goes."""
    if len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'":
        return value[1:-1]
    return value


def _file(source: str, default_key: str = "") -> Iterator[tuple[str, bytes]]:
    key, equals, path = source.partition("=")
    if not equals:
        key, path = "", source
    elif not key:
        raise CommandError(f'key name for file path "{path}" missing')
    elif not path:
        raise CommandError(f'file path for key name "{key}" missing')
    if not os.path.exists(path):
        raise CommandError(f"error reading {path}: no such file or directory")
    if not os.path.isdir(path):
        yield key or default_key or os.path.basename(path), read_file(path)
        return
    if key:
        raise CommandError("cannot give a key name for a directory path")
    for name in sorted(os.listdir(path)):
        inside = os.path.join(path, name)
        if os.path.isfile(inside):
            yield name, read_file(inside)


def _env_file(path: str) -> Iterator[tuple[str, bytes]]:
    """Comments and empty lines go; a key without `=` has its value from our own."""
    if not os.path.exists(path):
        raise CommandError(f"error reading {path}: no such file or directory")
    if os.path.isdir(path):
        raise CommandError("env config file cannot be a directory")
    text = read_file(path).decode("utf-8-sig", "surrogateescape")
    for line in text.splitlines():
        line = line.lstrip()
        if not line or line.startswith("#"):
            continue
        key, equals, value = line.partition("=")
        if not equals:
            if key not in os.environ:
                continue
            value = os.environ[key]
        yield key, value.encode("utf-8", "surrogateescape")

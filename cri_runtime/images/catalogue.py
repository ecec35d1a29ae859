"""The catalogue: what an image name stands for on this machine.

There are no layers here. An image is an entry that says which local program a container of
it runs when the pod names none. Entries come from `builtin.json` and from the user's file
(YAML; docs/images.md has the format), which wins.
"""

from __future__ import annotations

import hashlib
import json
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cri_runtime.images.reference import InvalidReference, Reference, parse
from cri_runtime.scripts.script import ScriptError, parse_script

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["Catalogue", "CatalogueError", "Entry", "Image"]

_HERE = Path(__file__).parent
_MIB = 1024 * 1024


class CatalogueError(ValueError):
    """The user's file is not what it should be; the text says where."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What a repository stands for.

    Attributes:
        name: the repository, complete: `docker.io/library/nginx`.
        tags: the only tags there are; empty: every tag is there.
        size: bytes, as reported; never 0.
        script: what a container answers, see `cri_runtime.scripts.script`.
        known: False for an image that the catalogue does not have.
    """

    name: str
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    working_dir: str = ""
    ports: tuple[int, ...] = ()
    stop_signal: str = ""
    tags: tuple[str, ...] = ()
    size: int = 16 * _MIB
    script: Mapping[str, Any] | None = None
    known: bool = True


@dataclass(frozen=True, slots=True)
class Image:
    """An entry under one tag or digest. Each tag is an image of its own."""

    entry: Entry
    reference: Reference

    @property
    def id(self) -> str:
        """The digest of the image's configuration."""
        return f"sha256:{self._digest('config')}"

    @property
    def repo_digest(self) -> str:
        """Name and digest of the manifest."""
        digest = self.reference.digest or f"sha256:{self._digest('manifest')}"
        return f"{self.entry.name}@{digest}"

    def _digest(self, part: str) -> str:
        text = json.dumps([part, asdict(self)], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


class Catalogue:
    """Finds the image of a reference."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._entries = {entry.name: entry for entry in entries}

    @classmethod
    def load(cls, path: str = "") -> Catalogue:
        """The built-in entries, and those of the user's file if there is one.

        Raises:
            CatalogueError: the file cannot be used.
        """
        entries = list(_read(json.loads((_HERE / "builtin.json").read_text())))
        if path:
            entries += _read(_read_file(path), Path(path).parent)
        return cls(entries)

    def find(self, reference: Reference) -> Image | None:
        """The image that a reference means, if the catalogue has it.

        By digest, only those can be found whose tag is listed, or is `latest`.
        """
        entry = self._entries.get(reference.name)
        if entry is None:
            return None
        if not reference.digest:
            there = not entry.tags or reference.tag in entry.tags
            return Image(entry, reference) if there else None
        for tag in entry.tags or ("latest",):
            image = Image(entry, Reference(reference.name, tag, ""))
            if image.repo_digest.endswith(f"@{reference.digest}"):
                return image
        return None

    def assume(self, reference: Reference) -> Image:
        """An image for a reference that the catalogue does not have in this form."""
        entry = self._entries.get(reference.name)
        return Image(entry or Entry(reference.name, known=False), reference)


def _read_file(path: str) -> Any:
    import yaml  # 20 ms and 3 MiB, for the few who have such a file

    try:
        return yaml.safe_load(Path(path).read_text())
    except (OSError, yaml.YAMLError) as error:
        raise CatalogueError(f"{path}: {error}") from error


def _read(document: Any, folder: Path = _HERE) -> Iterable[Entry]:
    if not isinstance(document, dict) or not isinstance(document.get("images"), list):
        raise CatalogueError("expected a mapping with a list `images`")
    for number, entry in enumerate(document["images"]):
        try:
            yield from _entries(_with_script(entry, folder))
        except (TypeError, KeyError, InvalidReference, ScriptError) as error:
            raise CatalogueError(f"images[{number}]: {error}") from error


def _entries(entry: dict[str, Any]) -> Iterable[Entry]:
    """One entry a name; `{python}` and `{programs}` in arguments are filled in."""
    fields = dict(entry)
    names = fields.pop("names", None) or [fields.pop("name")]
    for key in ("entrypoint", "command"):
        fields[key] = tuple(map(_fill, _strings(fields.get(key, ()), key)))
    for key in ("tags", "ports"):
        fields[key] = tuple(fields.get(key, ()))
    for name in names:
        yield Entry(name=parse(name).name, **fields)


def _with_script(entry: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Its script checked, with paths as they are from here; `root` makes one, too."""
    script, root = entry.get("script"), entry.get("root")
    if script is None and root is None:
        return entry
    # Keys of YAML may be numbers, as ports are; those of a script are texts.
    checked: dict[str, Any] = json.loads(json.dumps(script or {}))
    parse_script(checked)
    if root is not None:
        checked["root"] = root
    if "root" in checked:
        checked["root"] = str(folder.absolute() / checked["root"])
    if "python_path" in checked:
        places = (folder.absolute() / each for each in checked["python_path"])
        checked["python_path"] = [str(each) for each in places]
    fields = {key: value for key, value in entry.items() if key != "root"}
    return {**fields, "script": checked}


def _strings(value: Any, key: str) -> list[str]:
    if isinstance(value, str) or not all(isinstance(item, str) for item in value):
        raise TypeError(f"{key}: expected a list of strings")
    return list(value)


def _fill(argument: str) -> str:
    programs = str(_HERE / "programs")
    return argument.replace("{python}", sys.executable).replace("{programs}", programs)

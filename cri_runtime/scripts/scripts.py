"""What becomes of a container's commands: run for real, or answered by a script."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cri_runtime.errors import CriError
from cri_runtime.scripts.kwok import KwokConfig, NoTarget
from cri_runtime.scripts.matching import MatchTooLong
from cri_runtime.scripts.script import COMMANDS, Script, ScriptError, parse_script

if TYPE_CHECKING:
    from cri_runtime.images.catalogue import Image
    from cri_runtime.records import Container, Process, Sandbox
    from rpc import cri_v1_pb2 as cri

__all__ = ["ANNOTATION", "NoSuchCommand", "Scripts", "program"]

#: Of a pod: a script for all its containers, or `{"containers": {NAME: script}}`.
ANNOTATION = "mini-kube.dev/script"

_PROGRAM = Path(__file__).parent.parent / "images" / "programs" / "scripted.py"
_USUAL_PLACES = ("/bin/", "/usr/bin/")


class NoSuchCommand(Exception):  # noqa: N818 - an answer
    """The container does not have the command; the text is the shim's."""


def program(*arguments: str) -> list[str]:
    """The command line of the program that plays a script."""
    return [sys.executable, "-I", "-S", str(_PROGRAM), *arguments]


class Scripts:
    """One for the runtime: the scripts of all containers, and KWOK's objects."""

    def __init__(self, kwok: KwokConfig | None = None) -> None:
        self.kwok = kwok or KwokConfig()
        self._loaded: dict[str, Script] = {}
        self._used: dict[str, Counter[int]] = {}

    def dress(
        self, container: Container, sandbox: Sandbox, image: Image, root: Path
    ) -> None:
        """Make a container that was just created play its script, if it has one.

        Raises:
            CriError: its script is none. OSError: its files cannot be made.
        """
        name = container.config.metadata.name
        try:
            script = _script_of(sandbox, name, image)
        except ScriptError as error:
            raise CriError(f"failed to create container: script: {error}") from None
        process = container.process
        if script is not None:
            process.script = str(root.parent / "script.json")
            Path(process.script).write_text(json.dumps(script.document))
            self._loaded[process.script] = script
            mounts = {m.container_path: m.host_path for m in container.config.mounts}
            (root.parent / "mounts.json").write_text(json.dumps(mounts))
            _fill(root, script)
            if script.acts or not _has_command(container.config, image):
                process.argv, process.note = program("main", process.script), ""
        pod = sandbox.config.metadata
        logs = self._entry("Logs", pod, name)
        if logs is not None:
            process.argv, process.note = program("logs", logs["logsFile"]), ""

    def plan(
        self, container: Container, sandbox: Sandbox, command: list[str]
    ) -> Process:
        """How a command is to be run in a container.

        Raises:
            NoSuchCommand: its script has no answer to it, or none in time.
        """
        process = replace(container.process, argv=command)
        pod, name = sandbox.config.metadata, container.config.metadata.name
        try:
            entry = self.kwok.find("Exec", pod.namespace, pod.name, name)
        except NoTarget as error:
            raise NoSuchCommand(str(error)) from None
        if entry is not None:
            return _as_kwok_says(process, entry)
        if not process.script or not command:
            return process
        script = self._load(process.script)
        used = self._used.setdefault(container.id, Counter())
        try:
            answer = script.find(command, used)
        except MatchTooLong as error:
            raise NoSuchCommand(f"script: {error}") from None
        if answer is None and script.has_files and _is_ours(command):
            root = Path(process.script).with_name("root")
            return replace(process, argv=program("command", str(root), *command))
        answer = answer or script.otherwise
        if answer is None:
            text = f'exec: "{command[0]}": executable file not found in $PATH'
            raise NoSuchCommand(text)
        used[answer.index] += 1
        if answer.run:
            return process
        played = program("exec", process.script, str(answer.index), *command)
        return replace(process, argv=played)

    def attachment(self, container: Container, sandbox: Sandbox) -> list[str] | None:
        """The command to run for an attach, where it is not to the main process."""
        entry = self._entry(
            "Attach", sandbox.config.metadata, container.config.metadata.name
        )
        return None if entry is None else program("logs", entry["logsFile"])

    def forward(self, sandbox: Sandbox, port: int) -> dict[str, Any] | None:
        """What KWOK's objects say of a port.

        Raises:
            CriError: they say that it is not there.
        """
        pod = sandbox.config.metadata
        try:
            return self.kwok.find("PortForward", pod.namespace, pod.name, port)
        except NoTarget as error:
            raise CriError(str(error)) from None

    def forget(self, container: Container) -> None:
        """The container is removed."""
        self._used.pop(container.id, None)
        self._loaded.pop(container.process.script, None)

    def _entry(
        self, kind: str, pod: cri.PodSandboxMetadata, container: str
    ) -> dict[str, Any] | None:
        try:
            return self.kwok.find(kind, pod.namespace, pod.name, container)
        except NoTarget:
            return None  # then it is a container as any other

    def _load(self, path: str) -> Script:
        """A script of ours; from its file after the runtime was started again."""
        script = self._loaded.get(path)
        if script is None:
            script = parse_script(json.loads(Path(path).read_text()))
            self._loaded[path] = script
        return script


def _script_of(sandbox: Sandbox, container: str, image: Image) -> Script | None:
    """The pod's own script, else the image's."""
    document: Any = image.entry.script
    if text := sandbox.config.annotations.get(ANNOTATION):
        document = _parsed(text)
        if isinstance(document, dict) and "containers" in document:
            if len(document) > 1:
                raise ScriptError("containers: nothing else may stand beside it")
            document = _own(document["containers"], container, image.entry.script)
    return None if document is None else parse_script(document)


def _own(scripts: Any, container: str, default: Any) -> Any:
    """What a pod's script says of one of its containers."""
    if not isinstance(scripts, dict):
        raise ScriptError("containers: an object is expected")
    # A name with a typo: an image of which the script is all has nothing to do then.
    if default == {} and container not in scripts:
        known = ", ".join(map(str, scripts)) or "none"
        raise ScriptError(f"containers: nothing for {container!r}, but for: {known}")
    return scripts.get(container, default)


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ScriptError(f"neither JSON nor YAML: {error}") from None
    except ValueError:
        import yaml  # 20 ms, for those who write it by hand

        try:
            # Keys of YAML may be numbers, as ports are; those of a script are texts.
            return json.loads(json.dumps(yaml.safe_load(text)))
        # A ValueError: a YAML anchor within itself.
        except (yaml.YAMLError, TypeError, ValueError, RecursionError) as error:
            raise ScriptError(f"neither JSON nor YAML: {error}") from None


def _has_command(config: cri.ContainerConfig, image: Image) -> bool:
    return bool(config.command or config.args or image.entry.entrypoint)


def _fill(root: Path, script: Script) -> None:
    """Make the files of the container; none can lie outside of its root."""
    if script.root:
        shutil.copytree(script.root, root, symlinks=True, dirs_exist_ok=True)
    for path, content in script.files.items():
        target = root / os.path.normpath(f"/{path}").lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.parent.resolve().is_relative_to(root.resolve()):
            raise OSError(f"{path}: leads out of the container")
        target.write_bytes(content)


def _is_ours(command: list[str]) -> bool:
    name = command[0]
    for place in _USUAL_PLACES:
        name = name.removeprefix(place)
    return name in COMMANDS


def _as_kwok_says(process: Process, entry: dict[str, Any]) -> Process:
    """A local command with what the Exec adds to it.

    Source: kubernetes-sigs/kwok pkg/kwok/server/debugging_exec.go.
    """
    local = entry.get("local")
    if local is None:
        raise NoSuchCommand("not set local exec")
    added = {each["name"]: each.get("value", "") for each in local.get("envs") or ()}
    context = local.get("securityContext") or {}
    user = process.user
    if os.geteuid() == 0 and context.get("runAsUser") is not None:
        gid = context.get("runAsGroup", 0)
        user = {"uid": context["runAsUser"], "gid": gid, "groups": [gid]}
    return replace(
        process,
        env={**process.env, **added},
        cwd=local.get("workDir") or process.cwd,
        user=user,
    )

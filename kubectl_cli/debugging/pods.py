"""The pods and containers that `debug` makes, before any is sent.

Source: kubernetes/kubectl pkg/cmd/debug/debug.go of 1.36 (generateDebugContainer,
generateNodeDebugPod, generatePodCopyWithDebugContainer).
"""

from __future__ import annotations

import copy
import random
from typing import TYPE_CHECKING

from kubectl_cli.debugging.profiles import Style, apply_custom, apply_profile
from kubectl_cli.errors import CommandError
from kubectl_cli.selecting.containers import all_containers

if TYPE_CHECKING:
    from apimachinery.types import JsonObject
    from kubectl_cli.flags import Options

__all__ = ["DebugPods"]

# apimachinery pkg/util/rand: no vowels, so that no words come about.
_LETTERS = "bcdfghjklmnpqrstvwxz2456789"


class DebugPods:
    """What the flags ask for."""

    def __init__(
        self, options: Options, words: list[str], custom: JsonObject | None
    ) -> None:
        self._options = options
        self._words = words
        self._custom = custom

    def with_ephemeral(self, pod: JsonObject) -> tuple[JsonObject, str]:
        """The pod with one more ephemeral container, and the name of that."""
        name = self._container_name(pod)
        container = self._new_container(name)
        if target := self._options.text("target"):
            container["targetContainerName"] = target
        changed = copy.deepcopy(pod)
        ephemeral = changed["spec"].setdefault("ephemeralContainers", [])
        ephemeral.append(container)
        labels = changed["metadata"].get("labels")
        apply_profile(self._options, changed, name, Style.EPHEMERAL)
        if labels is not None:  # the subresource changes containers only
            changed["metadata"]["labels"] = labels
        apply_custom(self._custom, ephemeral, name)
        return changed, name

    def on_node(self, node: str) -> tuple[JsonObject, str]:
        """A pod for a node, and the name of its container."""
        name = self._options.text("container") or "debugger"
        pod_name = f"node-debugger-{node}-{_suffix()}"
        if not self._options.flag("quiet"):
            print(
                f"Creating debugging pod {pod_name} with container {name} on node"
                f" {node}."
            )
        pod: JsonObject = {
            "kind": "Pod",
            "apiVersion": "v1",
            "metadata": {
                "name": pod_name,
                "labels": {"app.kubernetes.io/managed-by": "kubectl-debug"},
            },
            "spec": {
                "containers": [self._new_container(name)],
                "nodeName": node,
                "restartPolicy": "Never",
                "tolerations": [{"operator": "Exists"}],
            },
        }
        apply_profile(self._options, pod, name, Style.NODE)
        apply_custom(self._custom, pod["spec"]["containers"], name)
        return pod, name

    def copy_of(self, pod: JsonObject) -> tuple[JsonObject, str]:
        """A copy with a container added or changed, and the name of that.

        The name is empty when only images were changed.
        """
        copied = self._bare_copy(pod)
        containers = copied["spec"]["containers"]
        self._set_images(containers)
        name = self._options.text("container")
        known = {each["name"]: each for _, each in all_containers(copied)}
        container = known.get(name)
        if container is None:
            if not self._options.text("image"):
                if self._options.items("set-image"):
                    return copied, ""
                raise CommandError("you must specify image when creating new container")
            name = name or self._container_name(copied)
            container = {"name": name, "terminationMessagePolicy": "File"}
            container["resources"] = {}
            containers.append(container)
        self._change(container)
        apply_profile(self._options, copied, name, Style.COPY)
        apply_custom(self._custom, containers, name)
        return copied, name

    def _bare_copy(self, pod: JsonObject) -> JsonObject:
        options, metadata = self._options, pod["metadata"]
        spec = copy.deepcopy(pod["spec"])
        spec.pop("ephemeralContainers", None)
        if options.changed("share-processes"):
            spec["shareProcessNamespace"] = options.flag("share-processes")
        if not options.flag("same-node"):
            spec.pop("nodeName", None)
        kept = {
            field: dict(metadata[field])
            for field in ("annotations", "labels")
            if metadata.get(field)
        }
        return {
            "kind": "Pod",
            "apiVersion": "v1",
            "metadata": {
                "name": options.text("copy-to"),
                "namespace": metadata["namespace"],
                **kept,
            },
            "spec": spec,
        }

    def _set_images(self, containers: list[JsonObject]) -> None:
        images = self._options.pairs("set-image")
        for each in containers:
            if image := images.get(each["name"], images.get("*", "")):
                each["image"] = image

    def _new_container(self, name: str) -> JsonObject:
        options = self._options
        container: JsonObject = {"name": name, "image": options.text("image")}
        if policy := options.text("image-pull-policy"):
            container["imagePullPolicy"] = policy
        if variables := self._environment():
            container["env"] = variables
        container["resources"] = {}
        container["terminationMessagePolicy"] = "File"
        for field, flag in (("stdin", "stdin"), ("tty", "tty")):
            if options.flag(flag):
                container[field] = True
        if self._words:
            key = "args" if options.flag("arguments-only") else "command"
            container[key] = self._words
        return container

    def _change(self, container: JsonObject) -> None:
        """Make a container of the copy the one to debug in."""
        wanted = self._new_container(container["name"])
        if "command" in wanted:
            container.pop("args", None)
        for field in ("command", "args", "env", "imagePullPolicy"):
            if field in wanted:
                container[field] = wanted[field]
        if wanted["image"]:
            container["image"] = wanted["image"]
        for field in ("stdin", "tty"):
            container.pop(field, None)
            if field in wanted:
                container[field] = True

    def _environment(self) -> list[JsonObject]:
        pairs = self._options.pairs("env")
        return [
            {"name": key, "value": value} if value else {"name": key}
            for key, value in pairs.items()
        ]

    def _container_name(self, pod: JsonObject) -> str:
        if name := self._options.text("container"):
            return name
        taken = {each["name"] for _, each in all_containers(pod)}
        name = ""
        while not name or name in taken:
            name = f"debugger-{_suffix()}"
        if not self._options.flag("quiet"):
            print(f"Defaulting debug container name to {name}.")
        return name


def _suffix() -> str:
    return "".join(random.choices(_LETTERS, k=5))

"""`set image`: other images for the containers of a pod or a template.

Source: kubernetes/kubectl pkg/cmd/set/set_image.go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_cli.errors import CommandError
from kubectl_cli.selecting.targets import MISSING_RESOURCES
from kubectl_cli.setting.flags import SELECTOR_FLAG, SET_FLAGS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from apimachinery.types import JsonObject
    from kubectl_cli.client.factory import Factory
    from kubectl_cli.flags import Options
    from kubectl_cli.selecting.selected import Selected

SUMMARY = "Change the images of a pod or a pod template."
USE = (
    "set image (-f FILENAME | TYPE NAME) CONTAINER_NAME_1=CONTAINER_IMAGE_1 ..."
    " CONTAINER_NAME_N=CONTAINER_IMAGE_N"
)
EXAMPLES = "kubectl set image deployment/nginx nginx=nginx:1.9.1"
FLAGS = (*SET_FLAGS, SELECTOR_FLAG)


def run(options: Options, factory: Factory) -> int:
    """Patch each object that changes; the others are passed over in silence."""
    from kubectl_cli.setting.objects import ObjectSetter, found_before_flags
    from kubectl_cli.setting.pod_specs import containers_named, pod_spec

    words, images = _split(options.args)
    if not words and not options.items("filename"):
        raise CommandError(MISSING_RESOURCES)
    setter = ObjectSetter(options, factory, "image updated")
    found = found_before_flags(options, factory, words)
    if not images:
        raise CommandError("at least one image update is required")
    if "*" in images and len(images) > 1:
        raise CommandError(
            "all containers are already specified by *, but saw more than one"
            " container_name=container_image pairs"
        )

    def edit(each: Selected, obj: JsonObject) -> Iterator[CommandError]:
        containers = containers_named(pod_spec(each, obj), "*")
        for name, image in images.items():
            chosen = [c for c in containers if name in ("*", c["name"])]
            for container in chosen:
                container["image"] = image
            if not chosen:
                yield CommandError(f'error: unable to find container named "{name}"')

    return setter.run(
        found, edit, failure="failed to patch image update to pod template: "
    )


def _split(args: list[str]) -> tuple[list[str], dict[str, str]]:
    """Resources first, then `CONTAINER=IMAGE`."""
    words: list[str] = []
    images: dict[str, str] = {}
    for word in args:
        name, equals, image = word.partition("=")
        if name and equals:
            images[name] = image
        elif images:
            raise CommandError(
                f"all resources must be specified before image changes: {word}"
            )
        else:
            words.append(word)
    return words, images

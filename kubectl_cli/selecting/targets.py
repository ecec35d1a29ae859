"""What the words of a command line select: `pods`, `pod p1 p2`, `po/a svc/b`.

Source: kubernetes/cli-runtime pkg/resource/builder.go (ResourceTypeOrNameArgs,
normalizeMultipleResourcesArgs and the texts).
"""

from __future__ import annotations

from kubectl_cli.errors import CommandError
from wire.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from kubectl_cli.flags import Options
    from kubectl_cli.selecting.resources import Mapper, Resource

__all__ = [
    "MISSING_RESOURCES",
    "Target",
    "parse_targets",
    "selects_objects",
    "split_pair",
]

MISSING_RESOURCES = """You must provide one or more resources by argument or filename.
Example resource specifications include:
   '-f rsrc.yaml'
   '--filename=rsrc.json'
   '<resource> <name>'
   '<resource>'"""
_MIXED = (
    "there is no need to specify a resource type as a separate argument when passing"
    " arguments in resource/name form (e.g. 'kubectl get resource/<resource_name>'"
    " instead of 'kubectl get resource resource/<resource_name>'"
)


@dataclass(frozen=True, slots=True)
class Target:
    """One object, or with an empty name all objects of a type."""

    resource: Resource
    name: str = ""


def selects_objects(options: Options, words: list[str]) -> bool:
    """Whether the flags say which objects of a type are meant.

    builder.go: --all means a type without names, and nothing where there are names.
    """
    named = len(words) > 1 or any("/" in word for word in words)
    return bool(
        (options.has("selector") and options.text("selector"))
        or (options.has("field-selector") and options.text("field-selector"))
        or (options.has("all") and options.flag("all") and not named)
    )


def parse_targets(
    words: list[str],
    mapper: Mapper,
    *,
    has_selector: bool = False,
    single_type: bool = False,
    allow_empty_name: bool = True,
) -> list[Target]:
    """The objects or types that `words` name; [] for no words."""
    if any("/" in word for word in words):
        if has_selector:
            raise CommandError(
                "selectors and the all flag cannot be used when passing resource/name"
                " arguments"
            )
        return [_pair_target(word, mapper) for word in words]
    if not words and has_selector:
        raise CommandError("at least one resource must be specified to use a selector")
    if not words:
        return []
    if len(words) > 1 and has_selector:
        raise CommandError("name cannot be provided when a selector is specified")
    resources = _types(words[0], mapper)
    if single_type and len(resources) > 1:
        raise CommandError("you may only specify a single resource type")
    if len(words) == 1:
        if not allow_empty_name and not has_selector:
            raise CommandError("resource(s) were provided, but no name was specified")
        return [Target(resource) for resource in resources]
    if len(resources) > 1 and _is_category(words[0], mapper):
        raise CommandError("you must specify only one resource")
    if "" in words[1:]:
        # rest/request.go (Name); an empty name would be all objects of the type.
        raise CommandError("resource name may not be empty")
    return [Target(r, name) for r in resources for name in words[1:]]


def _is_category(word: str, mapper: Mapper) -> bool:
    return "," not in word and bool(mapper.category(word))


def _types(word: str, mapper: Mapper) -> list[Resource]:
    resources: list[Resource] = []
    for part in word.split(","):
        if not part:
            continue
        for each in mapper.category(part) or [mapper.resolve(part)]:
            if each not in resources:
                resources.append(each)
    return resources


def _pair_target(word: str, mapper: Mapper) -> Target:
    if "/" not in word:
        raise CommandError(_MIXED)
    kind, name = split_pair(word)
    return Target(mapper.resolve(kind), name)


def split_pair(word: str) -> tuple[str, str]:
    """`pod/p1` as its two parts."""
    parts = word.split("/")
    if len(parts) != 2:
        raise CommandError(
            "arguments in resource/name form may not have more than one slash"
        )
    if not parts[0] or not parts[1]:
        raise CommandError(
            "arguments in resource/name form must have a single resource and name"
        )
    return parts[0], parts[1]

"""The arguments of each command, and the values of flags.

Source: kubernetes/kubectl pkg/util/completion/completion.go, pkg/cmd/cmd.go (global
flags) and the ValidArgsFunction of each command.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_cli.client.factory import Factory
from kubectl_cli.completing.found import Directive, Found
from kubectl_cli.global_flags import GLOBAL_FLAGS

if TYPE_CHECKING:
    from collections.abc import Callable

    from kubectl_cli.flags import Flag, Options

    Completer = Callable[[Factory, list[str], str], Found]

__all__ = ["complete_arguments", "complete_flag"]

_NO_FILES = Directive.NO_FILE_COMP
_EXTENSIONS = ["json", "yaml", "yml"]
_FORMATS = (
    "json",
    "yaml",
    "name",
    "go-template",
    "go-template-file",
    "template",
    "templatefile",
    "jsonpath",
    "jsonpath-as-json",
    "jsonpath-file",
    "custom-columns",
    "custom-columns-file",
    "wide",
)
_SUBRESOURCES = ["status", "scale", "resize"]
_SHELLS = ("bash", "zsh", "fish")
_WITH_TEMPLATE = (
    "daemonsets",
    "deployments",
    "pods",
    "cronjobs",
    "replicasets",
    "replicationcontrollers",
    "statefulsets",
)
_ROLLED_OUT = ("deployment", "daemonset", "statefulset")
_SCALED = ("deployment", "replicaset", "replicationcontroller", "statefulset")
_EXPOSED = ("pod", "service", "replicationcontroller", "deployment", "replicaset")


def complete_flag(flag: Flag, options: Options, path: str, typed: str) -> Found:
    """The values that a flag may have."""
    if flag.name == "filename":
        return Found([*_EXTENSIONS], Directive.FILTER_FILE_EXT)
    if flag.name == "subresource" and flag not in GLOBAL_FLAGS:
        # kubectl gives all of them, whatever has been typed
        return Found([*_SUBRESOURCES], _NO_FILES)
    factory = Factory(options, path)
    try:
        words = _values(flag, factory, path)
    finally:
        factory.close()
    if words is None:
        return Found()
    return Found([word for word in words if word.startswith(typed)], _NO_FILES)


def _values(flag: Flag, factory: Factory, path: str) -> list[str] | None:
    from kubectl_cli.completing import objects

    is_global = flag in GLOBAL_FLAGS
    match flag.name:
        case "namespace" if is_global:
            return objects.names(factory, "namespaces")
        case "context" | "cluster" | "user" if is_global:
            return objects.stanzas(factory, f"{flag.name}s")
        case "container":
            args = factory.options.args
            return objects.containers(factory, args[0]) if args else []
        case "clusterrole":
            return objects.names(factory, "clusterroles")
        case "output" if path == "get":
            return [*_FORMATS]
    return None


def complete_arguments(path: str, options: Options, typed: str) -> Found | None:
    """What may stand at this place of the command; None where nothing is known."""
    completer = _COMPLETERS.get(path)
    if completer is None:
        return None
    factory = Factory(options, path)
    try:
        return completer(factory, options.args, typed)
    finally:
        factory.close()


def _typed_names(
    factory: Factory,
    args: list[str],
    typed: str,
    *,
    types: tuple[str, ...] = (),
    repeats: bool = True,
) -> Found:
    """`TYPE NAME...` or `TYPE/NAME...`; `types` are the only ones there are."""
    from kubectl_cli.completing import objects

    may_follow = repeats or not args
    if args and "/" not in args[0]:
        if not repeats and len(args) > 1:
            return Found(directive=_NO_FILES)
        names = objects.names(factory, args[0])
        return _matching([n for n in names if n not in args[1:]], typed)
    if "/" in typed and may_follow:
        kind = typed.partition("/")[0]
        pairs = [f"{kind}/{name}" for name in objects.names(factory, kind)]
        return _matching([pair for pair in pairs if pair not in args], typed)
    if not may_follow:
        return Found(directive=_NO_FILES)
    kinds = [*types] if types else objects.types(factory)
    if not args:
        return _matching_last(kinds, typed)
    slashed = [f"{kind}/" for kind in kinds]
    found = _matching(slashed, typed)
    found.directive |= Directive.NO_SPACE
    return found


def _only(*types: str, repeats: bool = True) -> Completer:
    def complete(factory: Factory, args: list[str], typed: str) -> Found:
        return _typed_names(factory, args, typed, types=types, repeats=repeats)

    return complete


def _matching(words: list[str], typed: str) -> Found:
    return Found([word for word in words if word.startswith(typed)], _NO_FILES)


def _matching_last(kinds: list[str], typed: str) -> Found:
    """Types may be several, with commas; the last is being typed."""
    before, comma, last = typed.rpartition(",")
    words = [f"{before}{comma}{kind}" for kind in kinds if kind.startswith(last)]
    return Found(words, _NO_FILES)


def _pods(factory: Factory, args: list[str], typed: str) -> Found:
    from kubectl_cli.completing import objects

    return objects.pods(factory, typed) if not args else Found(directive=_NO_FILES)


def _pods_and_containers(factory: Factory, args: list[str], typed: str) -> Found:
    from kubectl_cli.completing import objects

    if len(args) != 1:
        return _pods(factory, args, typed)
    return _matching(objects.containers(factory, args[0]), typed)


def _pods_and_ports(factory: Factory, args: list[str], typed: str) -> Found:
    from kubectl_cli.completing import objects

    if len(args) != 1:
        return _pods(factory, args, typed)
    local = typed.partition(":")[0]
    pairs = [f"{local or port}:{port}" for port in objects.ports(factory, args[0])]
    return _matching(pairs, typed)


def _names_of(types: str) -> Completer:
    """One name; the type is the command's own."""

    def complete(factory: Factory, args: list[str], typed: str) -> Found:
        from kubectl_cli.completing import objects

        return _matching([] if args else objects.names(factory, types), typed)

    return complete


def _files_and_pods(factory: Factory, args: list[str], typed: str) -> Found:
    from kubectl_cli.completing import objects

    words = [] if args else objects.copied(factory, typed)
    return Found(words, Directive.NO_SPACE)


def _stanzas(section: str) -> Completer:
    def complete(factory: Factory, args: list[str], typed: str) -> Found:
        from kubectl_cli.completing import objects

        return _matching([] if args else objects.stanzas(factory, section), typed)

    return complete


def _shells(_: Factory, args: list[str], typed: str) -> Found:
    return Found() if args else _matching([*_SHELLS], typed)


_nodes = _names_of("nodes")
_COMPLETERS: dict[str, Completer] = {
    "annotate": _typed_names,
    "apply view-last-applied": _typed_names,
    "attach": _pods,
    "autoscale": _only(*_SCALED),
    "completion": _shells,
    "config delete-cluster": _stanzas("clusters"),
    "config delete-context": _stanzas("contexts"),
    "config delete-user": _stanzas("users"),
    "config rename-context": _stanzas("contexts"),
    "config set-context": _stanzas("contexts"),
    "config use-context": _stanzas("contexts"),
    "cordon": _nodes,
    "cp": _files_and_pods,
    "create token": _names_of("serviceaccounts"),
    "debug": _typed_names,
    "delete": _typed_names,
    "describe": _typed_names,
    "drain": _nodes,
    "edit": _typed_names,
    "exec": _pods,
    "expose": _only(*_EXPOSED),
    "get": _typed_names,
    "label": _typed_names,
    "logs": _pods_and_containers,
    "patch": _typed_names,
    "port-forward": _pods_and_ports,
    "rollout history": _only(*_ROLLED_OUT),
    "rollout pause": _only("deployment"),
    "rollout restart": _only(*_ROLLED_OUT),
    "rollout resume": _only("deployment"),
    "rollout status": _only(*_ROLLED_OUT, repeats=False),
    "rollout undo": _only(*_ROLLED_OUT),
    "scale": _only(*_SCALED),
    "set image": _only(*_WITH_TEMPLATE, repeats=False),
    "taint": _only("node"),
    "top node": _nodes,
    "top pod": _names_of("pods"),
    "uncordon": _nodes,
}

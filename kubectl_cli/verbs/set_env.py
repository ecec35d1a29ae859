"""`set env`: the environment variables of a pod or a template.

Source: kubernetes/kubectl pkg/cmd/set/set_env.go.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from apimachinery.status import StatusError
from kubectl_cli.errors import CommandError
from kubectl_cli.flags import Flag
from kubectl_cli.setting.flags import CONTAINERS_FLAG, SELECTOR_FLAG, SET_FLAGS

if TYPE_CHECKING:
    from apimachinery.types import JsonObject
    from kubectl_cli.client.factory import Factory
    from kubectl_cli.flags import Options
    from kubectl_cli.selecting.selected import Selected
    from kubectl_cli.setting.environment_values import ValueReader

SUMMARY = "Change or list the environment of a pod template."
USE = "set env RESOURCE/NAME KEY_1=VAL_1 ... KEY_N=VAL_N"
EXAMPLES = """kubectl set env deployment/registry STORAGE_DIR=/local
kubectl set env deployment/sample-build --list
kubectl set env --from=secret/mysecret deployment/myapp
kubectl set env deployments --all --containers="c1" ENV-"""
FLAGS = (
    *SET_FLAGS,
    SELECTOR_FLAG,
    CONTAINERS_FLAG,
    Flag("env", "array", short="e", help="KEY=value, or - to read standard input."),
    Flag("from", help="A config map or a secret to take the variables from."),
    Flag("keys", "slice", help="Only these keys of --from."),
    Flag("list", "bool", help="Show the variables, changes included; change nothing."),
    Flag("overwrite", "bool", True, help="Also variables that have a value."),
    Flag("prefix", help="Stands before the name of each variable."),
    Flag("resolve", "bool", help="With --list: look up what is referred to."),
)


def run(options: Options, factory: Factory) -> int:
    """Patch each object that changes, or list the variables of all."""
    from kubectl_cli.setting.environment import (
        parse_variables,
        split_words,
        updated,
        variables_of,
    )
    from kubectl_cli.setting.objects import ObjectSetter, all_or_none, check_flags
    from kubectl_cli.setting.pod_specs import containers_named, pod_spec

    words, changes = split_words(options.args)
    setter = ObjectSetter(options, factory, "env updated")
    check_flags(options)
    _check(options, words)
    new, removed = parse_variables([*options.items("env"), *changes])
    if source := options.text("from"):
        new += variables_of(factory, source, options.items("keys"))
    for variable in new:
        variable["name"] = options.text("prefix") + variable["name"]
    found = all_or_none(options, factory, words)
    pattern = options.text("containers")

    def edit(each: Selected, obj: JsonObject) -> tuple[()]:
        containers = containers_named(pod_spec(each, obj), pattern)
        if not containers:
            from apimachinery.go_text import quote

            name = f"{obj.get('kind')}/{each.name}"
            text = f"does not have any containers matching {quote(pattern)}"
            print(f"Warning: {name} {text}", file=sys.stderr)
        for container in containers:
            variables = container.get("env") or []
            if not options.flag("overwrite"):
                _check_overwrite(variables, new)
            if variables := updated(variables, new, removed):
                container["env"] = variables
            else:
                container.pop("env", None)
        return ()

    if options.flag("list"):
        for each in found:
            # Of what has no containers, or may not be changed, kubectl says nothing.
            with suppress(CommandError):
                edit(each, each.object)
                spec = pod_spec(each, each.object)
                _list(options, factory, each, containers_named(spec, pattern))
        return 0
    return setter.run(
        found, edit, failure="failed to patch env update to pod template: "
    )


def _check(options: Options, words: list[str]) -> None:
    if not words and not options.items("filename"):
        raise CommandError(
            "one or more resources must be specified as <resource> <name> or"
            " <resource>/<name>"
        )
    if options.flag("list") and options.text("output"):
        raise CommandError("--list and --output may not be specified together")
    if options.items("keys") and not options.text("from"):
        raise CommandError(
            "when specifying --keys, a configmap or secret must be provided with --from"
        )


def _check_overwrite(existing: list[JsonObject], new: list[JsonObject]) -> None:
    values = {each["name"]: each.get("value") or "" for each in reversed(existing)}
    for each in new:
        value = values.get(each["name"])
        if value is not None and value != (each.get("value") or ""):
            raise CommandError(
                f"'{each['name']}' already has a value ({value}), and --overwrite is"
                " false"
            )


def _list(
    options: Options, factory: Factory, each: Selected, containers: list[JsonObject]
) -> None:
    from kubectl_cli.setting.environment_values import ValueReader

    for container in containers:
        title = f"{each.object.get('kind')} {each.name}, container {container['name']}"
        print(f"# {title}")
        reader = None
        if options.flag("resolve"):
            reader = ValueReader(factory, each.object)
        problems: dict[str, list[str]] = {}
        for variable in container.get("env") or ():
            _show(variable, container, reader, problems)
        lines = [f"{', '.join(sorted(n))}: {text}" for text, n in problems.items()]
        for line in sorted(lines):
            print(f"error retrieving reference for {line}", file=sys.stderr)


def _show(
    variable: JsonObject,
    container: JsonObject,
    reader: ValueReader | None,
    problems: dict[str, list[str]],
) -> None:
    """One variable: its value, or where it comes from."""
    from kubectl_cli.setting.environment_values import reference_text

    name, source = variable["name"], variable.get("valueFrom")
    if source is None:
        print(f"{name}={variable.get('value') or ''}")
        return
    if reader is not None:
        try:
            print(f"{name}={reader.read(source, container)}")
        except (CommandError, StatusError) as error:
            problems.setdefault(str(error), []).append(name)
        else:
            return
    print(f"# {name} from {reference_text(source)}")

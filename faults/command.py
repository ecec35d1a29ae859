"""`mini-kube fault`: make a hop fail on purpose."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING, Any

from faults.client import FaultClient, FaultError
from faults.durations import read_duration
from faults.parameters import RuleError
from faults.process_faults import signalled
from faults.rules import STREAMS
from faults.types import GROUPS, TYPES, FaultType
from hops.hop import Hop

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hops.cluster_view import ClusterView

__all__ = ["configure", "run"]

_SELECTORS = (
    ("client", "TEXT", "for clients whose User-Agent has it, or matches (kubectl*)"),
    ("pod", "NAME", "for requests to the pod"),
    ("namespace", "NAME", "for requests to the namespace"),
    ("verb", "VERB", "for exec, attach, portforward, log, get, list …"),
    ("method", "METHOD", "for an HTTP or a gRPC method"),
    ("path", "PATTERN", "for requests to these paths"),
    ("upgrade", "WHAT", "for requests to upgrade to websocket, spdy, any or none"),
    ("session", "ID", "for one session"),
)

#: As texts: argparse shows what can be chosen by `repr`.
_HOPS = [str(hop) for hop in Hop]


class _Parser(argparse.ArgumentParser):
    """Takes KEY=VALUE before, between and behind flags."""

    _within = False

    def parse_known_args(  # type: ignore[override]  # argparse's has overloads
        self, args: Sequence[str] | None = None, namespace: Any = None
    ) -> tuple[argparse.Namespace, list[str]]:
        if self._within:  # the other method is made of this one
            return super().parse_known_args(args, namespace)
        self._within = True
        try:
            return self.parse_known_intermixed_args(args, namespace)
        finally:
            self._within = False


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the subcommands."""
    commands = parser.add_subparsers(
        required=True, metavar="COMMAND", parser_class=_Parser
    )
    _configure_add(_command(commands, "add", _add, "set a fault"))
    listing = _command(commands, "list", _list, "show the faults that are set")
    listing.add_argument("-o", "--output", choices=["json"], help="output format")
    remove = _command(commands, "remove", _remove, "take a fault away")
    remove.add_argument("fault", metavar="NAME", help="as `fault list` shows it")
    remove.add_argument("--hop", choices=_HOPS, metavar="HOP", help="on this hop only")
    character = _command(
        commands, "personality", _personality, "set the faults of a known middlebox"
    )
    character.add_argument("personality", nargs="?", metavar="NAME", help="none: list")
    character.add_argument("values", metavar="KEY=VALUE", nargs="*", help="of it")
    character.add_argument(
        "--hop", choices=_HOPS, default=str(Hop.KUBECTL_APISERVER), metavar="HOP"
    )
    _command(commands, "reset", _reset, "take all faults away")
    serve = _command(commands, "serve", _serve, "toxiproxy's HTTP API over the hops")
    serve.add_argument(
        "--address",
        default="127.0.0.1:8474",
        metavar="HOST:PORT",
        help="default: 127.0.0.1:8474, where toxiproxy's clients look",
    )
    serve.add_argument(
        "--anywhere", action="store_true", help="allow an address beside loopback"
    )
    types = _command(commands, "types", _types, "list all types with their parameters")
    types.add_argument("type", nargs="?", metavar="TYPE", help="this one only")
    types.add_argument("-o", "--output", choices=["json"], help="output format")


def run(options: argparse.Namespace, view: ClusterView | None) -> int:
    """Run the subcommand; 1 when it fails."""
    command: Callable[[argparse.Namespace, ClusterView | None], int] = options.command
    try:
        return command(options, view)
    except (FaultError, RuleError) as err:
        print(f"mini-kube fault: {err}", file=sys.stderr)
        return 1


def client_of(view: ClusterView | None) -> FaultClient:
    """The client of a cluster that runs.

    Raises:
        FaultError: there is none.
    """
    if view is None or not view.admin_sockets:
        raise FaultError("no cluster is running: run mini-kube up")
    return FaultClient(view)


def _configure_add(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("hop", metavar="HOP", help=", ".join(Hop))
    add("type", metavar="TYPE", help="see `mini-kube fault types`")
    add("attributes", metavar="KEY=VALUE", nargs="*", help="parameters of the type")
    add("--name", dest="fault", metavar="NAME", help="default: TYPE_STREAM")
    add("--stream", choices=list(STREAMS), help="default: see the type")
    add("--toxicity", type=float, metavar="SHARE", help="of the connections, 0 to 1")
    add("--seed", type=int, metavar="N", help="what chance begins with")
    add("--for", dest="seconds", metavar="SECONDS", help="how long; also 500ms, 2m")
    add("--count", type=int, metavar="N", help="how often at most")
    for key, metavar, text in _SELECTORS:
        add(f"--{key}", metavar=metavar, help=text)
    add("--connection", type=int, metavar="N", help="for the n-th that matches")


def _add(options: argparse.Namespace, view: ClusterView | None) -> int:
    keys = [key for key, _, _ in _SELECTORS] + ["connection"]
    selector = {key: getattr(options, key) for key in keys}
    fault = client_of(view).add_rule(
        {
            "name": options.fault,
            "type": options.type,
            "hop": options.hop,
            "stream": options.stream,
            "toxicity": options.toxicity,
            "seed": options.seed,
            "selector": {k: v for k, v in selector.items() if v is not None},
            "for": None if options.seconds is None else read_duration(options.seconds),
            "count": options.count,
            "attributes": read_attributes(options.attributes),
        }
    )
    if fault.services:
        where = f"{fault.rule['hop']} in {', '.join(fault.services)}"
        print(f"{fault.name} is set on {where}")
    else:
        print(signalled(fault.rule["attributes"]))
    return 0


def read_attributes(words: Sequence[str]) -> dict[str, str]:
    """`key=value` words as a mapping. Raises RuleError."""
    attributes = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals or not key:
            raise RuleError(f"{word!r}: KEY=VALUE is expected")
        attributes[key] = value
    return attributes


def _list(options: argparse.Namespace, view: ClusterView | None) -> int:
    rules = client_of(view).list()
    if options.output == "json":
        print(json.dumps(rules, indent=2))
        return 0
    if not rules:
        print("no faults are set")
        return 0
    head = ("NAME", "HOP", "TYPE", "STREAM", "HITS", "LEFT", "ATTRIBUTES")
    rows: list[tuple[str, ...]] = [head]
    rows += [_row(rule) for rule in rules]
    print_table(rows)
    return 0


def _row(rule: dict[str, Any]) -> tuple[str, ...]:
    details = {
        **rule["attributes"],
        **{f"--{key}": value for key, value in rule["selector"].items()},
    }
    if rule["toxicity"] < 1:
        details["--toxicity"] = rule["toxicity"]
    shown = " ".join(
        f"{key}={value}" for key, value in details.items() if value not in ("", {})
    )
    left = [] if rule["left"] is None else [f"{rule['left']:.0f}s"]
    if rule["count"] is not None:
        left.append(f"{max(0, rule['count'] - rule['hits'])}x")
    return (
        rule["name"],
        rule["hop"],
        rule["type"],
        rule["stream"],
        str(rule["hits"]),
        " ".join(left) or "-",
        shown,
    )


def print_table(rows: Sequence[tuple[str, ...]]) -> None:
    """Columns as wide as their widest cell; the last as it is."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        print("   ".join(cells).rstrip())


def _remove(options: argparse.Namespace, view: ClusterView | None) -> int:
    removed = client_of(view).remove(options.fault, hop=options.hop)
    if not removed:
        raise FaultError(
            f"no fault is called {options.fault!r}: see mini-kube fault list"
        )
    print(f"{options.fault} is removed")
    return 0


def _reset(options: argparse.Namespace, view: ClusterView | None) -> int:
    removed = client_of(view).reset()
    print(_count(removed))
    return 0


def _personality(options: argparse.Namespace, view: ClusterView | None) -> int:
    from faults.personalities import PERSONALITIES

    if options.personality is None:
        for item in PERSONALITIES.values():
            print(f"{item.name}: {item.text}")
            for key, (default, text) in item.values.items():
                print(f"    {key}={default}: {text}")
        return 0
    values = read_attributes(options.values)
    client = client_of(view)
    faults = client.personality(options.personality, hop=options.hop, **values)
    for fault in faults:
        print(f"{fault.name} is set on {options.hop}")
    return 0


def _serve(options: argparse.Namespace, view: ClusterView | None) -> int:
    from faults.control.serve import serve

    return serve(view, options.address, anywhere=options.anywhere)


def _count(removed: int) -> str:
    if removed == 1:
        return "1 fault is removed"
    return f"{removed} faults are removed" if removed else "no faults were set"


def _types(options: argparse.Namespace, view: ClusterView | None) -> int:
    chosen = list(TYPES.values())
    if options.type:
        from faults.types import find_type

        chosen = [find_type(options.type)]
    if options.output == "json":
        print(json.dumps([_type_json(kind) for kind in chosen], indent=2))
        return 0
    for group, title in GROUPS.items():
        members = [kind for kind in chosen if kind.group == group]
        if members:
            print(f"{title}:")
        for kind in members:
            _print_type(kind)
    return 0


def _print_type(kind: FaultType) -> None:
    stream = f" ({kind.stream})" if kind.stream else ""
    print(f"  {kind.name}{stream}: {kind.text}")
    for parameter in kind.parameters:
        if parameter.private:
            continue
        unit = f" {parameter.unit}" if parameter.unit else ""
        shown = "" if parameter.default in ("", {}) else f"={parameter.default}"
        choices = f" [{', '.join(parameter.choices)}]" if parameter.choices else ""
        print(f"      {parameter.name}{shown}{unit}: {parameter.text}{choices}")


def _type_json(kind: FaultType) -> dict[str, Any]:
    return {
        "name": kind.name,
        "group": kind.group,
        "text": kind.text,
        "stream": kind.stream,
        "parameters": [
            {
                "name": parameter.name,
                "kind": parameter.kind,
                "default": parameter.default,
                "unit": parameter.unit,
                "choices": list(parameter.choices),
                "text": parameter.text,
            }
            for parameter in kind.parameters
            if not parameter.private
        ],
    }


def _command(
    commands: argparse._SubParsersAction[_Parser],
    name: str,
    command: Callable[[argparse.Namespace, ClusterView | None], int],
    text: str,
) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=text, description=text)
    parser.set_defaults(command=command)
    return parser

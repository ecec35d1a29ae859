"""`mini-kube trace`: look at sessions, live or in the files of a trace.

`on` and `off` are not here: they change a cluster's settings (`cluster.tracing`).
"""

from __future__ import annotations

import argparse
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from traces.filter import (
    FIELDS,
    FilterError,
    all_of,
    condition,
    expression,
    parse_filter,
)
from traces.formats import FORMATS
from traces.printable import plain

if TYPE_CHECKING:
    from hops.cluster_view import ClusterView
    from traces.filter import Filter
    from traces.reader import Trace
    from traces.sessions import Session

__all__ = ["CommandError", "configure", "run"]

_FLAGS: Final = (
    "hop",
    "client",
    "pod",
    "namespace",
    "verb",
    "channel",
    "length",
    "status",
    "fault",
)


class CommandError(Exception):
    """The command cannot be carried out; the text says why."""


class _AddClusterFlags(Protocol):
    def __call__(
        self, parser: argparse.ArgumentParser, default: str | None = None
    ) -> None:
        """The flags that say which cluster."""


class _Verbs:
    """Adds verbs. Their flags have no defaults: those of the command itself stand."""

    def __init__(
        self, parser: argparse.ArgumentParser, add_cluster_flags: _AddClusterFlags
    ) -> None:
        self._parsers = parser.add_subparsers(metavar="VERB")
        self._add_cluster_flags = add_cluster_flags

    def add(self, name: str, text: str) -> argparse.ArgumentParser:
        parser = self._parsers.add_parser(
            name,
            help=text,
            description=text,
            argument_default=argparse.SUPPRESS,
        )
        parser.set_defaults(verb=name)
        self._add_cluster_flags(parser, argparse.SUPPRESS)
        return parser


def configure(
    parser: argparse.ArgumentParser, add_cluster_flags: _AddClusterFlags
) -> None:
    """Give `mini-kube trace` its verbs and flags."""
    parser.epilog = (
        "Without a verb: the sessions that go by, live. A session may be named by the"
        " beginning of its id, or `last`."
    )
    parser.set_defaults(verb="live")
    parser.add_argument(
        "--plain", action="store_true", help="lines of text, also on a terminal"
    )
    _add_filters(parser, None)
    _add_all(parser, default=False)
    _add_dir(parser, None)
    verbs = _Verbs(parser, add_cluster_flags)
    on = verbs.add("on", "write every frame of every hop to files")
    on.add_argument(
        "directory", nargs="?", default="", help="where to (default: STATE/trace)"
    )
    on.add_argument(
        "--bytes",
        type=_bytes,
        default=None,
        metavar="N",
        help="how much of each payload is kept: a number, or `all` (default: 256);"
        " pcapng and replay need all",
    )
    verbs.add("off", "write no more")
    listing = verbs.add("list", "the sessions of the files")
    _add_filters(listing)
    _add_all(listing)
    _add_dir(listing)
    listing.add_argument(
        "-o", "--output", choices=["text", "json"], default="text", help="output format"
    )
    _configure_session_verbs(verbs)


def _configure_session_verbs(verbs: _Verbs) -> None:
    show = verbs.add("show", "one session, as a picture or for another tool")
    _add_session(show, "last")
    show.add_argument(
        "--format",
        choices=FORMATS,
        default="text",
        help="default: text",
        metavar="FORMAT",
    )
    show.epilog = "; ".join(f"{one.name}: {one.what}" for one in FORMATS.values())
    show.add_argument("-o", "--output", default="", metavar="FILE", help="write here")
    show.add_argument(
        "--everything",
        action="store_true",
        default=False,
        help="also frames that only keep the machinery going",
    )
    show.add_argument(
        "--fold",
        action="store_true",
        default=False,
        help="one arrow for a message that was passed on from hop to hop",
    )
    show.add_argument(
        "--no-explanations",
        dest="explained",
        action="store_false",
        default=True,
        help="leave out why it waited or failed",
    )
    explain = verbs.add("explain", "why a session waited or failed")
    _add_session(explain, "last")
    diff = verbs.add("diff", "what differs between two sessions")
    diff.add_argument("sessions", nargs=2, metavar="SESSION", help="or FILE#SESSION")
    _add_dir(diff)
    replay = verbs.add("replay", "play one end of a recorded session again")
    _add_session(replay, "last")
    _add_replay_flags(replay)
    lua = verbs.add("lua", "the dissector for Wireshark: its text, or the options")
    lua.add_argument(
        "--options",
        action="store_true",
        default=False,
        help="print the options with which tshark and Wireshark load it",
    )
    follow = verbs.add("follow", "the frames of one session, live")
    _add_session(follow, "next")
    _add_filters(follow)


def run(options: argparse.Namespace, view: ClusterView | None) -> int:
    """Carry out a verb; the exit code is 0, or 1 for a failure."""
    from traces.formats.errors import RenderError
    from traces.reader import TraceError

    try:
        return _VERBS[options.verb](options, view)
    except (CommandError, FilterError, RenderError, TraceError) as err:
        # it may quote what somebody else has sent
        print(f"mini-kube: {plain(str(err))}", file=sys.stderr)
        return 1


def _live(options: argparse.Namespace, view: ClusterView | None) -> int:
    """Without a verb: live, or over the files of `--dir`."""
    wanted, text = _filter(options), _filter_text(options)
    trace = _read(options, view) if options.dir is not None else None
    cluster = _running(view) if trace is None else None
    if _is_terminal() and not options.plain:
        if find_spec("textual") is not None and find_spec("pyte") is not None:
            from traces.tui.app import run_live, run_over

            if trace is not None:
                return run_over(trace.events, text, everything=options.all)
            assert cluster is not None  # noqa: S101 - one of the two is there
            return run_live(cluster, text, everything=options.all)
        print(
            "mini-kube: the terminal interface needs Textual:"
            " pip install 'mini-kube[tui]'. Here is the plain list.",
            file=sys.stderr,
        )
    if trace is not None:
        from traces.listing import print_sessions

        return print_sessions(trace, wanted, everything=options.all, form="text")
    from traces.live.feed import LiveFeed, sockets_of
    from traces.live.plain import follow_sessions

    assert cluster is not None  # noqa: S101 - one of the two is there
    with LiveFeed(sockets_of(cluster)) as feed:
        follow_sessions(feed, wanted, background=options.all)
    return 0


def _is_terminal() -> bool:
    """Textual draws on stderr."""
    return all(each.isatty() for each in (sys.stdin, sys.stdout, sys.stderr))


def _list(options: argparse.Namespace, view: ClusterView | None) -> int:
    from traces.listing import print_sessions

    trace = _read(options, view)
    wanted = _filter(options)
    return print_sessions(trace, wanted, everything=options.all, form=options.output)


def _show(options: argparse.Namespace, view: ClusterView | None) -> int:
    from traces.showing import show

    session = _read(options, view).session(options.session)
    return show(
        session,
        options.format,
        options.output,
        everything=options.everything,
        fold=options.fold,
        explained=options.explained,
    )


def _explain(options: argparse.Namespace, view: ClusterView | None) -> int:
    from traces.explain.engine import explain

    session = _read(options, view).session(options.session)
    found = explain(session.events)
    for one in found:
        moment = (one.at.wall - session.started) * 1000
        print(f"{moment:10.2f} ms  {one.rule}: {one.text}")
    if not found:
        print("nothing in this session waited or failed")
    return 0


def _follow(options: argparse.Namespace, view: ClusterView | None) -> int:
    from traces.live.feed import LiveFeed, sockets_of
    from traces.live.plain import follow_frames

    cluster, name, known = _running(view), options.session, []
    if name != "next" and cluster.traces.is_dir():
        session = _read(options, view).session(name)
        name, known = session.id, session.events
    with LiveFeed(sockets_of(cluster)) as feed:
        return follow_frames(feed, name, _filter(options), known)


def _diff(options: argparse.Namespace, view: ClusterView | None) -> int:
    from traces.diff import compare

    left, right = (_named(text, options, view) for text in options.sessions)
    comparison = compare(left, right)
    sys.stdout.write(comparison.text())
    return 0 if comparison.equal else 1


def _replay(options: argparse.Namespace, view: ClusterView | None) -> int:
    from traces.recording import RecordingError
    from traces.replaying import replay

    session = _read(options, view).session(options.session)
    try:
        return replay(session, options, view)
    except RecordingError as err:
        raise CommandError(str(err)) from err


def _lua(options: argparse.Namespace, view: ClusterView | None) -> int:
    import shlex

    from traces.dissector import lua_script, wireshark_options

    if options.options:
        print(shlex.join(wireshark_options()))
    else:
        sys.stdout.write(lua_script().read_text())
    return 0


_VERBS: Final = {
    "live": _live,
    "list": _list,
    "show": _show,
    "explain": _explain,
    "follow": _follow,
    "diff": _diff,
    "replay": _replay,
    "lua": _lua,
}


def _named(text: str, options: argparse.Namespace, view: ClusterView | None) -> Session:
    """`SESSION`, or `FILE#SESSION` for one of another file or folder."""
    place, mark, name = text.rpartition("#")
    if not mark:
        return _read(options, view).session(text)
    from traces.reader import read_folder

    return read_folder(place).session(name or "last")


def _read(options: argparse.Namespace, view: ClusterView | None) -> Trace:
    """The trace of `--dir`, else the cluster's."""
    from traces.reader import read_folder

    if options.dir is not None:
        folder = options.dir
    elif view is None:
        raise CommandError("there is no cluster here: say --dir, or run mini-kube up")
    elif not view.traces.is_dir():
        raise CommandError(
            f"there are no traces in {view.traces}: run mini-kube trace on"
        )
    else:
        folder = view.traces
    trace = read_folder(folder)
    for problem in trace.problems:
        print(f"mini-kube: {plain(problem)}", file=sys.stderr)
    return trace


def _running(view: ClusterView | None) -> ClusterView:
    if view is None or not view.admin_sockets:
        raise CommandError(
            "no cluster is running, so nothing is live: run mini-kube up, or"
            " mini-kube trace list for what was written before"
        )
    return view


def _filter(options: argparse.Namespace) -> Filter:
    """What `--filter` and the single flags want together."""
    parts = [parse_filter(options.only_filter or "")]
    for name in _FLAGS:
        value = getattr(options, f"only_{name}")
        if value is not None:
            parts.append(condition(name, value))
    return all_of(parts)


def _filter_text(options: argparse.Namespace) -> str:
    """The same as one expression, for a line in which it can be changed."""
    parts = [f"({options.only_filter})"] if options.only_filter else []
    for name in _FLAGS:
        value = getattr(options, f"only_{name}")
        if value is not None:
            parts.append(expression(name, value))
    return " and ".join(parts)


def _add_session(parser: argparse.ArgumentParser, default: str) -> None:
    parser.add_argument(
        "session", nargs="?", default=default, help=f"default: {default}"
    )
    _add_dir(parser)


def _add_replay_flags(parser: argparse.ArgumentParser) -> None:
    """What `replay` takes beside the session."""
    add = parser.add_argument
    add("--as", dest="role", choices=["client", "server"], required=True)
    add(
        "--address",
        required=True,
        metavar="HOST:PORT",
        help="of the server to play to, or to be",
    )
    add("--hop", default="kubectl-apiserver", help="default: kubectl-apiserver")
    add(
        "--realtime",
        action="store_true",
        default=False,
        help="with the waits of the recording",
    )
    add("--plain", action="store_true", default=False, help="without TLS")
    add("--token", default=None, help="in place of the one that was painted over")
    add("--ca-file", default=None, metavar="FILE", help="default: the cluster's")
    add("--cert-file", default=None, metavar="FILE", help="default: the cluster's")
    add("--key-file", default=None, metavar="FILE", help="default: the cluster's")


def _add_filters(
    parser: argparse.ArgumentParser, default: str | None = argparse.SUPPRESS
) -> None:
    for name in (*_FLAGS, "filter"):
        example = "e.g. 'verb=exec and (length>1k or status!=0)'"
        parser.add_argument(
            f"--{name}",
            dest=f"only_{name}",
            metavar="EXPRESSION" if name == "filter" else "X",
            default=default,
            help=example if name == "filter" else f"only {FIELDS[name]}",
        )


def _add_all(
    parser: argparse.ArgumentParser, *, default: bool | str = argparse.SUPPRESS
) -> None:
    parser.add_argument(
        "-a",
        "--all",
        action="store_true",
        default=default,
        help="also what the services ask each other, without a session",
    )


def _add_dir(
    parser: argparse.ArgumentParser, default: str | None = argparse.SUPPRESS
) -> None:
    parser.add_argument(
        "--dir",
        type=Path,
        default=default,
        metavar="DIR",
        help="a folder of traces, or a file (default: the cluster's)",
    )


def _bytes(text: str) -> str:
    if text != "all" and not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r}: a number, or `all`")
    return text

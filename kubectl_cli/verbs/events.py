"""`events`: what happened, oldest first.

Source: kubernetes/kubectl pkg/cmd/events.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from apimachinery.status import StatusError
from hops.blocking.responses import RequestError
from kubectl_cli.errors import AggregateError, CommandError
from kubectl_cli.flags import Flag
from kubectl_cli.printers.objects import PRINT_FLAGS, make_printer, split_format

if TYPE_CHECKING:
    from apimachinery.types import JsonObject
    from kubectl_cli.client.factory import Factory
    from kubectl_cli.client.rest import Query
    from kubectl_cli.flags import Options
    from kubectl_cli.printers.objects import ObjectPrinter

SUMMARY = "List events."
USE = (
    "events [(-o|--output=)json|yaml|kyaml|name|go-template|go-template-file|template|"
    "templatefile|jsonpath|jsonpath-as-json|jsonpath-file] [--for TYPE/NAME]"
    " [--watch] [--types=Normal,Warning]"
)
EXAMPLES = "kubectl events\nkubectl events --for pod/web-pod-13je7 --watch"
FLAGS = (
    *PRINT_FLAGS,
    Flag("all-namespaces", "bool", short="A", help="In all namespaces."),
    Flag("chunk-size", "int", 500, help="Ask for long lists in pieces of this size."),
    Flag("for", help="Only the events of this object."),
    Flag("no-headers", "bool", help="No line of headers."),
    Flag("types", "slice", help="Only events of these types."),
    Flag("watch", "bool", short="w", help="Then show each new event."),
)
_TYPES = ("Normal", "Warning")


#: What the type of an event writes though it is not set.
_ALWAYS: JsonObject = {
    "source": {},
    "firstTimestamp": None,
    "lastTimestamp": None,
    "eventTime": None,
    "reportingComponent": "",
    "reportingInstance": "",
}


def run(options: Options, factory: Factory) -> int:
    """Print the events of the namespace, or of one object."""
    if not _types(options) <= {each.lower() for each in _TYPES}:
        raise CommandError("valid --types are Normal or Warning")
    printer = make_printer(options, typed=True)
    everywhere = options.flag("all-namespaces")
    namespace = "" if everywhere else factory.namespace
    path = f"/api/v1/namespaces/{namespace}/events" if namespace else "/api/v1/events"
    query = _selector(options, factory)
    table = _Table(everywhere=everywhere, headers=not options.flag("no-headers"))
    if options.flag("watch"):
        _watch(options, factory, path, query, printer or table)
        return 0
    found = _wanted(options, _list(options, factory, path, query))
    found.sort(key=_last_seen)
    if not found:
        where = "" if everywhere else f" in {namespace} namespace"
        print(f"No events found{where}.", file=sys.stderr)
    elif printer is None:
        sys.stdout.write(table.render_all(found))
    # kubectl has no names for a list that it holds as a type.
    elif split_format(options)[0] != "name":
        items = [_ALWAYS | event for event in found]
        listed = {"kind": "EventList", "apiVersion": "v1", "metadata": {}}
        sys.stdout.write(printer.render({**listed, "items": items}))
    return 0


def _types(options: Options) -> set[str]:
    return {each.lower() for each in options.items("types")}


def _wanted(options: Options, events: list[JsonObject]) -> list[JsonObject]:
    types = _types(options)
    return [e for e in events if not types or str(e.get("type")).lower() in types]


def _watch(
    options: Options,
    factory: Factory,
    path: str,
    query: Query,
    printer: ObjectPrinter,
) -> None:
    """Those there are and each new one, until --request-timeout: that is no failure."""
    if options.number("chunk-size") > 0:
        query = [*query, ("limit", str(options.number("chunk-size")))]
    try:
        for change in factory.client.watch(path, query):
            if change["type"] not in ("ADDED", "MODIFIED"):
                continue
            for event in _wanted(options, [change["object"]]):
                sys.stdout.write(printer.render(_ALWAYS | event))
                sys.stdout.flush()
    except RequestError as error:
        if "deadline exceeded" not in error.text:
            raise


def _selector(options: Options, factory: Factory) -> Query:
    if not options.text("for"):
        return []
    kind, slash, name = options.text("for").partition("/")
    if not slash:
        raise CommandError("--for must be in resource/name form")
    if "/" in name:
        raise CommandError(
            "arguments in resource/name form may not have more than one slash"
        )
    if not kind:
        raise CommandError("a resource must be present, got: /, Resource=")
    try:
        resource = factory.mapper.resolve(kind)
    except CommandError as error:
        raise AggregateError([error]) from None  # told without `error: `
    terms = (
        f"involvedObject.kind={resource.kind}",
        f"involvedObject.apiVersion={resource.api_version}",
        f"involvedObject.name={name}",
    )
    return [("fieldSelector", ",".join(terms))]


def _list(
    options: Options, factory: Factory, path: str, query: Query
) -> list[JsonObject]:
    limit = options.number("chunk-size")
    asked = [*query, ("limit", str(limit))] if limit > 0 else query
    items: list[JsonObject] = []
    more = ""
    while True:
        page = [*asked, ("continue", more)] if more else asked
        try:
            listed = factory.client.get(path, page)
        except StatusError as error:
            raise _explained(error, query) from None
        items += listed.get("items") or []
        more = (listed.get("metadata") or {}).get("continue") or ""
        if not more:
            return items


def _explained(error: StatusError, query: Query) -> StatusError:
    """cli-runtime helper.go: say which list could not be had."""
    if error.reason not in ("NotFound", "BadRequest"):
        return error
    if query:
        head = (
            'Unable to find "events" that match label selector "", field selector'
            f' "{query[0][1]}"'
        )
    else:
        head = 'Unable to list "events"'
    return StatusError({**error.status, "message": f"{head}: {error.message}"})


def _last_seen(event: JsonObject) -> float:
    from kubectl_cli.clock import to_seconds

    series = event.get("series") or {}
    stamp = (
        series.get("lastObservedTime")
        or event.get("lastTimestamp")
        or event.get("eventTime")
    )
    return to_seconds(stamp) if stamp else 0.0


class _Table:
    """The columns of `events`; they keep their widths in a watch."""

    def __init__(self, *, everywhere: bool, headers: bool) -> None:
        from kubectl_cli.printers.tabwriter import TabWriter

        self._writer = TabWriter()
        self._everywhere = everywhere
        if headers:
            head = "NAMESPACE\t" if everywhere else ""
            self._writer.line(f"{head}LAST SEEN\tTYPE\tREASON\tOBJECT\tMESSAGE")

    def render(self, event: JsonObject) -> str:
        return self.render_all([event])

    def render_all(self, events: list[JsonObject]) -> str:
        from kubectl_cli.describe.writer import event_interval

        for event in events:
            about = event.get("involvedObject") or {}
            cells = [
                event_interval(event),
                event.get("type") or "",
                event.get("reason") or "",
                f"{about.get('kind')}/{about.get('name')}",
                str(event.get("message") or "").strip(),
            ]
            if self._everywhere:
                cells.insert(0, event["metadata"].get("namespace") or "")
            self._writer.line("\t".join(cells))
        return self._writer.flush()

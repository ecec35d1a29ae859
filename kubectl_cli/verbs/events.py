"""`events`: what happened, oldest first.

Source: kubernetes/kubectl pkg/cmd/events.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from apimachinery.status import StatusError
from kubectl_cli.errors import CommandError
from kubectl_cli.flags import Flag
from kubectl_cli.printers.objects import PRINT_FLAGS, make_printer
from kubectl_cli.targets import split_pair

if TYPE_CHECKING:
    from apimachinery.types import JsonObject
    from kubectl_cli.client.factory import Factory
    from kubectl_cli.client.rest import Query
    from kubectl_cli.flags import Options

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


def run(options: Options, factory: Factory) -> int:
    """Print the events of the namespace, or of one object."""
    wanted = {each.lower() for each in options.items("types")}
    if not wanted <= {each.lower() for each in _TYPES}:
        raise CommandError("valid --types are Normal or Warning")
    printer = make_printer(options, typed=True)
    everywhere = options.flag("all-namespaces")
    namespace = "" if everywhere else factory.namespace
    path = f"/api/v1/namespaces/{namespace}/events" if namespace else "/api/v1/events"
    query = _selector(options, factory)
    listed = _list(options, factory, path, query)
    found = [
        event
        for event in listed.get("items") or ()
        if not wanted or str(event.get("type")).lower() in wanted
    ]
    found.sort(key=_last_seen)
    if not found and not options.flag("watch"):
        where = "" if everywhere else f" in {namespace} namespace"
        print(f"No events found{where}.", file=sys.stderr)
        return 0
    if printer is not None:
        obj = {"kind": "EventList", "apiVersion": "v1", **listed, "items": found}
        sys.stdout.write(printer.render(obj))
        return 0
    table = _Table(everywhere=everywhere, headers=not options.flag("no-headers"))
    if found:
        sys.stdout.write(table.render(found))
    if options.flag("watch"):
        version = (listed.get("metadata") or {}).get("resourceVersion") or ""
        query.append(("resourceVersion", version))
        for change in factory.client.watch(path, query):
            event = change["object"]
            shown = not wanted or str(event.get("type")).lower() in wanted
            if change["type"] in ("ADDED", "MODIFIED") and shown:
                sys.stdout.write(table.render([event]))
                sys.stdout.flush()
    return 0


def _selector(options: Options, factory: Factory) -> Query:
    if not options.text("for"):
        return []
    if "/" not in options.text("for"):
        raise CommandError("--for must be in resource/name form")
    kind, name = split_pair(options.text("for"))
    resource = factory.mapper.resolve(kind)
    terms = (
        f"involvedObject.kind={resource.kind}",
        f"involvedObject.apiVersion={resource.api_version}",
        f"involvedObject.name={name}",
    )
    return [("fieldSelector", ",".join(terms))]


def _list(options: Options, factory: Factory, path: str, query: Query) -> JsonObject:
    limit = options.number("chunk-size")
    asked = [*query, ("limit", str(limit))] if limit > 0 else query
    listed: JsonObject = {}
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
            return {**listed, "items": items}


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

    def render(self, events: list[JsonObject]) -> str:
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

"""What `get` does once its flags are right: ask, sort, print, and watch."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

from apimachinery.status import StatusError
from hops.blocking.responses import RequestError
from kubectl_cli.client.rest import ACCEPT_JSON, ACCEPT_TABLE
from kubectl_cli.documents.manifests import visit_manifests
from kubectl_cli.errors import AggregateError, CommandError
from kubectl_cli.printers.objects import (
    COMMON_FORMATS,
    make_printer,
    no_printer,
    split_format,
)
from kubectl_cli.selecting.list_failures import telling_of_list
from kubectl_cli.selecting.missing_object import telling_of_object
from kubectl_cli.selecting.resources import POD
from kubectl_cli.selecting.targets import parse_targets
from kubectl_cli.waiting.interruption import exits_when_interrupted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from apimachinery.types import JsonObject
    from kubectl_cli.client.factory import Factory
    from kubectl_cli.client.rest import Query
    from kubectl_cli.documents.manifests import Manifest
    from kubectl_cli.flags import Options
    from kubectl_cli.printers.custom_columns import CustomColumns
    from kubectl_cli.printers.objects import ObjectPrinter
    from kubectl_cli.printers.table import TablePrinter
    from kubectl_cli.selecting.resources import Resource

__all__ = ["GetCommand"]

_BOTH = (
    "when paths, URLs, or stdin is provided as input, you may not specify resource"
    " arguments as well"
)
_FORMATS = (*COMMON_FORMATS, "custom-columns", "custom-columns-file", "wide")


@dataclass(frozen=True, slots=True)
class _Request:
    """One question: a collection, or one object of it; or why it cannot be asked."""

    resource: Resource
    namespace: str
    name: str = ""
    problem: Exception | None = None


class GetCommand:
    """One run of `get`."""

    def __init__(self, options: Options, factory: Factory) -> None:
        self._options = options
        self._factory = factory
        self._format, _ = split_format(options)
        self._as_table = self._format in ("", "wide")
        self._printer: ObjectPrinter | None = None
        self._columns: CustomColumns | None = None
        self._errors: list[Exception] = []

    def run(self) -> int:
        self._make_printers()
        requests, single = self._requests()
        if self._options.flag("watch") or self._options.flag("watch-only"):
            self._watch(requests)
        elif self._as_table:
            self._print_tables(requests)
        else:
            self._print_objects(requests, single=single)
        return self._end()

    def _end(self) -> int:
        if len(self._errors) == 1:
            raise self._errors[0]
        if self._errors:
            raise AggregateError(self._errors)
        return 0

    def _make_printers(self) -> None:
        if self._as_table:
            return
        if self._format.startswith("custom-columns"):
            self._columns = _custom_columns(self._options)
        else:
            self._printer = make_printer(self._options, _FORMATS)

    def _requests(self) -> tuple[list[_Request], bool]:
        """What to ask for, and whether one object is meant."""
        options = self._options
        if files := options.items("filename"):
            if options.args:
                raise CommandError(_BOTH)
            visited = visit_manifests(
                files, self._factory, recursive=options.flag("recursive")
            )
            listed = [_of_file(each) for each in visited]
            return listed, len(listed) == 1
        targets = parse_targets(
            options.args,
            self._factory.mapper,
            has_selector=bool(options.text("selector")),
        )
        everywhere = options.flag("all-namespaces")
        namespace = "" if everywhere else self._factory.namespace
        requests = [
            _Request(
                each.resource, namespace if each.resource.namespaced else "", each.name
            )
            for each in targets
        ]
        single = len(requests) == 1 and bool(requests[0].name)
        return requests, single

    def _query(self, request: _Request) -> Query:
        options = self._options
        query: Query = []
        if self._as_table and options.text("sort-by"):
            query.append(("includeObject", "Object"))
        if request.name:
            return query
        query += self._selectors()
        if options.number("chunk-size") > 0 and not options.text("sort-by"):
            query.append(("limit", str(options.number("chunk-size"))))
        return query

    def _selectors(self) -> Query:
        pairs = (
            ("labelSelector", self._options.text("selector")),
            ("fieldSelector", self._options.text("field-selector")),
        )
        return [(name, value) for name, value in pairs if value]

    def _ask(self, request: _Request) -> Iterator[JsonObject]:
        """The answer, or for a long list its pages."""
        accept = (
            ACCEPT_TABLE
            if self._as_table and self._options.flag("server-print")
            else ACCEPT_JSON
        )
        path = request.resource.path(
            request.namespace, request.name, self._options.text("subresource")
        )
        query = self._query(request)
        if request.problem is not None:
            raise request.problem
        more = ""
        while True:
            asked = [*query, ("continue", more)] if more else query
            answer = self._get(path, asked, accept, request)
            yield answer
            more = (answer.get("metadata") or {}).get("continue") or ""
            if not more or request.name:
                return

    def _get(
        self, path: str, query: Query, accept: str, request: _Request
    ) -> JsonObject:
        client = self._factory.client
        if not request.name:
            with telling_of_list(request.resource, query):
                return client.get(path, query, accept=accept)
        with telling_of_object(
            client, request.resource, request.namespace, request.name
        ):
            return client.get(path, query, accept=accept)

    def _failed(self, request: _Request, error: Exception) -> None:
        """Keep the error for the end, unless missing objects are to be ignored."""
        refused = isinstance(error, StatusError) and error.reason == "NotFound"
        if refused and request.name and self._options.flag("ignore-not-found"):
            return
        self._errors.append(error)

    def _print_objects(self, requests: list[_Request], *, single: bool) -> None:
        items: list[JsonObject] = []
        for request in requests:
            try:
                for answer in self._ask(request):
                    items += _items(answer) if not request.name else [answer]
            except (StatusError, AggregateError) as error:
                self._failed(request, error)
        if self._options.text("sort-by"):
            items = _sorted(items, self._options.text("sort-by"))
        if self._columns is not None:
            headers = not self._options.flag("no-headers")
            sys.stdout.write(self._columns.render(items, headers=headers))
            return
        assert self._printer is not None  # noqa: S101 - one of the two was made
        if not items and self._errors:
            return
        if not items and single:
            return
        obj = items[0] if single else _as_list(items)
        sys.stdout.write(self._printer.render(obj))

    def _print_tables(self, requests: list[_Request]) -> None:
        # kubectl reads everything before it prints, since it has to know how many
        # kinds there are to put the kind before the names
        asked = [(each, self._tables(each)) for each in requests]
        answers = [(each, tables) for each, tables in asked if tables is not None]
        kinds = {each.resource for each, _ in answers}
        texts = []
        # neighbours of one kind are one table: one header, common widths
        for resource, group in groupby(answers, key=lambda each: each[0].resource):
            printer = self._table_printer(resource, with_kind=len(kinds) > 1)
            for _, tables in group:
                for table in _as_one_table(tables):
                    printer.add(table)
            texts.append(printer.flush())
        shown = [text for text in texts if text]
        sys.stdout.write(("" if self._options.flag("no-headers") else "\n").join(shown))
        if not shown and not self._errors:
            self._say_nothing_found(requests)

    def _tables(self, request: _Request) -> list[JsonObject] | None:
        """The pages of an answer, None when the server refused."""
        try:
            return [self._as_rows(answer) for answer in self._ask(request)]
        except (StatusError, AggregateError) as error:
            self._failed(request, error)
            return None

    def _say_nothing_found(self, requests: list[_Request]) -> None:
        if self._options.flag("ignore-not-found"):
            return
        sys.stdout.flush()
        namespaced = [each.resource.namespaced for each in requests]
        if all(namespaced) and not self._options.flag("all-namespaces"):
            where = f" in {self._factory.namespace} namespace."
        else:
            where = ""
        print(f"No resources found{where}", file=sys.stderr)

    def _table_printer(self, resource: Resource, *, with_kind: bool) -> TablePrinter:
        from kubectl_cli.printers.table import TableOptions, TablePrinter

        options = self._options
        kind = resource.label if with_kind or options.flag("show-kind") else ""
        everywhere = options.flag("all-namespaces") and resource.namespaced
        return TablePrinter(
            TableOptions(
                wide=self._format == "wide",
                no_headers=options.flag("no-headers"),
                show_labels=options.flag("show-labels"),
                with_namespace=everywhere,
                with_kind=kind,
                label_columns=tuple(options.items("label-columns")),
            )
        )

    def _as_rows(self, answer: JsonObject) -> JsonObject:
        """The answer as a Table, sorted as asked."""
        if answer.get("kind") != "Table":
            from kubectl_cli.printers.plain_table import plain_table

            answer = plain_table(answer)
        if path := self._options.text("sort-by"):
            rows = answer.get("rows") or []
            try:
                rows = _sorted(rows, path, of=_row_object)
            except CommandError:
                # kubectl shows nothing then, unless there is nothing to sort
                rows = rows if len(rows) == 1 else []
            answer = {**answer, "rows": rows}
        return answer

    @exits_when_interrupted()
    def _watch(self, requests: list[_Request]) -> None:
        if len({each.resource for each in requests}) > 1:
            raise CommandError("you may only specify a single resource type")
        if len(requests) != 1:
            self._print_tables(requests)
            self._end()
            raise CommandError(
                "you may only watch a single resource or type of resource at a time"
            )
        request = requests[0]
        printer = (
            self._table_printer(request.resource, with_kind=False)
            if self._as_table
            else None
        )
        answer: JsonObject = {}
        try:
            for answer in self._ask(request):
                if not self._options.flag("watch-only"):
                    self._show(answer, printer, "ADDED", single=bool(request.name))
        except (StatusError, AggregateError) as error:
            self._failed(request, error)
            return
        version = "0"
        if not request.name:
            version = (answer.get("metadata") or {}).get("resourceVersion") or ""
        self._follow(request, version, printer)

    def _follow(
        self, request: _Request, version: str, printer: TablePrinter | None
    ) -> None:
        query = self._selectors()
        if request.name:
            query.append(("fieldSelector", f"metadata.name={request.name}"))
        query.append(("resourceVersion", version))
        if self._as_table and self._options.text("sort-by"):
            query.append(("includeObject", "Object"))
        accept = ACCEPT_TABLE if self._as_table else ACCEPT_JSON
        path = request.resource.path(request.namespace)
        # the first event of a single object is what has been printed already
        skip = bool(request.name)
        for event in self._events(path, query, accept):
            if event["type"] == "ERROR":
                raise StatusError(event["object"])
            if event["type"] == "BOOKMARK":
                continue
            if skip:
                skip = False
                continue
            self._show(event["object"], printer, event["type"], single=True)

    def _events(self, path: str, query: Query, accept: str) -> Iterator[JsonObject]:
        """Those of the watch, which is over after --request-timeout: no failure."""
        try:
            yield from self._factory.client.watch(path, query, accept=accept)
        except RequestError as error:
            if "deadline exceeded" not in error.text:
                raise

    def _show(
        self, obj: JsonObject, printer: TablePrinter | None, event: str, *, single: bool
    ) -> None:
        """Print one answer or one event of a watch, at once."""
        shown = event if self._options.flag("output-watch-events") else ""
        if printer is not None:
            sys.stdout.write(printer.render(self._as_rows(obj), shown))
        else:
            for each in [obj] if single else _items(obj):
                self._show_object(each, shown)
        sys.stdout.flush()

    def _show_object(self, obj: JsonObject, event: str) -> None:
        if event:
            obj = {"type": event, "object": obj}
        if self._columns is not None:
            headers = not self._options.flag("no-headers")
            sys.stdout.write(self._columns.render([obj], headers=headers))
        elif self._printer is not None:
            sys.stdout.write(self._printer.render(obj))


def _custom_columns(options: Options) -> CustomColumns:
    from kubectl_cli.printers.custom_columns import CustomColumns

    name, spec = split_format(options)
    if name == "custom-columns":
        return CustomColumns.from_spec(spec)
    if name != "custom-columns-file":
        raise no_printer(options.text("output"), _FORMATS)
    if not spec:
        raise CommandError(
            "custom-columns format specified but no custom columns given"
        )
    try:
        with open(spec, encoding="utf-8") as stream:
            return CustomColumns.from_template(stream.read())
    except OSError as error:
        problem = (error.strerror or "").lower()
        text = f"error reading template {spec}, open {spec}: {problem}"
        raise CommandError(text) from None


def _of_file(found: Manifest | CommandError) -> _Request:
    """An object of a file; what cannot be read is told without `error: `."""
    if isinstance(found, CommandError):
        return _Request(POD, "", "", AggregateError([found]))
    return _Request(found.resource, found.namespace, found.name)


def _as_one_table(pages: Sequence[JsonObject]) -> list[JsonObject]:
    """The pages of a list as one table, so that its columns fit all of them."""
    if not pages:
        return []
    rows = [row for page in pages for row in page.get("rows") or ()]
    return [{**pages[0], "rows": rows}]


def _items(answer: JsonObject) -> list[JsonObject]:
    """The objects of a list, each with the kind that the list implies."""
    if not isinstance(answer.get("items"), list) and "items" not in answer:
        return [answer]
    kind = str(answer.get("kind") or "").removesuffix("List")
    version = answer.get("apiVersion")
    return [
        {"apiVersion": version, "kind": kind, **item} if "kind" not in item else item
        for item in answer["items"] or ()
    ]


def _as_list(items: list[JsonObject]) -> JsonObject:
    return {
        "apiVersion": "v1",
        "items": items,
        "kind": "List",
        "metadata": {"resourceVersion": ""},
    }


def _row_object(row: JsonObject) -> Any:
    return row.get("object") or {}


def _sorted(items: list[JsonObject], path: str, of: Any = None) -> list[JsonObject]:
    from kubectl_cli.getting.sorting import sort_objects

    return sort_objects(items, path, of)

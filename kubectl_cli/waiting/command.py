"""What `wait` does once its flags are right."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from apimachinery.status import StatusError
from kubectl_cli.changes import ResultPrinter, raise_all
from kubectl_cli.documents.manifests import split_manifests, visit_manifests
from kubectl_cli.errors import CommandError
from kubectl_cli.selecting.list_failures import telling_of_list
from kubectl_cli.selecting.targets import (
    MISSING_RESOURCES,
    Target,
    parse_targets,
    selects_objects,
)
from kubectl_cli.waiting.conditions import ConditionIs, Created, Deleted, JsonPathIs
from kubectl_cli.waiting.until import follow_object, wait_gone

if TYPE_CHECKING:
    from apimachinery.types import JsonObject
    from kubectl_cli.client.factory import Factory
    from kubectl_cli.flags import Options
    from kubectl_cli.waiting.conditions import Condition

__all__ = ["WaitCommand"]

_WEEK = 7 * 24 * 3600.0
_POLL = 0.5  # seconds between looks for an object to be created


class WaitCommand:
    """One run of `wait`."""

    def __init__(
        self, options: Options, factory: Factory, conditions: list[Condition]
    ) -> None:
        self._options = options
        self._factory = factory
        self._conditions = conditions
        self._unread: list[Exception] = []
        self._timeout = options.seconds("timeout")
        self._printer = ResultPrinter(options)
        self._deadline = time.monotonic() + (
            _WEEK if self._timeout < 0 else self._timeout
        )

    def run(self) -> int:
        kinds = {type(condition) for condition in self._conditions}
        targets = self._created() if Created in kinds else self._targets()
        if not targets and Deleted not in kinds and not self._unread:
            raise CommandError("no matching resources found")
        errors: list[Exception] = []
        for target, namespace in targets:
            try:
                self._wait(target, namespace)
            except (StatusError, CommandError) as error:
                errors.append(error)
        raise_all(errors + self._unread)
        return 0

    def _targets(self) -> list[tuple[Target, str]]:
        options, factory = self._options, self._factory
        if files := options.items("filename"):
            visited = visit_manifests(
                files, factory, recursive=options.flag("recursive")
            )
            found, self._unread = split_manifests(visited)
            return [(Target(m.resource, m.name), m.namespace) for m in found]
        if not options.args:
            raise CommandError(MISSING_RESOURCES)
        selects = selects_objects(options, options.args)
        targets = parse_targets(
            options.args, factory.mapper, has_selector=selects, allow_empty_name=False
        )
        if selects:
            return self._selected(targets)
        if options.flag("all-namespaces"):
            raise CommandError(
                "a resource cannot be retrieved by name across all namespaces"
            )
        return [
            (each, factory.namespace if each.resource.namespaced else "")
            for each in targets
        ]

    def _selected(self, targets: list[Target]) -> list[tuple[Target, str]]:
        options = self._options
        everywhere = options.flag("all-namespaces")
        query = [
            (name, value)
            for name, value in (
                ("labelSelector", options.text("selector")),
                ("fieldSelector", options.text("field-selector")),
            )
            if value
        ]
        found: list[tuple[Target, str]] = []
        for each in targets:
            namespace = "" if everywhere else self._factory.namespace
            path = each.resource.path(namespace)
            with telling_of_list(each.resource, query):
                listed = self._factory.client.get(path, query)
            for item in listed.get("items") or ():
                metadata = item["metadata"]
                target = Target(each.resource, metadata["name"])
                found.append((target, metadata.get("namespace") or ""))
        return found

    def _left(self) -> float:
        return max(0.0, self._deadline - time.monotonic())

    def _wait(self, target: Target, namespace: str) -> None:
        """Wait for one condition after the other, and say of each that it is met."""
        for condition in self._conditions:
            obj: JsonObject | None
            match condition:
                case Deleted():
                    obj = self._gone(target, namespace)
                case Created():
                    path = target.resource.path(namespace, target.name)
                    obj = self._factory.client.get(path)
                case ConditionIs() | JsonPathIs():
                    obj = self._until(target, namespace, condition)
            if obj is not None:
                label = f"{target.resource.label}/{target.name}"
                self._printer.show(obj, "condition met", label)

    def _timed_out(self, target: Target) -> CommandError:
        what = f"{target.resource.name}/{target.name}"
        if self._timeout == 0:
            return CommandError(f"condition not met for {what}")
        return CommandError(f"timed out waiting for the condition on {what}")

    def _gone(self, target: Target, namespace: str) -> JsonObject | None:
        """The object as it was; None where it was gone already."""
        client, resource = self._factory.client, target.resource
        try:
            live = client.get(resource.path(namespace, target.name))
        except StatusError as error:
            if error.reason == "NotFound":
                return None
            raise
        if self._timeout == 0:
            raise self._timed_out(target)
        if self._left() <= 0:
            # client-go, asked again when the time was up
            raise CommandError(
                "client rate limiter Wait returned an error: context deadline exceeded"
            )
        uid = live["metadata"].get("uid") or ""
        collection = resource.path(namespace)
        if not wait_gone(client, collection, target.name, uid, self._left()):
            raise self._timed_out(target)
        return live

    def _created(self) -> list[tuple[Target, str]]:
        """All objects, once there is one at least and each is there."""
        client = self._factory.client
        while True:
            targets = self._targets()
            try:
                for target, namespace in targets:
                    client.get(target.resource.path(namespace, target.name))
            except StatusError as error:
                # Of files kubectl wants the objects to be there.
                if error.reason != "NotFound" or self._options.items("filename"):
                    raise
            else:
                if targets:
                    return targets
            if self._left() <= 0:
                raise CommandError("timed out waiting for the condition")
            time.sleep(min(_POLL, self._left()))

    def _until(
        self, target: Target, namespace: str, condition: ConditionIs | JsonPathIs
    ) -> JsonObject:
        client, resource = self._factory.client, target.resource
        live = client.get(resource.path(namespace, target.name))
        if self._timeout == 0:
            if condition.met_by(live):
                return live
            raise self._timed_out(target)
        collection = resource.path(namespace)
        for kind, obj in follow_object(client, collection, target.name, self._left()):
            if kind == "DELETED":
                # condition.go: "the object was deleted": it cannot be met any more
                continue
            if kind != "SYNCED" and condition.met_by(obj):
                return obj
        raise self._timed_out(target)

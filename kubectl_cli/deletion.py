"""What `delete` does once its flags are right: ask, say so, wait."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from apimachinery.status import StatusError
from kubectl_cli.changes import DryRun, add_source, as_one, dry_run_of, raise_all
from kubectl_cli.documents.manifests import split_manifests, visit_manifests
from kubectl_cli.errors import CommandError
from kubectl_cli.selecting.list_failures import telling_of_list
from kubectl_cli.selecting.targets import MISSING_RESOURCES, parse_targets
from kubectl_cli.waiting.until import wait_gone

if TYPE_CHECKING:
    from collections.abc import Iterator

    from apimachinery.types import JsonObject
    from kubectl_cli.client.factory import Factory
    from kubectl_cli.flags import Options
    from kubectl_cli.selecting.resources import Resource

__all__ = ["DeleteCommand", "deleted_text"]

_FORCE_WARNING = (
    "Warning: Immediate deletion does not wait for confirmation that the running"
    " resource has been terminated. The resource may continue to run on the cluster"
    " indefinitely."
)


@dataclass(frozen=True, slots=True)
class _Victim:
    """One object to delete."""

    resource: Resource
    namespace: str
    name: str
    source: str = ""

    @property
    def path(self) -> str:
        return self.resource.path(self.namespace, self.name)

    @property
    def collection(self) -> str:
        return self.resource.path(self.namespace)


def deleted_text(kind: str, name: str, namespace: str, *, forced: bool = False) -> str:
    """`pod "p" deleted from default namespace` (1.34 and later)."""
    verb = "force deleted" if forced else "deleted"
    where = f" from {namespace} namespace" if namespace else ""
    return f'{kind} "{name}" {verb}{where}'


class DeleteCommand:
    """One run of `delete`."""

    def __init__(
        self, options: Options, factory: Factory, propagation: str, grace: int
    ) -> None:
        self._options = options
        self._factory = factory
        self._unread: list[Exception] = []
        self._grace = grace
        self._dry_run = dry_run_of(options)
        self._body: JsonObject = {}
        if grace >= 0:
            self._body["gracePeriodSeconds"] = grace
        self._body["propagationPolicy"] = propagation
        if self._dry_run is DryRun.SERVER:
            self._body["dryRun"] = ["All"]
        self._forced = grace == 0 and options.flag("force")

    def run(self) -> int:
        victims = self._victims()
        if self._forced:
            print(_FORCE_WARNING, file=sys.stderr)
        errors: list[Exception] = []
        if self._options.flag("interactive"):
            victims = list(victims)
            if not self._confirmed(victims):
                print("deletion is cancelled")
                return 0
        found = False
        deleted: list[tuple[_Victim, str]] = []
        for victim in victims:
            found = True
            try:
                uid = self._delete(victim)
            except StatusError as error:
                ignored = error.reason == "NotFound" and self._ignores_missing
                if not ignored:
                    errors.append(add_source(error, "deleting", victim.source))
            else:
                deleted.append((victim, uid))
        if not found and not self._unread:
            print("No resources found")
        self._wait(deleted)
        raise_all(errors + as_one(self._unread))
        return 0

    @property
    def _ignores_missing(self) -> bool:
        # What a selector found and what vanished meanwhile is no error.
        selects = self._options.flag("all") or self._options.text("selector")
        return self._options.flag("ignore-not-found") or (
            bool(selects) and not self._options.changed("ignore-not-found")
        )

    def _victims(self) -> Iterator[_Victim] | list[_Victim]:
        options = self._options
        if files := options.items("filename"):
            visited = visit_manifests(
                files, self._factory, recursive=options.flag("recursive")
            )
            found, self._unread = split_manifests(visited)
            for each in found:
                if not each.name:
                    source = f'"{each.source}"'
                    raise CommandError(
                        f"error when deleting {source}: resource name may not be empty"
                    )
            return [_Victim(m.resource, m.namespace, m.name, m.source) for m in found]
        selects = bool(
            options.flag("all")
            or options.text("selector")
            or options.text("field-selector")
        )
        targets = parse_targets(
            options.args,
            self._factory.mapper,
            has_selector=selects,
            allow_empty_name=False,
        )
        if not targets:
            raise CommandError(MISSING_RESOURCES)
        if not selects:
            return [self._named(each.resource, each.name) for each in targets]
        return self._listed([each.resource for each in targets])

    def _named(self, resource: Resource, name: str) -> _Victim:
        namespace = self._factory.namespace if resource.namespaced else ""
        return _Victim(resource, namespace, name)

    def _listed(self, resources: list[Resource]) -> Iterator[_Victim]:
        everywhere = self._options.flag("all-namespaces")
        query = [
            (name, value)
            for name, value in (
                ("labelSelector", self._options.text("selector")),
                ("fieldSelector", self._options.text("field-selector")),
            )
            if value
        ]
        for resource in resources:
            namespace = "" if everywhere else self._factory.namespace
            with telling_of_list(resource, query):
                listed = self._factory.client.get(resource.path(namespace), query)
            for item in listed.get("items") or ():
                metadata = item["metadata"]
                own = metadata.get("namespace") or ""
                yield _Victim(resource, own, metadata["name"])

    def _confirmed(self, victims: list[_Victim]) -> bool:
        print(f"You are about to delete the following {len(victims)} resource(s):")
        for victim in victims:
            print(f"{victim.resource.label}/{victim.name}")
        print("Do you want to continue? (y/N): ", end="", flush=True)
        return sys.stdin.readline().strip().lower() == "y"

    def _delete(self, victim: _Victim) -> str:
        """Delete it and say so; the uid it had, where the answer tells."""
        answer: JsonObject = {}
        if self._dry_run is not DryRun.CLIENT:
            answer = self._factory.client.call("DELETE", victim.path, body=self._body)
        self._say(victim)
        if answer.get("kind") == "Status":
            return str((answer.get("details") or {}).get("uid") or "")
        return str((answer.get("metadata") or {}).get("uid") or "")

    def _say(self, victim: _Victim) -> None:
        if self._options.text("output") == "name":
            print(f"{victim.resource.label}/{victim.name}")
            return
        text = deleted_text(
            victim.resource.label, victim.name, victim.namespace, forced=self._forced
        )
        print(f"{text}{self._dry_run.value}")
        sys.stdout.flush()

    def _wait(self, deleted: list[tuple[_Victim, str]]) -> None:
        if not self._options.flag("wait") or self._dry_run is not DryRun.NONE:
            return
        timeout = self._options.seconds("timeout")
        for victim, uid in deleted:
            gone = wait_gone(
                self._factory.client, victim.collection, victim.name, uid, timeout
            )
            if not gone:
                raise CommandError(
                    "timed out waiting for the condition on"
                    f" {victim.resource.name}/{victim.name}"
                )

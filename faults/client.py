"""Setting faults in a running cluster, from Python.

    faults = FaultClient(view)
    with faults.added("latency", latency=200):
        ...

The commands, the pytest plugin and the control API all go through this.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from faults.parameters import RuleError
from faults.places import services_for
from faults.rules import Rule, free_name
from faults.speech import check_speech
from hops.blocking.admin import AdminError, call_admin
from hops.hop import Hop

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from hops.cluster_view import ClusterView

__all__ = ["FaultClient", "FaultError", "SetFault"]


class FaultError(Exception):
    """A fault cannot be set, or a service does not answer; the text says why."""


@dataclass(frozen=True, slots=True)
class SetFault:
    """A fault that is set.

    Attributes:
        rule: as the services show it (see docs/faults.md).
        services: who carries it out.
    """

    client: FaultClient
    rule: Mapping[str, Any]
    services: tuple[str, ...]

    @property
    def name(self) -> str:
        """Its name."""
        return str(self.rule["name"])

    @property
    def hits(self) -> int:
        """How often it has struck until now, on all nodes together."""
        for rule in self.client.list():
            if (rule["name"], rule["hop"]) == (self.name, self.rule["hop"]):
                return int(rule["hits"])
        return 0

    def remove(self) -> None:
        """Take it away; nothing happens when it is gone."""
        self.client.remove(self.name, hop=str(self.rule["hop"]))


class FaultClient:
    """The faults of one cluster."""

    def __init__(self, view: ClusterView) -> None:
        self._view = view

    def add(
        self,
        type: str,
        /,
        *,
        hop: str = Hop.KUBECTL_APISERVER,
        name: str | None = None,
        stream: str | None = None,
        toxicity: float = 1.0,
        seed: int = 0,
        selector: Mapping[str, Any] | None = None,
        seconds: float | None = None,
        count: int | None = None,
        **attributes: Any,
    ) -> SetFault:
        """Set a fault. See docs/faults.md for the types and their attributes.

        Args:
            name: default `TYPE_STREAM`, with a number behind it when it is taken.
            seconds: for how long; None: until it is removed.
            count: how often at most; None: without end.

        Raises:
            FaultError: it cannot be; the text says what is allowed.
        """
        return self.add_rule(
            {
                "name": name,
                "type": type,
                "hop": hop,
                "stream": stream,
                "toxicity": toxicity,
                "seed": seed,
                "selector": dict(selector or {}),
                "for": seconds,
                "count": count,
                "attributes": attributes,
            }
        )

    def add_rule(self, document: Mapping[str, Any]) -> SetFault:
        """Set a fault from its JSON form. Raises FaultError."""
        try:
            rule = Rule.from_json(document)
            check_speech(rule.kind, rule.hop)
            running = self._view.admin_sockets
            services = tuple(services_for(rule.hop, running))
            document = self._prepared(rule)
            if rule.kind.name == "kill" and rule.values["when"] == "now":
                return self._kill(rule, document)
        except RuleError as err:
            raise FaultError(str(err)) from None
        if not document.get("name"):
            taken = {r["name"] for r in self.list() if r["hop"] == rule.hop}
            document = {**document, "name": free_name(rule.name, taken)}
        done: list[str] = []
        shown: Mapping[str, Any] = rule.to_json()
        try:
            for service in services:
                answer = self._ask(service, {"cmd": "fault_add", "rule": document})
                shown = answer["rule"]
                done.append(service)
        except FaultError:
            for service in done:
                self._remove(service, rule.name, str(rule.hop))
            raise
        return SetFault(self, shown, services)

    def personality(
        self, name: str, /, *, hop: str = Hop.KUBECTL_APISERVER, **values: Any
    ) -> list[SetFault]:
        """Set the faults of a middlebox; see docs/faults.md for names and values.

        Raises:
            FaultError: there is none of that name, or it has no such value.
        """
        from faults.personalities import rules_of

        try:
            documents = rules_of(name, hop, values)
        except RuleError as err:
            raise FaultError(str(err)) from None
        made: list[SetFault] = []
        try:
            for document in documents:
                made.append(self.add_rule(document))  # noqa: PERF401 - see below
        except FaultError:
            # All of them or none.
            for fault in made:
                fault.remove()
            raise
        return made

    @contextmanager
    def added(self, type: str, /, **options: Any) -> Iterator[SetFault]:
        """A fault for the time of a `with`; arguments as of `add`."""
        fault = self.add(type, **options)
        try:
            yield fault
        finally:
            fault.remove()

    def list(self) -> list[dict[str, Any]]:
        """The faults that are set, with `hits`, `connections` and `services`."""
        found: dict[tuple[str, str], dict[str, Any]] = {}
        for service in self._view.admin_sockets:
            for rule in self._tell(service, {"cmd": "fault_list"}).get("rules", ()):
                key = (rule["hop"], rule["name"])
                known = found.setdefault(key, {**rule, "services": []})
                if known["services"]:
                    known["hits"] += rule["hits"]
                    known["connections"] += rule["connections"]
                known["services"].append(service)
        return list(found.values())

    def remove(self, name: str, *, hop: str | None = None) -> int:
        """Take the faults of that name away, on all hops or one; answers how many."""
        hops: set[str] = set()
        for rule in self.list():
            if rule["name"] == name and hop in (None, rule["hop"]):
                hops.add(rule["hop"])
                for service in rule["services"]:
                    self._remove(service, name, rule["hop"])
        return len(hops)

    def reset(self) -> int:
        """Take all faults away; answers how many these were."""
        number = len(self.list())
        for service in self._view.admin_sockets:
            self._tell(service, {"cmd": "fault_reset"})
        return number

    def watch(self, on: bool = True) -> None:
        """Have the services read connections that no fault is for yet.

        A fault on frames that is set later then reaches those in their middle.
        """
        for service in self._view.admin_sockets:
            self._tell(service, {"cmd": "fault_watch", "on": on})

    def _prepared(self, rule: Rule) -> Mapping[str, Any]:
        """The rule as the services need it: with certificates and process ids."""
        document = rule.to_json(private=True)
        if rule.kind.group == "certificate":
            from faults.certificates import make_certificate

            document["attributes"] |= make_certificate(self._view, rule)
        if rule.kind.group == "process":
            from faults.processes import find_process

            document["attributes"] |= find_process(self._view, rule.values)
        return document

    def _kill(self, rule: Rule, document: Mapping[str, Any]) -> SetFault:
        """Kill at once: then there is no rule to set."""
        from faults.process_faults import send_signal

        values = document["attributes"]
        send_signal(values["pid"], values["start_time"], values["signal"])
        return SetFault(self, {**rule.to_json(), "hits": 1}, ())

    def _remove(self, service: str, name: str, hop: str) -> None:
        self._tell(service, {"cmd": "fault_remove", "name": name, "hop": hop})

    def _tell(self, service: str, request: dict[str, Any]) -> dict[str, Any]:
        """Ask a service, unless it has ended: its faults have ended with it."""
        try:
            return self._ask(service, request)
        except FaultError as err:
            if isinstance(err.__cause__, AdminError) and err.__cause__.is_gone:
                return {}
            raise

    def _ask(self, service: str, request: dict[str, Any]) -> dict[str, Any]:
        path = self._view.admin_sockets.get(service)
        if path is None:
            raise FaultError(f"{service} does not run")
        try:
            return call_admin(str(path), request)
        except AdminError as err:
            raise FaultError(f"{service}: {err}") from err

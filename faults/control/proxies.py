"""What toxiproxy calls a proxy: a hop of the cluster, or a TCP proxy that a client made."""

from __future__ import annotations

import asyncio
from typing import Any, Protocol

from faults.client import FaultClient, FaultError
from faults.control.errors import TOXIC_EXISTS, TOXIC_NOT_FOUND, ApiError
from faults.control.toxics import DOWN, rule_of, updated
from faults.control.toxics import shown as shown_toxic
from faults.engine import FaultEngine
from faults.parameters import RuleError
from faults.rules import Rule
from hops.errors import ConnectError
from hops.hop import Hop, format_address
from hops.hops import Hops
from hops.relay import Relay

__all__ = ["HopProxy", "Proxy", "TcpProxy", "parse_address"]


class Proxy(Protocol):
    """One proxy of the API.

    Attributes:
        fixed: it is there as long as the cluster is, and cannot be removed or moved.
    """

    name: str
    fixed: bool

    async def facts(self) -> dict[str, Any]:
        """name, listen, upstream, enabled and toxics, as the API shows them."""

    async def toxics(self) -> list[dict[str, Any]]:
        """The toxics, as the API shows them."""

    async def add(self, body: Any) -> dict[str, Any]:
        """Add a toxic. Raises ApiError."""

    async def update(self, name: str, body: Any) -> dict[str, Any]:
        """Change a toxic. Raises ApiError."""

    async def remove(self, name: str) -> None:
        """Remove a toxic. Raises ApiError."""

    async def reset(self) -> None:
        """Remove all toxics, and enable."""

    async def enable(self, enabled: bool) -> None:
        """Take it up or down."""

    async def move(self, listen: str, upstream: str) -> None:
        """Listen, or dial, elsewhere. Raises ApiError."""

    async def close(self) -> None:
        """End it."""


def parse_address(text: str) -> tuple[str, int]:
    """`host:port`; without a host it is loopback. Raises ApiError."""
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdecimal() or int(port) > 65535:
        raise ApiError.bad_body(f"address {text!r} is not HOST:PORT")
    return host.strip("[]") or "127.0.0.1", int(port)


class _Toxics:
    """The part of a proxy that does not depend on where its rules are."""

    name: str
    hop: str

    async def rules(self) -> list[dict[str, Any]]:
        """All rules, in their JSON form."""
        raise NotImplementedError

    async def set(self, rule: Rule) -> None:
        """Set a rule."""
        raise NotImplementedError

    async def unset(self, name: str) -> None:
        """Take a rule away."""
        raise NotImplementedError

    async def toxics(self) -> list[dict[str, Any]]:
        """See `Proxy`; in toxiproxy's order, upstream first."""
        found = [shown_toxic(r) for r in await self.rules() if r["name"] != DOWN]
        return sorted(found, key=lambda toxic: toxic["stream"] != "upstream")

    async def add(self, body: Any) -> dict[str, Any]:
        """See `Proxy`."""
        rule = rule_of(body, self.hop)
        if rule.name in [r["name"] for r in await self.rules()]:
            raise ApiError(*TOXIC_EXISTS)
        await self.set(rule)
        return shown_toxic(rule.to_json())

    async def update(self, name: str, body: Any) -> dict[str, Any]:
        """See `Proxy`."""
        for document in await self.rules():
            if document["name"] == name:
                known = {
                    k: document[k] for k in Rule.from_json(_bare(document)).to_json()
                }
                rule = updated(Rule.from_json(known), body)
                await self.unset(name)
                await self.set(rule)
                return shown_toxic(rule.to_json())
        raise ApiError(*TOXIC_NOT_FOUND)

    async def remove(self, name: str) -> None:
        """See `Proxy`."""
        if name not in [toxic["name"] for toxic in await self.toxics()]:
            raise ApiError(*TOXIC_NOT_FOUND)
        await self.unset(name)

    async def reset(self) -> None:
        """See `Proxy`."""
        for rule in await self.rules():
            await self.unset(rule["name"])


def _bare(document: dict[str, Any]) -> dict[str, Any]:
    """A listed rule without its counts."""
    counts = ("hits", "connections", "left", "services")
    return {key: value for key, value in document.items() if key not in counts}


class HopProxy(_Toxics):
    """A hop of the cluster; its rules are in the services."""

    fixed = True

    def __init__(self, hop: Hop, client: FaultClient, listen: str) -> None:
        self.name = self.hop = str(hop)
        self._client = client
        self._listen = listen

    async def facts(self) -> dict[str, Any]:
        """See `Proxy`."""
        down = any(rule["name"] == DOWN for rule in await self.rules())
        return {
            "name": self.name,
            "listen": self._listen,
            "upstream": self.name.rpartition("-")[2],
            "enabled": not down,
            "toxics": await self.toxics(),
        }

    async def rules(self) -> list[dict[str, Any]]:
        """See `_Toxics`."""
        found = await self._ask(self._client.list)
        return [rule for rule in found if rule["hop"] == self.hop]

    async def set(self, rule: Rule) -> None:
        """See `_Toxics`."""
        await self._ask(self._client.add_rule, rule.to_json(private=True))

    async def unset(self, name: str) -> None:
        """See `_Toxics`."""
        await self._ask(lambda: self._client.remove(name, hop=self.hop))

    async def enable(self, enabled: bool) -> None:
        """See `Proxy`."""
        if enabled:
            await self.unset(DOWN)
        elif not any(rule["name"] == DOWN for rule in await self.rules()):
            document = {"type": "down", "name": DOWN, "hop": self.hop}
            await self.set(Rule.from_json(document))

    async def move(self, listen: str, upstream: str) -> None:
        """See `Proxy`: a hop is where it is."""
        raise ApiError.bad_body(f"{self.name} is a hop of the cluster: it stays")

    async def close(self) -> None:
        """Nothing of ours to end."""

    async def _ask(self, call: Any, *arguments: Any) -> Any:
        try:
            return await asyncio.to_thread(call, *arguments)
        except FaultError as err:
            raise ApiError(500, str(err)) from None


class TcpProxy(_Toxics):
    """Listens on one address and dials another, with an engine of its own."""

    fixed = False
    hop = str(Hop.PROXY)

    def __init__(self, name: str, listen: str, upstream: str) -> None:
        self.name = name
        self._listen = listen
        self._upstream = upstream
        self._relay: Relay | None = None
        self._hops = Hops(f"proxy/{name}")
        loop = asyncio.get_running_loop()
        self._engine = FaultEngine(loop.call_at)

    async def facts(self) -> dict[str, Any]:
        """See `Proxy`."""
        return {
            "name": self.name,
            "listen": self._listen,
            "upstream": self._upstream,
            "enabled": self._relay is not None,
            "toxics": await self.toxics(),
        }

    async def rules(self) -> list[dict[str, Any]]:
        """See `_Toxics`."""
        return self._engine.to_json(self._now())

    async def set(self, rule: Rule) -> None:
        """See `_Toxics`."""
        try:
            self._engine.add(rule, self._now())
        except RuleError as err:
            raise ApiError.bad_body(err) from None
        self._changed()

    async def unset(self, name: str) -> None:
        """See `_Toxics`."""
        self._engine.remove(name)
        self._changed()

    async def enable(self, enabled: bool) -> None:
        """See `Proxy`. Disabled, nobody listens, and open connections are cut."""
        if enabled and self._relay is None:
            relay = Relay(
                self._hops,
                Hop.PROXY,
                parse_address(self._listen),
                parse_address(self._upstream),
            )
            try:
                self._relay = await relay.start()
            except ConnectError as err:
                raise ApiError(500, str(err)) from None
            self._listen = format_address(self._relay.address)
        elif not enabled and self._relay is not None:
            relay, self._relay = self._relay, None
            await relay.wait_closed()

    async def move(self, listen: str, upstream: str) -> None:
        """See `Proxy`."""
        parse_address(listen), parse_address(upstream)
        was_enabled = self._relay is not None
        await self.enable(False)
        self._listen, self._upstream = listen, upstream
        await self.enable(was_enabled)

    async def reset(self) -> None:
        """See `Proxy`."""
        await super().reset()

    async def close(self) -> None:
        """See `Proxy`."""
        await self.enable(False)

    def _changed(self) -> None:
        self._hops.set_faults(self._engine)
        self._engine.wake(self._now())

    def _now(self) -> float:
        return asyncio.get_running_loop().time()

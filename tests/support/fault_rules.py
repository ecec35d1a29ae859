"""Faults for tests that have a `Hops`, or nothing but bytes."""

from __future__ import annotations

import asyncio

from faults.engine import FaultEngine
from faults.rules import Rule

__all__ = ["rule", "set_rules"]


def rule(type_name: str, hop: str = "kubectl-apiserver", **options) -> Rule:
    """A rule; what is not a key of rules is an attribute. `for` is `seconds`."""
    keys = ("name", "stream", "toxicity", "seed", "selector", "count")
    document = {key: options.pop(key) for key in keys if key in options}
    seconds = options.pop("seconds", None)
    return Rule.from_json(
        {
            "type": type_name,
            "hop": hop,
            "for": seconds,
            "attributes": options,
            **document,
        }
    )


def set_rules(hops, *rules: Rule) -> FaultEngine:
    """Set rules in the running loop."""
    loop = asyncio.get_running_loop()
    engine = FaultEngine(loop.call_at)
    for item in rules:
        engine.add(item, loop.time())
    hops.set_faults(engine)
    return engine

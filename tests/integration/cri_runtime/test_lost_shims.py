"""A shim whose connection is cut lives on; nothing of it may stay when it is lost."""

from __future__ import annotations

import psutil
import pytest

from hops.hop import Hop
from tests.support.fault_rules import rule, set_rules

from .conftest import all_gone, below
from .test_lifecycle import refused


def of_launchers(node):
    """Launchers of this node, and their shims."""
    name = str(node.config.state)
    return {
        process.pid
        for process in psutil.process_iter(["cmdline"])
        if any(name in word for word in process.info["cmdline"] or ())
    }


async def test_what_runs_below_a_shim_that_is_cut_off_ends(node):
    pod = await node.run_pod("web")
    await node.create(pod, "sleep", "1000")
    shim = node.runtime_process.sandboxes.find(pod).shim_pid
    lost = [shim, *below(shim)]

    set_rules(node.runtime_hops, rule("down", Hop.CRI_SHIM, seconds=0.001))

    await all_gone(lost)
    node.runtime_hops.set_faults(None)


@pytest.mark.parametrize("fault", ["down", "half_close"])
async def test_a_pod_that_could_not_be_started_leaves_nothing(node, fault):
    set_rules(node.runtime_hops, rule(fault, Hop.CRI_SHIM))
    code, _ = await refused(node.run_pod("web"))
    node.runtime_hops.set_faults(None)

    assert code.name == "UNKNOWN"
    await all_gone(of_launchers(node))
    assert await node.run_pod("web")

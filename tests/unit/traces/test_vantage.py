"""Each frame once, and everything that a fault did."""

from __future__ import annotations

from dataclasses import replace

from tests.unit.traces.exec_session import exec_trace
from traces.vantage import one_vantage

OPEN = ("conn", "open")
HOP = "kubelet-cri-streaming"


def seen_by_both_ends():
    """The streaming connection as the kubelet saw it, and as the runtime did."""
    theirs = [event for event in exec_trace().events if event.hop == HOP]
    ours = []
    for event in theirs:
        info = dict(event.info)
        if (event.layer, event.type) == OPEN:
            info["sockname"], info["peername"] = info["peername"], info["sockname"]
        ours.append(replace(event, conn="cri-9-1", process="cri", info=info))
    return theirs, ours


def test_of_two_witnesses_who_dialled_is_believed():
    kubelet, runtime = seen_by_both_ends()

    assert one_vantage([*runtime, *kubelet]) == kubelet


def test_a_log_s_file_is_nobody_else_s_connection():
    _, runtime = seen_by_both_ends()
    at = runtime[-1]
    file = replace(at, layer="crilog", type="opened", conn="kubelet-8-9", dir="")
    theirs = [
        replace(e, process="cri", info={**e.info, "sockname": "", "peername": ""})
        for e in runtime
    ]

    assert one_vantage([file, *theirs]) == [file, *theirs]


def test_what_a_fault_did_is_told_by_who_did_it():
    kubelet, runtime = seen_by_both_ends()
    dropped = replace(
        runtime[-1], layer="conn", type="frame_drop", fault="frame_drop_downstream"
    )

    assert one_vantage([*runtime, dropped, *kubelet]) == [dropped, *kubelet]

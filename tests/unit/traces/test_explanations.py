"""Every rule, on recorded sessions of the situation, or on one that was changed.

tests/vectors/explain/record.py makes the recordings: of real clusters, with real faults
where a fault is needed.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from traces.explain.engine import explain
from traces.explain.explanation import RULES
from traces.reader import read_folder

ROOT = Path(__file__).parents[3]
VECTORS = ROOT / "tests" / "vectors" / "explain"
OUTER = "kubectl-apiserver"

#: What is said of each recording, and nothing else.
RECORDED = {
    "attach-without-stdin": {"no-stdin-in-container", "client-left"},
    "busy": {"fault", "fallback-to-spdy", "too-many-requests"},
    "call-refused": {"fallback-to-spdy", "too-many-requests"},
    "certificate-expired": {"certificate-refused", "fallback-to-spdy"},
    "client-closes-websocket": {"client-closed"},
    "client-killed": {"client-left"},
    "close-code": {"fault", "closed-with-code", "client-left", "exit-code"},
    "container-has-ended": {"container-not-running", "fallback-to-spdy"},
    "container-starting": {"container-starting"},
    "container-unnamed": {"container-unnamed"},
    "cut-before-the-server": {"client-left"},
    "cut-in-the-middle": {"exit-code", "status-lost", "fault", "cut-without-status"},
    "exit-3": {"exit-code"},
    "html-page": {"fault", "not-kubernetes", "fallback-to-spdy"},
    "killed": {"exit-code"},
    "kubelet-down": {"backend-unreachable"},
    "kubelet-killed": {"cut-without-status"},
    "log-follow-ended": {"log-follow-ended"},
    "log-limited": {"log-limited"},
    "log-previous-missing": {"log-previous-missing"},
    "log-tail": {"log-tail"},
    "no-common-subprotocol": {"subprotocol-refused", "fallback-to-spdy"},
    "no-pong": {"ping-unanswered", "fault"},
    "no-spdy-version": {"bad-upgrade"},
    "no-such-container": {"refused"},
    "no-such-pod": {"not-found"},
    "no-such-program": {"not-started"},
    "no-upgrade-header": {"bad-upgrade"},
    "no-websocket-key": {"bad-upgrade", "fallback-to-spdy"},
    "not-allowed": {"forbidden"},
    "nothing-wrong": set(),
    "output-held": {"output-held"},
    "over-spdy": {"exit-code"},
    "port-refused": {"port-refused"},
    "runtime-not-listening": {"backend-unreachable", "fallback-to-spdy"},
    "shell-finds-nothing": {"exit-code"},
    "spdy-goaway": {"fault", "spdy-goaway", "client-left", "exit-code"},
    "spdy-reset": {"exit-code", "fault", "spdy-reset"},
    "status-malformed": {"exit-code", "fault", "status-malformed"},
    "status-missing": {"exit-code", "status-lost", "fault", "success-without-status"},
    "status-twice": {"exit-code", "fault", "two-statuses"},
    "stdin-never-ends": {"stdin-open", "client-left"},
    "stdin-over-v4": {"stdin-cannot-end", "client-left"},
    "subprotocol-stripped": {
        "fault",
        "no-subprotocol",
        "fallback-to-spdy",
        "exit-code",
    },
    "terminal-without-size": {"no-terminal-size"},
    "text-for-binary": {"exit-code", "fault", "text-message", "closed-with-code"},
    "token-unknown": {"unauthorized"},
    "translated-at-the-server": {"translated"},
    "unknown-channel": {"fault", "exit-code", "unknown-channel"},
    "url-used": {"url-used-up", "fallback-to-spdy"},
    "websocket-refused": {
        "fault",
        "subprotocol-refused",
        "fallback-to-spdy",
        "exit-code",
    },
}


def events_of(name):
    return read_folder(VECTORS / f"{name}.jsonl").events


def rules(events, now=None):
    return {one.rule for one in explain(events, now)}


def text_of(rule, events, now=None):
    (text,) = [one.text for one in explain(events, now) if one.rule == rule]
    return text


def changed(events, which, **fields):
    return [replace(e, **fields) if which(e) else e for e in events]


def until(events, layer, kind):
    """The session as far as the first event of a type; None: not even that."""
    index = next(i for i, e in enumerate(events) if (e.layer, e.type) == (layer, kind))
    return events[: index + 1]


@pytest.mark.parametrize("name", sorted(RECORDED))
def test_a_recorded_session_is_explained_by_these_rules(name):
    assert rules(events_of(name)) == RECORDED[name]


def test_there_is_a_recording_for_each_name_and_no_other():
    assert {path.stem for path in VECTORS.glob("*.jsonl")} == set(RECORDED)


@pytest.mark.parametrize(
    ("name", "rule", "said"),
    [
        ("output-held", "output-held", r"process \d+ \(sleep 2\) still holds"),
        ("exit-3", "exit-code", "exit code 3"),
        ("killed", "exit-code", "137, that is SIGKILL"),
        ("shell-finds-nothing", "exit-code", "the shell did not find"),
        ("stdin-over-v4", "stdin-cannot-end", "v4.channel.k8s.io has no way to end"),
        (
            "websocket-refused",
            "fallback-to-spdy",
            r"403 Forbidden \(no websockets here",
        ),
        ("not-allowed", "forbidden", "User jane .* on pods/exec.* namespace default"),
        ("no-websocket-key", "bad-upgrade", "lacks the header Sec-WebSocket-Key"),
        ("kubelet-down", "backend-unreachable", r"kubelet at 127\.0\.0\.1:\d+"),
        (
            "runtime-not-listening",
            "backend-unreachable",
            "kubelet cannot reach the runtime",
        ),
        ("kubelet-killed", "cut-without-status", "from apiserver to kubelet"),
        ("translated-at-the-server", "translated", "The apiserver translates"),
        ("port-refused", "port-refused", "port 99"),
        ("no-such-container", "refused", "exec, 400 .*: container nobody is not valid"),
        ("close-code", "closed-with-code", "code 1011: bye"),
        ("container-starting", "container-starting", "ContainerCreating"),
        ("busy", "too-many-requests", "come back after 60 s"),
        ("status-malformed", "status-malformed", "oh no"),
        ("attach-without-stdin", "no-stdin-in-container", "stdin: false"),
    ],
)
def test_it_is_said_in_these_words(name, rule, said):
    assert re.search(said, text_of(rule, events_of(name)))


# What cannot be recorded, as a change of what was.


def test_a_runtime_that_refuses_a_call():
    events = changed(
        events_of("exit-3"),
        lambda e: (
            (e.layer, e.type) == ("grpc", "status") and "Exec" in e.info["method"]
        ),
        info={
            "method": "/runtime.v1.RuntimeService/Exec",
            "code": 5,
            "message": "gone",
        },
    )

    assert "gRPC code 5: gone" in text_of("runtime-refused", events)


def test_an_answer_that_never_came():
    events = [e for e in events_of("not-allowed") if e.type not in ("response", "body")]

    assert "no-answer" in rules(events)


def test_a_server_that_fails():
    events = changed(
        events_of("no-such-pod"),
        lambda e: e.type == "response",
        info={"status": 500, "reason": "Internal Server Error", "headers": []},
    )

    assert "server-error" in rules(events)


def test_an_idle_session_that_was_cut():
    events = changed(
        events_of("client-killed"),
        lambda e: e.type == "client left",
        type="idle timeout",
        info={"seconds": 14400.0},
    )

    assert "written or read for 4 h" in text_of("idle-timeout", events)


def test_a_spdy_client_that_opens_too_few_streams():
    events = changed(
        events_of("over-spdy"),
        lambda e: (e.layer, e.type) == ("process", "started"),
        type="streams missing",
    )

    assert "opened error, stdout" in text_of("streams-missing", events)


def test_output_behind_the_status():
    events = events_of("exit-3")
    last = [
        e
        for e in events
        if (e.hop == OUTER and e.type == "stdout" and e.len) or e.type == "stderr"
    ]
    status = next(e for e in events if e.hop == OUTER and e.type == "status")
    late = replace(
        (last or [e for e in events if e.hop == OUTER and e.layer == "channel"])[0],
        type="stdout",
        len=3,
        wall=status.wall + 0.001,
        ts=status.ts + 0.001,
    )

    assert "output-after-status" in rules([*events, late])


def test_bytes_that_break_the_protocol():
    events = changed(
        events_of("exit-3"),
        lambda e: (e.layer, e.type, e.hop) == ("channel", "error", OUTER),
        layer="raw",
        type="undecodable",
        info={"error": "a frame with reserved bits"},
    )

    assert "reserved bits" in text_of("undecodable", events)


def test_a_forward_that_the_server_ends():
    events = changed(
        events_of("port-refused"),
        lambda e: (e.layer, e.type) == ("conn", "eof"),
        dir="down",
    )

    assert "forward-lost" in rules(events)


def test_a_forward_that_fails_for_another_reason():
    import base64

    text = base64.b64encode(b"error forwarding port 99: the pod has ended").decode()
    events = changed(
        events_of("port-refused"),
        lambda e: e.dir == "down" and e.info.get("name") == "error" and e.len > 0,
        data=text,
    )

    assert "the pod has ended" in text_of("port-failed", events)


def test_a_log_that_was_rotated():
    events = changed(
        events_of("log-follow-ended"),
        lambda e: (e.layer, e.type) == ("crilog", "lines"),
        type="rotated",
        hop="kubelet-cri",
        dir="",
        info={"file": "/var/log/pods/p/c/0.log"},
    )

    assert "log-rotated" in rules(events)


# Waits: the session as it was at a moment, and somebody who asks three seconds later.


def waits(events, later=3.0):
    return rules(events, max(e.ts for e in events) + later)


@pytest.mark.parametrize(
    ("name", "layer", "kind", "rule"),
    [
        ("exit-3", "process", "started", "command-quiet"),
        ("exit-3", "http1", "request", "answer-pending"),
        ("exit-3", "grpc", "call", "call-pending"),
        ("stdin-never-ends", "process", "stdout", "stdin-open"),
        ("stdin-over-v4", "process", "stdout", "stdin-cannot-end"),
        ("attach-without-stdin", "process", "attached", "no-stdin-in-container"),
        ("attach-without-stdin", "process", "attached", "attach-quiet"),
        ("output-held", "process", "output held", "output-held"),
        ("log-follow-ended", "crilog", "lines", "log-quiet"),
    ],
)
def test_a_wait_is_told_after_a_silence(name, layer, kind, rule):
    events = until(events_of(name), layer, kind)

    assert rule in waits(events)
    if RULES[rule].name not in ("output-held", "no-stdin-in-container"):
        assert rule not in waits(events, later=0.1)


def test_commands_with_one_traceparent_are_told_apart_from_one_command():
    first = events_of("exit-3")
    second = [
        replace(e, conn=f"{e.conn}0", ts=e.ts + 1, wall=e.wall + 1, seq=e.seq + 10_000)
        for e in first
    ]

    assert "shared-session" not in rules(first)
    assert "2 commands are told of here" in text_of("shared-session", first + second)


def test_output_that_nobody_holds_is_on_its_way():
    events = changed(
        events_of("output-held"),
        lambda e: e.type == "output held",
        info={"pids": [], "commands": []},
    )

    text = text_of("output-held", events)

    assert "what it had written was still on its way" in text
    assert "redirected" not in text


def test_a_forward_waits_for_somebody_to_connect():
    events = events_of("port-refused")
    answered = [e for e in events if e.hop == OUTER and e.info.get("status") == 101]
    events = [e for e in events if e.wall <= answered[0].wall]

    assert "forward-idle" in waits(events)


def test_a_client_alone_sees_that_nothing_comes():
    events = [e for e in events_of("exit-3") if e.hop == OUTER]
    answered = [e for e in events if e.info.get("status") == 101]
    events = [e for e in events if e.wall <= answered[0].wall]

    assert waits(events) == {"stream-quiet"}


def test_a_session_that_is_over_waits_for_nothing():
    for name in RECORDED:
        events = events_of(name)
        told = {
            one.rule
            for one in explain(events, events[-1].ts + 60)
            if one.kind == "wait"
        }
        assert told == {r for r in RECORDED[name] if RULES[r].kind == "wait"}, name


# All of them.


def test_every_rule_is_tested():
    source = Path(__file__).read_text()

    assert [name for name in RULES if f'"{name}"' not in source] == []


def test_every_rule_is_documented():
    page = (ROOT / "docs" / "explanations.md").read_text()

    assert [name for name in RULES if f"`{name}`" not in page] == []


def test_no_explanation_holds_control_characters():
    for name in RECORDED:
        for one in explain(events_of(name)):
            assert one.text.isprintable()


def test_rules_do_not_mind_a_session_that_is_cut_anywhere():
    for name in ("exit-3", "over-spdy", "port-refused", "stdin-over-v4", "busy"):
        events = events_of(name)
        for end in range(0, len(events), 3):
            explain(events[:end])
            explain(events[end:], now=events[-1].ts + 5)

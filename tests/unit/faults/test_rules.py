"""Rules: what they may say, whom they strike, and how often."""

from __future__ import annotations

import subprocess
import sys

import pytest

from faults.engine import FaultEngine
from faults.parameters import RuleError
from faults.personalities import PERSONALITIES, rules_of
from faults.rules import Rule
from faults.selectors import request_facts
from faults.speech import check_speech
from faults.types import TYPES
from hops.hop import Hop
from tests.support.fault_rules import rule
from tests.unit.faults.conversations import (
    DOWN,
    EXEC,
    SUCCESS,
    TRACE,
    UP,
    Struck,
    cut,
    grpc_session,
    joined,
    spdy_session,
    websocket_session,
)

#: What must be given.
GIVEN = {"http_header": {"header": "X-New", "value": "1"}}
GET = (
    b"GET /api/v1/namespaces/ns/pods HTTP/1.1\r\nHost: a\r\nUser-Agent: curl/8\r\n\r\n"
)
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"


@pytest.mark.parametrize(
    ("document", "error"),
    [
        ([], "a rule is an object"),
        ({"type": "lag"}, "there is no fault type 'lag': latency, bandwidth"),
        ({"type": "latency"}, "there is no hop None: kubectl-apiserver"),
        ({"type": "latency", "hop": "moon"}, "there is no hop 'moon'"),
        (
            {"type": "latency", "hop": "proxy", "streem": 1},
            "a rule has no 'streem': name",
        ),
        (
            {"type": "latency", "hop": "proxy", "stream": "up"},
            "stream: 'up' is none of",
        ),
        (
            {"type": "latency", "hop": "proxy", "stream": ["up"]},
            "stream: ['up'] is none of",
        ),
        (
            {"type": "latency", "hop": "proxy", "attributes": {"latency": 10**400}},
            "latency: latency: 1000",
        ),
        (
            {"type": "latency", "hop": "proxy", "toxicity": 10**400},
            "toxicity: 1000",
        ),
        (
            {"type": "latency", "hop": "proxy", "toxicity": 2},
            "toxicity: 2.0 is not from",
        ),
        ({"type": "latency", "hop": "proxy", "for": 0}, "for: 0.0 is not a time"),
        ({"type": "latency", "hop": "proxy", "count": 0}, "count: 0 is not at least 1"),
        ({"type": "latency", "hop": "proxy", "name": "a\nb"}, "name: 'a"),
        ({"type": "latency", "hop": "proxy", "seed": "x"}, "seed: 'x' is not a whole"),
        ({"type": "latency", "hop": "proxy", "selector": []}, "selector: an object"),
        (
            {"type": "latency", "hop": "proxy", "selector": {"connection": "x"}},
            "selector: connection: 'x' is not a number",
        ),
        (
            {"type": "latency", "hop": "proxy", "selector": {"upgrade": "h2"}},
            "selector: upgrade: 'h2' is none of websocket",
        ),
        (
            {"type": "latency", "hop": "proxy", "attributes": {"latency": -1}},
            "latency: latency: -1 is not at least 0",
        ),
        (
            {"type": "idle_cut", "hop": "proxy", "attributes": {"how": "softly"}},
            "idle_cut: how: 'softly' is none of close, reset, silent",
        ),
        (
            {"type": "down", "hop": "proxy", "selector": {"pod": "a"}},
            "down is for connections",
        ),
        ({"type": "http_header", "hop": "proxy"}, "http_header: header must be given"),
        (
            {"type": "http_header", "hop": "proxy", "attributes": {"header": "a b"}},
            "http_header: header: 'a b' cannot stand there",
        ),
        (
            {
                "type": "http_answer",
                "hop": "proxy",
                "attributes": {"headers": "A: b\x00"},
            },
            "http_answer: headers: 'A' cannot stand in a head",
        ),
    ],
)
def test_a_rule_that_cannot_be_is_refused_with_what_can(document, error):
    with pytest.raises(RuleError) as caught:
        Rule.from_json(document)

    assert str(caught.value).startswith(error)


@pytest.mark.parametrize(
    ("type_name", "hop", "text"),
    [
        ("grpc_status", "kubectl-apiserver", "there are no gRPC calls on kubectl-apis"),
        ("status_missing", "kubelet-cri", "no streaming sessions on kubelet-cri: kub"),
        ("http_answer", "kubelet-cri", "there are no HTTP requests on kubelet-cri"),
        ("frame_drop", "cri-shim", "there are no frames on cri-shim: kubectl-apiserv"),
    ],
)
def test_a_fault_that_could_never_strike_is_refused(type_name, hop, text):
    with pytest.raises(RuleError) as refused:
        check_speech(TYPES[type_name], Hop(hop))

    assert text in str(refused.value)


@pytest.mark.parametrize("kind", TYPES.values(), ids=lambda kind: kind.name)
def test_in_front_of_what_is_not_ours_any_fault_may_be(kind):
    check_speech(kind, Hop.PROXY)


@pytest.mark.parametrize("kind", TYPES.values(), ids=list(TYPES))
def test_each_type_makes_a_rule_that_reads_back(kind):
    made = rule(kind.name, "proxy", **GIVEN.get(kind.name, {}))

    assert Rule.from_json(made.to_json(private=True)) == made
    assert made.to_json()["name"].startswith(kind.name)


@pytest.mark.parametrize("name", PERSONALITIES)
def test_each_personality_makes_rules(name):
    documents = rules_of(name, "kubectl-apiserver", {})

    assert documents
    assert len({Rule.from_json(item).name for item in documents}) == len(documents)


@pytest.mark.parametrize("kind", TYPES.values(), ids=list(TYPES))
@pytest.mark.parametrize("seed", [1, 2])
def test_a_run_is_repeated_by_its_seed(kind, seed):
    """The same seed and traffic: the same actions, frame by frame."""
    chosen = rule(
        kind.name,
        seed=seed,
        toxicity=0.7,
        stream="both",
        **(GIVEN | {"latency": {"latency": 9, "jitter": 9}}).get(kind.name, {}),
    )
    script = [*cut(websocket_session(), seed)]

    first, second = Struck(chosen).play(script), Struck(chosen).play(script)

    assert first.actions == second.actions
    assert first.early == second.early


def test_another_seed_gives_another_run():
    def run(seed):
        chosen = rule("latency", latency=50, jitter=50, seed=seed)
        return Struck(chosen).play(websocket_session()).actions

    assert run(1) != run(2)


@pytest.mark.parametrize("kind", TYPES.values(), ids=list(TYPES))
@pytest.mark.parametrize("session", [websocket_session, spdy_session, grpc_session])
def test_a_rule_for_somebody_else_changes_nothing(kind, session):
    selector = {"connection": 99} if kind.whole else {"path": "/nowhere"}
    given = GIVEN.get(kind.name, {})
    chosen = rule(kind.name, selector=selector, stream="both", **given)
    script = session()

    struck = Struck(chosen).play(script)

    assert struck.bytes(UP) == joined(script, UP)
    assert struck.bytes(DOWN) == joined(script, DOWN)
    assert not struck.was_reset()


def test_toxicity_strikes_a_share_of_connections_and_the_same_again():
    def struck(seed):
        engine = FaultEngine()
        active = engine.add(rule("reset_peer", toxicity=0.3, seed=seed), 0.0)
        return [bool(active.chooses()) for _ in range(300)]

    assert struck(1) == struck(1)
    assert struck(1) != struck(2)
    assert 60 < sum(struck(1)) < 120


def test_a_rule_is_for_the_nth_connection_that_matches():
    selector = {"verb": "exec", "connection": 2}
    engine = Struck(rule("http_answer", selector=selector)).engine

    def connection(*requests):
        struck = Struck()
        struck.engine = struck.faults._engine = engine
        struck.faults._version = -1
        return struck.play((UP, data) for data in requests)

    assert connection(EXEC).bytes(UP) == EXEC
    assert connection(GET).bytes(UP) == GET
    assert connection(EXEC).bytes(UP) == b""
    assert connection(EXEC).bytes(UP) == EXEC


def test_a_rule_ends_with_its_count():
    struck = Struck(rule("http_answer", count=1))

    struck.play([(UP, GET), (UP, GET), (DOWN, OK)])

    assert struck.bytes(UP) == GET
    assert struck.bytes(DOWN).endswith(OK)


def test_a_rule_ends_with_its_time_and_lets_go():
    struck = Struck(rule("stall", seconds=5, stream="upstream"))
    struck.feed(UP, GET, 1.0)
    assert struck.bytes(UP) == b""

    struck.wait(5.0)

    assert struck.bytes(UP) == GET
    struck.feed(UP, GET, 6.0)
    assert struck.bytes(UP) == GET * 2


def test_a_rule_that_is_removed_lets_go():
    struck = Struck(rule("stall", stream="upstream"))
    struck.feed(UP, GET)
    struck.end(UP)
    assert struck.actions[UP] == []

    struck.engine.remove("stall_upstream")
    struck.wake()

    assert struck.bytes(UP) == GET
    assert struck.ended(UP)


def test_a_rule_that_is_added_reaches_the_connection():
    struck = Struck(rule("latency", latency=0))
    struck.feed(UP, EXEC)

    struck.engine.add(rule("status_missing"), 0.0)
    struck.engine.add(rule("reset_peer", name="later", stream="upstream"), 0.0)
    struck.feed(UP, b"x")

    assert struck.was_reset()


def test_names_are_taken_once_on_a_hop():
    engine = FaultEngine()
    engine.add(rule("latency"), 0.0)

    with pytest.raises(RuleError, match="has a fault called 'latency_downstream'"):
        engine.add(rule("latency", latency=1), 0.0)
    engine.add(rule("latency", Hop.KUBELET_CRI), 0.0)
    assert len(engine.remove("latency_downstream")) == 2


def test_connections_of_other_hops_have_no_object():
    engine = FaultEngine()
    engine.add(rule("latency", Hop.KUBELET_CRI), 0.0)

    assert engine.faults_for(Struck().facts) == ()


def test_a_connection_is_left_alone_when_its_rules_are_gone():
    struck = Struck(rule("status_missing"))
    struck.play(websocket_session()[:4])

    struck.engine.reset()
    struck.engine.wake(1.0)

    assert struck.engine.faults_for(struck.facts) == ()
    assert not struck.engine.needed


def test_a_connection_whose_context_was_changed_keeps_its_object():
    chosen = rule(
        "frame_drop", layer="spdy", frame="syn_stream", n=1, stream="upstream"
    )
    struck = Struck(chosen)
    struck.play(spdy_session()[:6])

    struck.engine.reset()
    struck.engine.wake(1.0)

    assert struck.engine.faults_for(struck.facts) == (struck.faults,)
    struck.faults.lost(2.0)
    assert not struck.engine.needed


def test_what_was_done_is_told():
    struck = Struck(rule("status_malformed", name="mine"))

    struck.play(websocket_session())

    (note,) = [n for n in struck.faults.notes() if n.fault == "mine"]
    assert note.kind == "status_malformed"
    assert note.direction is DOWN
    assert note.info["at"] == "websocket/binary error"


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("/api/v1/namespaces/n/pods/p/exec?command=a", ("exec", "n", "p")),
        ("/api/v1/namespaces/n/pods/p/portforward", ("portforward", "n", "p")),
        ("/api/v1/namespaces/n/pods/p/log?follow=true", ("log", "n", "p")),
        ("/api/v1/namespaces/n/pods/p", ("get", "n", "p")),
        ("/api/v1/pods?watch=true", ("watch", "", "")),
        ("/exec/n/p/c?command=a", ("exec", "n", "p")),
        ("/portForward/n/p", ("portforward", "n", "p")),
        ("/containerLogs/n/p/c", ("log", "n", "p")),
        ("/attach/SomeToken", ("attach", "", "")),
        ("/exec", ("get", "", "")),
    ],
)
def test_requests_say_what_they_are_for(target, expected):
    facts = request_facts("GET", target, [])

    assert (facts.verb, facts.namespace, facts.pod) == expected


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ({"session": TRACE}, True),
        ({"session": TRACE[:6]}, True),
        ({"session": "ffff"}, False),
        ({"client": "kubectl"}, True),
        ({"client": "kubectl/v1.3?.0"}, True),
        ({"client": "curl"}, False),
        ({"pod": "w*"}, True),
        ({"namespace": "ns", "verb": "exec", "method": "get"}, True),
        ({"verb": "attach"}, False),
        ({"verb": "e?ec"}, True),
        ({"path": "*/pods/web/exec"}, True),
        ({"upgrade": "websocket"}, True),
        ({"upgrade": "any"}, True),
        ({"upgrade": "spdy"}, False),
        ({"upgrade": "none"}, False),
    ],
)
def test_a_selector_looks_at_the_request(selector, expected):
    struck = Struck(rule("http_answer", selector=selector)).play([(UP, EXEC)])

    assert (struck.bytes(UP) == b"") is expected


@pytest.mark.parametrize(
    ("word", "verb"),
    [("port-forward", "portforward"), ("logs", "log"), ("list", "get")],
)
def test_the_words_of_kubectl_and_of_traces_are_verbs_too(word, verb):
    assert rule("latency", selector={"verb": word}).selector.verb == verb


def test_a_session_that_only_the_server_knows_is_selected():
    struck = Struck(rule("status_missing", selector={"session": "feed"}))
    bare = EXEC.replace(b"Traceparent", b"X-Nothing")
    script = websocket_session()
    struck.play([(UP, bare)])

    struck.faults.session("feed" * 8)
    struck.play(script[1:])

    assert SUCCESS not in struck.bytes(DOWN)


def test_a_service_loads_nothing_of_the_engine():
    script = (
        "import sys, faults.service;"
        "print(*sorted(m for m in sys.modules if m.split('.')[0] in ('faults', 'yaml')))"
    )

    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, check=True
    )

    assert done.stdout.split() == [b"faults", b"faults.service"]

import ast
import re
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from hops.hop import Hop
from hops.trace import MemorySink, TraceEvent, TraceSettings, header
from tests.unit.hops.trace_schema import SCHEMA, check

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/trace-events.md").read_text()
EVENT = SCHEMA["$defs"]["event"]
LAYERS = EVENT["properties"]["layer"]["enum"]


def types_of(layer):
    """The types that a layer documents: as they are written, patterns by their title."""
    return [rule["title"].split(" ", 1)[1] for rule in SCHEMA["$defs"][layer]["allOf"]]


def test_the_schema_is_one():
    Draft202012Validator.check_schema(SCHEMA)


def test_the_header_of_a_trace_is_as_documented():
    lines = Draft202012Validator(SCHEMA)

    assert lines.is_valid(header("kubelet/n1", TraceSettings()))
    assert lines.is_valid({"lost": 3})
    assert not lines.is_valid({"lost": 0})


def test_all_fields_of_an_event_are_documented():
    event = TraceEvent(1.0, "kubelet-cri", "c-1", "", "conn", "session")

    check(ast.literal_eval(event.to_json().replace("null", "None")))
    assert set(EVENT["properties"]) == set(TraceEvent.__slots__)
    assert set(EVENT["properties"]["hop"]["enum"]) == set(Hop)


@pytest.mark.parametrize(
    "wrong",
    [
        {"layer": "nope"},
        {"layer": "http1", "type": "nope"},
        {"info": {"nope": 1}},
        {"trace": "short"},
        {"dir": "sideways"},
        {"type": "close", "info": {"up": 1}},
    ],
    ids=str,
)
def test_what_is_not_documented_is_refused(wrong):
    sink = MemorySink()
    sink.emit(TraceEvent(1.0, "kubelet-cri", "c-1", "", "conn", "session"))
    (event,) = sink.events
    line = ast.literal_eval(event.to_json().replace("null", "None"))

    with pytest.raises(AssertionError):
        check(line | wrong)


@pytest.mark.parametrize("layer", LAYERS)
def test_the_page_tells_of_each_layer_and_type(layer):
    section = PAGE.split(f"\n### {layer}\n", 1)[1].split("\n### ", 1)[0]

    missing = [kind for kind in types_of(layer) if f"`{kind}`" not in section]
    assert not missing


@pytest.mark.parametrize("layer", LAYERS)
def test_the_page_tells_of_each_fact(layer):
    section = PAGE.split(f"\n### {layer}\n", 1)[1].split("\n### ", 1)[0]
    facts = {
        name
        for rule in SCHEMA["$defs"][layer]["allOf"]
        for name in rule["then"]["properties"]["info"]["properties"]
    }

    assert not [name for name in facts - {"late"} if f"`{name}`" not in section]


def told_in_code():
    """(layer, type) of each `tell` in hops that names both."""
    for path in sorted((ROOT / "hops").rglob("*.py")):
        for call in ast.walk(ast.parse(path.read_text())):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute):
                names = [
                    arg.value
                    for arg in call.args[1:3]
                    if isinstance(arg, ast.Constant) and isinstance(arg.value, str)
                ]
                if call.func.attr == "tell" and len(names) == 2:
                    yield tuple(names)


def test_what_the_code_tells_is_documented():
    told = set(told_in_code())

    assert len(told) > 15
    assert not {(layer, kind) for layer, kind in told if kind not in types_of(layer)}


def test_what_a_process_tells_is_documented():
    told = set()
    for path in (ROOT / "cri_runtime").rglob("*.py"):
        told |= set(
            re.findall(r"\.tell\(\s*\"[a-z]*\",\s*\"([a-z ]+)\"", path.read_text())
        )

    assert told
    assert not told - set(types_of("process"))

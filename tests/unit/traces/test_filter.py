"""The filter language of `mini-kube trace` and of its terminal interface."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from traces.filter import FIELDS, FilterError, all_of, condition, parse_filter

FACTS = {
    "session": ["4bf92f3577b34da6a3ce929d0e0e4736"],
    "verb": ["exec"],
    "pod": ["nginx"],
    "hop": ["kubectl-apiserver", "apiserver-kubelet"],
    "channel": ["stdin", 0, "stdout", 1],
    "length": [1500],
    "status": ["7", "failed"],
    "command": ["sh -c 'exit 7'"],
    "duration": [1.25],
}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "verb=exec",
        "verb:exec",
        "VERB=EXEC",
        "pod=ngin*",
        "pod~^ng",
        "verb=exec and pod=nginx",
        "verb=exec pod=nginx",
        "verb=attach or verb=exec",
        "not verb=attach",
        "verb!=attach",
        "hop!~cri",
        "(verb=attach or pod=nginx) and status=7",
        "not (verb=attach or pod=web)",
        "verb=attach and pod=web or status=failed",
        "length>1000",
        "length >= 1500",
        "length>1k",
        "length=1500",
        "duration>1200ms",
        "duration<2s",
        "status>5",
        "channel=stdin",
        "channel=0",
        "4bf92f",
        "exit",
        '"exit 7"',
        'command="sh*"',
        "pod=*",
    ],
)
def test_it_matches(text):
    assert parse_filter(text).matches(FACTS)


@pytest.mark.parametrize(
    "text",
    [
        "verb=attach",
        "verb=exe",
        "pod=ngin",
        "verb=exec pod=web",
        "verb=exec and not status=7",
        "hop!=kubectl-apiserver",
        "length>1500",
        "length>2k",
        "status>7",
        "pod>3",
        "fault=*",
        "nothing-of-this",
        "container~.",
    ],
)
def test_it_does_not_match(text):
    assert not parse_filter(text).matches(FACTS)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("pood=nginx", "no field 'pood'"),
        ("verb=", "verb= what"),
        ("pod=a and verb!=", "verb!= what"),
        ("length>big", "length: 'big' is no number"),
        ('pod~"("', "no regular expression"),
        ("(verb=exec", "not closed"),
        ("verb=exec)", "closes nothing"),
        ("verb=exec and", "missing at the end"),
        ("or verb=exec", "missing before 'or'"),
        ("not", "missing at the end"),
    ],
)
def test_what_is_wrong_is_said(text, said):
    if text == '"open':
        parse_filter(text)  # a word with a quote in it
        return
    with pytest.raises(FilterError, match=said.replace("(", r"\(")):
        parse_filter(text)


def test_flags_of_the_command_line_are_conditions():
    wanted = all_of([condition("length", ">1000"), condition("verb", "exec")])

    assert wanted.matches(FACTS)
    assert not all_of([wanted, condition("status", "!=7")]).matches(FACTS)


@pytest.mark.parametrize("nested", ["(" * 5000 + "a" + ")" * 5000, "not " * 5000 + "a"])
def test_what_is_nested_too_deeply_is_an_error_of_the_filter(nested):
    with pytest.raises(FilterError, match="in one another"):
        parse_filter(nested)


@given(st.text(max_size=40))
def test_any_text_is_a_filter_or_a_filter_error(text):
    with contextlib.suppress(FilterError):
        parse_filter(text).matches(FACTS)


@given(st.sampled_from(sorted(FIELDS)), st.sampled_from(sorted(FIELDS)))
def test_not_of_both_is_either_not(one, other):
    both = parse_filter(f"not ({one}=* and {other}=*)")
    either = parse_filter(f"not {one}=* or not {other}=*")

    assert both.matches(FACTS) == either.matches(FACTS)


def test_every_field_is_documented():
    page = Path(__file__).parents[3] / "docs" / "live-traces.md"
    text = page.read_text()

    assert [field for field in FIELDS if f"`{field}`" not in text] == []

"""JSONPath templates; the expected texts are those of kubectl 1.36.4."""

from __future__ import annotations

from typing import Any

import pytest

from apimachinery.jsonpath import JsonPath, JsonPathError, relaxed

LIST: dict[str, Any] = {
    "kind": "List",
    "items": [
        {
            "metadata": {"name": "a", "labels": {"app.io/x": "1", "app": "web"}},
            "status": {"phase": "Running"},
            "spec": {"containers": [{"name": "c", "image": "i", "n": 1}]},
        },
        {
            "metadata": {"name": "b"},
            "status": {"phase": "Pending"},
            "spec": {"containers": [{"name": "d", "n": 2}, {"name": "e", "n": 3}]},
        },
    ],
    "yes": True,
    "nothing": None,
    "price": 1.5,
}


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("plain text", "plain text"),
        ("{.kind}", "List"),
        ("{$.kind}", "List"),
        ("{.items[*].metadata.name}", "a b"),
        ("{.items[0].metadata.name}{'\\n'}{.kind}", "a\nList"),
        ('{.items[-1:].metadata.name}{"\\t"}x', "b\tx"),
        ("{.items[0:2].metadata.name}", "a b"),
        ("{.items[0:2:2].metadata.name}", "a"),
        ("{.items[:1].metadata.name}", "a"),
        ("{..containers[*].name}", "c d e"),
        ("{.items[*]['metadata.name', 'status.phase']}", "a b Running Pending"),
        ("{.items[*].metadata['name']}", "a b"),
        (r"{.items[0].metadata.labels.app\.io/x}", "1"),
        (r"{.items[0].metadata.labels['app\.io/x']}", "1"),
        ("{.items[0].metadata.labels}", '{"app":"web","app.io/x":"1"}'),
        ('{.items[?(@.metadata.name=="b")].status.phase}', "Pending"),
        ('{.items[?(@.metadata.name!="b")].status.phase}', "Running"),
        ("{..containers[?(@.n>1)].name}", "d e"),
        ("{..containers[?(@.n<=2)].name}", "c d"),
        ("{..containers[?(@.image)].name}", "c"),
        (
            '{range .items[*]}{.metadata.name}={.status.phase}{"\\n"}{end}.',
            "a=Running\nb=Pending\n.",
        ),
        ("{range .items[*]}{.metadata.name}", "ab"),
        (
            "{range .items[*]}{range .spec.containers[*]}{.name},{end};{end}",
            "c,;d,e,;",
        ),
        ("{.yes}{.nothing}{.price}", "truenull1.5"),
        ("{.items[*].metadata.nosuch}|{.kind}", "|List"),
        ("{.items[0].status.*}", "Running"),
    ],
)
def test_templates_render(template: str, text: str) -> None:
    assert JsonPath(template, allow_missing_keys=True).render(LIST) == text


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{.x", "unclosed action"),
        ("{.items[}", "unterminated array"),
        ("{.items[a]}", "invalid array index a"),
        ('{.metadata["name","uid"]}', 'invalid array index "name"'),
        ("{.x[?(@.a==", "unterminated filter"),
        ("{end}", "not in range, nothing to end"),
        ('{"abc}', "unterminated quoted string"),
    ],
)
def test_malformed_templates_are_refused(template: str, text: str) -> None:
    with pytest.raises(JsonPathError) as caught:
        JsonPath(template)

    assert str(caught.value) == text


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{.nosuch}", "nosuch is not found"),
        ("{.items[5]}", "array index out of bounds: index 5, length 2"),
        ("{foo}", "unrecognized identifier foo"),
        ("{.kind[0]}", "List is not array or slice"),
        ('{..containers[?(@.n=="x")]}', "incompatible types for comparison"),
    ],
)
def test_templates_that_do_not_fit_say_why(template: str, text: str) -> None:
    with pytest.raises(JsonPathError) as caught:
        JsonPath(template).render(LIST)

    assert str(caught.value) == text


@pytest.mark.parametrize("text", ["a.b", ".a.b", "{a.b}", "{.a.b}"])
def test_relaxed_spellings_mean_the_same(text: str) -> None:
    assert relaxed(text) == "{.a.b}"


def test_half_a_brace_is_not_relaxed_enough() -> None:
    with pytest.raises(JsonPathError, match="unexpected path string"):
        relaxed("{.a.b")

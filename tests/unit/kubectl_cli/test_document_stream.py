"""Files of manifests. The texts are those of kubectl 1.36.4 for the same bytes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kubectl_cli.documents.json_syntax import find_syntax_error
from kubectl_cli.documents.stream import DocumentError, documents


def read(text: bytes) -> tuple[list[Any], str]:
    """The documents before the first error, and the error."""
    found = []
    try:
        for each in documents(text):
            found.append(each)  # noqa: PERF402 - what came before the error counts
    except DocumentError as error:
        return found, str(error)
    return found, ""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b'{"a":1}{"b":2}', [{"a": 1}, {"b": 2}]),
        (b'{"a":1}\n---\n{"b":2}\n', [{"a": 1}, {"b": 2}]),
        (b'{"a":1}\n---\nb: 2\n', [{"a": 1}, {"b": 2}]),
        (b'{"a":1}\nb: 2\n', [{"a": 1}, {"b": 2}]),
        (b'a: 1\n---\n{"b":2,}\n', [{"a": 1}, {"b": 2}]),
        (b"---\n# nothing\n---\n...\n--- # more\na: 1\n...\n", [{"a": 1}]),
        (b'{"a":1}\n---\n---\n\n# nothing\n---\nb: 2', [{"a": 1}, {"b": 2}]),
        (b"\xef\xbb\xbfa: 1", [{"a": 1}]),
        (b"a: 1\na: 2", [{"a": 2}]),
        (b"{a: 1, b: [x, z]}", [{"a": 1, "b": ["x", "z"]}]),
        (b"", []),
        (b" \n", []),
    ],
)
def test_documents_follow_one_another(text: bytes, expected: list[Any]) -> None:
    assert read(text) == (expected, "")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{"a":1} x', "json: offset 9: invalid character 'x' looking for beginning of value"),
        ('{"a":\\q}: [', "json: offset 6: invalid character '\\\\' looking for beginning of value"),
        ('{"a":"\\q"}:', "json: offset 8: invalid character 'q' in string escape code"),
        ('{"a":1e}:', "json: offset 8: invalid character '}' in exponent of numeric literal"),
        ('{"a":-}: [', "json: offset 7: invalid character '}' in numeric literal"),
        ('{"a":"\\u12x"}: [', "json: offset 11: invalid character 'x' in \\u hexadecimal character escape"),
        ("{a:1}: [", "json: offset 2: invalid character 'a' looking for beginning of object key string"),
        ('{"a":[1 2]}: [', "json: offset 9: invalid character '2' after array element"),
        ('{"a":01}: [', "json: offset 7: invalid character '1' after object key:value pair"),
        ('{"a" 1}: [', "json: offset 6: invalid character '1' after object key"),
        ('{"a":1.}: [', "json: offset 8: invalid character '}' after decimal point in numeric literal"),
        ('{"a":"x\ty"}: [', "json: offset 8: invalid character '\\t' in string literal"),
        ('{"a":nuX}: [', "json: offset 8: invalid character 'X' in literal null (expecting 'l')"),
        ('{"a":1,]: [', "json: offset 8: invalid character ']' looking for beginning of object key string"),
        ('{"a":\u00e9}: [', "json: offset 6: invalid character '\u00c3' looking for beginning of value"),
        ('{"a":', "unexpected EOF"),
        ('{"a":NaN}: [', "json: offset 6: invalid character 'N' looking for beginning of value"),
        ("a: b: c", "error converting YAML to JSON: yaml: mapping values are not allowed in this context"),
        ("a: *x", "error converting YAML to JSON: yaml: unknown anchor 'x' referenced"),
        ("a: 1\n--- b: 2", "invalid Yaml document separator: b: 2"),
        ('? ["c"]\n: d', 'error converting YAML to JSON: yaml: invalid map key: []interface {}{"c"}'),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_in_kubectls_words(text: str, problem: str) -> None:
    assert read(text.encode())[1] == problem


def test_what_came_before_the_error_is_there() -> None:
    assert read(b'{"a":1}\n---\n{"b" 2}')[0] == [{"a": 1}]


_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@settings(max_examples=40)
@given(_VALUES)
def test_the_scanner_finds_nothing_in_good_json(value: Any) -> None:
    text = json.dumps(value, ensure_ascii=False)

    assert find_syntax_error(text.encode("utf-8", "surrogatepass")) is None


@settings(max_examples=60)
@given(st.dictionaries(st.text(), _VALUES, min_size=1), st.data())
def test_the_scanner_finds_something_wherever_python_does(
    value: dict[str, Any], data: st.DataObject
) -> None:
    text = json.dumps(value)
    place = data.draw(st.integers(1, len(text) - 1))
    broken = text[:place] + data.draw(st.sampled_from('}]{[",:x0.')) + text[place:]
    try:
        json.JSONDecoder().raw_decode(broken)
    except json.JSONDecodeError as error:
        found = find_syntax_error(broken.encode())
        cut = error.pos >= len(broken) or "Unterminated" in error.msg
        assert found is not None or cut
    else:
        assert find_syntax_error(broken.encode()) is None

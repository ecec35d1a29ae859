import pytest
from hypothesis import given
from hypothesis import strategies as st

from apimachinery import fields

POD = {"metadata.name": "a,b", "status.phase": "Running"}


@pytest.mark.parametrize(
    ("selector", "matches"),
    [
        ("", True),
        ("status.phase=Running", True),
        ("status.phase==Running,metadata.name=a\\,b", True),
        ("status.phase!=Running", False),
        ("status.phase=Running,status.phase=Running,", True),
        ("spec.nodeName=", True),
        ("spec.nodeName!=", False),
    ],
)
def test_a_selector_matches_field_values(selector, matches):
    assert fields.parse(selector).matches(POD) is matches


@pytest.mark.parametrize(
    ("selector", "message"),
    [
        ("foo", "invalid selector: 'foo'; can't understand 'foo'"),
        ("a=1,foo", "invalid selector: 'a=1,foo'; can't understand 'foo'"),
        ("a=b=c", "invalid field selector: unescaped character in value: 61"),
        ("a=\\x", "invalid field selector: invalid escape sequence: \\x"),
        ("a=\\", "invalid field selector: invalid escape sequence: \\"),
    ],
)
def test_a_bad_selector_is_refused_in_kubernetes_words(selector, message):
    with pytest.raises(fields.FieldSelectorError) as caught:
        fields.parse(selector)

    assert str(caught.value) == message


@given(st.text(max_size=20))
def test_an_escaped_value_reads_back_as_itself(value):
    selector = fields.parse(f"metadata.name={fields.escape_value(value)}")

    assert selector.exact_value("metadata.name") == value


def test_only_an_equal_term_fixes_a_value():
    assert fields.parse("a!=1").exact_value("a") is None
    assert fields.parse("b=1").exact_value("a") is None

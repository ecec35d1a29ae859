import pytest
from hypothesis import given
from hypothesis import strategies as st

from apimachinery.serializer import json


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "unexpected end of JSON input"),
        ('{"a":1', "unexpected end of JSON input"),
        ('{"a', "unexpected end of JSON input"),
        ("x", "invalid character 'x' looking for beginning of value"),
        ("{,}", "invalid character ',' looking for beginning of object key string"),
        ('{"a" 1}', "invalid character '1' after object key"),
        ('{"a":1 2}', "invalid character '2' after object key:value pair"),
        ("[1 2]", "invalid character '2' after array element"),
        ("1 2", "invalid character '2' after top-level value"),
        ('"a\nb"', "invalid character '\\n' in string literal"),
        ("NaN", "invalid character 'N' looking for beginning of value"),
    ],
)
def test_what_is_not_json_is_told_in_gos_words(text, message):
    with pytest.raises(json.JsonSyntaxError) as caught:
        json.decode(text.encode())

    assert str(caught.value) == message


def test_repeated_names_keep_the_last_value_and_are_remembered():
    value = json.decode(b'{"a":1,"b":2,"a":3}')

    assert value == {"a": 3, "b": 2}
    assert value.duplicates == ("a",)


def test_what_cannot_be_sent_as_utf8_is_replaced():
    assert json.decode(b'{"a":"\\ud800\xff"}') == {"a": "\ufffd\ufffd"}
    assert json.decode(b'"\\ud83d\\ude00"') == "\U0001f600"


def test_a_bottomless_document_is_refused():
    with pytest.raises(json.JsonSyntaxError):
        json.decode(b"[" * 1_000_000)


@given(st.binary(max_size=60))
def test_any_bytes_are_json_or_are_refused(data):
    try:
        value = json.decode(data)
    except json.JsonSyntaxError:
        return
    assert json.decode(json.encode(value)) == value

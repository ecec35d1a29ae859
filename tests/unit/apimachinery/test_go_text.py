import pytest

from apimachinery.go_text import format_map, format_strings, format_value, quote


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ("plain", '"plain"'),
        ('say "hi"', r'"say \"hi\""'),
        ("a\\b", r'"a\\b"'),
        ("tab\tnl\n\a", r'"tab\tnl\n\a"'),
        ("\x01\x7f", r'"\x01\x7f"'),
        ("ü€", '"ü€"'),
        ("\u00a0\u200b", r'"\u00a0\u200b"'),
        ("\U000e0001", r'"\U000e0001"'),
        (b"\xff".decode("utf-8", "surrogateescape"), r'"\xff"'),
    ],
)
def test_quote_writes_as_gos_percent_q(text, quoted):
    assert quote(text) == quoted


def test_values_print_as_gos_percent_v():
    value = {"b": [1, True, None], "a": {"x": "y z"}}

    assert format_value(value) == "map[a:map[x:y z] b:[1 true <nil>]]"


def test_maps_and_string_slices_print_sorted_and_quoted():
    assert format_map({"b": "2", "a": "1"}) == "map[a:1 b:2]"
    assert format_strings(["x", 'y"']) == r'[]string{"x", "y\""}'

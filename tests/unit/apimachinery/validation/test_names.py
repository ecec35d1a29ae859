import pytest

from apimachinery.validation import names


@pytest.mark.parametrize(
    ("rule", "good", "bad"),
    [
        (names.dns1123_label, ["a", "0-a", "a" * 63], ["", "A", "-a", "a.b", "a\n"]),
        (names.dns1123_subdomain, ["a.b", "a" * 253], ["", ".a", "a..b", "a_b"]),
        (names.dns1035_label, ["a-1"], ["1a", "a-", ""]),
        (names.label_value, ["", "A_b.c"], ["-a", "a b", "x" * 64]),
        (names.qualified_name, ["a", "x.io/A_b"], ["", "/a", "x/", "a/b/c", "X/a"]),
        (names.config_map_key, ["a.b_C"], ["", ".", "..", "..a", "a b"]),
        (names.env_var_name, ["A", "a-b.c"], ["", "a=b", "ä"]),
        (names.port_name, ["http", "a-1"], ["HTTP", "1", "a--b", "-a", "x" * 16]),
        (names.path_segment_name, ["a:b"], [".", "..", "a/b", "a%b"]),
    ],
)
def test_names_are_told_apart(rule, good, bad):
    assert [text for text in good if rule(text)] == []
    assert [text for text in bad if not rule(text)] == []


def test_a_name_that_is_long_and_wrong_is_told_both():
    said = names.dns1123_label("A" * 64)

    assert said[0] == "must be no more than 63 characters"
    assert said[1].startswith("a lowercase RFC 1123 label must consist of")

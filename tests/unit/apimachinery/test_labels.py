import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apimachinery import labels

LABELS = {"app": "web", "tier": "front", "n": "5", "e": ""}


@pytest.mark.parametrize(
    ("selector", "matches"),
    [
        ("", True),
        ("app", True),
        ("!app", False),
        ("!none", True),
        ("app=web", True),
        ("app==web", True),
        ("app = web , tier = front", True),
        ("app!=web", False),
        ("none!=web", True),
        ("app in (db, web)", True),
        ("app in (in,notin)", False),
        ("app notin (db)", True),
        ("none notin (db)", True),
        ("e=", True),
        ("e in ()", True),
        ("e in (,x)", True),
        ("n>4", True),
        ("n>5", False),
        ("n<6,n>4", True),
        ("app>1", False),
        ("in=web", False),
    ],
)
def test_a_selector_matches_as_kubectl_expects(selector, matches):
    assert labels.parse(selector).matches(LABELS) is matches


WEB = "unable to parse requirement: "


@pytest.mark.parametrize(
    ("selector", "message"),
    [
        ("a,,b", "found ',', expected: identifier after ','"),
        ("a,", "found '', expected: identifier after ','"),
        ("=a", "found '=', expected: !, identifier, or 'end of string'"),
        ("a=b=c", "found '=', expected: ',' or 'end of string'"),
        ("a b", WEB + "found 'b', expected: in, notin, =, ==, !=, gt, lt"),
        ("a in", WEB + "found '' expected: '('"),
        ("a in (", WEB + "found '', expected: ',', ')' or identifier"),
        ("a in (b", WEB + "found '', expected: ',' or ')'"),
        ("a=(", WEB + "found '(', expected: identifier"),
        ("!", WEB + "found '', expected: identifier"),
        (
            "n>x",
            WEB + "values[0]: Invalid value: \"x\": for 'Gt', 'Lt' operators, the value"
            " must be an integer",
        ),
        (
            "a/b/c",
            WEB + '<nil>: Invalid value: "a/b/c": a qualified name must consist of'
            " alphanumeric characters, '-', '_' or '.', and must start and end with an"
            " alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex"
            " used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]') with an"
            " optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')",
        ),
    ],
)
def test_a_bad_selector_is_refused_in_kubernetes_words(selector, message):
    with pytest.raises(labels.SelectorSyntaxError) as caught:
        labels.parse(selector)

    assert str(caught.value) == message


names = st.from_regex(r"\A[a-z]([a-z0-9]{0,8}[a-z0-9])?\Z")
terms = st.one_of(
    names,
    names.map(lambda key: f"!{key}"),
    st.tuples(names, st.sampled_from(["=", "!="]), names).map("".join),
    st.tuples(names, names, names).map(lambda t: f"{t[0]} in ({t[1]},{t[2]})"),
)


@given(st.lists(terms, max_size=4))
def test_a_printed_selector_reads_back_as_itself(parts):
    selector = labels.parse(",".join(parts))

    assert labels.parse(str(selector)) == selector


@given(st.text(max_size=30))
def test_any_text_is_a_selector_or_is_refused(text):
    with contextlib.suppress(labels.SelectorSyntaxError):
        labels.parse(text).matches(LABELS)


def test_the_selector_of_a_deployment_is_read_from_its_object():
    selector = labels.selector_from_object(
        {
            "matchLabels": {"app": "web"},
            "matchExpressions": [
                {"key": "tier", "operator": "In", "values": ["front"]}
            ],
        }
    )

    assert selector.matches(LABELS)
    assert not labels.selector_from_object(None).matches(LABELS)
    assert labels.selector_from_object({}).matches(LABELS)

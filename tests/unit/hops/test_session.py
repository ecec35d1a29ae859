import pytest

from hops.session import TraceParent, bind, from_headers, new_traceparent

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
VALID = f"00-{TRACE}-00f067aa0ba902b7-01"


def test_the_example_of_the_standard_is_read_and_written_back():
    session = TraceParent.parse(VALID)

    assert session is not None
    assert session.trace_id == TRACE
    assert str(session) == VALID


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "nonsense",
        VALID.upper(),
        VALID + "-more",
        "ff" + VALID[2:],
        f"00-{'0' * 32}-00f067aa0ba902b7-01",
        f"00-{TRACE}-{'0' * 16}-01",
    ],
)
def test_an_invalid_header_counts_as_absent(text):
    assert TraceParent.parse(text) is None


def test_a_later_version_may_say_more():
    assert TraceParent.parse("01" + VALID[2:] + "-more") is not None


def test_a_child_is_another_step_of_the_same_session():
    session = new_traceparent()
    child = session.child()

    assert child.trace_id == session.trace_id
    assert child.parent_id != session.parent_id
    assert TraceParent.parse(str(child)) == child


def test_a_request_without_session_gets_a_new_one():
    assert from_headers([("TraceParent", VALID)]).trace_id == TRACE
    assert from_headers([]).trace_id != from_headers([]).trace_id


def test_binding_without_a_trace_does_nothing():
    bind(None, new_traceparent())

"""The committed stubs come from the committed sources."""

from rpc import generate


def test_stubs_are_what_the_sources_give_now():
    assert generate.stale() == []

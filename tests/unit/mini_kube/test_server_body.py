"""What a request to `mini-kube serve` brings is checked by the table of requests."""

from __future__ import annotations

import pytest

from mini_kube.server_api import ROUTES
from mini_kube.server_body import BodyError, read_body

FIELDS = {route.handler: route.body for route in ROUTES}


@pytest.mark.parametrize(
    ("handler", "text", "why"),
    [
        ("create_cluster", "x", "not JSON"),
        ("create_cluster", "\xff", "not JSON"),
        ("create_cluster", "[" * 100_000, "not JSON"),
        ("create_cluster", "[]", "a JSON object is expected"),
        ("create_cluster", '{"nods": 1}', "unknown: nods"),
        ("create_cluster", '{"nodes": "1"}', "nodes: a whole number is expected"),
        ("create_cluster", '{"nodes": true}', "nodes: a whole number is expected"),
        ("create_cluster", '{"nodes": 1.5}', "nodes: a whole number is expected"),
        ("create_cluster", '{"name": 5}', "name: a text is expected"),
        ("create_cluster", '{"trace": 1}', "trace: true or false is expected"),
        ("create_pod", '{"command": "sleep 1"}', "command: a list is expected"),
        ("create_pod", '{"command": [1]}', "command[0]: a text is expected"),
        ("create_pod", '{"env": []}', "env: an object is expected"),
        ("advance_clock", '{"advance": []}', "a text or a number is expected"),
    ],
)
def test_what_makes_no_sense_is_told_why(handler, text, why):
    with pytest.raises(BodyError) as refused:
        read_body(text.encode("latin-1"), FIELDS[handler])

    assert why in str(refused.value)


@pytest.mark.parametrize("text", ["", " ", "null", "{}", '{"nodes": null}'])
def test_what_is_not_given_is_left_out(text):
    assert read_body(text.encode(), FIELDS["create_cluster"]) == {}


def test_numbers_may_be_whole_ones():
    body = read_body(b'{"timeout": 5, "nodes": 2}', FIELDS["create_cluster"])

    assert body == {"timeout": 5, "nodes": 2}

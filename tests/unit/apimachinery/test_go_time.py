"""What Go says of times that are none."""

from __future__ import annotations

import pytest

from apimachinery.go_time import rfc3339_problem

LAYOUT = '"2006-01-02T15:04:05Z07:00"'


@pytest.mark.parametrize(
    "text",
    ["2020-01-01T00:00:00Z", "2020-12-31T23:59:59.123456789+02:00"],
)
def test_a_time_has_no_problem(text):
    assert rfc3339_problem(text) == ""


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("x", f'parsing time "x" as {LAYOUT}: cannot parse "x" as "2006"'),
        (
            "2020-01-01",
            f'parsing time "2020-01-01" as {LAYOUT}: cannot parse "" as "T"',
        ),
        (
            "2020-01-01T00:00:00",
            f'parsing time "2020-01-01T00:00:00" as {LAYOUT}: cannot parse "" as "Z07:00"',
        ),
        (
            "2020-13-01T00:00:00Z",
            'parsing time "2020-13-01T00:00:00Z": month out of range',
        ),
        (
            "2020-01-01T00:00:00Zx",
            'parsing time "2020-01-01T00:00:00Zx": extra text: "x"',
        ),
    ],
)
def test_go_tells_where_a_time_goes_wrong(text, problem):
    assert rfc3339_problem(text) == problem

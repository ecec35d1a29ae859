"""Go's durations."""

from __future__ import annotations

import pytest

from apimachinery.go_duration import (
    InvalidDurationError,
    format_duration,
    parse_duration,
)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0.0),
        ("1s", 1.0),
        ("1.5h", 5400.0),
        ("2h45m", 9900.0),
        ("300ms", 0.3),
        ("-1m30s", -90.0),
        ("+5s", 5.0),
        (".5s", 0.5),
        ("1us", 1e-6),
        ("1µs", 1e-6),
    ],
)
def test_durations_are_read(text: str, seconds: float) -> None:
    assert parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", 'invalid duration ""'),
        ("-", 'invalid duration "-"'),
        ("s", 'invalid duration "s"'),
        ("1.2.3s", 'invalid duration "1.2.3s"'),
        ("300000000h", 'invalid duration "300000000h"'),
        ("1", 'missing unit in duration "1"'),
        ("1h5", 'missing unit in duration "1h5"'),
        ("1q", 'unknown unit "q" in duration "1q"'),
        ("1h 2m", 'unknown unit "h " in duration "1h 2m"'),
    ],
)
def test_others_are_refused_in_gos_words(text: str, complaint: str) -> None:
    with pytest.raises(InvalidDurationError) as refused:
        parse_duration(text)
    assert str(refused.value) == f"time: {complaint}"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (1, "1s"),
        (1.5, "1.5s"),
        (60, "1m0s"),
        (90, "1m30s"),
        (3600, "1h0m0s"),
        (0.25, "250ms"),
        (-20, "-20s"),
    ],
)
def test_durations_are_written(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text

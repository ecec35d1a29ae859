"""Back-off by the numbers users see: 10, 20, 40 … 300 seconds."""

from __future__ import annotations

from kubelet.backoff import Backoff


def test_first_restart_is_immediate():
    assert Backoff().remaining_since("c", 100.0, 100.0) == 0.0


def test_delay_doubles_up_to_five_minutes():
    backoff = Backoff()
    delays = []

    for step in range(7):
        backoff.advance("c", event_time=float(step), now=float(step))
        delays.append(backoff.delay("c"))

    assert delays == [10, 20, 40, 80, 160, 300, 300]


def test_delay_counts_from_the_event():
    backoff = Backoff()
    backoff.advance("c", event_time=100.0, now=100.0)

    assert backoff.remaining_since("c", 103.0, 105.0) == 8.0
    assert backoff.remaining_since("c", 103.0, 113.0) == 0.0


def test_ten_quiet_minutes_start_over():
    backoff = Backoff()
    backoff.advance("c", event_time=0.0, now=0.0)
    backoff.advance("c", event_time=1.0, now=1.0)

    assert backoff.remaining_since("c", 602.0, 602.0) == 0.0
    backoff.advance("c", event_time=602.0, now=602.0)
    assert backoff.delay("c") == 10


def test_expired_keys_are_forgotten():
    backoff = Backoff()
    backoff.advance("c", event_time=0.0, now=0.0)

    backoff.forget_expired(601.0)

    assert backoff.delay("c") == 0

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apiserver.storage.interface import Compacted, EventType, StoreEvent
from apiserver.storage.watch_cache import WatchCache

NAMES = "abcd"


def value(n):
    return json.dumps({"metadata": {"name": "x"}, "n": n}).encode()


def change(kind, key, revision, n=0):
    return StoreEvent(
        kind, key, b"" if kind is EventType.DELETED else value(n), None, revision
    )


def contents(items):
    return {item.key: item.object["n"] for item in items}


class Model:
    """Every state there was, to compare with."""

    def __init__(self):
        self.now = {}
        self.then = {0: {}}

    def take(self, key, revision, n):
        if n is None:
            kind = EventType.DELETED
            self.now = {k: v for k, v in self.now.items() if k != key}
        else:
            kind = EventType.MODIFIED if key in self.now else EventType.CREATED
            self.now = {**self.now, key: n}
        self.then[revision] = self.now
        return change(kind, key, revision, n or 0)


@given(
    st.lists(
        st.tuples(st.sampled_from(NAMES), st.none() | st.integers(0, 9)), max_size=30
    )
)
def test_the_cache_knows_every_state_it_went_through(writes):
    cache, model = WatchCache(), Model()
    for revision, (key, n) in enumerate(writes, start=1):
        if n is None and key not in model.now:
            model.then[revision] = model.now
            continue
        cache.apply(model.take(key, revision, n), now=0.0)

    assert contents(cache.under("")) == model.now
    for revision, state in model.then.items():
        if revision <= cache.revision:
            assert contents(cache.under_at("", "", revision)) == state


@given(st.lists(st.sampled_from(NAMES), max_size=30), st.integers(0, 30))
def test_events_since_a_revision_are_those_after_it(keys, since):
    cache, model = WatchCache(), Model()
    for revision, key in enumerate(keys, start=1):
        cache.apply(model.take(key, revision, revision), now=0.0)

    assert [event.revision for event in cache.since(since)] == list(
        range(since + 1, len(keys) + 1)
    )


def test_old_events_go_when_there_are_enough_and_they_are_old():
    cache = WatchCache(min_events=3, min_seconds=100)
    for revision in range(1, 11):
        cache.apply(
            change(EventType.CREATED, f"k{revision}", revision), now=revision * 20.0
        )

    assert cache.floor == 4
    assert [event.revision for event in cache.since(4)] == [5, 6, 7, 8, 9, 10]
    with pytest.raises(Compacted):
        cache.since(3)


def test_there_are_never_more_events_than_the_cap():
    cache = WatchCache(min_events=2, max_events=5)
    for revision in range(1, 11):
        cache.apply(change(EventType.CREATED, f"k{revision}", revision), now=0.0)

    assert cache.floor == 5


def test_progress_moves_the_revision_only():
    cache = WatchCache()

    assert (
        cache.apply(StoreEvent(EventType.PROGRESS, "", b"", None, 7), now=0.0) is None
    )
    assert (cache.revision, len(cache)) == (7, 0)


def test_a_watcher_of_a_set_sees_entering_as_added_and_leaving_as_deleted():
    cache = WatchCache()

    def even(obj):
        return obj["n"] % 2 == 0

    events = [
        cache.apply(change(EventType.CREATED, "k", 1, 1), now=0.0),
        cache.apply(change(EventType.MODIFIED, "k", 2, 2), now=0.0),
        cache.apply(change(EventType.MODIFIED, "k", 3, 4), now=0.0),
        cache.apply(change(EventType.MODIFIED, "k", 4, 5), now=0.0),
        cache.apply(change(EventType.DELETED, "k", 5), now=0.0),
    ]

    seen = [event.seen_by(even) for event in events]

    assert [each and (each.type.value, each.object["n"]) for each in seen] == [
        None,
        ("ADDED", 2),
        ("MODIFIED", 4),
        ("DELETED", 4),
        None,
    ]
    assert seen[3].object["metadata"]["resourceVersion"] == "4"


def test_a_deleted_object_is_shown_at_the_revision_of_its_deletion():
    cache = WatchCache()
    cache.apply(change(EventType.CREATED, "k", 1, 1), now=0.0)

    event = cache.apply(change(EventType.DELETED, "k", 2), now=0.0).seen_by(None)

    assert json.loads(event.frame()) == {
        "type": "DELETED",
        "object": {"metadata": {"name": "x", "resourceVersion": "2"}, "n": 1},
    }
    assert event.frame().endswith(b"\n")


def test_an_object_is_written_as_json_once_for_all_watchers():
    cache = WatchCache()
    event = cache.apply(change(EventType.CREATED, "k", 1, 1), now=0.0)

    first, second = event.seen_by(None), event.seen_by(lambda _: True)

    assert first.item.json() is second.item.json()

import asyncio
import json
from contextvars import ContextVar

import pytest

from apimachinery.status import StatusError
from apiserver.storage.cacher import Cacher
from apiserver.storage.memory import MemoryStore
from apiserver.storage.objects import ObjectStore
from apiserver.storage.watch_cache import WatchCache

PODS = "/registry/pods/"


class Fixture:
    def __init__(self, **options):
        self.store = MemoryStore()
        self.objects = ObjectStore(self.store)
        options = {"kind": "Pod", "wait_seconds": 0.02, **options}
        self.pods = Cacher(self.store, PODS, **options)

    async def create(self, name, **members):
        obj = {"metadata": {"name": name.rpartition("/")[2]}, **members}
        return await self.objects.create(PODS + name, obj)

    async def update(self, name, **members):
        return await self.objects.guaranteed_update(
            PODS + name, lambda obj: {**obj, **members}
        )

    async def delete(self, name):
        return await self.objects.delete(PODS + name)


@pytest.fixture
async def fixture():
    made = Fixture()
    yield made
    await made.pods.close()
    await made.store.close()


def keys(page):
    return [item.key.removeprefix(PODS) for item in page.items]


async def take(watcher, count):
    return [await anext(watcher) for _ in range(count)]


def brief(event):
    return event.type.value, event.object["metadata"].get("name", "")


# -- get and list


async def test_a_get_sees_the_write_before_it(fixture):
    for n in range(20):
        created = await fixture.create(f"d/p{n}")
        found = await fixture.pods.get(f"{PODS}d/p{n}")
        assert found.object == created


async def test_what_feeds_all_does_not_work_for_who_came_first(fixture):
    asker, seen = ContextVar("asker", default=""), []
    real = fixture.store.watch

    def watch(prefix, since_revision):
        seen.append(asker.get())
        return real(prefix, since_revision)

    fixture.store.watch = watch
    asker.set("the first")
    await fixture.pods.list()

    assert seen == [""]


async def test_a_list_without_a_version_is_of_now(fixture):
    await fixture.create("d/b")
    await fixture.create("d/a")
    await fixture.store.create("/registry/nodes/n", b"{}")

    page = await fixture.pods.list()

    assert keys(page) == ["d/a", "d/b"]
    assert page.revision == 3
    assert (page.continue_token, page.remaining) == ("", None)


async def test_a_list_can_be_of_a_namespace_and_of_what_matches(fixture):
    for name in ("d/a", "d/b", "e/a"):
        await fixture.create(name, web=name.endswith("a"))

    namespace = await fixture.pods.list(PODS + "d/")
    matching = await fixture.pods.list(predicate=lambda obj: obj["web"])

    assert keys(namespace) == ["d/a", "d/b"]
    assert keys(matching) == ["d/a", "e/a"]


async def test_pages_show_the_moment_of_the_first_page(fixture):
    for name in "abcde":
        await fixture.create(f"d/{name}")
    first = await fixture.pods.list(limit=2)
    await fixture.delete("d/c")
    await fixture.create("d/f")
    second = await fixture.pods.list(limit=2, continue_token=first.continue_token)
    third = await fixture.pods.list(limit=2, continue_token=second.continue_token)

    assert [keys(page) for page in (first, second, third)] == [
        ["d/a", "d/b"],
        ["d/c", "d/d"],
        ["d/e"],
    ]
    assert [page.remaining for page in (first, second, third)] == [3, 1, None]
    assert {page.revision for page in (first, second, third)} == {5}


async def test_a_page_of_what_matches_does_not_tell_what_remains(fixture):
    for name in "abc":
        await fixture.create(f"d/{name}")

    page = await fixture.pods.list(limit=1, predicate=lambda _: True)

    assert page.remaining is None
    assert page.continue_token


async def test_version_zero_ignores_the_limit(fixture):
    for name in "abc":
        await fixture.create(f"d/{name}")
    await fixture.pods.list()

    page = await fixture.pods.list(resource_version="0", limit=1)

    assert keys(page) == ["d/a", "d/b", "d/c"]


async def test_an_exact_version_is_shown_as_it_was(fixture):
    await fixture.create("d/a")
    await fixture.pods.list()
    await fixture.create("d/b")

    exact = await fixture.pods.list(resource_version="1", match="Exact")
    newer = await fixture.pods.list(resource_version="2", match="NotOlderThan")
    legacy = await fixture.pods.list(resource_version="1", limit=5)

    assert [keys(page) for page in (exact, newer, legacy)] == [
        ["d/a"],
        ["d/a", "d/b"],
        ["d/a"],
    ]


async def test_a_version_that_has_not_happened_is_waited_for(fixture):
    await fixture.create("d/a")
    listing = asyncio.ensure_future(fixture.pods.list(resource_version="2"))
    await asyncio.sleep(0)
    await fixture.create("d/b")

    assert keys(await listing) == ["d/a", "d/b"]


async def test_a_version_that_does_not_happen_is_a_timeout(fixture):
    with pytest.raises(StatusError) as caught:
        await fixture.pods.list(resource_version="99")

    assert caught.value.code == 504
    assert caught.value.message == "Timeout: Too large resource version: 99, current: 0"


async def test_a_forgotten_version_is_expired(fixture):
    await fixture.create("d/a")
    await fixture.create("d/b")
    await fixture.store.compact(2)

    with pytest.raises(StatusError) as caught:
        await fixture.pods.list(resource_version="1", match="Exact")

    assert (caught.value.code, caught.value.reason) == (410, "Expired")
    assert (
        caught.value.message == "The resourceVersion for the provided list is too old."
    )


async def test_a_forgotten_page_offers_to_go_on_inconsistently():
    fixture = Fixture(cache=WatchCache(min_events=1, max_events=1))
    for name in "abc":
        await fixture.create(f"d/{name}")
    first = await fixture.pods.list(limit=1)
    for name in "xyz":
        await fixture.create(f"d/{name}")
    await fixture.pods.list()
    await fixture.store.compact(6)

    with pytest.raises(StatusError) as caught:
        await fixture.pods.list(limit=1, continue_token=first.continue_token)
    token = caught.value.status["metadata"]["continue"]
    rest = await fixture.pods.list(continue_token=token)

    assert caught.value.message.startswith("The provided continue parameter is too old")
    assert keys(rest) == ["d/b", "d/c", "d/x", "d/y", "d/z"]
    await fixture.pods.close()


async def test_an_unreadable_version_is_a_bad_request(fixture):
    with pytest.raises(StatusError) as caught:
        await fixture.pods.list(resource_version="x")

    assert caught.value.code == 400


# -- watch


async def test_a_watch_without_a_version_begins_with_what_there_is(fixture):
    await fixture.create("d/a")
    watcher = await fixture.pods.watch()
    await fixture.create("d/b")
    await fixture.delete("d/a")

    events = await take(watcher, 3)

    assert [brief(event) for event in events] == [
        ("ADDED", "a"),
        ("ADDED", "b"),
        ("DELETED", "a"),
    ]
    assert [event.revision for event in events] == [1, 2, 3]


async def test_a_list_and_a_watch_from_it_see_each_change_once(fixture):
    async def write(worker):
        for n in range(20):
            await fixture.create(f"d/{worker}-{n}")
            await asyncio.sleep(0)

    writers = asyncio.gather(*(write(worker) for worker in range(3)))
    seen = []
    for _ in range(5):
        page = await fixture.pods.list()
        watcher = await fixture.pods.watch(resource_version=str(page.revision))
        seen.append((keys(page), watcher))
        await asyncio.sleep(0)
    await writers

    for listed, watcher in seen:
        events = await take(watcher, 60 - len(listed))
        assert {event.type.value for event in events} <= {"ADDED"}
        names = listed + [event.item.key.removeprefix(PODS) for event in events]
        assert sorted(names) == sorted({*names})
        assert len(names) == 60


async def test_watch_list_sends_the_state_and_says_where_it_ends(fixture):
    await fixture.create("d/a")
    await fixture.store.create("/registry/nodes/n", b"{}")

    watcher = await fixture.pods.watch(send_initial_events=True, bookmarks=True)
    added, bookmark = await take(watcher, 2)
    await fixture.create("d/b")

    assert brief(added) == ("ADDED", "a")
    assert json.loads(bookmark.frame()) == {
        "type": "BOOKMARK",
        "object": {
            "kind": "Pod",
            "apiVersion": "v1",
            "metadata": {
                "resourceVersion": "2",
                "creationTimestamp": None,
                "annotations": {"k8s.io/initial-events-end": "true"},
            },
        },
    }
    assert brief(await anext(watcher)) == ("ADDED", "b")


async def test_watch_list_waits_for_the_version_it_was_asked_for(fixture):
    with pytest.raises(StatusError) as caught:
        await fixture.pods.watch(resource_version="9", send_initial_events=True)

    assert caught.value.code == 504


async def test_a_plain_watch_may_begin_in_the_future(fixture):
    await fixture.create("d/a")
    watcher = await fixture.pods.watch(resource_version="2")
    await fixture.create("d/b")
    await fixture.create("d/c")

    assert brief(await anext(watcher)) == ("ADDED", "c")


async def test_a_watch_without_initial_events_begins_now(fixture):
    await fixture.create("d/a")
    watcher = await fixture.pods.watch(send_initial_events=False)
    await fixture.update("d/a", x=1)

    assert brief(await anext(watcher)) == ("MODIFIED", "a")


async def test_a_watch_from_a_forgotten_version_is_expired():
    fixture = Fixture(cache=WatchCache(min_events=1, max_events=1))
    await fixture.pods.list()
    for name in "abc":
        await fixture.create(f"d/{name}")
    await fixture.pods.list()

    with pytest.raises(StatusError) as caught:
        await fixture.pods.watch(resource_version="1")

    assert caught.value.code == 410
    assert caught.value.message == "too old resource version: 1 (2)"
    await fixture.pods.close()


async def test_a_watch_is_of_a_namespace_and_of_what_matches(fixture):
    watcher = await fixture.pods.watch(
        PODS + "d/", resource_version="0", predicate=lambda obj: obj.get("web", False)
    )
    await fixture.create("e/a", web=True)
    await fixture.create("d/a")
    await fixture.update("d/a", web=True)
    await fixture.update("d/a", web=False)

    events = await take(watcher, 2)

    assert [brief(event) for event in events] == [("ADDED", "a"), ("DELETED", "a")]


async def test_a_slow_watcher_is_ended_and_nothing_is_skipped():
    fixture = Fixture(watcher_capacity=5)
    watcher = await fixture.pods.watch(resource_version="0")
    other = await fixture.pods.watch(resource_version="0")
    for n in range(8):
        await fixture.create(f"d/{n}")
        await anext(other)

    events = [brief(event)[1] async for event in watcher]

    assert events == ["0", "1", "2", "3", "4"]
    assert watcher.too_slow
    assert not other.ended
    await fixture.pods.close()


async def test_a_watch_ends_at_its_time_with_a_last_bookmark(fixture, monkeypatch):
    monkeypatch.setattr("apiserver.storage.watch_timers.LAST_BOOKMARK_SECONDS", 0.01)
    await fixture.store.create("/registry/nodes/n", b"{}")
    watcher = await fixture.pods.watch(
        resource_version="0", bookmarks=True, timeout_seconds=0.03
    )

    events = [event async for event in watcher]

    assert [event.type.value for event in events] == ["BOOKMARK"]
    assert events[0].revision == 1


async def test_bookmarks_come_again_and_again():
    fixture = Fixture(bookmark_seconds=0.005)
    watcher = await fixture.pods.watch(resource_version="0", bookmarks=True)
    await anext(watcher)
    await fixture.store.create("/registry/nodes/n", b"{}")

    async for event in watcher:
        if event.revision == 1:
            break

    assert event.type.value == "BOOKMARK"
    await fixture.pods.close()


async def test_closing_ends_the_watches(fixture):
    watcher = await fixture.pods.watch()

    await fixture.pods.close()

    assert [event async for event in watcher] == []


async def test_a_closed_watcher_is_forgotten(fixture):
    watcher = await fixture.pods.watch(bookmarks=True, timeout_seconds=100)

    watcher.close()
    await fixture.create("d/a")

    assert [event async for event in watcher] == []
    assert fixture.pods._watchers == {}
    assert len(fixture.pods._timers) == 0

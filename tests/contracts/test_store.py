"""What every Store promises; each test runs against each implementation."""

import asyncio

import pytest

from apiserver.storage.interface import (
    Compacted,
    Conflict,
    EventType,
    FutureRevision,
    KeyExists,
    StoredValue,
)
from apiserver.storage.memory import MemoryStore
from apiserver.storage.sqlite import SqliteStore
from hops.hops import Hops
from tests.support.etcd import Etcd

PODS = "/registry/pods/"


@pytest.fixture(scope="module")
def etcd():
    with Etcd() as process:
        yield process


@pytest.fixture(params=["memory", "sqlite", "etcd"])
async def store(request, tmp_path):
    match request.param:
        case "memory":
            store = MemoryStore()
        case "sqlite":
            store = await SqliteStore.open(tmp_path / "store.db")
        case "etcd":
            from apiserver.storage.etcd import EtcdStore

            etcd = request.getfixturevalue("etcd")
            prefix = f"/{request.node.name}"  # each test has an empty store
            store = await EtcdStore.open(Hops("test"), [etcd.url], prefix=prefix)
    yield store
    await store.close()


@pytest.fixture
async def begin(store):
    """The revision before the test: one etcd serves all of them."""
    return await store.current_revision()


async def take(watch, count):
    return [await anext(watch) for _ in range(count)]


def brief(event):
    return event.type.value, event.key, event.revision


async def test_a_missing_key_is_none(store):
    assert await store.get("/registry/pods/d/none") is None


async def test_a_created_value_can_be_read(store):
    revision = await store.create(PODS + "d/a", b"1")

    stored = await store.get(PODS + "d/a")

    assert stored == StoredValue(PODS + "d/a", b"1", revision, revision)


async def test_revisions_grow_by_one_for_each_write(store):
    first = await store.create(PODS + "d/a", b"1")
    second = await store.update(PODS + "d/a", b"2", first)
    third = await store.delete(PODS + "d/a", second)

    assert [second, third] == [first + 1, first + 2]
    assert await store.current_revision() == third


async def test_create_refuses_a_taken_key(store):
    revision = await store.create(PODS + "d/a", b"1")

    with pytest.raises(KeyExists) as caught:
        await store.create(PODS + "d/a", b"2")

    assert caught.value.revision == revision
    assert (await store.get(PODS + "d/a")).value == b"1"


async def test_update_keeps_the_revision_of_the_creation(store):
    first = await store.create(PODS + "d/a", b"1")
    second = await store.update(PODS + "d/a", b"2", first)

    stored = await store.get(PODS + "d/a")

    assert (stored.revision, stored.create_revision) == (second, first)


async def test_update_from_an_old_revision_conflicts_and_tells_the_current_value(store):
    first = await store.create(PODS + "d/a", b"1")
    second = await store.update(PODS + "d/a", b"2", first)

    with pytest.raises(Conflict) as caught:
        await store.update(PODS + "d/a", b"3", first)

    assert caught.value.current == StoredValue(PODS + "d/a", b"2", second, first)


async def test_updating_a_missing_key_conflicts_with_nothing(store):
    with pytest.raises(Conflict) as caught:
        await store.update(PODS + "d/a", b"3", 1)

    assert caught.value.current is None


async def test_deleting_a_missing_key_conflicts_with_nothing(store):
    with pytest.raises(Conflict) as caught:
        await store.delete(PODS + "d/a", 1)

    assert caught.value.current is None


async def test_of_many_writers_at_one_revision_exactly_one_wins(store):
    revision = await store.create(PODS + "d/a", b"0")

    results = await asyncio.gather(
        *(store.update(PODS + "d/a", b"%d" % i, revision) for i in range(20)),
        return_exceptions=True,
    )

    assert [isinstance(result, Conflict) for result in results].count(False) == 1


async def test_a_deleted_key_can_be_created_again(store):
    revision = await store.create(PODS + "d/a", b"1")
    await store.delete(PODS + "d/a", revision)

    again = await store.create(PODS + "d/a", b"2")

    stored = await store.get(PODS + "d/a")
    assert (stored.revision, stored.create_revision) == (again, again)


async def test_list_is_in_key_order_and_stays_in_its_prefix(store, begin):
    for key in ("d/b", "d/a", "e/a"):
        await store.create(PODS + key, b"")
    await store.create("/registry/podtemplates/d/a", b"")

    page = await store.list(PODS)

    assert [item.key for item in page.items] == [
        PODS + k for k in ("d/a", "d/b", "e/a")
    ]
    assert (page.revision, page.more, page.count) == (begin + 4, False, 3)
    assert await store.count(PODS) == 3


async def test_list_pages_with_a_limit_and_a_start(store):
    for name in "abcde":
        await store.create(PODS + name, b"")

    first = await store.list(PODS, limit=2)
    second = await store.list(PODS, limit=2, start=first.items[-1].key + "\0")

    assert [item.key[-1] for item in first.items] == ["a", "b"]
    assert (first.more, first.count) == (True, 5)
    assert [item.key[-1] for item in second.items] == ["c", "d"]
    assert (second.more, second.count) == (True, 3)


async def test_list_shows_the_past(store):
    a = await store.create(PODS + "a", b"1")
    b = await store.create(PODS + "b", b"1")
    then = await store.update(PODS + "a", b"2", a)
    await store.delete(PODS + "b", b)
    await store.create(PODS + "c", b"1")

    page = await store.list(PODS, revision=then)

    assert [(item.key[-1], item.value) for item in page.items] == [
        ("a", b"2"),
        ("b", b"1"),
    ]
    assert page.revision == then


async def test_a_key_that_was_made_again_is_seen_at_each_time(store):
    first = await store.create(PODS + "a", b"1")
    gone = await store.delete(PODS + "a", first)
    second = await store.create(PODS + "a", b"2")

    seen = [
        [item.value for item in (await store.list(PODS, revision=at)).items]
        for at in (first, gone, second)
    ]

    assert seen == [[b"1"], [], [b"2"]]


async def test_list_refuses_the_future(store):
    last = await store.create(PODS + "a", b"1")

    with pytest.raises(FutureRevision):
        await store.list(PODS, revision=last + 1)


async def test_watch_gives_changes_in_order_with_the_value_before(store, begin):
    watch = store.watch(PODS, begin)
    first = await store.create(PODS + "a", b"1")
    second = await store.update(PODS + "a", b"2", first)
    await store.create("/registry/nodes/n", b"")
    third = await store.delete(PODS + "a", second)

    events = await take(watch, 3)

    assert [brief(event) for event in events] == [
        ("CREATED", PODS + "a", first),
        ("MODIFIED", PODS + "a", second),
        ("DELETED", PODS + "a", third),
    ]
    assert [event.prev_value for event in events] == [None, b"1", b"2"]
    assert [event.value for event in events] == [b"1", b"2", b""]


async def test_watch_from_a_past_revision_gives_each_later_change_once(store):
    revisions = [await store.create(f"{PODS}{n:03}", b"") for n in range(50)]
    watch = store.watch(PODS, revisions[19])
    revisions += [await store.create(f"{PODS}{n:03}", b"") for n in range(50, 60)]

    events = await take(watch, 40)

    assert [event.revision for event in events] == revisions[20:]


async def test_watch_misses_nothing_while_others_write(store, begin):
    async def write(worker):
        for n in range(25):
            await store.create(f"{PODS}{worker}-{n}", b"")

    writers = asyncio.gather(*(write(worker) for worker in range(4)))
    watches = []
    for _ in range(10):
        watches.append(store.watch(PODS, begin))
        await asyncio.sleep(0)
    await writers

    for watch in watches:
        events = await take(watch, 100)
        assert [event.revision for event in events] == list(
            range(begin + 1, begin + 101)
        )


async def test_a_write_is_in_the_watch_before_it_is_answered(store, begin):
    watch = store.watch(PODS, begin)

    revision = await store.create(PODS + "a", b"")
    watch.request_progress()

    events = await take(watch, 2)
    assert [(event.type, event.revision) for event in events] == [
        (EventType.CREATED, revision),
        (EventType.PROGRESS, revision),
    ]


async def test_progress_tells_of_writes_elsewhere(store, begin):
    watch = store.watch(PODS, begin)
    await store.create("/registry/nodes/n", b"")

    watch.request_progress()

    assert (await anext(watch)).revision == begin + 1


async def test_a_closed_watch_ends(store, begin):
    watch = store.watch(PODS, begin)

    await watch.close()

    assert [event async for event in watch] == []


async def test_closing_the_store_ends_its_watches(store, begin):
    watch = store.watch(PODS, begin)

    await store.close()

    assert [event async for event in watch] == []


async def test_compaction_keeps_what_is_current(store):
    first = await store.create(PODS + "a", b"1")
    await store.update(PODS + "a", b"2", first)
    b = await store.create(PODS + "b", b"1")
    gone = await store.delete(PODS + "b", b)

    await store.compact(gone)

    page = await store.list(PODS)
    assert [(item.key, item.value) for item in page.items] == [(PODS + "a", b"2")]
    assert await store.current_revision() == gone


async def test_compaction_forgets_what_was(store):
    first = await store.create(PODS + "a", b"1")
    second = await store.update(PODS + "a", b"2", first)
    third = await store.update(PODS + "a", b"3", second)
    await store.compact(second)

    with pytest.raises(Compacted):
        await store.list(PODS, revision=first)
    with pytest.raises(Compacted):
        await anext(store.watch(PODS, first))
    assert (await store.list(PODS, revision=second)).items[0].value == b"2"
    event = await anext(store.watch(PODS, second))
    assert (event.revision, event.prev_value) == (third, b"2")


async def test_compaction_of_a_long_history_loses_and_revives_nothing(store):
    for n in range(40):
        key = f"{PODS}{n % 4}"
        revision = await store.create(key, b"0")
        for turn in range(1, 60):
            revision = await store.update(key, b"%d" % turn, revision)
        if n < 36 or n % 2:
            await store.delete(key, revision)
    before = (await store.list(PODS)).items

    await store.compact(await store.current_revision())

    assert (await store.list(PODS)).items == before
    assert [item.key[-1] for item in before] == ["0", "2"]
    again = await store.create(PODS + "1", b"x")
    assert (await store.get(PODS + "1")).revision == again


async def test_a_key_with_a_ttl_is_deleted_and_watchers_hear_of_it(store, begin):
    watch = store.watch(PODS, begin)
    await store.create(PODS + "a", b"1", ttl=0.01)

    events = await take(watch, 2)

    assert [event.type for event in events] == [EventType.CREATED, EventType.DELETED]
    assert events[1].prev_value == b"1"
    assert await store.get(PODS + "a") is None


async def test_writing_a_key_again_renews_its_ttl(store, begin):
    watch = store.watch(PODS, begin)
    revision = await store.create(PODS + "a", b"1", ttl=0.01)
    await store.update(PODS + "a", b"2", revision, ttl=1000)
    await store.create(PODS + "b", b"1", ttl=0.02)

    events = await take(watch, 4)

    assert brief(events[3])[:2] == ("DELETED", PODS + "b")
    assert (await store.get(PODS + "a")).value == b"2"


async def test_keys_and_values_may_hold_anything(store):
    key, value = PODS + "ns/ü 'quote\" \U0001f600", bytes(range(256))

    await store.create(key, value)

    assert (await store.list(PODS + "ns/ü")).items[0].value == value

import asyncio
import stat

import pytest

from apiserver.storage.interface import EventType, KeyExists, StoreUnavailable
from apiserver.storage.sqlite import SqliteStore, StoreLockedError

PODS = "/registry/pods/"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "store.db"


async def reopened(store, path, **options):
    await store.close()
    return await SqliteStore.open(path, **options)


async def test_everything_is_there_after_a_restart(path):
    store = await SqliteStore.open(path)
    first = await store.create(PODS + "a", b"1")
    second = await store.update(PODS + "a", b"2", first)

    store = await reopened(store, path)

    stored = await store.get(PODS + "a")
    assert (stored.value, stored.revision, stored.create_revision) == (
        b"2",
        second,
        first,
    )
    await store.close()


async def test_a_watch_goes_on_after_a_restart_where_it_stopped(path):
    store = await SqliteStore.open(path)
    first = await store.create(PODS + "a", b"1")
    second = await store.update(PODS + "a", b"2", first)
    gone = await store.delete(PODS + "a", second)

    store = await reopened(store, path)
    watch = store.watch(PODS, first)
    events = [await anext(watch), await anext(watch)]

    assert [(e.type, e.revision, e.prev_value) for e in events] == [
        (EventType.MODIFIED, second, b"1"),
        (EventType.DELETED, gone, b"2"),
    ]
    await store.close()


async def test_revisions_never_come_back_even_when_all_rows_are_gone(path):
    store = await SqliteStore.open(path)
    first = await store.create(PODS + "a", b"1")
    gone = await store.delete(PODS + "a", first)
    await store.compact(gone)

    store = await reopened(store, path)

    assert await store.current_revision() == gone
    assert await store.create(PODS + "a", b"2") == gone + 1
    await store.close()


async def test_waiting_writes_share_a_commit_and_keep_their_order(path):
    store = await SqliteStore.open(path)
    watch = store.watch(PODS, 0)

    revisions = await asyncio.gather(
        *(store.create(f"{PODS}{n:04}", b"") for n in range(1_000))
    )

    assert revisions == list(range(1, 1_001))
    events = [await anext(watch) for _ in range(1_000)]
    assert [event.revision for event in events] == revisions
    await store.close()


async def test_a_refused_write_does_not_disturb_its_neighbours(path):
    store = await SqliteStore.open(path)

    results = await asyncio.gather(
        store.create(PODS + "a", b""),
        store.create(PODS + "a", b""),
        store.create(PODS + "b", b""),
        return_exceptions=True,
    )

    assert results[0] == 1
    assert isinstance(results[1], KeyExists)
    assert results[2] == 2
    await store.close()


async def test_a_cancelled_writer_may_have_written(path):
    store = await SqliteStore.open(path)
    writing = asyncio.ensure_future(store.create(PODS + "a", b"1"))
    await asyncio.sleep(0)
    writing.cancel()

    assert (await store.get(PODS + "a")).value == b"1"
    await store.close()


async def test_a_deadline_passes_while_the_store_is_closed(path):
    now = 1_000.0
    store = await SqliteStore.open(path, clock=lambda: now)
    await store.create(PODS + "a", b"1", ttl=60)
    await store.create(PODS + "b", b"1", ttl=60_000)
    now += 61

    store = await reopened(store, path, clock=lambda: now)
    event = await anext(store.watch(PODS, 2))

    assert (event.type, event.key) == (EventType.DELETED, PODS + "a")
    assert await store.get(PODS + "b")
    await store.close()


async def test_a_second_process_is_told_that_the_file_is_taken(path):
    store = await SqliteStore.open(path)

    with pytest.raises(StoreLockedError):
        await SqliteStore.open(path)

    await store.close()


async def test_the_files_are_private(path):
    store = await SqliteStore.open(path)
    await store.create(PODS + "a", b"1")

    modes = {stat.S_IMODE(each.stat().st_mode) for each in path.parent.iterdir()}

    assert modes == {0o600}
    await store.close()


async def test_a_file_that_is_no_database_is_refused(path):
    path.write_bytes(b"not a database, but long enough to look at" * 50)

    with pytest.raises(StoreUnavailable, match="restore the file from a copy"):
        await SqliteStore.open(path)


async def test_a_closed_store_refuses_work(path):
    store = await SqliteStore.open(path)
    await store.close()

    with pytest.raises(OSError, match="closed"):
        await store.get(PODS + "a")


async def test_a_full_disk_refuses_the_write_and_nothing_else(path):
    store = await SqliteStore.open(path)
    await store.create(PODS + "a", b"1")
    resize = "PRAGMA max_page_count = {}".format
    await store._writer.call(lambda log: log._db.execute(resize(1)))

    with pytest.raises(StoreUnavailable, match="store: database or disk is full"):
        await store.create(PODS + "b", b"2" * 100_000)

    assert await store.get(PODS + "a") is not None
    await store._writer.call(lambda log: log._db.execute(resize(1 << 20)))
    await store.create(PODS + "b", b"2" * 100_000)
    await store.close()

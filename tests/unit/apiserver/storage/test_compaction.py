import pytest

from apiserver.storage.compaction import compact_once
from apiserver.storage.interface import Compacted
from apiserver.storage.memory import MemoryStore


async def test_history_goes_when_it_is_old_and_long():
    store = MemoryStore()
    for n in range(10):
        await store.create(f"/registry/pods/{n}", b"")

    seen = await compact_once(store, 0, kept=3)
    for n in range(10, 15):
        await store.create(f"/registry/pods/{n}", b"")
    await compact_once(store, seen, kept=3)

    assert seen == 10
    assert (await store.list("/registry/", revision=10)).count == 10
    with pytest.raises(Compacted):
        await store.list("/registry/", revision=9)
    await store.close()


async def test_the_newest_revisions_stay_however_old_they_are():
    store = MemoryStore()
    for n in range(10):
        await store.create(f"/registry/pods/{n}", b"")

    await compact_once(store, 10, kept=4)

    assert (await store.list("/registry/", revision=6)).count == 6
    await store.close()

"""A queue that never gives a key twice at the same time, and forgets none."""

from __future__ import annotations

import asyncio

from controllers.work_queue import WorkQueue


async def test_keys_come_in_order_and_once():
    queue = WorkQueue[str]()
    for key in ("a", "b", "a"):
        queue.add(key)

    assert [await queue.get(), await queue.get()] == ["a", "b"]
    assert len(queue) == 0


async def test_a_key_added_while_worked_on_comes_again_afterwards():
    queue = WorkQueue[str]()
    queue.add("a")
    key = await queue.get()

    queue.add("a")
    assert len(queue) == 0
    queue.done(key)

    assert await queue.get() == "a"


async def test_a_waiting_reader_is_woken():
    queue = WorkQueue[str]()
    async with asyncio.TaskGroup() as tasks:
        reader = tasks.create_task(queue.get())
        await asyncio.sleep(0)
        queue.add("a")

    assert reader.result() == "a"


async def test_of_several_times_the_earliest_counts():
    queue = WorkQueue[str]()
    queue.add_after("a", 1000)
    queue.add_after("a", 0)
    queue.add_after("a", 1000)

    assert await queue.get() == "a"
    queue.close()


async def test_failures_come_again():
    queue = WorkQueue[str]()
    queue.add("a")
    queue.done(await queue.get())

    queue.retry("a")

    assert await queue.get() == "a"

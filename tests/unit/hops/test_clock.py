"""A service's clock: what is due by a new time happens, who waits for answers waits on."""

from __future__ import annotations

import asyncio
import gc
import time
import weakref

import pytest

from hops import clock


@pytest.fixture(autouse=True)
def real_time(monkeypatch):
    """Each test begins with a clock that was never moved."""
    monkeypatch.setattr(clock, "_ahead", 0.0)
    monkeypatch.setattr(clock, "_listeners", [])


async def test_timers_that_are_due_by_the_new_time_fire_at_once():
    loop = asyncio.get_running_loop()
    early, late = loop.create_future(), loop.create_future()
    loop.call_later(3600, early.set_result, "an hour")
    later = loop.call_later(3601.5, late.set_result, "more")

    await clock.advance(3600, everywhere=True, keep=None)

    assert await early == "an hour"
    assert not late.done()
    later.cancel()


async def test_all_times_go_along():
    before = (clock.wall(), clock.wall_ns(), clock.monotonic())

    await clock.advance(100, everywhere=False, keep=None)
    ahead = await clock.advance(50, everywhere=False, keep=None)

    after = (clock.wall(), clock.wall_ns(), clock.monotonic())
    assert ahead == clock.ahead() == 150
    assert 150 <= after[0] - before[0] < 160
    assert 150e9 <= after[1] - before[1] < 160e9
    assert 150 <= after[2] - before[2] < 160
    assert abs(asyncio.get_running_loop().time() - after[2]) < 5


async def test_a_sleep_is_over_and_an_answer_is_still_waited_for():
    answer = asyncio.get_running_loop().create_future()

    async def ask():
        async with clock.answer_timeout(60):
            return await answer

    async with asyncio.TaskGroup() as group:
        sleeper = group.create_task(asyncio.sleep(60, "slept"))
        asker = group.create_task(ask())
        await asyncio.sleep(0)
        await clock.advance(3600, everywhere=True, keep=None)
        assert await sleeper == "slept"
        answer.set_result("answered")

    assert asker.result() == "answered"


async def test_a_timer_for_an_answer_waits_on_as_well():
    rung = []
    timer = clock.AnswerTimer(30, lambda: rung.append(1))

    await clock.advance(3600, everywhere=True, keep=None)
    await asyncio.sleep(0)
    timer.cancel()

    assert rung == []


async def test_an_answer_that_never_comes_times_out_all_the_same():
    await clock.advance(3600, everywhere=True, keep=None)

    with pytest.raises(TimeoutError):
        async with clock.answer_timeout(0.001):
            await asyncio.get_running_loop().create_future()


class Part:
    """Something that wants to know."""

    def __init__(self, told):
        self._told = told
        clock.on_advance(self.listen)

    async def listen(self, seconds, everywhere):
        self._told.append((seconds, everywhere, clock.ahead()))


async def test_listeners_are_told_after_the_move():
    told = []
    part = Part(told)

    await clock.advance(5, everywhere=True, keep=None)
    await clock.advance(0, everywhere=False, keep=None)

    assert told == [(5, True, 5), (0, False, 5)]
    del part


async def test_a_part_that_is_gone_is_not_told_and_not_kept():
    told = []
    before = len(clock._listeners)
    part = Part(told)
    seen = weakref.ref(part)

    del part
    gc.collect()

    assert seen() is None
    assert len(clock._listeners) == before
    await clock.advance(5, everywhere=True, keep=None)
    assert told == []


@pytest.mark.parametrize("seconds", [-1, float("nan"), float("inf"), 1e12])
async def test_time_goes_forwards_and_not_for_ever(seconds):
    with pytest.raises(ValueError, match="advance"):
        await clock.advance(seconds, everywhere=True, keep=None)

    assert clock.ahead() == 0


async def test_a_service_that_comes_back_has_the_time_it_had(tmp_path, monkeypatch):
    kept = tmp_path / "service.admin.clock"
    await clock.advance(77, everywhere=True, keep=kept)
    monkeypatch.setattr(clock, "_ahead", 0.0)

    clock.restore(kept)

    assert clock.ahead() == 77


@pytest.mark.parametrize("text", ["", "soon", "-5", "inf", "1e99"])
def test_a_file_that_makes_no_sense_moves_nothing(tmp_path, text):
    kept = tmp_path / "clock"
    kept.write_text(text)

    clock.restore(kept)
    clock.restore(tmp_path / "none")

    assert clock.ahead() == 0
    assert abs(clock.wall() - time.time()) < 5

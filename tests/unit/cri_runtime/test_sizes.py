"""Sizes for the terminal of a container, more than its shim can set at once."""

import asyncio

from cri_runtime.shim_client import ShimError
from cri_runtime.streaming.sizes import Sizes
from wire.terminal import TerminalSize


class SlowShim:
    """Notes what is asked, and answers when it is let."""

    def __init__(self):
        self.widths = []
        self.may_answer = asyncio.Event()
        self.error = None

    async def request(self, do, *, container, width, height):
        assert (do, container) == ("resize", "c1")
        self.widths.append(width)
        await self.may_answer.wait()
        if self.error is not None:
            raise self.error


async def turns():
    for _ in range(50):
        await asyncio.sleep(0)


async def test_a_wrong_size_and_the_right_one_behind_it_are_both_set():
    shim = SlowShim()
    sizes = Sizes(shim, "c1")

    sizes.put(TerminalSize(81, 25))
    sizes.put(TerminalSize(80, 24))
    shim.may_answer.set()
    await turns()

    assert shim.widths == [81, 80]


async def test_of_too_many_sizes_the_newest_are_set_and_none_waits_beside_them():
    shim = SlowShim()
    sizes = Sizes(shim, "c1")
    tasks = len(asyncio.all_tasks())

    for width in range(1, 10_001):
        sizes.put(TerminalSize(width, 24))
    assert len(asyncio.all_tasks()) == tasks + 1
    shim.may_answer.set()
    await turns()

    assert len(shim.widths) < 10
    assert shim.widths[-1] == 10_000


async def test_sizes_are_set_after_one_that_could_not_be():
    shim = SlowShim()
    shim.may_answer.set()
    shim.error = ShimError(5, "Input/output error")
    sizes = Sizes(shim, "c1")

    sizes.put(TerminalSize(81, 25))
    await turns()
    sizes.put(TerminalSize(80, 24))
    await turns()

    assert shim.widths == [81, 80]

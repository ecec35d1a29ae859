"""What traces tell of the file that a log is read from."""

from __future__ import annotations

import base64

import pytest

from hops.hops import Hops
from hops.session import new_traceparent
from hops.trace import MemorySink
from kubelet.log_options import LogOptions
from kubelet.log_witness import LogWitness
from kubelet.logs import read_log
from tests.unit.hops.trace_schema import check_all

ONE = b"2024-05-01T10:00:00.000000001Z stdout F one\n"
TWO = b"2024-05-01T10:00:01.000000001Z stdout F two\n"
SESSION = new_traceparent()


@pytest.fixture
def sink():
    return MemorySink()


@pytest.fixture
async def hops(sink):
    hops = Hops("kubelet/n")
    hops.add_sink(sink)
    return hops


@pytest.fixture
def log(tmp_path):
    path = tmp_path / "0.log"
    path.write_bytes(ONE)
    return path


class Container:
    """It ends when it is asked for the second time, or what `then` does is done."""

    def __init__(self, then=None):
        self._then = then
        self._asked = 0

    async def is_running(self):
        self._asked += 1
        if self._asked == 1 and self._then is not None:
            self._then()
            return True
        return False


def told(sink):
    check_all(sink.events)
    return [(e.type, e.info, base64.b64decode(e.data or "")) for e in sink.events]


async def read(log, container, witness, **options):
    chunks = read_log(
        str(log), LogOptions(**options), container.is_running, None, witness
    )
    return b"".join([chunk async for chunk in chunks])


async def test_the_file_and_what_is_in_it_belong_to_the_session(hops, sink, log):
    witness = LogWitness(hops, SESSION)

    assert await read(log, Container(), witness) == b"one\n"

    assert told(sink) == [
        ("opened", {"file": str(log), "offset": 0}, b""),
        ("records", {}, ONE),
        ("closed", {"bytes": len(ONE)}, b""),
    ]
    assert {e.trace for e in sink.events} == {SESSION.trace_id}
    assert {(e.layer, e.hop) for e in sink.events} == {("crilog", "kubelet-cri")}
    assert [e.len for e in sink.events] == [0, len(ONE), 0]


async def test_what_tail_leaves_out_is_said(hops, sink, log):
    log.write_bytes(ONE + TWO)

    assert await read(log, Container(), LogWitness(hops, SESSION), tail=1) == b"two\n"

    assert told(sink)[0] == ("opened", {"file": str(log), "offset": len(ONE)}, b"")


async def test_a_follower_that_goes_on_in_the_next_file_says_so(hops, sink, log):
    def rotate():
        log.rename(log.with_name("0.log.20240501-120000"))
        log.write_bytes(TWO)

    witness = LogWitness(hops, SESSION)
    text = await read(log, Container(rotate), witness, follow=True)

    assert text == b"one\ntwo\n"
    assert [kind for kind, _, _ in told(sink)] == [
        "opened",
        "records",
        "rotated",
        "records",
        "closed",
    ]
    assert told(sink)[2][1] == {"file": str(log)}


async def test_a_trace_that_begins_meanwhile_is_told_which_file_it_is(sink, log):
    hops = Hops("kubelet/n")

    def look():
        hops.add_sink(sink)
        with log.open("ab") as file:
            file.write(TWO)

    await read(log, Container(look), LogWitness(hops, None), follow=True)

    assert told(sink) == [
        ("opened", {"file": str(log), "late": True}, b""),
        ("records", {}, TWO),
        ("closed", {"bytes": len(ONE + TWO)}, b""),
    ]


async def test_nothing_is_told_while_nobody_looks(log):
    witness = LogWitness(Hops("kubelet/n"), SESSION)

    assert await read(log, Container(), witness) == b"one\n"

"""Secrets in the bytes of a connection: painted over, and nothing else with them."""

from __future__ import annotations

from hops.chunk_log import ChunkLog
from hops.pipe import Direction


def painted(data: bytes, *secrets: bytes) -> bytes:
    told: list[bytes] = []
    log = ChunkLog(lambda way, chunk, when: told.append(chunk))
    log.add(Direction.UP, data, 0.0)
    log.conceal(Direction.UP, secrets, counted=True)
    log.settle(Direction.UP)
    return b"".join(told)


def test_a_secret_that_is_there_twice_is_painted_twice():
    assert painted(b"\x06secret \x06secret", b"secret", b"secret") == (
        b"\x06****** \x06******"
    )


def test_a_secret_that_is_part_of_another_spoils_nothing():
    long = b"tcp://10.96.0.1:443"

    found = painted(b"frame \x13" + long + b" \x03443", b"443", long)

    assert found == b"frame \x13" + b"*" * 19 + b" \x03***"


def test_a_short_secret_is_painted_only_where_its_length_stands_before_it():
    assert painted(b"1 frames, \x011 and 11", b"1") == b"1 frames, \x01* and 11"


def test_what_is_not_found_takes_all_along():
    assert painted(b"cut by a fra", b"frame") == b"*" * 12

"""Much data through all hops: whole, in constant memory, no faster than it is read."""

from __future__ import annotations

import hashlib
import os

import pytest

from tests.support.exec_client import exec_client, forwarding, stats

_PIECE = 1024 * 1024
#: Of each transfer; `make soak` moves 1,024 MiB.
_SIZE = int(os.environ.get("MINI_KUBE_BIG_MIB", "192")) * _PIECE
_SAMPLE = 16 * _PIECE
#: What a service may need more while a transfer goes on: buffers, at every speed.
_BUFFERS = 12 * 1024 * 1024


class Memory:
    """The highest memory of each service, beside what it was at the start."""

    def __init__(self, cluster):
        self._cluster = cluster
        self._start = self._now()
        self._peak = dict(self._start)
        self._moved = 0

    def moved(self, size):
        """Look again, every so many bytes."""
        self._moved += size
        if self._moved >= _SAMPLE:
            self._moved = 0
            for name, size in self._now().items():
                self._peak[name] = max(self._peak[name], size)

    def growth(self):
        return {name: self._peak[name] - self._start[name] for name in self._start}

    def _now(self):
        return {name: told["rss_bytes"] for name, told in stats(self._cluster).items()}


@pytest.fixture(params=["websocket", "spdy"])
def client(request, cluster, shell):
    with exec_client(cluster, shell, spdy=request.param == "spdy") as client:
        # Buffers that stay once they are made, are there.
        for _ in client.open("head", "-c", str(_SAMPLE), "/dev/zero").output():
            pass
        yield client


def output(client, *command):
    session = client.open(*command)
    text = b"".join(session.output())
    assert session.code == 0
    return text


def test_much_output_arrives_whole(cluster, client):
    make = f"head -c {_SIZE} /dev/urandom > blob; sha256sum < blob"
    digest = output(client, "sh", "-c", make).split()[0].decode()
    memory, received = Memory(cluster), hashlib.sha256()

    for piece in client.open("cat", "blob").output():
        received.update(piece)
        memory.moved(len(piece))

    assert received.hexdigest() == digest
    assert max(memory.growth().values()) < _BUFFERS, memory.growth()
    assert output(client, "rm", "blob") == b""


def test_much_input_arrives_whole(cluster, client):
    piece = os.urandom(_PIECE)
    memory, sent = Memory(cluster), hashlib.sha256()
    session = client.open("sha256sum", stdin=True)

    for number in range(_SIZE // _PIECE):
        varied = number.to_bytes(8) + piece[8:]
        sent.update(varied)
        session.send(varied)
        memory.moved(len(varied))
    session.end_input()

    assert b"".join(session.output()).split()[0].decode() == sent.hexdigest()
    assert max(memory.growth().values()) < _BUFFERS, memory.growth()


#: Sends what it got back, once it has all of it: the digest first.
_KEEPER = """
import hashlib, socket
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
for _ in range(2):
    peer, _ = listener.accept()
    digest = hashlib.sha256()
    with peer, open("kept", "wb+") as kept:
        while data := peer.recv(1 << 18):
            digest.update(data)
            kept.write(data)
        peer.sendall(digest.hexdigest().encode())
        kept.seek(0)
        peer.sendfile(kept)
"""


@pytest.fixture
def port_of_keeper(cluster, shell):
    with exec_client(cluster, shell) as client:
        session = client.open("python3", "-c", _KEEPER)
        yield int(next(session.output()))
        session.close()


def test_much_data_through_a_forward_arrives_whole(cluster, shell, port_of_keeper):
    piece = os.urandom(_PIECE)
    for spdy in (True, False):
        memory, sent = Memory(cluster), hashlib.sha256()
        with forwarding(cluster, shell, port_of_keeper, spdy=spdy) as forward:
            for number in range(_SIZE // _PIECE):
                varied = number.to_bytes(8) + piece[8:]
                sent.update(varied)
                forward.send(varied)
                memory.moved(len(varied))
            forward.finish()
            received, size, digest = hashlib.sha256(), 0, b""
            for data in forward.receive():
                missing = 64 - len(digest)
                digest += data[:missing]
                received.update(data[missing:])
                size += len(data)
                memory.moved(len(data))

        assert size == _SIZE + 64
        assert digest.decode() == sent.hexdigest()
        assert received.hexdigest() == sent.hexdigest()
        assert max(memory.growth().values()) < _BUFFERS, memory.growth()


_COUNTING_WRITER = """
import os
block = bytes(range(256)) * 256
for number in range(1024):
    os.write(1, number.to_bytes(8) + block[8:])
    with open("progress.new", "w") as progress:
        progress.write(str(number + 1))
    os.replace("progress.new", "progress")
"""


def standing(client):
    """How many blocks were written when the writer went no further."""
    seen, same = -1, 0
    while same < 10:
        now = int(output(client, "cat", "progress"))
        seen, same = now, same + 1 if now == seen else 0
    return seen


def test_a_slow_reader_slows_the_writer_and_loses_nothing(cluster, client):
    block = bytes(range(256)) * 256
    memory = Memory(cluster)
    session = client.open("python3", "-c", _COUNTING_WRITER)
    pieces = session.output()
    first = next(pieces)

    written = standing(client)
    rest = b"".join(pieces)

    # Of 64 MiB only what fits into pipes and socket buffers has left the writer.
    assert 0 < written < 512
    expected = b"".join(number.to_bytes(8) + block[8:] for number in range(1024))
    assert first + rest == expected
    memory.moved(_SAMPLE)
    assert max(memory.growth().values()) < _BUFFERS, memory.growth()


@pytest.mark.parametrize("number", range(3))
def test_the_last_line_of_much_output_is_there(cluster, shell, number):
    done = cluster.mini_kubectl("exec", shell, "--", "seq", "1", "2000000")

    assert done.stdout.endswith("\n1999999\n2000000\n")
    assert len(done.stdout) == sum(9 * 10**k * (k + 2) for k in range(6)) + 8 * 1000001

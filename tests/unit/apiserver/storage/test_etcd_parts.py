"""The parts of the etcd store that need no etcd."""

import pytest

from apiserver.storage.etcd_channel import parse_endpoint
from apiserver.storage.etcd_keys import EtcdKeys, range_end
from apiserver.storage.etcd_leases import EtcdLeases
from apiserver.storage.interface import EventType
from rpc import mvcc_v3_pb2 as mvcc

HOUR = 3600.0


@pytest.mark.parametrize(
    ("prefix", "end"),
    [
        (b"/registry/pods/", b"/registry/pods0"),
        (b"a\xff", b"b"),
        (b"\xff\xff", b"\0"),
        (b"", b"\0"),
    ],
)
def test_the_end_of_a_prefix(prefix, end):
    assert range_end(prefix) == end


@pytest.mark.parametrize(
    ("prefix", "root"),
    [
        ("/registry", b"/registry/"),
        ("registry/", b"/registry/"),
        ("/a/b", b"/a/b/"),
        ("", b"/"),
    ],
)
def test_keys_lie_below_the_prefix(prefix, root):
    keys = EtcdKeys(prefix)

    assert keys.to_etcd("/registry/pods/ns/ü") == root + "pods/ns/ü".encode()
    assert keys.from_etcd(root + b"pods/ns/a") == "/registry/pods/ns/a"


def test_keys_of_others_are_not_ours():
    assert EtcdKeys("/registry").from_etcd(b"compact_rev_key") is None
    assert EtcdKeys("/registry").from_etcd(b"/registry2/pods/a") is None


def event(kind=mvcc.Event.PUT, *, created=5, modified=5, before=None):
    made = mvcc.Event(type=kind)
    made.kv.key = b"/registry/pods/a"
    made.kv.value = b"new"
    made.kv.create_revision, made.kv.mod_revision = created, modified
    if before is not None:
        made.prev_kv.value = before
    return made


@pytest.mark.parametrize(
    ("told", "kind", "value", "before"),
    [
        (event(), EventType.CREATED, b"new", None),
        (event(modified=7, before=b"old"), EventType.MODIFIED, b"new", b"old"),
        (
            event(mvcc.Event.DELETE, created=0, modified=7, before=b"old"),
            EventType.DELETED,
            b"",
            b"old",
        ),
    ],
    ids=["created", "modified", "deleted"],
)
def test_what_an_event_means(told, kind, value, before):
    (made,) = EtcdKeys().events([told])

    assert (made.type, made.value, made.prev_value) == (kind, value, before)
    assert (made.key, made.revision) == ("/registry/pods/a", told.kv.mod_revision)


class Granting:
    """Leases that count, and a clock that is set by hand."""

    def __init__(self):
        self.seconds = []
        self.now = 1000.0
        self.leases = EtcdLeases(self.grant, lambda: self.now)

    async def grant(self, seconds):
        self.seconds.append(seconds)
        return len(self.seconds)


@pytest.fixture
def granting():
    return Granting()


async def test_what_stays_has_no_lease(granting):
    assert await granting.leases.lease_for(None) == 0
    assert granting.seconds == []


async def test_a_lease_lasts_a_little_longer_and_is_shared(granting):
    first = await granting.leases.lease_for(HOUR)
    granting.now += 59
    second = await granting.leases.lease_for(HOUR)

    assert (first, second) == (1, 1)
    assert granting.seconds == [3660]


async def test_a_lease_that_would_end_too_early_is_not_used_again(granting):
    await granting.leases.lease_for(HOUR)
    granting.now += 61

    assert await granting.leases.lease_for(HOUR) == 2


async def test_a_lease_that_lasts_far_too_long_is_not_used(granting):
    await granting.leases.lease_for(HOUR)

    assert await granting.leases.lease_for(60) == 2


async def test_a_lease_carries_a_thousand_objects(granting):
    used = [await granting.leases.lease_for(HOUR) for _ in range(1001)]

    assert used == [1] * 1000 + [2]


async def test_a_forgotten_lease_is_not_used_again(granting):
    await granting.leases.lease_for(HOUR)
    granting.leases.forget()

    assert await granting.leases.lease_for(HOUR) == 2


async def test_no_lease_is_shorter_than_a_second(granting):
    await granting.leases.lease_for(0.01)

    assert granting.seconds == [1]


@pytest.mark.parametrize(
    ("url", "address", "secure"),
    [
        ("http://127.0.0.1:2379", ("127.0.0.1", 2379), False),
        ("https://etcd.example", ("etcd.example", 2379), True),
        ("[::1]:4001", ("::1", 4001), False),
        ("unix:///run/etcd.sock", "/run/etcd.sock", False),
    ],
)
def test_an_endpoint_is_read_from_its_url(url, address, secure):
    endpoint = parse_endpoint(url)

    assert (endpoint.address, endpoint.secure) == (address, secure)


def test_what_is_no_endpoint_is_refused():
    with pytest.raises(ValueError, match="is not a URL of etcd"):
        parse_endpoint("ftp://etcd")

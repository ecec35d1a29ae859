"""The etcd store where a database in the same process has no trouble."""

import asyncio
import json
import socket

import pytest

from apiserver.storage import etcd_client
from apiserver.storage.etcd import EtcdStore
from apiserver.storage.etcd_channel import EtcdFiles
from apiserver.storage.etcd_compaction import CompactionTurn, compact_once
from apiserver.storage.interface import (
    Compacted,
    EventType,
    KeyExists,
    StoreUnavailable,
)
from certs.authority import CertificateAuthority
from certs.profile import Profile, Usage
from hops.hops import Hops
from tests.support.etcd import Etcd

PODS = "/registry/pods/"
NOW = 1_700_000_000.0
SESSION = "00-" + "a" * 32 + "-" + "b" * 16 + "-01"


@pytest.fixture(scope="module")
def etcd():
    with Etcd() as process:
        yield process


@pytest.fixture
async def open_store(etcd, request):
    stores = []

    async def open_one(*, hops=None, prefix=f"/{request.node.name}", **options):
        store = await EtcdStore.open(
            hops or Hops("test"), [etcd.url], prefix=prefix, **options
        )
        stores.append(store)
        return store

    yield open_one
    for store in stores:
        await store.close()


@pytest.fixture
async def store(open_store):
    return await open_store()


async def take(watch, count):
    async with asyncio.timeout(10):
        return [await anext(watch) for _ in range(count)]


async def test_a_watch_goes_on_after_a_restart(store, etcd):
    watch = store.watch(PODS, await store.current_revision())
    first = await store.create(PODS + "a", b"1")

    await asyncio.to_thread(etcd.restart)
    second = await store.update(PODS + "a", b"2", first)

    assert [event.revision for event in await take(watch, 2)] == [first, second]


async def test_writes_during_a_restart_wait_for_it(store, etcd):
    await asyncio.to_thread(etcd.kill)
    writing = asyncio.ensure_future(store.create(PODS + "a", b"1"))
    await asyncio.to_thread(etcd.start)

    assert await writing == await store.current_revision()


async def test_an_etcd_that_is_away_is_told_in_gos_words(store, etcd, monkeypatch):
    monkeypatch.setattr(etcd_client, "CALL_SECONDS", 0.3)
    await asyncio.to_thread(etcd.kill)
    try:
        with pytest.raises(StoreUnavailable, match="connect: connection refused"):
            await store.get(PODS + "a")
    finally:
        await asyncio.to_thread(etcd.start)


async def test_an_object_that_is_too_large_is_told_in_etcds_words(store):
    with pytest.raises(StoreUnavailable, match="etcdserver: request is too large"):
        await store.create(PODS + "a", bytes(2_000_000))


async def test_what_others_write_is_seen(store, open_store):
    other = await open_store()
    watch = store.watch(PODS, await store.current_revision())

    revision = await other.create(PODS + "a", b"1")

    assert (await take(watch, 1))[0].revision == revision
    with pytest.raises(KeyExists):
        await store.create(PODS + "a", b"2")


async def test_what_lies_below_another_prefix_is_not_seen(store, open_store):
    other = await open_store(prefix="/elsewhere")
    watch = store.watch(PODS, await store.current_revision())

    await other.create(PODS + "a", b"1")
    revision = await store.current_revision()
    watch.request_progress()

    event = (await take(watch, 1))[0]
    assert (event.type, event.revision) == (EventType.PROGRESS, revision)


async def test_objects_that_expire_together_are_all_told_of(store, monkeypatch):
    watch = store.watch(PODS, await store.current_revision())
    lease = await store.client.grant_lease(1)

    async def shared(ttl):
        return lease

    monkeypatch.setattr(store._leases, "lease_for", shared)
    for name in "abc":
        await store.create(PODS + name, b"1", ttl=1)

    events = (await take(watch, 6))[3:]

    assert sorted(event.key[-1] for event in events) == ["a", "b", "c"]
    assert {event.type for event in events} == {EventType.DELETED}
    assert len({event.revision for event in events}) == 1  # one lease, one revision


async def test_a_list_of_many_pages_shows_one_moment(store, monkeypatch):
    monkeypatch.setattr("apiserver.storage.etcd.PAGE", 7)
    for n in range(20):
        await store.create(f"{PODS}{n:02}", b"1")

    page = await store.list(PODS)

    assert [item.key[-2:] for item in page.items] == [f"{n:02}" for n in range(20)]
    assert (page.count, page.more) == (20, False)


async def test_history_that_went_while_we_were_away_is_not_bridged(store, etcd):
    watch = store.watch(PODS, await store.current_revision())
    await store.create(PODS + "a", b"1")
    await take(watch, 1)
    # the connection breaks, and before it is back others write and compact
    follower = store._follower
    await follower.close()
    for _ in range(3):
        await store.client.transact(_put(b"x"))
    last = (await store.client.transact(_put(b"x"))).revision
    await store.client.compact(last)
    follower._task = asyncio.ensure_future(follower._run())

    with pytest.raises(Compacted):
        await take(watch, 1)
    # and from then on it follows again
    assert await follower.reach(last, 5)


def _put(key):
    from rpc import etcd_v3_pb2 as etcd_api

    put = etcd_api.PutRequest(key=key, value=b"")
    return etcd_api.TxnRequest(success=[etcd_api.RequestOp(request_put=put)])


async def test_api_servers_take_turns_at_compaction(store, open_store):
    other = await open_store()
    at = (await store.client.transact(_put(b"turns"))).revision

    one = await compact_once(store.client, CompactionTurn())
    while not one.revision:
        one = await compact_once(store.client, one)
    two = await compact_once(other.client, CompactionTurn())
    assert two.version == one.version  # it has only looked

    await compact_once(store.client, one)
    after = await compact_once(other.client, two)
    assert after.version == one.version + 1  # it came too late
    with pytest.raises(Compacted):
        await store.list(PODS, revision=at)


async def test_the_hop_is_traced_and_decoded(open_store, tmp_path):
    hops = Hops("test")
    hops.trace_to(tmp_path)
    store = await open_store(hops=hops)
    await store.create(PODS + "a", b"1", ttl=100)
    await store.close()
    hops.trace_to(None)

    (file,) = tmp_path.glob("*.jsonl")
    events = [json.loads(line) for line in file.read_text().splitlines()[1:]]
    assert {event["hop"] for event in events} == {"apiserver-etcd"}
    assert {"Range", "Txn", "LeaseGrant"} <= {
        event["type"] for event in events if event["layer"] == "etcd"
    }
    assert "raw" not in {event["layer"] for event in events}


async def test_calls_for_a_request_carry_its_session_and_the_watch_of_all_does_not(
    open_store, tmp_path
):
    hops, served = Hops("test"), [""]
    hops.trace_to(tmp_path)
    store = await open_store(hops=hops, traceparent=lambda: served[0])
    served[0] = SESSION
    await store.create(PODS + "a", b"1")
    await store.get(PODS + "a")
    served[0] = ""
    await store.delete(PODS + "a", await store.current_revision())
    await store.close()
    hops.trace_to(None)

    (file,) = tmp_path.glob("*.jsonl")
    events = [json.loads(line) for line in file.read_text().splitlines()[1:]]
    calls = [(e["type"], e["trace"]) for e in events if e["layer"] == "etcd"]
    assert [call for call in calls if call[1]] == [
        ("Txn", "a" * 32),
        ("Range", "a" * 32),
    ]
    assert ("Txn", None) in calls
    watched = [e for e in events if e["info"].get("method", "").endswith("/Watch")]
    assert watched
    assert {e["trace"] for e in watched} == {None}


async def test_nobody_else_may_use_our_connection(store):
    name = store._channel._listener.address

    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(name)
        sock.settimeout(5)
        # It is this process: only another one is refused. See the next assertion.
        sock.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0")
        assert (await asyncio.to_thread(sock.recv, 9))[3] == 4  # etcd's SETTINGS
    script = f"import socket; s = socket.socket(socket.AF_UNIX); s.connect({name!r}); print(s.recv(9))"
    process = await asyncio.create_subprocess_exec(
        "python3", "-c", script, stdout=-1, stderr=-1
    )
    out, error = await process.communicate()
    assert out == b"b''\n" or b"ConnectionResetError" in error


class Files:
    """A CA for etcd, and certificates of it."""

    def __init__(self, folder, name):
        authority = CertificateAuthority.create(name, NOW)
        both = (Usage.SERVER, Usage.CLIENT)
        made = authority.issue(
            Profile("etcd", hosts=("127.0.0.1",), usages=both), NOW, lifetime=1e9
        )
        self.ca, self.cert, self.key = (
            folder / f"{name}.{n}" for n in ("ca", "c", "k")
        )
        self.ca.write_bytes(authority.certificate.cert_pem)
        self.cert.write_bytes(made.cert_pem)
        self.key.write_bytes(made.key_pem)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return Files(tmp_path_factory.mktemp("pki"), "right")


@pytest.fixture(scope="module")
def secure_etcd(files):
    with Etcd(tls=(files.ca, files.cert, files.key)) as process:
        yield process


async def test_etcd_with_certificates(secure_etcd, files):
    given = EtcdFiles(files.ca, files.cert, files.key)

    store = await EtcdStore.open(Hops("test"), [secure_etcd.url], files=given)
    revision = await store.create(PODS + "a", b"1")

    assert (await store.get(PODS + "a")).revision == revision
    await store.close()


async def test_an_etcd_of_another_authority_is_refused(
    secure_etcd, files, tmp_path, monkeypatch
):
    monkeypatch.setattr(etcd_client, "CALL_SECONDS", 0.3)
    given = EtcdFiles(Files(tmp_path, "wrong").ca, files.cert, files.key)

    with pytest.raises(
        StoreUnavailable, match="certificate signed by unknown authority"
    ):
        await EtcdStore.open(Hops("test"), [secure_etcd.url], files=given)


async def test_the_next_server_is_tried_when_one_is_away(etcd, request):
    servers = ["http://127.0.0.1:1", etcd.url]

    store = await EtcdStore.open(Hops("test"), servers, prefix=f"/{request.node.name}")

    assert await store.create(PODS + "a", b"1")
    await store.close()

import asyncio

import pytest

from apimachinery.serializer import protobuf
from apiserver.storage.interface import KeyExists, KeyNotFound, UndecodableValue
from apiserver.storage.memory import MemoryStore
from apiserver.storage.objects import ObjectStore, decode, encode

KEY = "/registry/pods/d/p"


@pytest.fixture
async def objects():
    store = MemoryStore()
    yield ObjectStore(store)
    await store.close()


def pod(**members):
    return {"metadata": {"name": "p"}, **members}


def test_the_resource_version_is_not_stored():
    stored = encode({"metadata": {"resourceVersion": "9", "name": "p"}, "a": "ü"})

    assert stored == '{"a":"ü","metadata":{"name":"p"}}'.encode()


async def test_a_created_object_has_its_revision(objects):
    created = await objects.create(KEY, pod())

    assert created["metadata"]["resourceVersion"] == "1"
    assert await objects.get(KEY) == created


async def test_creating_twice_is_refused(objects):
    await objects.create(KEY, pod())

    with pytest.raises(KeyExists):
        await objects.create(KEY, pod())


async def test_an_update_without_change_is_not_written(objects):
    await objects.create(KEY, pod(a=1))

    updated = await objects.guaranteed_update(KEY, lambda obj: {**obj, "a": 1})

    assert updated["metadata"]["resourceVersion"] == "1"
    assert await objects.store.current_revision() == 1


async def test_an_update_that_lost_a_race_is_made_again(objects):
    await objects.create(KEY, pod(n=0))

    async def add_one(obj):
        await asyncio.sleep(0)
        return {**obj, "n": obj["n"] + 1}

    await asyncio.gather(*(objects.guaranteed_update(KEY, add_one) for _ in range(10)))

    assert (await objects.get(KEY))["n"] == 10


async def test_an_update_from_an_old_state_reads_the_new_one(objects):
    old = await objects.create(KEY, pod(n=0))
    await objects.guaranteed_update(KEY, lambda obj: {**obj, "n": 5})

    seen = []

    def add_one(obj):
        seen.append(obj["n"])
        return {**obj, "n": obj["n"] + 1}

    updated = await objects.guaranteed_update(KEY, add_one, cached=old)

    assert (updated["n"], seen) == (6, [0, 5])


async def test_what_the_update_raises_comes_out(objects):
    await objects.create(KEY, pod())

    def refuse(obj):
        raise PermissionError("no")

    with pytest.raises(PermissionError):
        await objects.guaranteed_update(KEY, refuse)


async def test_a_missing_object_is_not_found(objects):
    with pytest.raises(KeyNotFound):
        await objects.get(KEY)
    with pytest.raises(KeyNotFound):
        await objects.guaranteed_update(KEY, lambda obj: obj)
    with pytest.raises(KeyNotFound):
        await objects.delete(KEY)


async def test_a_deleted_object_comes_back_at_the_revision_of_its_deletion(objects):
    await objects.create(KEY, pod(a=1))

    gone = await objects.delete(KEY)

    assert gone == pod(a=1) | {"metadata": {"name": "p", "resourceVersion": "2"}}


async def test_a_check_can_stop_a_deletion(objects):
    await objects.create(KEY, pod())

    def refuse(obj):
        raise PermissionError(obj["metadata"]["name"])

    with pytest.raises(PermissionError, match="p"):
        await objects.delete(KEY, refuse)
    assert await objects.get(KEY)


CONFIG_MAP = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "c", "namespace": "d"},
    "data": {"a": "b"},
}


async def test_what_kube_apiserver_left_in_protobuf_is_read(objects):
    await objects.store.create(KEY, protobuf.encode(CONFIG_MAP))

    found = await objects.get(KEY)

    assert found["data"] == {"a": "b"}
    assert found["metadata"]["resourceVersion"] == "1"


async def test_an_unchanged_object_in_protobuf_is_not_written(objects):
    await objects.store.create(KEY, protobuf.encode(CONFIG_MAP))

    await objects.guaranteed_update(KEY, lambda obj: obj)

    assert await objects.store.current_revision() == 1


async def test_a_changed_object_in_protobuf_is_json_from_then_on(objects):
    await objects.store.create(KEY, protobuf.encode(CONFIG_MAP))

    await objects.guaranteed_update(KEY, lambda obj: {**obj, "data": {"a": "c"}})

    assert (await objects.store.get(KEY)).value.startswith(b"{")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (b"k8s:enc:aescbc:v1:key1:\xff\xfe", "encrypted at rest by aescbc"),
        (b"k8s\0\x0a\x0b\x0a\x02v9\x12\x05Thing", 'no kind "Thing"'),
        (b"\xff", "utf-8"),
    ],
    ids=["encrypted", "unknown kind", "no text"],
)
def test_what_is_no_object_is_told(value, text):
    with pytest.raises(UndecodableValue, match=text):
        decode(value, 1)

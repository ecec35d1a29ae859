"""The status manager: the newest status wins, nothing is lost, nobody else's is hit."""

from __future__ import annotations

import asyncio

from apimachinery.status import conflict, not_found
from kubelet.status_manager import StatusManager
from tests.support.settling import settled
from tests.unit.kubelet.builders import make_pod


class Api:
    """Takes patches and deletions; fails as often as it is told to."""

    def __init__(self, *failures):
        self.failures = list(failures)
        self.patches = []
        self.deleted = []
        self.version = 10
        self.hold = None

    async def patch(self, resource, name, body, *, namespace, subresource):
        if self.hold is not None:
            await self.hold.wait()
        if self.failures:
            raise self.failures.pop(0)
        self.patches.append(body)
        self.version += 1
        metadata = {"resourceVersion": str(self.version)}
        return {"metadata": metadata, "status": body["status"]}

    async def delete(self, resource, name, *, namespace, options):
        self.deleted.append(options)


def deleting(**fields):
    return make_pod(metadata={"deletionTimestamp": "2026-01-01T00:00:00Z", **fields})


async def test_status_is_written_with_the_uid():
    api = Api()
    manager = StatusManager(api)

    manager.set(make_pod(), {"phase": "Running"})
    await settled()

    assert api.patches == [
        {"metadata": {"uid": "uid-1"}, "status": {"phase": "Running"}}
    ]
    assert manager.status("uid-1") == {"phase": "Running"}


async def test_same_status_is_written_once():
    api = Api()
    manager = StatusManager(api)

    for _ in range(3):
        manager.set(make_pod(), {"phase": "Running"})
        await settled()

    assert len(api.patches) == 1


async def test_only_the_newest_is_written_after_a_slow_one():
    api = Api()
    api.hold = asyncio.Event()
    manager = StatusManager(api)

    for phase in ("Pending", "Running", "Failed"):
        manager.set(make_pod(), {"phase": phase})
        await settled()
    api.hold.set()
    await settled()

    assert [p["status"]["phase"] for p in api.patches] == ["Pending", "Failed"]


async def test_lost_request_is_sent_again():
    api = Api(ConnectionResetError("gone"))
    manager = StatusManager(api)

    manager.set(make_pod(), {"phase": "Running"})
    await settled(timers=0.2)

    assert len(api.patches) == 1


async def test_pod_that_is_gone_is_left_alone():
    api = Api(not_found("pods", "p"))
    manager = StatusManager(api)

    manager.set(make_pod(), {"phase": "Running"})
    await settled(timers=0.2)

    assert api.patches == []


async def test_other_pod_of_the_same_name_is_left_alone():
    api = Api(conflict("pods", "p"))
    manager = StatusManager(api)

    manager.set(make_pod(), {"phase": "Running"})
    await settled(timers=0.2)

    assert api.patches == []


async def test_status_that_others_changed_is_set_right():
    api = Api()
    manager = StatusManager(api)
    manager.set(make_pod(), {"phase": "Running"})
    await settled()

    meddled = make_pod(metadata={"resourceVersion": "99"}, status={"phase": "Failed"})
    manager.observe(meddled)
    await settled()

    assert [p["status"]["phase"] for p in api.patches] == ["Running", "Running"]


async def test_echo_of_an_older_status_is_not_answered():
    api = Api()
    manager = StatusManager(api)
    manager.set(make_pod(), {"phase": "Running"})
    await settled()

    manager.observe(
        make_pod(metadata={"resourceVersion": "5"}, status={"phase": "Pending"})
    )
    await settled()

    assert len(api.patches) == 1


async def test_object_goes_once_the_pod_is_finished_and_deleted():
    api = Api()
    manager = StatusManager(api)
    manager.set(deleting(), {"phase": "Running"})
    await settled()
    assert api.deleted == []

    manager.finish(deleting())
    manager.finish(deleting())
    await settled()

    assert api.deleted == [
        {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "gracePeriodSeconds": 0,
            "preconditions": {"uid": "uid-1"},
        }
    ]


async def test_finished_pod_goes_when_its_deletion_is_asked_for_later():
    api = Api()
    manager = StatusManager(api)
    manager.set(make_pod(), {"phase": "Succeeded"})
    manager.finish(make_pod())
    await settled()
    assert api.deleted == []

    manager.observe(deleting(resourceVersion="99"))
    await settled()

    assert len(api.deleted) == 1


async def test_mirror_pods_are_not_ours_to_delete():
    api = Api()
    manager = StatusManager(api)

    manager.finish(deleting(annotations={"kubernetes.io/config.mirror": "x"}))
    await settled()

    assert api.deleted == []


def static():
    annotations = {"kubernetes.io/config.source": "file"}
    return make_pod(metadata={"uid": "hash", "annotations": annotations})


def mirror(uid, status=None):
    metadata = {"uid": uid, "resourceVersion": "5", "name": "pod-1"}
    return {"metadata": metadata, "status": status or {"phase": "Pending"}}


async def test_a_static_pod_s_status_waits_for_its_mirror_and_follows_it():
    api = Api()
    manager = StatusManager(api)

    manager.set(static(), {"phase": "Running"})
    await settled()
    assert api.patches == []

    manager.observe_mirror("hash", mirror("m-1"))
    await settled()
    manager.observe_mirror("hash", None)
    manager.observe_mirror("hash", mirror("m-2"))
    await settled()
    assert api.patches == [
        {"metadata": {"uid": uid}, "status": {"phase": "Running"}}
        for uid in ("m-1", "m-2")
    ]

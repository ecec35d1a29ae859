"""Watches: what arrives, in which order, in which shape."""

from __future__ import annotations

from tests.integration.apiserver.conftest import JSON, Api, pod

PODS = "/api/v1/namespaces/default/pods"
CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"
TABLE = ("Accept", "application/json;as=Table;v=v1;g=meta.k8s.io")
STRATEGIC = ("Content-Type", "application/strategic-merge-patch+json")


async def version(admin: Api) -> str:
    return (await admin.get(PODS))["metadata"]["resourceVersion"]


async def test_changes_after_a_list_arrive_in_order(admin: Api) -> None:
    start = await version(admin)

    async with admin.watch(f"{PODS}?watch=true&resourceVersion={start}") as events:
        await admin.post(PODS, pod(nodeName="n"))
        await admin.call("DELETE", f"{PODS}/web")
        await admin.call("DELETE", f"{PODS}/web?gracePeriodSeconds=0")
        seen = [await events.next() for _ in range(4)]

    assert [event["type"] for event in seen] == [
        "ADDED",
        "MODIFIED",
        "MODIFIED",
        "DELETED",
    ]
    versions = [int(event["object"]["metadata"]["resourceVersion"]) for event in seen]
    assert versions == sorted(set(versions))
    assert seen[0]["object"]["kind"] == "Pod"


async def test_a_watch_without_version_begins_with_what_is_there(admin: Api) -> None:
    await admin.post(PODS, pod())

    async with admin.watch(f"{PODS}?watch=1") as events:
        event = await events.next()

    assert (event["type"], event["object"]["metadata"]["name"]) == ("ADDED", "web")


async def test_entering_and_leaving_a_selector_is_added_and_deleted(admin: Api) -> None:
    start = await version(admin)
    target = f"{PODS}?watch=true&resourceVersion={start}&labelSelector=a%3Db"

    async with admin.watch(target) as events:
        await admin.post(PODS, pod())
        for labels in ({"a": "b"}, {"a": "c"}):
            patch = {"metadata": {"labels": labels}}
            await admin.call("PATCH", f"{PODS}/web", patch, STRATEGIC)
        seen = [await events.next() for _ in range(2)]

    assert [event["type"] for event in seen] == ["ADDED", "DELETED"]


async def test_watch_list_ends_its_beginning_with_a_bookmark(admin: Api) -> None:
    await admin.post(PODS, pod())
    target = (
        f"{PODS}?watch=true&sendInitialEvents=true&allowWatchBookmarks=true"
        "&resourceVersionMatch=NotOlderThan"
    )

    async with admin.watch(target) as events:
        first, bookmark = await events.next(), await events.next()

    assert first["type"] == "ADDED"
    assert bookmark["type"] == "BOOKMARK"
    assert bookmark["object"]["metadata"]["annotations"] == {
        "k8s.io/initial-events-end": "true"
    }


async def test_a_table_watch_names_its_columns_once(admin: Api) -> None:
    api = Api(admin.client, [TABLE])
    await admin.post(PODS, pod("one"))
    await admin.post(PODS, pod("two"))

    async with api.watch(f"{PODS}?watch=true") as events:
        first, second = await events.next(), await events.next()

    assert first["object"]["kind"] == "Table"
    assert first["object"]["columnDefinitions"][0]["name"] == "Name"
    assert second["object"]["columnDefinitions"] is None
    assert second["object"]["rows"][0]["cells"][:3] == ["two", "0/1", "Pending"]


async def test_a_watch_ends_when_its_time_is_up(admin: Api) -> None:
    start = await version(admin)
    target = f"{PODS}?watch=true&resourceVersion={start}&timeoutSeconds=1"

    async with admin.watch(target) as events:
        assert await events.ended()


async def test_a_version_out_of_history_ends_in_an_error_event(admin: Api) -> None:
    target = f"{CONFIG_MAPS}?watch=true&resourceVersion=1"  # nobody has read them yet

    async with admin.watch(target) as events:
        event = await events.next()

    assert event["type"] == "ERROR"
    assert (event["object"]["code"], event["object"]["reason"]) == (410, "Expired")


async def test_watches_of_events_v1_are_converted(admin: Api) -> None:
    events_v1 = "/apis/events.k8s.io/v1/namespaces/default/events"

    async with admin.watch(f"{events_v1}?watch=true") as events:
        await admin.call(
            "POST",
            "/api/v1/namespaces/default/events",
            {"metadata": {"name": "e"}, "involvedObject": {}, "message": "hello"},
            JSON,
        )
        event = await events.next()

    assert event["object"]["apiVersion"] == "events.k8s.io/v1"
    assert event["object"]["note"] == "hello"


async def test_a_client_that_leaves_gives_its_watcher_back(
    cluster: object, admin: Api
) -> None:
    cacher = cluster.server.services.cachers  # type: ignore[attr-defined]
    start = await version(admin)
    resource = cluster.server.services.registry.find("", "v1", "pods")  # type: ignore[attr-defined]
    before = len(cacher.of(resource)._watchers)

    async with admin.watch(f"{PODS}?watch=true&resourceVersion={start}"):
        during = len(cacher.of(resource)._watchers)
    await admin.get(PODS)  # over a new connection: the old one has been cut
    for _ in range(1000):
        if len(cacher.of(resource)._watchers) == before:
            break
        await admin.get(PODS)

    assert during == before + 1
    assert len(cacher.of(resource)._watchers) == before

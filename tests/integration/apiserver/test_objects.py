"""Create, read, change and delete, as clients send it."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest

from tests.integration.apiserver.conftest import JSON, Api, pod

if TYPE_CHECKING:
    from hops.client import Response

CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"
PODS = "/api/v1/namespaces/default/pods"
MERGE = ("Content-Type", "application/merge-patch+json")
STRATEGIC = ("Content-Type", "application/strategic-merge-patch+json")
JSON_PATCH = ("Content-Type", "application/json-patch+json")
APPLY = ("Content-Type", "application/apply-patch+yaml")


def config_map(name: str = "cm", **data: str) -> dict:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name},
        "data": data,
    }


async def test_a_created_object_has_what_the_server_gives(admin: Api) -> None:
    created = await admin.post(CONFIG_MAPS, config_map(a="1"))

    metadata = created["metadata"]
    assert metadata["namespace"] == "default"
    assert len(metadata["uid"]) == 36
    assert metadata["creationTimestamp"].endswith("Z")
    assert await admin.get(f"{CONFIG_MAPS}/cm") == created


async def test_a_body_without_type_or_content_type_is_what_the_url_says(
    admin: Api,
) -> None:
    status, created = await admin.call("POST", CONFIG_MAPS, {"metadata": {"name": "x"}})

    assert status == 201
    assert (created["kind"], created["apiVersion"]) == ("ConfigMap", "v1")


async def test_a_second_object_of_the_name_is_refused(admin: Api) -> None:
    await admin.post(CONFIG_MAPS, config_map())

    status, body = await admin.call("POST", CONFIG_MAPS, config_map(), JSON)

    assert status == 409
    assert body == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": 'configmaps "cm" already exists',
        "reason": "AlreadyExists",
        "details": {"name": "cm", "kind": "configmaps"},
        "code": 409,
    }


async def test_names_are_generated(admin: Api) -> None:
    created = await admin.post(CONFIG_MAPS, {"metadata": {"generateName": "cm-"}})

    assert created["metadata"]["generateName"] == "cm-"
    assert len(created["metadata"]["name"]) == len("cm-") + 5


async def test_dry_run_stores_nothing(admin: Api) -> None:
    status, created = await admin.call(
        "POST", f"{CONFIG_MAPS}?dryRun=All", config_map(), JSON
    )

    assert (status, bool(created["metadata"]["uid"])) == (201, True)
    assert (await admin.call("GET", f"{CONFIG_MAPS}/cm"))[0] == 404


async def test_a_pod_is_defaulted_as_upstream_does(admin: Api) -> None:
    created = await admin.post(PODS, pod())

    spec = created["spec"]
    assert spec["containers"][0] == {
        "name": "c",
        "image": "busybox:1.36",
        "resources": {},
        "terminationMessagePath": "/dev/termination-log",
        "terminationMessagePolicy": "File",
        "imagePullPolicy": "IfNotPresent",
    }
    assert spec["serviceAccountName"] == "default"
    assert spec["priority"] == 0
    assert [t["key"] for t in spec["tolerations"]] == [
        "node.kubernetes.io/not-ready",
        "node.kubernetes.io/unreachable",
    ]
    assert created["status"] == {"phase": "Pending", "qosClass": "BestEffort"}
    assert created["metadata"]["generation"] == 1


async def test_invalid_pods_are_refused_with_causes(admin: Api) -> None:
    status, body = await admin.call("POST", PODS, {"metadata": {"name": "p"}}, JSON)

    assert status == 422
    assert body["message"] == 'Pod "p" is invalid: spec.containers: Required value'
    assert body["details"]["causes"] == [
        {
            "reason": "FieldValueRequired",
            "message": "Required value",
            "field": "spec.containers",
        }
    ]


@pytest.mark.parametrize(
    ("validation", "status"), [("Strict", 400), ("Warn", 201), ("Ignore", 201)]
)
async def test_unknown_fields_follow_field_validation(
    admin: Api, validation: str, status: int
) -> None:
    body = {**pod(), "spec": {**pod()["spec"], "foo": 1}}

    response = await admin.send(
        "POST", f"{PODS}?fieldValidation={validation}", body, JSON
    )

    assert response.status == status
    warnings = [v for k, v in response.headers if k.lower() == "warning"]
    assert warnings == (
        ['299 - "unknown field \\"spec.foo\\""'] if validation == "Warn" else []
    )
    if status == 400:
        assert json.loads(response.body)["message"] == (
            'Pod in version "v1" cannot be handled as a Pod: strict decoding error:'
            ' unknown field "spec.foo"'
        )


async def test_malformed_json_is_said_so_in_gos_words(admin: Api) -> None:
    status, body = await admin.call("POST", PODS, b'{"kind": "Pod", ', JSON)

    assert status == 400
    assert body["message"] == (
        "the object provided is unrecognized (must be of type Pod): couldn't get"
        " version/kind; json parse error: unexpected end of JSON input"
        ' ({"kind": "Pod", )'
    )


async def test_a_stale_update_conflicts(admin: Api) -> None:
    created = await admin.post(CONFIG_MAPS, config_map(a="1"))
    await admin.call("PUT", f"{CONFIG_MAPS}/cm", {**created, "data": {"a": "2"}}, JSON)

    status, body = await admin.call(
        "PUT", f"{CONFIG_MAPS}/cm", {**created, "data": {"a": "3"}}, JSON
    )

    assert status == 409
    assert body["message"] == (
        'Operation cannot be fulfilled on configmaps "cm": the object has been'
        " modified; please apply your changes to the latest version and try again"
    )


async def test_an_unchanged_update_is_not_written(admin: Api) -> None:
    created = await admin.post(CONFIG_MAPS, config_map(a="1"))

    _, updated = await admin.call("PUT", f"{CONFIG_MAPS}/cm", created, JSON)

    assert (
        updated["metadata"]["resourceVersion"]
        == (created["metadata"]["resourceVersion"])
    )


@pytest.mark.parametrize(
    ("content_type", "patch"),
    [
        (MERGE, {"data": {"b": "2", "a": None}}),
        (STRATEGIC, {"data": {"b": "2", "a": None}}),
        (
            JSON_PATCH,
            [
                {"op": "test", "path": "/data/a", "value": "1"},
                {"op": "move", "from": "/data/a", "path": "/data/b"},
                {"op": "replace", "path": "/data/b", "value": "2"},
            ],
        ),
    ],
    ids=["merge", "strategic", "json"],
)
async def test_patches_change_what_they_name(
    admin: Api, content_type: tuple[str, str], patch: object
) -> None:
    await admin.post(CONFIG_MAPS, config_map(a="1"))

    status, patched = await admin.call(
        "PATCH", f"{CONFIG_MAPS}/cm", patch, content_type
    )

    assert (status, patched["data"]) == (200, {"b": "2"})


async def test_an_unknown_patch_type_lists_the_known_ones(admin: Api) -> None:
    await admin.post(CONFIG_MAPS, config_map())

    status, body = await admin.call("PATCH", f"{CONFIG_MAPS}/cm", {}, JSON)

    assert (status, body["reason"]) == (415, "UnsupportedMediaType")
    assert "application/strategic-merge-patch+json" in body["message"]


async def test_apply_creates_then_owns_then_conflicts(admin: Api) -> None:
    target = f"{CONFIG_MAPS}/cm?fieldManager="
    first, _ = await admin.call("PATCH", f"{target}one", config_map(a="1"), APPLY)
    again, same = await admin.call("PATCH", f"{target}one", config_map(a="1"), APPLY)

    status, body = await admin.call("PATCH", f"{target}two", config_map(a="2"), APPLY)

    assert (first, again) == (201, 200)
    assert same["metadata"]["managedFields"][0]["manager"] == "one"
    assert status == 409
    assert (
        body["message"] == 'Apply failed with 1 conflict: conflict with "one": .data.a'
    )


async def test_status_and_spec_have_their_own_paths(admin: Api) -> None:
    await admin.post(PODS, pod())

    await admin.call(
        "PATCH",
        f"{PODS}/web/status",
        {"status": {"phase": "Running"}, "spec": {"nodeName": "n"}},
        STRATEGIC,
    )
    _, patched = await admin.call(
        "PATCH", f"{PODS}/web", {"status": {"phase": "Failed"}}, STRATEGIC
    )

    assert patched["status"]["phase"] == "Running"
    assert "nodeName" not in patched["spec"]


async def test_an_unscheduled_pod_is_deleted_at_once(admin: Api) -> None:
    await admin.post(PODS, pod())

    status, deleted = await admin.call("DELETE", f"{PODS}/web")

    assert (status, deleted["kind"]) == (200, "Pod")
    assert (await admin.call("GET", f"{PODS}/web"))[0] == 404


async def test_a_bound_pod_is_deleted_with_grace_and_only_sooner(admin: Api) -> None:
    await admin.post(PODS, pod(nodeName="n"))

    _, first = await admin.call("DELETE", f"{PODS}/web")
    _, longer = await admin.call("DELETE", f"{PODS}/web?gracePeriodSeconds=90")
    _, sooner = await admin.call("DELETE", f"{PODS}/web?gracePeriodSeconds=5")

    seconds = [
        each["metadata"]["deletionGracePeriodSeconds"]
        for each in (first, longer, sooner)
    ]
    assert seconds == [30, 30, 5]
    assert first["metadata"]["generation"] == 2


async def test_grace_zero_removes_a_bound_pod(admin: Api) -> None:
    await admin.post(PODS, pod(nodeName="n"))

    body = {"gracePeriodSeconds": 0}
    status, deleted = await admin.call("DELETE", f"{PODS}/web", body, JSON)

    assert (status, deleted["metadata"]["deletionGracePeriodSeconds"]) == (200, 0)
    assert (await admin.call("GET", f"{PODS}/web"))[0] == 404


async def test_other_kinds_answer_a_delete_with_details(admin: Api) -> None:
    created = await admin.post(CONFIG_MAPS, config_map())

    status, body = await admin.call("DELETE", f"{CONFIG_MAPS}/cm")

    assert status == 200
    assert body == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Success",
        "details": {
            "name": "cm",
            "kind": "configmaps",
            "uid": created["metadata"]["uid"],
        },
    }


async def test_a_wrong_uid_precondition_spares_the_object(admin: Api) -> None:
    created = await admin.post(CONFIG_MAPS, config_map())

    status, body = await admin.call(
        "DELETE", f"{CONFIG_MAPS}/cm", {"preconditions": {"uid": "other"}}, JSON
    )

    assert status == 409
    assert body["message"].startswith(
        'Operation cannot be fulfilled on ConfigMap "cm": the UID in the precondition'
        f" (other) does not match the UID in record ({created['metadata']['uid']})."
    )


async def test_a_finalizer_holds_the_object_until_it_is_taken_off(admin: Api) -> None:
    held = config_map()
    held["metadata"]["finalizers"] = ["example.com/hold"]
    await admin.post(CONFIG_MAPS, held)

    _, deleted = await admin.call("DELETE", f"{CONFIG_MAPS}/cm")
    assert deleted["metadata"]["deletionGracePeriodSeconds"] == 0

    await admin.call(
        "PATCH", f"{CONFIG_MAPS}/cm", {"metadata": {"finalizers": None}}, MERGE
    )
    assert (await admin.call("GET", f"{CONFIG_MAPS}/cm"))[0] == 404


async def test_deletecollection_removes_what_is_selected(admin: Api) -> None:
    for name, label in (("a", "x"), ("b", "x"), ("c", "y")):
        labelled = config_map(name)
        labelled["metadata"]["labels"] = {"l": label}
        await admin.post(CONFIG_MAPS, labelled)

    status, deleted = await admin.call("DELETE", f"{CONFIG_MAPS}?labelSelector=l%3Dx")

    assert status == 200
    assert [item["metadata"]["name"] for item in deleted["items"]] == ["a", "b"]
    left = await admin.get(CONFIG_MAPS)
    assert [item["metadata"]["name"] for item in left["items"]] == ["c"]


async def test_a_namespace_goes_in_two_steps(admin: Api) -> None:
    await admin.post("/api/v1/namespaces", {"metadata": {"name": "temp"}})

    _, deleted = await admin.call("DELETE", "/api/v1/namespaces/temp")
    assert deleted["status"]["phase"] == "Terminating"
    status, body = await admin.call(
        "POST", "/api/v1/namespaces/temp/configmaps", config_map(), JSON
    )
    assert status == 403
    assert body["message"] == (
        'configmaps "cm" is forbidden: unable to create new content in namespace temp'
        " because it is being terminated"
    )

    finalized = {**deleted, "spec": {}}
    await admin.call("PUT", "/api/v1/namespaces/temp/finalize", finalized, JSON)
    assert (await admin.call("GET", "/api/v1/namespaces/temp"))[0] == 404


async def test_lists_page_and_say_what_remains(admin: Api) -> None:
    for name in "abc":
        await admin.post(CONFIG_MAPS, config_map(name))

    page = await admin.get(f"{CONFIG_MAPS}?limit=2")
    token = page["metadata"]["continue"]
    rest = await admin.get(f"{CONFIG_MAPS}?limit=2&continue={token}")

    assert page["metadata"]["remainingItemCount"] == 1
    assert [i["metadata"]["name"] for i in page["items"]] == ["a", "b"]
    assert [i["metadata"]["name"] for i in rest["items"]] == ["c"]
    assert rest["metadata"]["resourceVersion"] == page["metadata"]["resourceVersion"]


async def test_field_selectors_select_and_unknown_ones_are_refused(admin: Api) -> None:
    await admin.post(PODS, pod("one", nodeName="n1"))
    await admin.post(PODS, pod("two"))

    found = await admin.get("/api/v1/pods?fieldSelector=spec.nodeName%3Dn1")
    status, body = await admin.call("GET", f"{PODS}?fieldSelector=spec.foo%3Dx")

    assert [i["metadata"]["name"] for i in found["items"]] == ["one"]
    assert (status, body["message"]) == (
        400,
        "field label not supported: spec.foo",
    )


async def test_binding_sets_the_node_once(admin: Api) -> None:
    await admin.post(PODS, pod())
    binding = {"target": {"kind": "Node", "name": "n1"}}

    await admin.post(f"{PODS}/web/binding", binding)
    status, body = await admin.call("POST", f"{PODS}/web/binding", binding, JSON)

    bound = await admin.get(f"{PODS}/web")
    assert bound["spec"]["nodeName"] == "n1"
    assert bound["status"]["conditions"][0]["type"] == "PodScheduled"
    assert status == 409
    assert body["message"] == (
        'Operation cannot be fulfilled on pods/binding "web": pod web is already'
        ' assigned to node "n1"'
    )


async def test_events_are_one_storage_behind_two_apis(admin: Api) -> None:
    await admin.post(
        "/apis/events.k8s.io/v1/namespaces/default/events",
        {
            "metadata": {"name": "e"},
            "regarding": {"kind": "Pod", "name": "web"},
            "note": "hello",
            "reason": "Tested",
            "type": "Normal",
        },
    )

    event = await admin.get("/api/v1/namespaces/default/events/e")
    listed = await admin.get(
        "/apis/events.k8s.io/v1/namespaces/default/events?fieldSelector=reason%3DTested"
    )

    assert event["message"] == "hello"
    assert event["involvedObject"]["name"] == "web"
    assert listed["items"][0]["note"] == "hello"


async def test_racing_creates_have_one_winner(admin: Api) -> None:
    answers = await asyncio.gather(
        *(admin.call("POST", CONFIG_MAPS, config_map(), JSON) for _ in range(8))
    )

    assert sorted(status for status, _ in answers) == [201] + [409] * 7


async def test_racing_patches_all_win(admin: Api) -> None:
    await admin.post(CONFIG_MAPS, config_map())

    answers = await asyncio.gather(
        *(
            admin.call("PATCH", f"{CONFIG_MAPS}/cm", {"data": {f"k{n}": "v"}}, MERGE)
            for n in range(8)
        )
    )

    assert {status for status, _ in answers} == {200}
    assert len((await admin.get(f"{CONFIG_MAPS}/cm"))["data"]) == 8


async def test_scale_stands_for_replicas(admin: Api) -> None:
    deployments = "/apis/apps/v1/namespaces/default/deployments"
    template = {"metadata": {"labels": {"a": "b"}}, "spec": pod()["spec"]}
    await admin.post(
        deployments,
        {
            "metadata": {"name": "d"},
            "spec": {"selector": {"matchLabels": {"a": "b"}}, "template": template},
        },
    )

    status, scaled = await admin.call(
        "PATCH", f"{deployments}/d/scale", {"spec": {"replicas": 3}}, MERGE
    )

    assert (status, scaled["kind"], scaled["spec"]) == (200, "Scale", {"replicas": 3})
    assert scaled["status"]["selector"] == "a=b"
    assert (await admin.get(f"{deployments}/d"))["metadata"]["generation"] == 2


async def test_a_pod_waits_for_the_account_of_a_new_namespace(admin: Api) -> None:
    await admin.post("/api/v1/namespaces", {"metadata": {"name": "fresh"}})
    pods = "/api/v1/namespaces/fresh/pods"
    creating = asyncio.ensure_future(admin.call("POST", pods, pod(), JSON))

    await admin.post(
        "/api/v1/namespaces/fresh/serviceaccounts", {"metadata": {"name": "default"}}
    )

    assert (await creating)[0] == 201


async def test_a_pod_of_a_missing_account_is_refused(admin: Api) -> None:
    status, body = await admin.call(
        "POST", PODS, pod(serviceAccountName="nosuch"), JSON
    )

    assert status == 403
    assert body["message"] == (
        'pods "web" is forbidden: error looking up service account default/nosuch:'
        ' serviceaccount "nosuch" not found'
    )


async def test_immutable_data_stays(admin: Api) -> None:
    await admin.post(CONFIG_MAPS, {**config_map(a="1"), "immutable": True})

    status, body = await admin.call(
        "PATCH", f"{CONFIG_MAPS}/cm", {"data": {"a": "2"}}, MERGE
    )

    assert status == 422
    assert body["message"] == (
        'ConfigMap "cm" is invalid: data: Forbidden: field is immutable when'
        " `immutable` is set"
    )


async def test_data_keys_are_checked(admin: Api) -> None:
    status, body = await admin.call(
        "POST", CONFIG_MAPS, config_map(**{"a b": "1"}), JSON
    )

    assert status == 422
    assert body["message"].startswith(
        'ConfigMap "cm" is invalid: data[a b]: Invalid value: "a b": a valid config key'
    )


async def test_an_eviction_asks_the_budgets(admin: Api) -> None:
    evicted = pod()
    evicted["metadata"]["labels"] = {"app": "x"}
    await admin.post(PODS, evicted)
    running = {"status": {"phase": "Running"}}
    await admin.call("PATCH", f"{PODS}/web/status", running, MERGE)
    budgets = "/apis/policy/v1/namespaces/default/poddisruptionbudgets"
    selector = {"matchLabels": {"app": "x"}}
    await admin.post(
        budgets, {"metadata": {"name": "b"}, "spec": {"selector": selector}}
    )
    eviction = {"metadata": {"name": "web"}}

    status, body = await admin.call("POST", f"{PODS}/web/eviction", eviction, JSON)
    assert status == 429
    assert body["details"]["causes"][0]["reason"] == "DisruptionBudget"

    allowed = {"status": {"disruptionsAllowed": 1}}
    await admin.call("PATCH", f"{budgets}/b/status", allowed, MERGE)
    assert (await admin.call("POST", f"{PODS}/web/eviction", eviction, JSON))[0] == 201
    assert (await admin.call("GET", f"{PODS}/web"))[0] == 404


async def test_nobody_is_warned_of_a_pod_that_is_refused(admin: Api) -> None:
    name = "a" * 64  # no host name: that is a warning for a pod that is made

    made = await admin.send("POST", PODS, pod(name), JSON)
    refused = await admin.send(
        "POST", PODS, {**pod(name + "b"), "spec": {"containers": []}}, JSON
    )

    def warned(response: Response) -> bool:
        return any(key.lower() == "warning" for key, _ in response.headers)

    assert (made.status, warned(made)) == (201, True)
    assert (refused.status, warned(refused)) == (422, False)


async def test_there_are_no_kinds_that_users_defined(admin: Api) -> None:
    """kubectl asks, before it says that there is no such kind."""
    path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    table = ("Accept", "application/json;as=Table;v=v1;g=meta.k8s.io")

    listed = await admin.get(path)
    shown = await admin.get(path, table)
    status, _ = await admin.call("POST", path, {"metadata": {"name": "x"}}, JSON)

    assert (listed["kind"], listed["items"]) == ("CustomResourceDefinitionList", [])
    columns = [column["name"] for column in shown["columnDefinitions"]]
    assert columns == ["Name", "Created At"]
    assert status == 405

"""The edges of HTTP: paths, limits, forms, headers."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from tests.integration.apiserver.conftest import JSON, Api, Cluster, pod

PODS = "/api/v1/namespaces/default/pods"
V2 = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
V2BETA1 = V2.replace("v=v2", "v=v2beta1")


def header(response: Any, name: str) -> str | None:
    return next((v for k, v in response.headers if k.lower() == name.lower()), None)


@pytest.mark.parametrize("path", ["/version", "/version/", "/api", "/api/", "/apis/"])
async def test_a_trailing_slash_changes_nothing(admin: Api, path: str) -> None:
    assert (await admin.send("GET", path)).status == 200


async def test_a_target_may_name_a_host(admin: Api) -> None:
    response = await admin.send("GET", "http://elsewhere/version")

    assert response.status == 200


async def test_what_go_leaves_out_of_a_query_does_not_count(admin: Api) -> None:
    bad = await admin.send("GET", f"{PODS}?limit=x")
    left_out = await admin.send("GET", f"{PODS}?limit=x;y&limit=%zz")

    assert (bad.status, left_out.status) == (400, 200)


async def test_a_target_with_a_bad_escape_is_refused_before_all_else(
    admin: Api,
) -> None:
    response = await admin.send("GET", "/version%zz")

    assert (response.status, response.body) == (400, b"400 Bad Request")


@pytest.mark.parametrize(
    "path",
    [
        "/nosuch",
        "/api/v2",
        "/apis/nosuch.io/v1",
        "/apis/apps/v1/namespaces/default/nosuch",
        "/api/v1/namespaces/default/pods/web/nosuch",
        "/api/v1/namespaces/default/nodes",
    ],
)
async def test_unknown_paths_are_404_in_plain_text(admin: Api, path: str) -> None:
    response = await admin.send("GET", path)

    assert (response.status, response.body) == (404, b"404 page not found\n")
    assert header(response, "content-type") == "text/plain; charset=utf-8"


async def test_every_answer_has_an_audit_id(admin: Api) -> None:
    given = await admin.send("GET", "/version", None, ("Audit-ID", "mine"))
    made = await admin.send("GET", "/nosuch")

    assert header(given, "audit-id") == "mine"
    assert len(header(made, "audit-id") or "") == 36
    assert header(made, "server") is None


async def test_a_body_that_says_it_is_too_long_is_not_read(admin: Api) -> None:
    response = await admin.client.request(
        "POST",
        PODS,
        headers=[JSON, ("Content-Length", str(2 * 1024**3))],
        body=b"{",
    )

    assert response.status == 413
    assert json.loads(response.body)["message"] == (
        "Request entity too large: limit is 3145728"
    )


async def test_a_body_that_turns_out_too_long_is_dropped(
    cluster: Cluster, pki: Any
) -> None:
    from hops.dial import dial_connection
    from hops.hop import Hop
    from hops.tls.contexts import client_context

    tls = client_context(pki.ca_cert, cert=pki.admin.cert, key=pki.admin.key)
    connection = await dial_connection(
        cluster.hops,
        Hop.KUBECTL_APISERVER,
        ("127.0.0.1", cluster.server.port),
        tls=tls,
    )
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    async with connection:
        connection.write(
            f"POST {PODS} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
            "Content-Type: application/json\r\n\r\n".encode()
        )
        for _ in range(60):
            connection.write(chunk)
        answer = await connection.read()

    assert answer.startswith(b"HTTP/1.1 413 ")


async def test_aggregated_discovery_repeats_its_parameters(admin: Api) -> None:
    for accept in (V2, V2BETA1):
        response = await admin.send("GET", "/apis", None, ("Accept", accept))
        assert header(response, "content-type") == accept
        etag = header(response, "etag") or ""
        again = await admin.send(
            "GET", "/apis", None, ("Accept", accept), ("If-None-Match", etag)
        )
        assert (again.status, again.body) == (304, b"")


async def test_an_accept_that_cannot_be_served_is_406(admin: Api) -> None:
    response = await admin.send("GET", PODS, None, ("Accept", "text/html"))

    assert response.status == 406
    assert json.loads(response.body)["message"] == (
        "only the following media types are accepted: application/json,"
        " application/yaml, application/vnd.kubernetes.protobuf"
    )


async def test_answers_come_as_yaml_when_asked(admin: Api) -> None:
    response = await admin.send("GET", PODS, None, ("Accept", "application/yaml"))

    assert header(response, "content-type") == "application/yaml"
    assert b"kind: PodList" in response.body


async def test_protobuf_is_read_and_written(admin: Api) -> None:
    from apimachinery.serializer import protobuf

    media_type = "application/vnd.kubernetes.protobuf"
    body = protobuf.encode(
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "pb"}}
    )

    response = await admin.send(
        "POST",
        "/api/v1/namespaces",
        body,
        ("Content-Type", media_type),
        ("Accept", media_type),
    )

    assert (response.status, header(response, "content-type")) == (201, media_type)
    assert protobuf.decode(response.body)["metadata"]["name"] == "pb"


async def test_a_table_has_all_columns_and_partial_objects(admin: Api) -> None:
    await admin.post(PODS, pod())
    accept = ("Accept", "application/json;as=Table;v=v1;g=meta.k8s.io")

    table = await admin.get(PODS, accept)

    assert [c["name"] for c in table["columnDefinitions"]] == [
        "Name",
        "Ready",
        "Status",
        "Restarts",
        "Age",
        "IP",
        "Node",
        "Nominated Node",
        "Readiness Gates",
    ]
    row = table["rows"][0]
    assert row["cells"] == [
        "web", "0/1", "Pending", "0", row["cells"][4], *["<none>"] * 4,
    ]  # fmt: skip
    assert row["object"]["kind"] == "PartialObjectMetadata"
    assert table["metadata"]["resourceVersion"]


async def test_a_method_that_nobody_has_is_405(admin: Api) -> None:
    status, body = await admin.call("PUT", PODS, {}, JSON)

    assert (status, body["message"]) == (
        405,
        "the server does not allow this method on the requested resource",
    )


async def test_a_bad_timeout_is_refused(admin: Api) -> None:
    status, body = await admin.call("GET", f"{PODS}?timeout=soon")

    assert (status, body["message"]) == (
        400,
        'invalid timeout specified in the request URL - time: invalid duration "soon"',
    )


async def test_openapi_documents_are_found_through_the_root(admin: Api) -> None:
    root = await admin.get("/openapi/v3")
    target = root["paths"]["api/v1"]["serverRelativeURL"]

    response = await admin.send("GET", target)

    document = json.loads(response.body)
    pod_schema = document["components"]["schemas"]["io.k8s.api.core.v1.Pod"]
    assert pod_schema["x-kubernetes-group-version-kind"] == [
        {"group": "", "version": "v1", "kind": "Pod"}
    ]
    patch = document["paths"]["/api/v1/namespaces/{namespace}/pods/{name}"]["patch"]
    assert "fieldValidation" in [p["name"] for p in patch["parameters"]]
    assert header(response, "cache-control") == "public, immutable"
    wrong = await admin.send("GET", "/openapi/v3/api/v1?hash=old")
    assert (wrong.status, header(wrong, "location")) == (301, target)


async def test_health_tells_each_check_when_asked(admin: Api) -> None:
    response = await admin.send("GET", "/readyz?verbose&exclude=ping&exclude=nosuch")

    text = response.body.decode()
    assert text.startswith("[+]ping excluded: ok\n[+]log ok\n[+]etcd ok\n")
    assert "warn: some health checks cannot be excluded: no matches for" in text
    assert text.endswith("readyz check passed\n")
    assert (await admin.send("GET", "/livez/ping")).body == b"ok"
    assert (await admin.send("GET", "/livez/nosuch")).status == 404


async def test_requests_beyond_the_seats_are_turned_away(start: Any) -> None:
    cluster = await start(max_requests_inflight=1)
    services = cluster.server.services
    services.reads.taken = 1
    bob = cluster.api(None, ("Authorization", "Bearer bob-token"))

    response = await bob.send("GET", "/version")

    assert (response.status, response.body) == (
        429,
        b"Too many requests, please try again later.\n",
    )
    assert header(response, "retry-after") == "1"


async def test_many_requests_share_a_connection(admin: Api) -> None:
    answers = await asyncio.gather(*(admin.send("GET", "/version") for _ in range(20)))

    assert {answer.status for answer in answers} == {200}


async def test_pretty_answers_are_for_people(admin: Api) -> None:
    response = await admin.send("GET", PODS, None, ("User-Agent", "curl/8"))

    assert b'\n  "kind": "PodList"' in response.body

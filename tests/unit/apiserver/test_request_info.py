"""What a request line asks for."""

from urllib.parse import parse_qsl

import pytest

from apimachinery.options import Query
from apiserver.filters.request_info import parse_request_info


def parse(method, target):
    path, _, query = target.partition("?")
    return parse_request_info(
        method, path, Query(parse_qsl(query, keep_blank_values=True))
    )


@pytest.mark.parametrize(
    ("method", "target", "expected"),
    [
        ("GET", "/api/v1/namespaces/ns/pods", ("list", "ns", "pods", "", "")),
        ("GET", "/api/v1/namespaces/ns/pods/p", ("get", "ns", "pods", "p", "")),
        ("HEAD", "/api/v1/namespaces/ns/pods/p", ("get", "ns", "pods", "p", "")),
        ("GET", "/api/v1/pods", ("list", "", "pods", "", "")),
        ("GET", "/api/v1/pods?watch=true", ("watch", "", "pods", "", "")),
        ("GET", "/api/v1/pods?watch", ("watch", "", "pods", "", "")),
        ("GET", "/api/v1/pods?watch=False", ("list", "", "pods", "", "")),
        ("POST", "/api/v1/namespaces/ns/pods", ("create", "ns", "pods", "", "")),
        ("PUT", "/api/v1/nodes/n/status", ("update", "", "nodes", "n", "status")),
        ("PATCH", "/api/v1/nodes/n", ("patch", "", "nodes", "n", "")),
        ("DELETE", "/api/v1/nodes", ("deletecollection", "", "nodes", "", "")),
        ("DELETE", "/api/v1/nodes/n", ("delete", "", "nodes", "n", "")),
        (
            "POST",
            "/api/v1/namespaces/ns/pods/p/exec?command=x",
            ("create", "ns", "pods", "p", "exec"),
        ),
        ("GET", "/api/v1/namespaces/ns", ("get", "ns", "namespaces", "ns", "")),
        (
            "PUT",
            "/api/v1/namespaces/ns/finalize",
            ("update", "ns", "namespaces", "ns", "finalize"),
        ),
        (
            "GET",
            "/api/v1/namespaces/ns/status",
            ("get", "ns", "namespaces", "ns", "status"),
        ),
        ("GET", "/apis/apps/v1/deployments/", ("list", "", "deployments", "", "")),
        ("GET", "/api/v1/watch/pods", ("list", "", "pods", "", "")),
        (
            "GET",
            "/api/v1/pods?fieldSelector=metadata.name%3Dp1",
            ("list", "", "pods", "p1", ""),
        ),
    ],
)
def test_resource_requests_are_read(method, target, expected):
    info = parse(method, target)

    assert info.is_resource
    found = (info.verb, info.namespace, info.resource, info.name, info.subresource)
    if target.startswith("/api/v1/watch/"):
        assert info.verb == "watch"
        return
    assert found == expected


@pytest.mark.parametrize(
    "path",
    ["/", "/version", "/api", "/api/v1", "/apis/apps", "/apis/apps/v1", "/x/y/z"],
)
def test_other_paths_are_no_resource_requests(path):
    info = parse("GET", path)

    assert not info.is_resource
    assert (info.verb, info.path) == ("get", path)


@pytest.mark.parametrize(
    ("target", "long_running"),
    [
        ("/api/v1/pods?watch=1", True),
        ("/api/v1/namespaces/ns/pods/p/log", True),
        ("/api/v1/namespaces/ns/pods/p/exec", True),
        ("/api/v1/namespaces/ns/pods/p/status", False),
        ("/api/v1/pods", False),
    ],
)
def test_streams_are_long_running(target, long_running):
    assert parse("GET", target).is_long_running is long_running

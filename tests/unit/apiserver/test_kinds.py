"""Defaults and tables of every kind that is declared."""

import copy

import pytest

from apimachinery import schema
from apimachinery.pod_defaults import default_pod_spec, qos_class
from apiserver.openapi.documents import group_version_document, root_document
from apiserver.openapi.v2 import swagger_protobuf
from apiserver.resources.catalogue import built_in_registry
from apiserver.resources.events import from_core, to_core

REGISTRY = built_in_registry()
STORED = [r for r in REGISTRY if r.action == "object"]


def identifier(resource):
    return str(resource.group_resource)


@pytest.mark.parametrize("resource", STORED, ids=identifier)
def test_defaults_are_idempotent(resource):
    obj = {"metadata": {"name": "x", "namespace": "ns"}}
    resource.strategy.default(obj)
    once = copy.deepcopy(obj)

    resource.strategy.default(obj)

    assert obj == once


@pytest.mark.parametrize(
    ("group", "resource", "spec", "written"),
    [
        ("", "persistentvolumeclaims", {}, {"volumeMode": "Filesystem"}),
        ("", "persistentvolumes", {}, {"persistentVolumeReclaimPolicy": "Retain"}),
        ("networking.k8s.io", "networkpolicies", {}, {"policyTypes": ["Ingress"]}),
        (
            "networking.k8s.io",
            "networkpolicies",
            {"egress": [{}]},
            {"policyTypes": ["Ingress", "Egress"]},
        ),
    ],
)
def test_what_a_client_leaves_out_is_written(group, resource, spec, written):
    obj = {"spec": spec}

    REGISTRY.find(group, "v1", resource).strategy.default(obj)

    assert obj["spec"].items() >= written.items()


def test_the_priorities_above_a_thousand_million_are_the_systems():
    strategy = REGISTRY.find("scheduling.k8s.io", "v1", "priorityclasses").strategy

    def refused(name, value):
        return strategy.validate({"metadata": {"name": name}, "value": value})

    assert not refused("mine", 1_000_000_000)
    assert refused("mine", 1_000_000_001)
    assert not refused("system-node-critical", 2_000_001_000)


@pytest.mark.parametrize("resource", STORED, ids=identifier)
def test_an_empty_object_makes_a_row(resource):
    cells = [
        column.cell({"metadata": {"name": "x"}}, 0.0) for column in resource.columns
    ]

    for column, cell in zip(resource.columns, cells, strict=True):
        kinds = {"integer": int, "boolean": bool}.get(column.type, str)
        assert isinstance(cell, kinds), column.name


@pytest.mark.parametrize("resource", list(REGISTRY), ids=identifier)
def test_every_kind_is_in_the_schema_table(resource):
    assert schema.lookup(resource.group_version, resource.kind) is not None


@pytest.mark.parametrize(
    ("image", "policy"),
    [
        ("nginx", "Always"),
        ("nginx:latest", "Always"),
        ("nginx:1.27", "IfNotPresent"),
        ("host:5000/nginx", "Always"),
        ("nginx@sha256:00", "IfNotPresent"),
    ],
)
def test_the_pull_policy_follows_the_tag(image, policy):
    spec = {"containers": [{"image": image}]}

    default_pod_spec(spec)

    assert spec["containers"][0]["imagePullPolicy"] == policy


def test_limits_are_requests_in_pods_and_not_in_templates():
    limits = {"cpu": "1"}
    pod = {"containers": [{"resources": {"limits": dict(limits)}}]}
    template = copy.deepcopy(pod)

    default_pod_spec(pod)
    default_pod_spec(template, template=True)

    assert pod["containers"][0]["resources"]["requests"] == limits
    assert "requests" not in template["containers"][0]["resources"]
    assert "enableServiceLinks" not in template


def test_probes_and_volumes_are_completed():
    spec = {
        "containers": [{"image": "x:1", "livenessProbe": {"httpGet": {"port": 80}}}],
        "volumes": [{"name": "e"}, {"name": "s", "secret": {}}],
    }

    default_pod_spec(spec)

    assert spec["containers"][0]["livenessProbe"] == {
        "httpGet": {"port": 80, "path": "/", "scheme": "HTTP"},
        "timeoutSeconds": 1,
        "periodSeconds": 10,
        "successThreshold": 1,
        "failureThreshold": 3,
    }
    assert spec["volumes"] == [
        {"name": "e", "emptyDir": {}},
        {"name": "s", "secret": {"defaultMode": 420}},
    ]


@pytest.mark.parametrize(
    ("resources", "quality"),
    [
        ({}, "BestEffort"),
        ({"requests": {"cpu": "1"}}, "Burstable"),
        ({"limits": {"cpu": "1", "memory": "1Gi"}}, "Guaranteed"),
        (
            {
                "limits": {"cpu": "1", "memory": "1Gi"},
                "requests": {"cpu": "500m", "memory": "1Gi"},
            },
            "Burstable",
        ),
    ],
)
def test_the_quality_of_service_follows_the_resources(resources, quality):
    assert qos_class({"containers": [{"resources": resources}]}) == quality


def test_events_are_renamed_both_ways():
    event = {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {"name": "e"},
        "regarding": {"name": "p"},
        "note": "n",
        "deprecatedCount": 2,
    }

    stored = to_core(event)

    assert stored["message"] == "n"
    assert stored["count"] == 2
    assert from_core(stored) == event


def test_openapi_references_lead_somewhere():
    for group in REGISTRY.groups():
        for version, resources in REGISTRY.versions(group).items():
            path = f"apis/{group}/{version}" if group else f"api/{version}"
            document = group_version_document(path, resources)
            schemas = document["components"]["schemas"]
            for name in references(document):
                assert name in schemas, path


def references(value):
    if isinstance(value, dict):
        for key, each in value.items():
            if key == "$ref":
                yield each.rpartition("/")[2]
            else:
                yield from references(each)
    elif isinstance(value, list):
        for each in value:
            yield from references(each)


def test_the_openapi_root_names_every_version():
    paths = root_document(REGISTRY)["paths"]

    assert paths["apis/apps/v1"]["serverRelativeURL"].startswith(
        "/openapi/v3/apis/apps/v1?hash="
    )


def test_the_swagger_protobuf_is_well_formed():
    from apimachinery.serializer.wire_format import fields

    document = dict(fields(swagger_protobuf(REGISTRY)))

    assert document[1] == b"2.0"
    assert set(document) == {1, 2, 8, 9}

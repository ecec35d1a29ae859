"""Bodies that real clients and a real server wrote."""

import base64
import contextlib
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apimachinery import schema
from apimachinery.schema import Kind, Shape
from apimachinery.serializer import json as json_serializer
from apimachinery.serializer import protobuf

VECTORS = Path(__file__).parents[2] / "vectors" / "apimachinery" / "protobuf.json"
CASES = json.loads(VECTORS.read_text())["cases"]


def case_id(case):
    return case["name"]


@pytest.mark.parametrize("case", CASES, ids=case_id)
def test_a_recorded_body_is_decoded_and_written_again_byte_for_byte(case):
    body = base64.b64decode(case["base64"])

    decoded = protobuf.decode(body)

    assert decoded["kind"] == case["kind"]
    assert protobuf.encode(decoded) == body


@pytest.mark.parametrize("case", [c for c in CASES if c["object"]], ids=case_id)
def test_an_object_from_json_is_written_as_the_real_server_wrote_it(case):
    assert protobuf.encode(case["object"]) == base64.b64decode(case["base64"])


@pytest.mark.parametrize("case", [c for c in CASES if c["object"]], ids=case_id)
def test_the_decoded_object_is_the_one_that_json_shows(case):
    decoded = protobuf.decode(base64.b64decode(case["base64"]))

    assert without_nulls(decoded) == without_nulls(case["object"])


def without_nulls(value):
    if isinstance(value, dict):
        return {k: without_nulls(v) for k, v in value.items() if v is not None}
    return [without_nulls(each) for each in value] if isinstance(value, list) else value


def test_a_pod_keeps_all_its_values():
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": "p",
            "labels": {"b": "2", "a": ""},
            "creationTimestamp": "2024-05-06T07:08:09Z",
            "managedFields": [{"manager": "m", "fieldsV1": {"f:spec": {}}}],
        },
        "spec": {
            "containers": [
                {
                    "name": "c",
                    "resources": {"limits": {"cpu": "500m"}},
                    "livenessProbe": {"httpGet": {"port": "http"}, "periodSeconds": 5},
                    "readinessProbe": {"tcpSocket": {"port": 80}},
                    "securityContext": {"runAsUser": 0, "privileged": False},
                }
            ],
            "volumes": [{"name": "v", "emptyDir": {"sizeLimit": "1Gi"}}],
            "activeDeadlineSeconds": 0,
            "tolerations": [{"operator": "Exists", "tolerationSeconds": -1}],
        },
        "status": {},
    }

    assert protobuf.decode(protobuf.encode(pod)) == pod


def test_secrets_and_leases_keep_bytes_and_micro_times():
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "s"},
        "data": {"k": base64.b64encode(bytes(range(256))).decode()},
    }
    lease = {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {},
        "spec": {
            "leaseDurationSeconds": 40,
            "renewTime": "2024-05-06T07:08:09.123456Z",
        },
    }

    for document in (secret, lease):
        assert protobuf.decode(protobuf.encode(document)) == document


def test_a_list_without_items_has_an_empty_list():
    body = protobuf.encode({"apiVersion": "v1", "kind": "PodList", "metadata": {}})

    assert protobuf.decode(body)["items"] == []


def test_a_watch_event_is_framed_by_its_length():
    status = {"apiVersion": "v1", "kind": "Status", "metadata": {}, "code": 410}

    frame = protobuf.encode_frame("ERROR", status)

    assert int.from_bytes(frame[:4], "big") == len(frame) - 4
    assert protobuf.decode_frame(frame[4:]) == ("ERROR", status)


def test_a_custom_resource_has_no_protobuf():
    with pytest.raises(protobuf.ProtobufError):
        protobuf.encode({"apiVersion": "example.com/v1", "kind": "Foo"})


@given(st.binary(max_size=80))
def test_any_bytes_decode_or_are_refused(data):
    body = protobuf.MAGIC + data
    with contextlib.suppress(protobuf.ProtobufError, json_serializer.JsonSyntaxError):
        protobuf.decode(body, default_api_version="v1", default_kind="Pod")


texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=5)
SCALARS = {
    Kind.STRING: texts,
    Kind.INT32: st.integers(-(2**31), 2**31 - 1).filter(bool),
    Kind.INT64: st.integers(-(2**63), 2**63 - 1).filter(bool),
    Kind.BOOL: st.just(True),
    Kind.DOUBLE: st.floats(allow_nan=False, allow_infinity=False).filter(bool),
    Kind.BYTES: st.binary(min_size=1, max_size=5).map(
        lambda data: base64.b64encode(data).decode()
    ),
    Kind.TIME: st.just("2031-01-02T03:04:05Z"),
    Kind.MICRO_TIME: st.just("2031-01-02T03:04:05.000006Z"),
    Kind.QUANTITY: st.just("15m"),
    Kind.INT_OR_STRING: st.one_of(st.integers(1, 9), texts),
    Kind.FIELDS_V1: st.just({"f:a": {".": {}}}),
    Kind.STRINGS: st.lists(texts, min_size=1, max_size=2),
    Kind.RAW: st.just({"apiVersion": "example.com/v1", "kind": "Foo", "x": [1]}),
}


def objects(message, depth):
    """Objects with some of the fields set to values that are not zero."""
    members = {}
    for name, field in message.fields.items():
        if field.kind is Kind.MESSAGE:
            if depth == 0:
                continue
            value = objects(field.message, depth - 1)
        elif field.kind in SCALARS:
            value = SCALARS[field.kind]
        else:
            continue
        if field.shape is Shape.LIST:
            value = st.lists(value, min_size=1, max_size=2)
        elif field.shape is Shape.MAP:
            value = st.dictionaries(texts, value, min_size=1, max_size=2)
        members[name] = value
    names = sorted(members)
    if not names:
        return st.just({})
    return st.lists(st.sampled_from(names), max_size=4, unique=True).flatmap(
        lambda chosen: st.fixed_dictionaries({name: members[name] for name in chosen})
    )


@pytest.mark.parametrize("name", ["PodSpec", "PodStatus", "NodeStatus", "ServiceSpec"])
@given(data=st.data())
def test_any_object_comes_back_from_protobuf(name, data):
    spec = data.draw(objects(schema.message("core/v1", name), 2))
    member = "status" if name.endswith("Status") else "spec"
    kind = name.removesuffix("Spec").removesuffix("Status")
    document = {"apiVersion": "v1", "kind": kind, "metadata": {}, member: spec}

    decoded = protobuf.decode(protobuf.encode(document))

    assert includes(decoded, document)


def includes(left, right):
    """``left`` has all of ``right``; zero values and empty structs may be more."""
    if isinstance(right, dict):
        return all(name in left and includes(left[name], right[name]) for name in right)
    if isinstance(right, list):
        return len(left) == len(right) and all(map(includes, left, right))
    return left == right

import pytest

from apimachinery.gvk import GroupVersionKind
from apimachinery.negotiation import JSON, PROTOBUF, YAML
from apimachinery.serializer import body
from apimachinery.status import StatusError

POD = GroupVersionKind("", "v1", "Pod")
CANNOT = 'Pod in version "v1" cannot be handled as a Pod: '


def decode(text, **options):
    return body.decode(text.encode(), JSON, POD, **options)


def test_apiversion_and_kind_come_from_the_url_when_they_are_missing():
    assert decode("{}").object == {"apiVersion": "v1", "kind": "Pod"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "",
            "the object provided is unrecognized (must be of type Pod): couldn't get"
            " version/kind; json parse error: unexpected end of JSON input (<empty>)",
        ),
        (
            '{"metadata":{"name":"a-rather-long-name"',
            "the object provided is unrecognized (must be of type Pod): couldn't get"
            " version/kind; json parse error: unexpected end of JSON input"
            ' ({"metadata":{"name":"a-rather- ...)',
        ),
        (
            "xyz",
            "the object provided is unrecognized (must be of type Pod): couldn't get"
            " version/kind; json parse error: invalid character 'x' looking for"
            " beginning of value (78797a)",
        ),
        (
            '{"kind":"Service","apiVersion":"v1"}',
            'Service in version "v1" cannot be handled as a Pod: converting (v1.Service)'
            " to (core.Pod): unknown conversion",
        ),
        (
            '{"apiVersion":"apps/v1"}',
            "the API version in the data (apps/v1) does not match the expected API"
            " version (v1)",
        ),
        (
            '{"spec":{"terminationGracePeriodSeconds":"30"}}',
            CANNOT + "json: cannot unmarshal string into Go struct field"
            " PodSpec.spec.terminationGracePeriodSeconds of type int64",
        ),
        (
            '{"spec":{"containers":[{"env":[{"value":1}]}]}}',
            CANNOT + "json: cannot unmarshal number into Go struct field"
            " EnvVar.spec.containers.env.value of type string",
        ),
        (
            '{"spec":{"containers":{}}}',
            CANNOT + "json: cannot unmarshal object into Go struct field"
            " PodSpec.spec.containers of type []v1.Container",
        ),
        (
            '{"metadata":{"labels":{"a":1}}}',
            CANNOT + "json: cannot unmarshal number into Go struct field"
            " ObjectMeta.metadata.labels of type string",
        ),
        (
            '{"spec":{"activeDeadlineSeconds":1.5}}',
            CANNOT + "json: cannot unmarshal number 1.5 into Go struct field"
            " PodSpec.spec.activeDeadlineSeconds of type int64",
        ),
        (
            '{"spec":{"containers":[{"resources":{"limits":{"cpu":"x"}}}]}}',
            CANNOT + "quantities must match the regular expression"
            " '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
        ),
    ],
)
def test_a_body_that_is_no_pod_is_refused_in_kubernetes_words(text, message):
    with pytest.raises(StatusError) as caught:
        decode(text)

    assert (caught.value.code, caught.value.message) == (400, message)


STRANGE = '{"spec":{"foo":1,"containers":[{"name":"a","bar":2,"name":"b"}]},"x":1}'
COMPLAINTS = (
    'unknown field "spec.foo"',
    'duplicate field "spec.containers[0].name"',
    'unknown field "spec.containers[0].bar"',
    'unknown field "x"',
)


def test_unknown_and_repeated_fields_are_dropped_with_a_warning():
    found = decode(STRANGE)

    assert found.warnings == COMPLAINTS
    assert found.object["spec"] == {"containers": [{"name": "b"}]}


def test_ignore_says_nothing_and_strict_refuses():
    assert decode(STRANGE, field_validation="Ignore").warnings == ()
    with pytest.raises(StatusError) as caught:
        decode(STRANGE, field_validation="Strict")
    assert caught.value.message == (
        CANNOT + "strict decoding error: " + ", ".join(COMPLAINTS)
    )


def test_nulls_and_empty_optional_values_are_unset():
    found = decode(
        '{"metadata":{"creationTimestamp":null,"labels":{}},'
        '"spec":{"nodeName":"","hostNetwork":false,"containers":[],'
        '"activeDeadlineSeconds":0,"securityContext":{}}}'
    )

    assert found.object["metadata"] == {}
    assert found.object["spec"] == {
        "containers": [],
        "activeDeadlineSeconds": 0,
        "securityContext": {},
    }


def test_yaml_and_bad_protobuf_are_told_apart():
    pod = body.decode(b"metadata: {name: a}", YAML, POD).object

    assert pod["metadata"] == {"name": "a"}
    with pytest.raises(StatusError) as caught:
        body.decode(b"k8s\x00\xff", PROTOBUF, POD)
    assert "unexpected EOF (6b387300ff)" in caught.value.message


def test_types_without_a_table_are_taken_as_they_are():
    foo = GroupVersionKind("example.com", "v1", "Foo")

    found = body.decode(b'{"spec":{"any":null,"any":1}}', JSON, foo)

    assert found.object["spec"] == {"any": 1}
    assert found.warnings == ('duplicate field "spec.any"',)

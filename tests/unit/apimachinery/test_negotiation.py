import pytest

from apimachinery.negotiation import (
    JSON,
    PROTOBUF,
    YAML,
    Transform,
    body_media_type,
    negotiate,
)
from apimachinery.status import StatusError

TABLE = Transform("Table", "v1", "meta.k8s.io")
KUBECTL_GET = (
    "application/json;as=Table;v=v1;g=meta.k8s.io,"
    "application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json"
)


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        (None, JSON),
        ("", JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        ("application/yaml", YAML),
        ("text/html, application/json;q=0.5", JSON),
        ("application/json;q=0.1, application/yaml;q=0.9", YAML),
        (f"{PROTOBUF}, */*", PROTOBUF),
    ],
)
def test_the_first_acceptable_type_is_taken(accept, media_type):
    assert negotiate(accept).media_type == media_type


def test_a_table_is_made_where_it_is_offered():
    assert negotiate(KUBECTL_GET, transforms=[TABLE]).transform == TABLE
    assert negotiate(KUBECTL_GET).transform is None


def test_parameters_are_passed_on():
    form = negotiate("application/json;stream=watch;pretty=1")

    assert (form.stream, form.pretty) == ("watch", True)


def test_nothing_acceptable_is_refused():
    with pytest.raises(StatusError) as caught:
        negotiate("text/html")

    assert caught.value.code == 406
    assert caught.value.message == (
        "only the following media types are accepted: application/json,"
        " application/yaml, application/vnd.kubernetes.protobuf"
    )


def test_a_body_without_a_type_is_json_and_an_unknown_type_is_refused():
    assert body_media_type(None) == JSON
    assert body_media_type("application/yaml; charset=utf-8") == YAML
    with pytest.raises(StatusError) as caught:
        body_media_type("text/plain")
    assert caught.value.code == 415

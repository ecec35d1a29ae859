import json

import pytest

from apimachinery import patch as patches
from apimachinery.gvk import GroupVersionKind
from apimachinery.status import StatusError

POD = GroupVersionKind("", "v1", "Pod")
OBJECT = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {}}


def parse(media_type, content):
    return patches.parse(media_type, json.dumps(content).encode())


@pytest.mark.parametrize(
    ("media_type", "content"),
    [
        (patches.JSON_PATCH, [{"op": "add", "path": "/spec/nodeName", "value": "n"}]),
        (patches.MERGE_PATCH, {"spec": {"nodeName": "n"}}),
        (
            f"{patches.STRATEGIC_MERGE_PATCH}; charset=utf-8",
            {"spec": {"nodeName": "n"}},
        ),
    ],
)
def test_three_forms_of_one_change(media_type, content):
    patched = parse(media_type, content).apply_to(OBJECT, POD)

    assert patched.object == {**OBJECT, "spec": {"nodeName": "n"}}
    assert OBJECT["spec"] == {}


@pytest.mark.parametrize(
    ("media_type", "content", "code", "message"),
    [
        (
            "text/plain",
            {},
            415,
            "the body of the request was in an unknown format - accepted media types"
            " include: application/json-patch+json, application/merge-patch+json,"
            " application/strategic-merge-patch+json, application/apply-patch+yaml",
        ),
        (
            patches.MERGE_PATCH,
            [],
            400,
            "error decoding patch: json: cannot unmarshal array into Go value of type"
            " map[string]interface {}",
        ),
        (
            patches.JSON_PATCH,
            [{}] * 10_001,
            413,
            "Request entity too large: The allowed maximum operations in a JSON patch is"
            " 10000, got 10001",
        ),
    ],
)
def test_a_body_that_is_no_patch_is_refused(media_type, content, code, message):
    with pytest.raises(StatusError) as caught:
        parse(media_type, content)

    assert (caught.value.code, caught.value.message) == (code, message)


def test_a_json_patch_that_does_not_fit_is_unprocessable():
    patch = parse(patches.JSON_PATCH, [{"op": "test", "path": "/spec", "value": 1}])

    with pytest.raises(StatusError) as caught:
        patch.apply_to(OBJECT, POD)

    assert (caught.value.code, caught.value.message) == (
        422,
        "the server rejected our request due to an error in our request",
    )


def test_an_unknown_field_is_a_warning_or_under_strict_an_error():
    patch = parse(patches.STRATEGIC_MERGE_PATCH, {"spec": {"foo": 1}})

    assert patch.apply_to(OBJECT, POD).warnings == ('unknown field "spec.foo"',)
    with pytest.raises(StatusError) as caught:
        patch.apply_to(OBJECT, POD, field_validation="Strict")
    assert (caught.value.code, caught.value.message) == (
        422,
        ' "" is invalid: patch: Invalid value: "map[spec:map[foo:1]]": strict decoding'
        ' error: unknown field "spec.foo"',
    )


def test_custom_resources_have_no_strategic_merge():
    with pytest.raises(StatusError) as caught:
        patches.parse(patches.STRATEGIC_MERGE_PATCH, b"{}", custom=True)

    assert caught.value.code == 415

import pytest

from apimachinery import field_errors as errors
from apimachinery.field_errors import Path

F = Path("spec").child("containers").index(0).child("image")


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (errors.required(F), "spec.containers[0].image: Required value"),
        (errors.required(F, "why"), "spec.containers[0].image: Required value: why"),
        (
            errors.invalid(F, "a", "bad"),
            'spec.containers[0].image: Invalid value: "a": bad',
        ),
        (
            errors.invalid(F, 7, "bad"),
            "spec.containers[0].image: Invalid value: 7: bad",
        ),
        (
            errors.invalid(F, None, "bad"),
            "spec.containers[0].image: Invalid value: null: bad",
        ),
        (
            errors.invalid(F, {"b": True, "a": [1]}, "bad"),
            'spec.containers[0].image: Invalid value: {"a":[1],"b":true}: bad',
        ),
        (
            errors.not_supported(F, "x", ("a", "b")),
            'spec.containers[0].image: Unsupported value: "x": supported values: "a", "b"',
        ),
        (errors.duplicate(F, "x"), 'spec.containers[0].image: Duplicate value: "x"'),
        (errors.not_found(F, "x"), 'spec.containers[0].image: Not found: "x"'),
        (errors.forbidden(F, "no"), "spec.containers[0].image: Forbidden: no"),
        (
            errors.too_long(F, 10),
            "spec.containers[0].image: Too long: may not be more than 10 bytes",
        ),
        (
            errors.too_many(F, 11, 1),
            "spec.containers[0].image: Too many: 11: must have at most 1 item",
        ),
    ],
)
def test_an_error_reads_as_kubernetes_writes_it(error, text):
    assert str(error) == text


def test_paths_join_fields_indices_and_keys():
    assert str(Path("metadata").child("labels").key("a/b")) == "metadata.labels[a/b]"
    assert str(Path()) == "<nil>"


def test_one_message_stands_alone_and_several_stand_in_brackets_once():
    one, two = errors.required(F), errors.forbidden(F, "no")

    assert errors.aggregate([one]) == str(one)
    assert errors.aggregate([one, two, one]) == f"[{one}, {two}]"


def test_a_cause_has_the_message_without_the_field():
    assert errors.required(F).to_cause() == {
        "reason": "FieldValueRequired",
        "message": "Required value",
        "field": "spec.containers[0].image",
    }

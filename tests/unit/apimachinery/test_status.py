import pytest

from apimachinery import status
from apimachinery.field_errors import Path, required
from apimachinery.gvk import GroupResource


@pytest.mark.parametrize(
    ("error", "code", "reason", "message"),
    [
        (status.not_found("pods", "x"), 404, "NotFound", 'pods "x" not found'),
        (
            status.not_found(GroupResource("apps", "deployments"), "x"),
            404,
            "NotFound",
            'deployments.apps "x" not found',
        ),
        (
            status.already_exists("pods", "x", being_deleted=True),
            409,
            "AlreadyExists",
            'object is being deleted: pods "x" already exists',
        ),
        (
            status.conflict("pods", "x"),
            409,
            "Conflict",
            'Operation cannot be fulfilled on pods "x": the object has been modified;'
            " please apply your changes to the latest version and try again",
        ),
        (
            status.forbidden("pods", "x", "no"),
            403,
            "Forbidden",
            'pods "x" is forbidden: no',
        ),
        (status.forbidden("pods", "", "no"), 403, "Forbidden", "pods is forbidden: no"),
        (status.forbidden(None, "", "no"), 403, "Forbidden", "forbidden: no"),
        (status.unauthorized(), 401, "Unauthorized", "Unauthorized"),
        (
            status.method_not_allowed("pods", "create"),
            405,
            "MethodNotAllowed",
            'create is not supported on resources of kind "pods"',
        ),
        (
            status.request_entity_too_large(3145728),
            413,
            "RequestEntityTooLarge",
            "Request entity too large: limit is 3145728",
        ),
        (
            status.server_timeout("pods", "list"),
            500,
            "ServerTimeout",
            "The list operation against pods could not be completed at this time,"
            " please try again.",
        ),
        (
            status.too_large_resource_version(99, 5),
            504,
            "Timeout",
            "Timeout: Too large resource version: 99, current: 5",
        ),
        (
            status.internal_error("boom"),
            500,
            "InternalError",
            "Internal error occurred: boom",
        ),
        (
            status.generic_server_response(404, "get"),
            404,
            "NotFound",
            "the server could not find the requested resource",
        ),
    ],
)
def test_a_refusal_says_it_in_kubernetes_words(error, code, reason, message):
    assert (error.code, error.reason, error.message) == (code, reason, message)
    assert error.status["code"] == code


def test_not_found_has_the_plural_as_kind_and_invalid_the_kind():
    error = status.invalid("Deployment.apps", "d", [required(Path("spec"))])

    assert status.not_found("pods", "x").details == {"name": "x", "kind": "pods"}
    assert error.message == 'Deployment.apps "d" is invalid: spec: Required value'
    assert error.details == {
        "name": "d",
        "group": "apps",
        "kind": "Deployment",
        "causes": [
            {
                "reason": "FieldValueRequired",
                "message": "Required value",
                "field": "spec",
            }
        ],
    }


def test_a_whole_body_is_as_a_server_sends_it():
    assert status.not_found("pods", "x").status == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": 'pods "x" not found',
        "reason": "NotFound",
        "details": {"name": "x", "kind": "pods"},
        "code": 404,
    }


def test_retry_after_is_read_from_the_details():
    assert status.too_many_requests("slow down", 7).retry_after_seconds == 7
    assert status.not_found("pods", "x").retry_after_seconds == 0


def test_an_expired_list_can_carry_a_token_to_go_on():
    token = "eyJ"  # noqa: S105

    error = status.expired("old", continue_token=token)

    assert error.status["metadata"] == {"continue": token}

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.exit_status import (
    ExitResult,
    decode,
    decode_text,
    encode,
    exited,
    internal_error,
    text,
)

COMMAND = ["sh", "-c", "exit 7"]
OCI = (
    "error executing command in container: failed to exec in container: "
    'failed to start exec "ID": OCI runtime exec failed'
)


@pytest.mark.parametrize(
    ("result", "shape", "expected"),
    [
        (exited(0), "compact", b'{"status":"Success"}'),
        (exited(0), "metav1", b'{"metadata":{},"status":"Success"}'),
        (
            exited(7, ["x"]),
            "compact",
            b'{"status":"Failure","message":"command terminated with non-zero exit code:'
            b' error executing command [x], exit code 7","reason":"NonZeroExitCode",'
            b'"details":{"causes":[{"reason":"ExitCode","message":"7"}]}}',
        ),
        (
            exited(7, COMMAND),
            "metav1",
            b'{"metadata":{},"status":"Failure","message":"command terminated with'
            b" non-zero exit code: error executing command [sh -c exit 7], exit code"
            b' 7","reason":"NonZeroExitCode","details":{"causes":[{"reason":"ExitCode",'
            b'"message":"7"}]}}',
        ),
        (
            exited(7),
            "metav1",
            b'{"metadata":{},"status":"Failure","message":"command terminated with'
            b' non-zero exit code: command terminated with exit code 7","reason":'
            b'"NonZeroExitCode","details":{"causes":[{"reason":"ExitCode","message":'
            b'"7"}]}}',
        ),
        (
            internal_error(OCI),
            "compact",
            b'{"status":"Failure","message":"Internal error occurred: error executing'
            b" command in container: failed to exec in container: failed to start exec"
            b' \\"ID\\": OCI runtime exec failed","reason":"InternalError","code":500}',
        ),
        (
            internal_error("x"),
            "metav1",
            b'{"metadata":{},"status":"Failure","message":"Internal error occurred: x",'
            b'"reason":"InternalError","details":{"causes":[{"message":"x"}]},'
            b'"code":500}',
        ),
    ],
)
def test_results_are_written_as_the_reference_has_them(result, shape, expected):
    assert encode(result, shape) == expected


def test_html_is_escaped_as_go_does():
    assert b"a \\u003c b \\u0026 c" in encode(internal_error("a < b & c"))


@pytest.mark.parametrize("code", [1, 2, 42, 126, 137, 255])
@pytest.mark.parametrize("shape", ["compact", "metav1"])
def test_an_exit_code_comes_through(code, shape):
    result = decode(encode(exited(code, COMMAND), shape))

    assert result.code == code
    assert result.is_exit_code
    assert result.message == f"command terminated with exit code {code}"


def test_a_failure_to_run_keeps_its_message():
    result = decode(encode(internal_error(OCI)))

    assert (result.code, result.is_exit_code) == (1, False)
    assert result.message == f"Internal error occurred: {OCI}"
    assert result.reason == "InternalError"


@pytest.mark.parametrize(
    ("stream", "message"),
    [
        (b"{}", "unknown error"),
        (b'{"status":"Maybe"}', "unknown error"),
        (b'{"status":"Failure","reason":"NonZeroExitCode"}', "details must be set"),
        (
            b'{"status":"Failure","reason":"NonZeroExitCode","details":{}}',
            "no ExitCode cause given",
        ),
        (
            b'{"status":"Failure","reason":"NonZeroExitCode","details":'
            b'{"causes":[{"reason":"ExitCode","message":"300"}]}}',
            'invalid exit code value "300"',
        ),
    ],
)
def test_a_malformed_status_is_named_as_client_go_names_it(stream, message):
    assert decode(stream).message == f"error stream protocol error: {message}"
    assert decode(stream).code == 1


def test_what_is_not_json_is_quoted():
    message = decode(b"nope").message

    assert message.startswith("error stream protocol error: ")
    assert message.endswith(' in "nope"')


def test_an_empty_error_stream_is_success():
    assert decode(b"") == ExitResult()
    assert decode_text(b"") == ExitResult()


def test_old_protocols_carry_plain_text():
    assert text(exited(0)) == b""
    result = decode_text(text(internal_error("x")))
    assert (
        result.message == "Error executing remote command: Internal error occurred: x"
    )
    assert decode_text(b"x", versioned=True).message == (
        "error executing remote command: x"
    )


@given(st.binary(max_size=200))
def test_any_bytes_give_a_result(stream):
    assert isinstance(decode(stream), ExitResult)
    assert isinstance(decode_text(stream), ExitResult)


def test_deeply_nested_json_gives_a_result():
    assert decode(b"[" * 100_000).code == 1

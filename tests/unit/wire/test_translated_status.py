"""What v5 clients hear of an outcome that a translator read from SPDY."""

import pytest

from wire.exit_status import ExitResult, exited, internal_error, translated


def test_success_stays_success():
    assert translated(ExitResult()) == ExitResult()


def test_an_exit_code_keeps_its_code_and_gets_the_translators_words():
    assert translated(exited(7, ["sh", "-c", "exit 7"])) == exited(7)


@pytest.mark.parametrize("text", ["no such file", "Internal error occurred: x"])
def test_any_other_failure_is_wrapped_once_more(text):
    result = translated(internal_error(text))

    assert result.message == (
        f"Internal error occurred: Internal error occurred: {text}"
    )

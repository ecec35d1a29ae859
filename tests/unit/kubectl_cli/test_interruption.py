from __future__ import annotations

import signal

import pytest

from kubectl_cli.errors import SilentExitError
from kubectl_cli.waiting.interruption import exits_when_interrupted


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_is_an_end_with_code_1_until_the_wait_is_over(number) -> None:
    before = signal.getsignal(number)

    with pytest.raises(SilentExitError) as ended, exits_when_interrupted():
        signal.raise_signal(number)

    assert ended.value.code == 1
    assert signal.getsignal(number) == before

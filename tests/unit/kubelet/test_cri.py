import pytest

from kubelet.cri import CriError, go_words

SOCKET = "/run/containerd/containerd.sock"


@pytest.mark.parametrize(
    ("details", "words"),
    [
        (
            "failed to connect to all addresses; last error: FAILED_PRECONDITION: "
            f"unix:{SOCKET}: connect failed: addr: unix:{SOCKET} error: "
            "Connection refused",
            'connection error: desc = "transport: Error while dialing: dial unix '
            f'{SOCKET}: connect: connection refused"',
        ),
        ("container is in CONTAINER_EXITED state",) * 2,
    ],
)
def test_a_runtime_that_is_not_there_is_told_of_in_the_words_of_go(details, words):
    error = CriError("UNAVAILABLE", go_words(details))

    assert str(error) == f"rpc error: code = Unavailable desc = {words}"

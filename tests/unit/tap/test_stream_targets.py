import pytest

from tap.stream_targets import StreamTargets


@pytest.fixture
def targets():
    return StreamTargets("127.0.0.1:50000")


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:41234/exec/AbCdEfGh",
        "http://10.0.0.5:80/attach/AbCdEfGh",
        "https://[::1]:41234/portforward/AbCdEfGh",
        "http://a:1/portforward/AbCdEfGhIjKlMnOp",
    ],
)
def test_our_url_has_the_length_of_the_runtimes(targets, url):
    ours = targets.replace(url, "t")

    assert len(ours) == len(url)
    assert ours.startswith("http://127.0.0.1:50000/")


def test_our_url_stands_for_the_runtimes(targets):
    ours = targets.replace("https://10.0.0.5:4321/exec/AbCdEfGh?a=b", "t")

    target = targets.find(ours.removeprefix("http://127.0.0.1:50000"))

    assert target.server.address == ("10.0.0.5", 4321)
    assert target.server.secure
    assert (target.path, target.trace) == ("/exec/AbCdEfGh?a=b", "t")


def test_two_urls_are_never_the_same(targets):
    url = "http://127.0.0.1:41234/exec/AbCdEfGh"

    assert targets.replace(url, "t") != targets.replace(url, "t")


@pytest.mark.parametrize(
    "url", ["/exec/AbCdEfGh", "http://a:1/exec/A", "", "ftp://a/b"]
)
def test_what_has_no_room_or_no_server_is_not_replaced(targets, url):
    assert targets.replace(url, "t") is None


def test_an_unknown_path_stands_for_nothing(targets):
    assert targets.find("/exec/AbCdEfGh") is None


def test_the_oldest_are_forgotten(targets):
    first = targets.replace("http://127.0.0.1:41234/exec/AbCdEfGh", "t")
    for _ in range(2000):
        targets.replace("http://127.0.0.1:41234/exec/AbCdEfGh", "t")

    assert targets.find(first.removeprefix("http://127.0.0.1:50000")) is None

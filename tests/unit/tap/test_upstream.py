import pytest

from tap.upstream import parse_server, target_address


@pytest.mark.parametrize(
    ("url", "address", "authority"),
    [
        ("https://127.0.0.1:6443", ("127.0.0.1", 6443), "127.0.0.1:6443"),
        ("https://example.org", ("example.org", 443), "example.org"),
        ("http://[::1]:8080/", ("::1", 8080), "[::1]:8080"),
        ("10.0.0.1:10250", ("10.0.0.1", 10250), "10.0.0.1:10250"),
        ("unix:///run/x.sock", "/run/x.sock", "localhost"),
    ],
)
def test_a_server_is_read_from_its_url(url, address, authority):
    server = parse_server(url)

    assert (server.address, server.authority) == (address, authority)


def test_a_path_of_the_url_is_kept():
    assert parse_server("https://h/k8s/clusters/c-1/").path == "/k8s/clusters/c-1"


@pytest.mark.parametrize("url", ["ftp://h", "https://", "unix://"])
def test_what_is_no_server_is_refused(url):
    with pytest.raises(ValueError, match="is not the URL"):
        parse_server(url)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:0", ("127.0.0.1", 0)),
        (":6443", ("127.0.0.1", 6443)),
        ("[::1]:1", ("::1", 1)),
        ("unix:///a/b", "/a/b"),
        ("/a/b", "/a/b"),
    ],
)
def test_where_to_listen(text, address):
    assert target_address(text) == address


@pytest.mark.parametrize("text", ["localhost", "a:b", "1:99999", ""])
def test_what_is_no_address_is_refused(text):
    with pytest.raises(ValueError, match="is not an address"):
        target_address(text)

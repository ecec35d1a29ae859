"""Reading /proc/net/tcp: who listens on a port."""

import pytest

from cri_runtime.listeners import parse_listeners

HEAD = b"  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode"


def line(local, state, inode):
    rest = "00000000:00000000 00:00000000 00000000  1000        0"
    text = f"   0: {local} 00000000:0000 {state} {rest} {inode} 1 0 100 0 0 10 0"
    return text.encode()


TABLE = [
    HEAD,
    line("0100007F:1F90", "0A", 11),
    line("00000000:1F91", "0A", 12),
    line("0100007F:ABCD", "03", 0),
    line("0200407F:1F90", "0A", 13),
    line("0100007F:1F90", "01", 14),
    line("0300007F:1F90", "0A", 15),
]


def test_sockets_that_listen_on_the_port_are_found():
    assert list(parse_listeners(TABLE, 8080)) == [
        (b"11", "127.0.0.1"),
        (b"13", "127.64.0.2"),
    ]


def test_a_socket_on_all_addresses_is_found():
    assert list(parse_listeners(TABLE, 8081)) == [(b"12", "0.0.0.0")]  # noqa: S104


@pytest.mark.parametrize(
    ("local", "address"),
    [
        ("00000000000000000000000001000000", "::1"),
        ("00000000000000000000000000000000", "::"),
        ("0000000000000000FFFF00000100007F", "::ffff:127.0.0.1"),
    ],
)
def test_addresses_of_ipv6_are_four_words(local, address):
    table = [HEAD, line(f"{local}:0050", "0A", 7)]

    assert list(parse_listeners(table, 80)) == [(b"7", address)]


def test_nobody_listens():
    assert list(parse_listeners(TABLE, 80)) == []

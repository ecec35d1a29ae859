import errno
import socket
import ssl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hops.errors import dial_error, tls_error_text
from hops.hop import format_address
from hops.tls.certificate_facts import peer_certificate_facts, read_certificate


def ssl_error(reason, kind=ssl.SSLError):
    error = kind(1, f"[SSL: {reason}] text (_ssl.c:1)")
    error.reason = reason
    return error


@pytest.mark.parametrize(
    ("address", "cause", "text"),
    [
        (
            ("10.0.0.5", 10250),
            ConnectionRefusedError(errno.ECONNREFUSED, "x"),
            "dial tcp 10.0.0.5:10250: connect: connection refused",
        ),
        (
            ("10.0.0.5", 10250),
            OSError(errno.EHOSTUNREACH, "x"),
            "dial tcp 10.0.0.5:10250: connect: no route to host",
        ),
        (("fd00::1", 1), TimeoutError(), "dial tcp [fd00::1]:1: i/o timeout"),
        (
            ("h", 1),
            TimeoutError(errno.ETIMEDOUT, "x"),
            "dial tcp h:1: connect: connection timed out",
        ),
        (("h", 1), socket.gaierror(-2, "x"), "dial tcp: lookup h: no such host"),
        (
            "/run/s",
            FileNotFoundError(errno.ENOENT, "x"),
            "dial unix /run/s: connect: no such file or directory",
        ),
        (
            "/run/s",
            PermissionError(errno.EACCES, "x"),
            "dial unix /run/s: connect: permission denied",
        ),
        (("h", 1), ssl_error("TLSV1_ALERT_PROTOCOL_VERSION"), None),
    ],
)
def test_failures_to_dial_have_gos_words(address, cause, text):
    text = text or "remote error: tls: protocol version"

    assert str(dial_error(address, cause)) == text


@pytest.mark.parametrize(
    ("reason", "text"),
    [
        (
            "TLSV13_ALERT_CERTIFICATE_REQUIRED",
            "remote error: tls: certificate required",
        ),
        ("TLSV1_ALERT_UNKNOWN_CA", "remote error: tls: unknown certificate authority"),
        ("SSLV3_ALERT_BAD_CERTIFICATE", "remote error: tls: bad certificate"),
        (
            "WRONG_VERSION_NUMBER",
            "tls: first record does not look like a TLS handshake",
        ),
        ("NO_SHARED_CIPHER", "tls: no shared cipher"),
    ],
)
def test_tls_errors_have_gos_words(reason, text):
    assert tls_error_text(ssl_error(reason)) == text


def test_an_end_in_the_handshake_is_eof():
    assert tls_error_text(ssl_error("", ssl.SSLEOFError)) == "EOF"


def test_a_dial_error_keeps_its_errno():
    error = dial_error(("h", 1), ConnectionRefusedError(errno.ECONNREFUSED, "x"))

    assert error.errno == errno.ECONNREFUSED
    assert not error.timeout
    assert dial_error(("h", 1), TimeoutError()).timeout
    assert dial_error(("h", 1), error) is error


@given(st.binary(max_size=200))
def test_no_bytes_make_the_certificate_reader_fail_otherwise(der):
    try:
        read_certificate(der)
    except (ValueError, IndexError, StopIteration):
        pass
    else:
        pytest.fail("random bytes are no certificate")


def test_without_a_certificate_there_are_no_facts():
    assert peer_certificate_facts(None) is None
    unconnected = ssl.create_default_context().wrap_bio(
        ssl.MemoryBIO(), ssl.MemoryBIO(), server_hostname="h"
    )
    assert peer_certificate_facts(unconnected) is None


def test_addresses_are_printed_as_go_prints_them():
    assert format_address(("::1", 80)) == "[::1]:80"
    assert format_address(("h", 80)) == "h:80"
    assert format_address("/run/s") == "/run/s"

"""TLS settings from files that are not what they should be."""

from __future__ import annotations

import pytest

from hops.tls.contexts import client_context, server_context


def refused(make, *paths, **more):
    with pytest.raises(OSError, match="/") as caught:
        make(*paths, **more)
    return str(caught.value)


def test_the_file_that_is_missing_is_named(tmp_path):
    none = tmp_path / "none"

    for made in (
        refused(server_context, none, tmp_path),
        refused(client_context, None, cert=none, key=tmp_path),
        refused(client_context, none),
    ):
        assert made == f"open {none}: no such file or directory"


def test_the_files_that_hold_something_else_are_named(tmp_path):
    cert, key = tmp_path / "cert", tmp_path / "key"
    cert.write_text("none")
    key.write_text("none")

    assert refused(server_context, cert, key).startswith(f"{cert} and {key}: tls: ")
    assert refused(client_context, None, cert=cert).startswith(f"{cert}: tls: ")
    assert refused(client_context, cert).startswith(f"{cert}: tls: ")

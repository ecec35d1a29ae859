"""The command line."""

from pathlib import Path

import pytest

from apiserver.config import Config
from apiserver.flags import make_parser
from apiserver.version import EmulatedVersion, version_info


def parse(*arguments):
    return Config.from_arguments(make_parser().parse_args(arguments))


BASE = ("--tls-cert-file=c", "--tls-private-key-file=k", "--sqlite-path=db")


def test_flags_fill_the_settings():
    config = parse(
        *BASE,
        "--secure-port=0",
        "--authorization-mode=Node,RBAC",
        "--request-timeout=1m30s",
        "--anonymous-auth=false",
        "--emulate-version=1.30",
        "--kubelet-preferred-address-types=Hostname,InternalIP",
    )

    assert config.secure_port == 0
    assert config.authorization_mode == ("Node", "RBAC")
    assert config.request_timeout == 90.0
    assert config.anonymous_auth is False
    assert config.emulate_version == EmulatedVersion(1, 30)
    assert config.kubelet_preferred_address_types == ("Hostname", "InternalIP")
    assert config.sqlite_path == Path("db")


def test_defaults_are_those_of_the_settings():
    config = parse(*BASE)

    assert config == Config(
        tls_cert_file=Path("c"), tls_private_key_file=Path("k"), sqlite_path=Path("db")
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ("--authorization-mode=Nobody",),
        ("--anonymous-auth=maybe",),
        ("--request-timeout=soon",),
        ("--emulate-version=new",),
    ],
)
def test_wrong_values_are_refused(arguments, capsys):
    with pytest.raises(SystemExit):
        parse(*BASE, *arguments)

    assert "error: argument" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [(), BASE[:2], (*BASE[:2], "--storage-backend=etcd3")],
    ids=["certificate", "sqlite", "etcd"],
)
def test_missing_settings_are_named(arguments):
    with pytest.raises(ValueError, match="--"):
        parse(*arguments)


def test_help_explains_every_flag():
    for action in make_parser()._actions:
        assert action.help, action.dest


@pytest.mark.parametrize(
    ("version", "create", "passes", "translates"),
    [
        ("1.28", False, False, False),
        ("1.30", False, False, True),
        ("1.35", True, False, True),
        ("1.36", True, True, True),
    ],
)
def test_behaviour_follows_the_emulated_version(version, create, passes, translates):
    emulated = EmulatedVersion.parse(version)

    assert emulated.websocket_get_needs_create is create
    assert emulated.passes_websockets_to_kubelet is passes
    assert emulated.translates_websockets is translates


def test_the_version_document_is_all_strings():
    document = version_info(EmulatedVersion(1, 36))

    assert document["gitVersion"].startswith("v1.36.")
    assert all(isinstance(value, str) for value in document.values())
    assert "emulationMinor" not in version_info(EmulatedVersion(1, 30))

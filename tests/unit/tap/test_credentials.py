import json
import stat
import sys

import pytest

from apimachinery.kubeconfig import ClientConfig
from hops.errors import ConnectError
from tap.credentials import UserCredentials

SERVER = "https://real:6443"
TOKEN = chr(116)  # the letter t: no password stands here
PASSWORD = chr(112)


def plugin(folder, **status):
    """A credential plugin that counts how often it was asked."""
    script = folder / "plugin"
    credential = {
        "kind": "ExecCredential",
        "apiVersion": "client.authentication.k8s.io/v1",
        "status": status,
    }
    script.write_text(
        f"#!{sys.executable}\n"
        f"open({str(folder / 'asked')!r}, 'a').write('x')\n"
        f"print({json.dumps(credential)!r})\n"
    )
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    return {"apiVersion": credential["apiVersion"], "command": str(script)}


def asked(folder):
    return len((folder / "asked").read_text())


async def headers(credentials):
    await credentials.refresh()
    return credentials.headers()


async def test_a_token_goes_along():
    credentials = UserCredentials(ClientConfig(SERVER, token=TOKEN))

    assert await headers(credentials) == [("Authorization", "Bearer t")]


async def test_basic_auth_goes_along():
    credentials = UserCredentials(ClientConfig(SERVER, username="u", password=PASSWORD))

    assert await headers(credentials) == [("Authorization", "Basic dTpw")]


async def test_nothing_goes_along_without_tls():
    credentials = UserCredentials(ClientConfig("http://real:8080", token=TOKEN))

    assert await headers(credentials) == []
    assert credentials.tls() is None


async def test_a_token_file_that_is_gone_is_told(tmp_path):
    config = ClientConfig(SERVER, token_file=str(tmp_path / "none"))

    with pytest.raises(ConnectError, match="getting credentials"):
        await UserCredentials(config).refresh()


async def test_a_plugin_is_asked_once(tmp_path):
    config = ClientConfig(SERVER, exec=plugin(tmp_path, token=TOKEN))
    credentials = UserCredentials(config)

    assert await headers(credentials) == [("Authorization", "Bearer t")]
    assert await headers(credentials) == [("Authorization", "Bearer t")]
    assert asked(tmp_path) == 1


async def test_a_plugin_is_asked_again_after_401(tmp_path):
    credentials = UserCredentials(
        ClientConfig(SERVER, exec=plugin(tmp_path, token=TOKEN))
    )
    await credentials.refresh()

    credentials.refused()
    await credentials.refresh()

    assert asked(tmp_path) == 2


async def test_a_plugin_is_asked_again_when_its_credential_has_expired(tmp_path):
    made = plugin(tmp_path, token=TOKEN, expirationTimestamp="2020-01-01T00:00:00Z")
    credentials = UserCredentials(ClientConfig(SERVER, exec=made))

    await credentials.refresh()
    await credentials.refresh()

    assert asked(tmp_path) == 2


async def test_a_plugin_that_fails_is_told(tmp_path):
    made = {"apiVersion": "client.authentication.k8s.io/v1", "command": "/bin/false"}

    with pytest.raises(ConnectError, match="executable false failed with exit code 1"):
        await UserCredentials(ClientConfig(SERVER, exec=made)).refresh()

"""The dashboard of a running cluster, in a real browser, while a session goes on."""

from __future__ import annotations

import subprocess
import urllib.error
import urllib.request
from urllib.parse import urlsplit

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from tests.support.chromium import browser
from tests.support.cluster import BIN, running_cluster

POD = "seen"


@pytest.fixture(scope="module")
def cluster():
    with running_cluster("dash") as cluster:
        cluster.pod(POD)
        yield cluster


@pytest.fixture(scope="module")
def address(cluster):
    """The address that `mini-kube dashboard` prints."""
    where = ["--name", cluster.name, "--state-dir", str(cluster.state)]
    with subprocess.Popen(
        [str(BIN / "mini-kube"), "dashboard", *where],
        env=cluster.env,
        stdout=subprocess.PIPE,
    ) as process:
        try:
            yield process.stdout.readline().decode().split(": ", 1)[1].strip()
        finally:
            process.terminate()
            assert process.wait() == 0


class Running:
    """An exec that goes on until it is told to end."""

    def __init__(self, cluster):
        self.process = subprocess.Popen(
            [str(BIN / "mini-kubectl"), "exec", "-i", POD, "--", "cat"],
            env=cluster.env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def __enter__(self):
        self.say(b"hello <b>browser</b>\n")
        return self

    def say(self, line):
        self.process.stdin.write(line)
        self.process.stdin.flush()
        assert self.process.stdout.readline() == line

    def end(self):
        self.process.stdin.close()
        assert self.process.wait() == 0

    def __exit__(self, *_):
        self.process.kill()
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()


def status_of(address, **headers):
    """What a plain request is answered, without following anything."""

    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_):
            return None

    request = urllib.request.Request(address, headers=headers)
    try:
        with urllib.request.build_opener(Stay).open(request) as answer:
            return answer.status, answer.headers
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers


async def test_a_session_is_seen_while_it_goes_on(cluster, address):
    async with browser() as tab:
        await tab.open(address)
        assert "token" not in await tab.value("location.href")
        assert await tab.value("document.cookie") == ""

        with Running(cluster) as session:
            link = "[...document.querySelectorAll('.sessions a')].find(a => a.textContent.includes('cat'))"
            await tab.until(
                f"{link}?.querySelector('.status').textContent === 'running'"
            )
            await tab.value(f"{link}.click()")
            await tab.until(
                "document.querySelector('#page h1')?.textContent.includes('cat')"
            )
            await tab.until(
                "document.body.textContent.includes('hello <b>browser</b>')"
            )

            rows = await tab.value("Number(document.body.dataset.rows)")
            session.say(b"more\n")
            await tab.until(f"Number(document.body.dataset.rows) > {rows}")
            session.end()

        await tab.until(f"{link}.querySelector('.status').textContent === 'exit 0'")
        assert await tab.value("document.querySelectorAll('#page b').length") == 0
        assert tab.complaints == []


async def test_the_reason_of_a_failure_is_shown(cluster, address):
    async with browser() as tab:
        await tab.open(address)
        cluster.mini_kubectl("exec", POD, "--", "sh", "-c", "exit 41")
        link = "[...document.querySelectorAll('.sessions a')].find(a => a.textContent.includes('exit 41'))"
        await tab.until(link)
        await tab.value(f"{link}.click()")
        await tab.until(
            "document.querySelector('#reasons')?.textContent.includes('exit code 41')"
        )


def test_without_the_token_nothing_is_shown(address):
    parts = urlsplit(address)
    bare = f"{parts.scheme}://{parts.netloc}"

    for place in ("/", "/events", "/page.js", "/?token=wrong", "/nowhere"):
        assert status_of(bare + place)[0] == 401, place
    nonsense = f"mini-kube-dashboard-{parts.port}=\xff"
    assert status_of(bare, Cookie=nonsense)[0] == 401


def test_the_token_becomes_a_cookie_that_no_script_and_no_other_site_has(address):
    status, headers = status_of(address)

    assert (status, headers["Location"]) == (303, "/")
    cookie = headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert "default-src 'none'" in headers["Content-Security-Policy"]


def test_another_name_for_this_machine_is_refused(address):
    assert status_of(address, Host="rebound.example:80")[0] == 421
    assert status_of(address, Origin="http://rebound.example")[0] == 403


@pytest.mark.parametrize("origin", [None, "http://rebound.example", "null"])
def test_a_websocket_of_another_page_is_refused(address, origin):
    parts = urlsplit(address)
    token = parts.query.partition("=")[2]
    cookie = f"mini-kube-dashboard-{parts.port}={token}"

    with pytest.raises(InvalidStatus) as refused:
        connect(
            f"ws://{parts.netloc}/events",
            origin=origin,
            additional_headers={"Cookie": cookie},
        )

    assert refused.value.response.status_code == 403

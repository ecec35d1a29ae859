"""A recorded exec and port-forward, read by the programs that the formats are for."""

from __future__ import annotations

import json
import re
import subprocess
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import pexpect
import pytest

from tests.support.cluster import running_cluster
from tests.support.javascript import node_folder, run_node
from tests.support.kubectls import kubectls
from tests.support.tools import tool_or_skip
from traces.dissector import wireshark_options
from traces.formats import Options, render
from traces.reader import read_folder

pytestmark = pytest.mark.e2e

_PATIENCE = 60
_SCRIPT = "printf 'out\\n'; printf 'err\\n' >&2; exit 3"


@pytest.fixture(scope="module")
def trace(kubectl):
    """Sessions of a real kubectl: exec, a terminal, port-forward; whole bytes."""
    with running_cluster("formats") as cluster:
        folder = cluster.folder / "trace"
        cluster.mini_kube("trace", "on", "--bytes", "all", str(folder))
        # so that connections which live long are seen from their beginning
        cluster.mini_kube("down")
        cluster.mini_kube("up")
        cluster.pod("web", image="nginx")
        done = cluster.run(kubectl, "exec", "web", "--", "sh", "-c", _SCRIPT)
        assert (done.returncode, done.stdout) == (3, "out\n")
        _use_terminal(cluster, kubectl)
        _forward(cluster, kubectl)
        for old in kubectls("1.28"):
            cluster.run(old.path, "exec", "web", "--", "echo", "old", check=True)
        cluster.mini_kube("down")
        yield read_folder(folder)


def _use_terminal(cluster, kubectl):
    arguments = ["exec", "-it", "web", "--", "sh", "-c", "stty size; read x; stty size"]
    shell = pexpect.spawn(
        str(kubectl), arguments, env=cluster.env, dimensions=(24, 80), timeout=_PATIENCE
    )
    shell.expect("24 80")
    shell.setwinsize(30, 100)
    shell.sendline("\x1b[1mbold")
    shell.expect(pexpect.EOF)
    shell.close()
    assert shell.exitstatus == 0


def _forward(cluster, kubectl):
    with (
        _forwarding(cluster, kubectl) as port,
        urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=_PATIENCE) as page,
    ):
        assert b"nginx" in page.read()


@contextmanager
def _forwarding(cluster, kubectl):
    process = subprocess.Popen(
        [str(kubectl), "port-forward", "pod/web", ":80"],
        env=cluster.env,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        line = process.stdout.readline()
        yield int(re.search(r":(\d+) ->", line)[1])
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


def session_of(trace, verb, **facts):
    """The session of a verb whose attributes are these."""
    for session in trace.sessions:
        if session.verb == verb and all(
            getattr(session, name) == value for name, value in facts.items()
        ):
            return session
    raise AssertionError(f"no session {verb} {facts}")


@pytest.fixture(scope="module")
def shell(trace):
    return session_of(trace, "exec", command=("sh", "-c", _SCRIPT))


@pytest.fixture(scope="module")
def terminal(trace):
    return next(s for s in trace.sessions if "tty" in s.asked.streams)


def tshark(file, *arguments, ours=True) -> list[list[str]]:
    """The fields that tshark prints, a list a packet."""
    program = tool_or_skip("tshark", "tshark")
    extra = wireshark_options() if ours else []
    done = subprocess.run(
        [str(program), *extra, "-n", "-r", str(file), *arguments],
        capture_output=True,
        text=True,
        timeout=_PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Lua Error" not in done.stderr
    return [line.split("\t") for line in done.stdout.splitlines()]


@pytest.fixture(scope="module")
def packets(trace, tmp_path_factory):
    """All streaming sessions in one file of packets."""
    sessions = [session for session in trace.sessions if session.asked.is_streaming]
    file = tmp_path_factory.mktemp("packets") / "all.pcapng"
    file.write_bytes(render("pcapng", sessions))
    return file


def test_tshark_knows_the_protocols_without_being_told(packets):
    found = tshark(packets, "-T", "fields", "-e", "frame.protocols", ours=False)

    protocols = {name for (line,) in found for name in line.split(":")}
    assert {"http", "websocket", "http2", "grpc", "protobuf"} <= protocols
    if kubectls("1.28"):
        assert "spdy" in protocols


def test_tshark_finds_nothing_malformed(packets):
    found = tshark(packets, "-Y", "_ws.malformed || _ws.lua || tcp.analysis.flags")

    assert found == []


def streams(packets, *more) -> dict[str, bytes]:
    """Client's and server's bytes of each stream on the outermost hop."""
    fields = ["-e", "ip.src", "-e", "k8s.stream", "-e", "k8s.data"]
    lines = tshark(
        packets, "-2", "-Y", " && ".join(["ip.addr == 192.0.2.1", "k8s.data", *more]),
        "-T", "fields", *fields,
    )  # fmt: skip
    joined: dict[str, bytes] = {}
    for _, names, data in lines:
        # a packet may hold messages without data: those stand in no place of the list
        pieces = data.split(",")
        for name, piece in zip(names.split(",")[-len(pieces) :], pieces, strict=False):
            joined[name] = joined.get(name, b"") + bytes.fromhex(piece)
    return joined


def test_the_dissector_gives_back_the_channels_of_exec(shell, tmp_path):
    file = tmp_path / "exec.pcapng"
    file.write_bytes(render("pcapng", [shell]))

    found = streams(file)

    assert found["stdout"] == b"out\n"
    assert found["stderr"] == b"err\n"
    assert json.loads(found["error"])["reason"] == "NonZeroExitCode"
    codes = tshark(file, "-Y", "k8s.exit_code", "-T", "fields", "-e", "k8s.exit_code")
    assert {code for (code,) in codes} == {"3"}


def test_the_dissector_gives_back_the_bytes_of_a_forwarded_port(trace, tmp_path):
    session = session_of(trace, "port-forward")
    file = tmp_path / "forward.pcapng"
    file.write_bytes(render("pcapng", [session]))

    found = streams(file)

    assert found["data"].startswith(b"GET / HTTP/1.1\r\n")
    assert b"HTTP/1.1 200 OK" in found["data"]
    ports = tshark(file, "-Y", "k8s.port", "-T", "fields", "-e", "k8s.port")
    assert {port for line in ports for port in line[0].split(",")} == {"80"}


def test_the_dissector_names_the_calls_of_the_runtime(shell, tmp_path):
    file = tmp_path / "exec.pcapng"
    file.write_bytes(render("pcapng", [shell]))

    told = tshark(
        file, "-Y", 'protobuf.message.name == "runtime.v1.ExecRequest"',
        "-T", "fields", "-e", "protobuf.field.name", "-e", "protobuf.field.value.string",
    )  # fmt: skip

    assert any("container_id" in names and "exit 3" in values for names, values in told)


def test_sizes_of_the_terminal_are_fields(terminal, tmp_path):
    file = tmp_path / "terminal.pcapng"
    file.write_bytes(render("pcapng", [terminal]))

    sizes = tshark(
        file, "-Y", "k8s.resize.width && ip.src == 192.0.2.1",
        "-T", "fields", "-e", "k8s.resize.width", "-e", "k8s.resize.height",
    )  # fmt: skip

    assert sizes[0] == ["80", "24"]
    assert sizes[-1] == ["100", "30"]


def test_a_har_validator_accepts_the_archive(trace, tmp_path):
    sessions = [session for session in trace.sessions if session.asked.is_streaming]
    file = tmp_path / "sessions.har"
    file.write_bytes(render("har", sessions))
    folder = node_folder("har-validator@5")

    said = run_node(
        folder,
        """
        import { readFileSync } from "node:fs";
        const { har } = await import("har-validator/lib/promise.js").then((m) => m.default ?? m);
        const archive = JSON.parse(readFileSync(process.argv[2]));
        await har(archive).catch((error) => { console.error(error.errors); process.exit(1); });
        console.log(archive.log.entries.length);
        """,
        file,
    )

    assert int(said) >= 10


def test_mermaid_parses_the_diagram(shell, terminal, tmp_path):
    folder = node_folder("mermaid@11", "jsdom@26")
    files = []
    for number, session in enumerate((shell, terminal)):
        files.append(tmp_path / f"{number}.mmd")
        files[-1].write_bytes(render("mermaid", [session]))

    said = run_node(
        folder,
        """
        import { readFileSync } from "node:fs";
        import { JSDOM } from "jsdom";
        globalThis.window = new JSDOM("").window;
        globalThis.document = window.document;
        const { default: mermaid } = await import("mermaid");
        for (const file of process.argv.slice(2)) {
          const text = readFileSync(file, "utf8");
          await mermaid.parse(text);
          const { db } = await mermaid.mermaidAPI.getDiagramFromText(text);
          console.log(JSON.stringify([...db.getActors().values()].map((a) => a.description)));
        }
        """,
        *files,
    )

    lanes = ["client", "apiserver", "kubelet", "runtime", "process"]
    assert [json.loads(line) for line in said.splitlines()] == [lanes, lanes]


def test_asciinema_plays_the_second_version(terminal, tmp_path):
    program = tool_or_skip("asciinema", "asciinema")
    file = tmp_path / "terminal.cast"
    file.write_bytes(render("asciicast", [terminal]))

    # it opens /dev/tty
    said = pexpect.run(f"{program} cat {file}", timeout=_PATIENCE)

    assert b"24 80" in said
    assert b"30 100" in said


def test_asciinema_plays_the_third_version(terminal, tmp_path):
    folder = node_folder("asciinema-player@3")
    cast = render("asciicast3", [terminal]).decode()
    bundle = (
        folder / "node_modules/asciinema-player/dist/bundle/asciinema-player.min.js"
    )
    page = tmp_path / "player.html"
    page.write_text(
        f"""<!DOCTYPE html><meta charset="utf-8"><div id="player"></div><pre id="said"></pre>
        <script>{bundle.read_text().replace("</script", "<" + chr(92) + "/script")}</script>
        <script>
        const cast = {json.dumps(cast).replace("<", chr(92) + "u003c")};
        (async () => {{
          const place = document.getElementById("player");
          const player = AsciinemaPlayer.create({{ data: () => cast }}, place, {{ preload: true }});
          const screen = () => place.querySelector(".ap-term")?.textContent.trim();
          await player.seek("100%");
          while (!screen()) await new Promise((done) => setTimeout(done, 20));
          document.getElementById("said").textContent =
            `${{await player.getDuration()}} ${{screen()}}`;
        }})();
        </script>"""
    )

    said = re.search(r'<pre id="said">(.*?)</pre>', dom_of(page), re.DOTALL)[1]

    assert float(said.split()[0]) > 0
    assert "24 80" in said
    assert "30 100" in said


def dom_of(page: Path, place: str = "") -> str:
    """The document as Chromium has it when its scripts have run."""
    chromium = tool_or_skip("chromium", "chromium")
    done = subprocess.run(
        [
            str(chromium),
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--window-size=1400,900",
            "--virtual-time-budget=10000",
            f"--user-data-dir={page.parent / 'profile'}",
            "--dump-dom",
            f"file://{page}#{place}",
        ],
        capture_output=True,
        text=True,
        timeout=_PATIENCE,
        check=False,
    )
    return done.stdout


def test_chromium_draws_the_page(shell, tmp_path):
    page = tmp_path / "shell.html"
    page.write_bytes(render("html", [shell]))
    rows = json.loads(re.search(r'id="sessions">(.*?)</script>', page.read_text())[1])
    chosen = next(
        n for n, row in enumerate(rows[0]["rows"]) if row["x"] == "stdout 4 B"
    )

    dom = dom_of(page, f"row={chosen}")

    assert "Refused to" not in dom
    assert [lane for lane in rows[0]["lanes"] if f">{lane}</span>" in dom] == rows[0][
        "lanes"
    ]
    assert len(re.findall(r'class="row same"', dom)) == 3
    assert "6f 75 74 0a" in dom  # out\n
    assert '<span class="chip bad">exit 3</span>' in dom


def test_chromium_plays_the_terminal(terminal, tmp_path):
    page = tmp_path / "terminal.html"
    page.write_bytes(render("html", [terminal]))

    dom = dom_of(page, "tab=terminal")

    screen = re.search(r'<div class="screen".*?</section>', dom, re.DOTALL)[0]
    assert "24 80" in screen
    assert "30 100" in screen
    assert "100\u00d730" in screen


def test_a_collector_reads_the_spans(shell, tmp_path):
    python = python_with_otlp()
    file = tmp_path / "spans.json"
    file.write_bytes(render("otlp", [shell]))

    done = subprocess.run(
        [str(python), "-c", _READ_SPANS, str(file)],
        capture_output=True,
        text=True,
        timeout=_PATIENCE,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    spans = json.loads(done.stdout)
    ids = {span["id"]: span for span in spans}
    process = next(span for span in spans if span["service"] == "process")
    chain = [process]
    while chain[-1]["parent"]:
        chain.append(ids[chain[-1]["parent"]])
    services = [span["service"] for span in chain]
    assert services == ["process", "runtime", "kubelet", "apiserver", "client"]
    assert chain[-1]["error"] == "exit 3"
    assert all(span["start"] <= span["end"] for span in spans)


_READ_SPANS = """
import base64, json, sys
from google.protobuf.json_format import ParseDict
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
found = json.load(open(sys.argv[1]))
for resource in found["resourceSpans"]:
    for scope in resource["scopeSpans"]:
        for span in scope["spans"]:
            # OTLP: ids are hex in JSON, where protobuf's own mapping has base64
            for name in ("traceId", "spanId", "parentSpanId"):
                if name in span:
                    span[name] = base64.b64encode(bytes.fromhex(span[name])).decode()
request = ParseDict(found, ExportTraceServiceRequest())
print(json.dumps([
    {
        "service": resource.resource.attributes[0].value.string_value,
        "id": span.span_id.hex(), "parent": span.parent_span_id.hex(),
        "start": span.start_time_unix_nano, "end": span.end_time_unix_nano,
        "error": span.status.message if span.status.code == 2 else "",
    }
    for resource in request.resource_spans
    for scope in resource.scope_spans
    for span in scope.spans
]))
"""


def python_with_otlp() -> Path:
    from tests.support.client_venvs import Client, NotToBeHadError

    try:
        return Path(Client("opentelemetry", "opentelemetry-proto==1.*").command()[0])
    except NotToBeHadError as err:
        pytest.skip(str(err))


def test_an_exported_trace_is_the_same_session(shell, tmp_path):
    file = tmp_path / "shell.jsonl"
    file.write_bytes(render("jsonl", [shell]))

    again = read_folder(file).session(shell.id)

    assert render("text", [again]) == render("text", [shell], Options())
    assert render("pcapng", [again]) == render("pcapng", [shell])

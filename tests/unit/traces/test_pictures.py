"""The diagrams of one small session, and what strangers' bytes may not do to them."""

from __future__ import annotations

import re

import pytest

from tests.unit.traces.exec_session import SESSION, exec_trace
from traces.formats import Options, render

GOLDEN = """\
session 0af7651916cd43dd8448eb211c80319c
  exec default/web -c web -- sh -c 'echo hi; exit 3'
  kubectl/v1.36.2 · over websocket, v5.channel.k8s.io · 17.0 ms · 3 B in and out of the process · exit 3

      ms  client       apiserver    kubelet      runtime      process
          │            │            │            │            │
    0.00  │            ●            │            │            │  connected  127.0.0.1:40001 TLSv1.3 http/1.1
    0.00  ├───────────▶│            │            │            │  GET /api/v1/namespaces/default/pods/web/exec?command=sh&c…
    1.00  │            ●            │            │            │  connected  127.0.0.1:40002 TLSv1.3 http/1.1
    2.00  │            ├───────────▶│            │            │  GET /exec/default/web/web?command=sh&command=-c&command=e…
    3.00  │            │            ●            │            │  connected  127.0.0.1:40003 TLSv1.3 http/1.1
    4.00  │            │            ├───────────▶│            │  GET /exec/***
    7.00  │◀───────────┼────────────┼────────────┤            │  101 Switching Protocols  v5.channel.k8s.io  3 hops, 2.00 …
   10.00  │            │            │            ├───────────▶│  started  sh -c 'echo hi; exit 3'
   10.50  │◀───────────┼────────────┼────────────┼────────────┤  stdout 3 B  "hi\\n"  4 hops, 2.50 ms
   12.00  │            │            │            │◀───────────┤  exited with 3
   13.00  │◀───────────┼────────────┼────────────┤            │  status: exit code 3  3 hops, 2.00 ms
   13.00  │◀───────────┼────────────┼────────────┤            │  close  1000  3 hops, 2.00 ms
   15.00  │            │            ●            │            │  closed  up 303 B, down 388 B
   16.00  │            ●            │            │            │  closed  up 367 B, down 388 B
   17.00  │            ●            │            │            │  closed  up 403 B, down 388 B
          │            │            │            │            │
"""
HOSTILE = (
    b"</script><script>alert(1)</script>\x1b]0;pwned\x07\x1b[2J\n"
    b"end\n    L0->>L1: forged\n%%{init: {}}%%; \xe2\x80\xae\xff\x00<img src=x onerror=alert(1)>"
)


def shown(name: str, *, output: bytes = b"hi\n", **options) -> str:
    session = exec_trace(output).session(SESSION)
    return render(name, [session], Options(**options)).decode()


def test_a_session_is_drawn_over_its_lanes():
    assert shown("text", fold=True, width=124) == GOLDEN


def test_without_folding_each_hop_has_its_row():
    rows = [row for row in shown("text").splitlines() if "stdout 3 B" in row]

    assert len(rows) == 4


def test_a_long_picture_loses_its_middle_and_says_so():
    text = shown("text", most=4)

    assert "rows left out" in text
    assert len(text.splitlines()) < 14


@pytest.mark.parametrize("color", [False, True])
def test_nothing_that_was_recorded_acts_on_the_terminal(color):
    text = shown("text", output=HOSTILE, color=color)

    plain = re.sub(r"\x1b\[[\d;]*m", "", text)
    assert all(character.isprintable() or character == "\n" for character in plain)
    assert "\\e[2J" in plain or "…" in plain


def test_a_mermaid_diagram_has_only_lines_of_its_own():
    lines = shown("mermaid", output=HOSTILE).splitlines()

    shapes = (
        r"sequenceDiagram",
        r"    title .*",
        r"    participant L\d as \w+",
        r"    L\d(->>|-->>|-x)L\d: [^;%]*(#\d+;[^;%]*)*",
        r"    Note over L\d(,L\d)?: .*",
    )
    for line in lines:
        assert any(re.fullmatch(shape, line) for shape in shapes), line
        assert "forged" not in line or line.count("#10;") or "\\n" in line


def test_the_same_bytes_are_found_on_every_hop():
    from traces.picture import picture_of

    picture = picture_of(exec_trace().session(SESSION))

    (process,) = (
        row for row in picture["rows"] if row["h"] == "cri-shim" and "w" in row
    )
    others = [picture["rows"][index] for index in process["o"]]
    assert [row["h"] for row in others] == [
        "kubelet-cri-streaming",
        "apiserver-kubelet",
        "kubectl-apiserver",
    ]
    assert picture["terminal"]["moments"] == [[13.0, "o", "hi\r\n"]]

"""The page's terminal beside pyte's: the same text gives the same screen."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pyte
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import traces
from tests.support.tools import tool_or_skip

SCRIPT = Path(traces.__file__).parent / "data" / "web" / "terminal.js"
WIDTH, HEIGHT = 20, 6
_RUN = """
const { Terminal } = require(process.argv[1]);
const lines = require("readline").createInterface({ input: process.stdin });
lines.on("line", (line) => {
  const { width, height, pieces } = JSON.parse(line);
  const terminal = new Terminal(width, height);
  for (const piece of pieces) terminal.write(piece);
  const screen = terminal.lines.map((_, y) => terminal.text(y));
  console.log(JSON.stringify({ screen, cursor: [terminal.x, terminal.y] }));
});
"""


class Script:
    """The script in a node that stays."""

    def __init__(self):
        node = tool_or_skip("node", "nodejs")
        self._process = subprocess.Popen(
            [str(node), "-e", _RUN, str(SCRIPT)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def shows(self, *pieces: str, width: int = WIDTH) -> dict:
        asked = {"width": width, "height": HEIGHT, "pieces": pieces}
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def close(self):
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


@pytest.fixture(scope="module")
def script():
    made = Script()
    yield made
    made.close()


def pyte_shows(text: str, width: int = WIDTH) -> dict:
    screen = pyte.Screen(width, HEIGHT)
    pyte.Stream(screen).feed(text)
    x = min(screen.cursor.x, width - 1)  # pyte waits for the wrap one column further
    lines = [line.rstrip(" ") for line in screen.display]
    return {"screen": lines, "cursor": [x, screen.cursor.y]}


CASES = {
    "lines": "one\r\ntwo\nthree\bX\ttab",
    "wrap": "x" * 19 + "abc",
    "wrap waits": "x" * 20 + "\rY",
    "cursor": "\x1b[3;5Hhere\x1b[A^\x1b[2Dv\x1b[H1\x1b[6;20H9",
    "clear": "junk\r\nmore\x1b[2J\x1b[Hclean",
    "erase line": "0123456789\x1b[5D\x1b[K\r\n0123456789\x1b[5D\x1b[1K",
    "erase below": "a\r\nb\r\nc\x1b[2;1H\x1b[J",
    "colours": "\x1b[1;31mred\x1b[0m \x1b[38;5;200mx\x1b[48;2;1;2;3my\x1b[m",
    "scroll": "".join(f"line {n}\r\n" for n in range(9)),
    "region": "\x1b[2;4ra\r\nb\r\nc\r\nd\r\ne\r\nf",
    "insert and delete": "abcdef\x1b[3D\x1b[2@\x1b[6D\x1b[P",
    "line in": "a\r\nb\r\nc\x1b[2;1H\x1b[L",
    "line out": "a\r\nb\r\nc\x1b[2;1H\x1b[M",
    "reverse": "a\r\n\x1b[1;1H\x1bMtop",
    "save": "ab\x1b7\x1b[5;5Hx\x1b8c",
    "title": "\x1b]0;a title\x07text",
    "wide": "a漢字b",
    "combining": "x\u0323y",
}


@pytest.mark.parametrize("name", CASES)
def test_the_screen_is_pytes(script, name):
    assert script.shows(CASES[name]) == pyte_shows(CASES[name])


safe = st.sampled_from(
    ["a", "bc", "0123456789", "\r", "\n", "\r\n", "\b", "é", "\x1b[m", "\x1b[1;32m"]
    + [f"\x1b[{n}{c}" for n in (1, 2, 7) for c in "ABCDGd@PX"]
    + [f"\x1b[{n}{c}" for n in (0, 1, 2) for c in "JK"]
    + ["\x1b[H", "\x1b[3;4H", "\x1bM", "\x1bD"]
)


@given(pieces=st.lists(safe, max_size=25))
@settings(
    max_examples=200,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_any_mixture_of_these_gives_pytes_screen(script, pieces):
    text = "".join(pieces)
    # so wide that nothing wraps: pyte's cursor stands outside of the screen then
    width = 300

    assert script.shows(text, width=width) == pyte_shows(text, width)


@given(text=st.text(st.characters(max_codepoint=0x2FF), max_size=60), at=st.integers(0))
@settings(
    max_examples=200,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_where_text_is_cut_means_nothing(script, text, at):
    cut = at % (len(text) + 1)

    assert script.shows(text) == script.shows(text[:cut], text[cut:])

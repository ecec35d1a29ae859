"""The page: what it may load and run is only its own."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser

from tests.unit.traces.exec_session import SESSION, exec_trace
from tests.unit.traces.test_pictures import HOSTILE
from traces.formats import Options, render
from traces.page_room import fit


class Tags(HTMLParser):
    """Every tag with its attributes, and the text of scripts and styles."""

    def __init__(self):
        super().__init__()
        self.tags = []
        self.texts = []
        self.open = None

    def handle_starttag(self, tag, attrs):
        self.open = tag, dict(attrs)
        self.tags.append(self.open)

    def handle_endtag(self, tag):
        self.open = None

    def handle_data(self, data):
        if self.open and self.open[0] in ("script", "style"):
            self.texts.append((self.open, data))


def parsed(output: bytes) -> Tags:
    session = exec_trace(output).session(SESSION)
    tags = Tags()
    tags.feed(render("html", [session], Options()).decode())
    return tags


def test_hostile_bytes_add_no_tag():
    assert parsed(HOSTILE).tags == parsed(b"hi\n").tags


def test_a_page_has_room_for_the_begin_of_every_frame_and_says_what_is_missing():
    frames = [{"b": "A" * 6000, "n": 4500}, {"b": "B" * 6000, "n": 4500}, {"b": "QQ=="}]
    moments = [[0.0, "o", "x" * 60], [1.0, "o", "y" * 60], [2.0, "o", "z" * 60]]

    page = fit(
        {"rows": [*frames, {}], "terminal": {"moments": moments}},
        room=8000,
        terminal_room=100,
    )

    assert [len(row.get("b", "")) for row in page["rows"]] == [6000, 1024, 4, 0]
    assert page["rows"][1]["n"] == 4500
    kept, said = page["terminal"]["moments"]
    assert kept == moments[0]
    assert said[:2] == [1.0, "o"]
    assert "120 characters more" in said[2]


def test_the_policy_allows_the_script_and_style_of_the_page_only():
    tags = parsed(b"hi\n")
    policy = next(a["content"] for t, a in tags.tags if a.get("http-equiv"))
    hashes = {
        (
            tag,
            f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'",
        )
        for (tag, attributes), text in tags.texts
        if "type" not in attributes
    }

    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert len(hashes) == 2
    for tag, digest in hashes:
        assert re.search(rf"{tag}-src {re.escape(digest)}(;|$)", policy)


def test_nothing_is_loaded_from_elsewhere():
    loading = {"src", "href", "action", "srcset", "data", "style", "onload"}

    for _, attributes in parsed(HOSTILE).tags:
        assert not loading & set(attributes)


def test_the_data_are_the_bytes_that_were_recorded():
    tags = parsed(HOSTILE)
    (data,) = (text for (_, a), text in tags.texts if a.get("id") == "sessions")

    (picture,) = json.loads(data)
    rows = [row for row in picture["rows"] if row["k"] == "stdout"]
    assert {base64.b64decode(row["b"]) for row in rows} == {HOSTILE}

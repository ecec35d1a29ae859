"""The terminal interface, driven by Textual's pilot at 80x24 over recorded sessions."""

from __future__ import annotations

import queue
from pathlib import Path

import pytest
from textual.widgets import DataTable, Input, Static, TabbedContent

from traces.live.feed import EventsLost, ServiceJoined, ServiceLeft
from traces.reader import read_folder
from traces.tui import frames_pane
from traces.tui.app import TraceApp
from traces.tui.frames_pane import FramesPane
from traces.tui.help_screen import HelpScreen
from traces.tui.list_screen import ListScreen
from traces.tui.session_screen import SessionScreen

VECTORS = Path(__file__).parents[2] / "vectors" / "explain"
SIZE = (80, 24)


def recorded(*names):
    events = [
        e for name in names for e in read_folder(VECTORS / f"{name}.jsonl").events
    ]
    return sorted(events, key=lambda event: event.wall)


class FakeFeed:
    """News that a test puts in."""

    def __init__(self):
        self.news = queue.Queue()

    def read(self, timeout):
        try:
            return self.news.get(timeout=timeout)
        except queue.Empty:
            return []

    def wake(self):
        self.news.put([])


def rows(app):
    table = app.screen.query_one(DataTable)
    return [
        [str(cell) for cell in table.get_row_at(index)]
        for index in range(table.row_count)
    ]


def text(app, selector):
    return str(app.screen.query_one(selector, Static).render())


async def until(pilot, holds):
    """Wait for the interface to have done what it was told."""
    while not holds():
        await pilot.pause(0.01)


async def test_sessions_are_listed_with_verb_target_and_status():
    app = TraceApp(events=recorded("exit-3", "not-allowed"))

    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()

        assert [row[1:4] for row in rows(app)] == [
            ["exec", "default/web web", "exit 3"],
            ["exec", "default/web", "403 Forbidden"],
        ]


async def test_what_is_needed_fits_into_eighty_columns():
    app = TraceApp(events=recorded("exit-3"))

    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        table = app.screen.query_one(DataTable)
        shown = list(table.columns.values())[:6]

        assert sum(column.get_render_width(table) for column in shown) <= SIZE[0]


async def test_enter_opens_a_session_and_q_goes_back():
    app = TraceApp(events=recorded("exit-3"))

    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, SessionScreen))
        assert "exec default/web web" in text(app, "#title")

        await pilot.press("q")
        await until(pilot, lambda: isinstance(app.screen, ListScreen))
        await pilot.press("q")

    assert app.return_code == 0


@pytest.mark.parametrize(
    ("key", "selector", "said"),
    [
        ("1", "#request-text", "GET /api/v1/namespaces/default/pods/web/exec"),
        ("4", "#timing-text", "kubelet-cri-streaming"),
        ("5", "#why-text", "exit code 3"),
    ],
)
async def test_each_tab_says_its_part(key, selector, said):
    app = TraceApp(events=recorded("exit-3"))

    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, SessionScreen))
        await pilot.press(key)
        await pilot.pause()

        tabs = app.screen.query_one(TabbedContent)
        assert selector.startswith(f"#{tabs.active}")
        assert said in text(app, selector)


async def test_the_terminal_shows_what_the_process_wrote():
    app = TraceApp(events=recorded("nothing-wrong"))

    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, SessionScreen))
        await pilot.press("3")
        await pilot.pause()
        assert text(app, "#terminal-text") == "hello"

        await pilot.press("space")
        await until(pilot, lambda: "▶" not in text(app, "#terminal-text"))
        assert text(app, "#terminal-text") == "hello"


async def test_the_frame_under_the_cursor_is_shown_with_its_bytes():
    app = TraceApp(events=recorded("nothing-wrong"))

    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, SessionScreen))
        await pilot.press("slash", *"channel=stdin")
        await pilot.press("enter")
        await until(pilot, lambda: "68 65 6c 6c 6f" in text(app, "#frame-text"))

        frames = [row[2] for row in rows(app)]
        assert frames
        assert all("stdin" in frame for frame in frames)


async def test_of_a_long_session_the_middle_is_left_out_and_told_of(monkeypatch):
    monkeypatch.setattr(frames_pane, "_MOST", 6)
    app = TraceApp(events=recorded("nothing-wrong"))

    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, SessionScreen))
        await pilot.press("G")
        table = app.screen.query_one(DataTable)
        await until(pilot, lambda: table.cursor_row == 5)

        note = str(app.screen.query_one("#detail").border_title)
        assert note.endswith("frames in the middle are left out")


async def test_a_filter_acts_while_it_is_typed_and_a_wrong_one_is_told_of():
    app = TraceApp(events=recorded("exit-3", "not-allowed"))

    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("slash", *"status=403")
        await until(pilot, lambda: len(rows(app)) == 1)

        await pilot.press("space", "left_parenthesis")
        bar = app.screen.query_one(Input)
        await until(pilot, lambda: "missing at the end" in str(bar.border_title))
        assert len(rows(app)) == 1

        await pilot.press("escape")
        assert not bar.has_class("shown")
        assert bar.has_class("kept")  # or who sees few sessions would wonder why
        assert isinstance(app.screen, ListScreen)


async def test_the_question_mark_shows_the_keys():
    app = TraceApp(events=recorded("exit-3"))

    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(app.screen, HelpScreen))
        assert "length" in text(app, "#help")
        await pilot.press("q")
        await until(pilot, lambda: isinstance(app.screen, ListScreen))


async def test_sessions_appear_and_change_while_they_are_looked_at():
    events = recorded("exit-3")
    half = next(i for i, event in enumerate(events) if event.type == "exited")
    feed = FakeFeed()
    app = TraceApp(feed)

    async with app.run_test(size=SIZE) as pilot:
        feed.news.put(events[:half])
        await until(pilot, lambda: [row[3] for row in rows(app)] == ["running"])

        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, SessionScreen))
        feed.news.put(events[half:])
        await until(pilot, lambda: text(app, "#title").endswith("  exit 3"))
        assert "exit code 3" in text(app, "#why-text")

        await pilot.press("q")
        await until(pilot, lambda: [row[3] for row in rows(app)] == ["exit 3"])


async def test_lost_events_and_services_are_told_of():
    feed = FakeFeed()
    app = TraceApp(feed)

    async with app.run_test(size=SIZE) as pilot:
        feed.news.put([EventsLost("cri", 7)])
        await until(pilot, lambda: "7 events were lost" in text(app, "#note"))
        feed.news.put([ServiceLeft("kubelet")])
        await until(pilot, lambda: "kubelet is gone" in text(app, "#note"))
        feed.news.put([ServiceJoined("kubelet", again=True)])
        await until(pilot, lambda: text(app, "#note") == "kubelet is back")


async def test_all_frames_are_shown_when_asked_for():
    app = TraceApp(events=recorded("exit-3"))

    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, SessionScreen))
        await until(pilot, lambda: bool(rows(app)))
        before = len(rows(app))

        await pilot.press("a")
        await until(pilot, lambda: len(rows(app)) > before)

        assert app.screen.query_one(FramesPane)

"""One page in one file: lanes, bytes on click, and the terminal played again.

It loads nothing and sends nothing: its content security policy allows only its own
script and style, named by their hashes. What was recorded stands in it as data, in a
script block of type application/json in which no `<` occurs, and is shown as text nodes
only; so bytes of a session cannot become markup or script.

Sources: CSP level 3, 2.3.1 (hashes); HTML, 4.12.1.3 (restrictions of script blocks).
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from traces.page_room import fit
from traces.picture import picture_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from traces.formats.options import Options
    from traces.sessions import Session

__all__ = ["asset", "data_block", "render"]

_SCRIPTS = ("terminal.js", "sequence.js", "page.js")
_STYLE = "page.css"

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="mini-kube">
<meta name="referrer" content="no-referrer">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<noscript>This page draws a recorded session with a script of its own.</noscript>
<main id="page"></main>
{data}
<script>{script}</script>
</body>
</html>
"""


def render(sessions: Sequence[Session], options: Options) -> str:
    """The page; of several sessions, one is chosen in it."""
    pictures = [
        fit(picture_of(each, everything=options.everything, notes=options.notes))
        for each in sessions
    ]
    style, script = asset(_STYLE), "".join(map(asset, _SCRIPTS))
    policy = (
        "default-src 'none'; base-uri 'none'; form-action 'none'; "
        f"script-src '{_hash(script)}'; style-src '{_hash(style)}'"
    )
    title = sessions[0].title if len(sessions) == 1 else f"{len(sessions)} sessions"
    return _PAGE.format(
        policy=html.escape(policy),
        title=html.escape(title),
        style=style,
        script=script,
        data=data_block("sessions", pictures),
    )


@cache
def asset(name: str) -> str:
    """A script or style of the page, as it is in the package."""
    return files("traces").joinpath("data", "web", name).read_text("utf-8")


def data_block(id_: str, value: object) -> str:
    """A block of JSON that nothing in it can end."""
    text = json.dumps(value, separators=(",", ":"))  # ASCII only
    safe = text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    return f'<script type="application/json" id="{id_}">{safe}</script>'


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"

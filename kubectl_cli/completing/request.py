"""The hidden commands `__complete` and `__completeNoDesc`, which shells ask.

Source: spf13/cobra completions.go (initCompleteCmd).
"""

from __future__ import annotations

import io
import os
import sys
from contextlib import redirect_stderr, redirect_stdout

from kubectl_cli.completing.command_line import complete
from kubectl_cli.completing.found import Found

__all__ = ["answer"]


def answer(words: list[str], *, describes: bool) -> int:
    """Print a word a line, and how the shell is to take them."""
    found = _complete(words or [""])
    if found.error:
        print(f"[Debug] [Error] {found.error}", file=sys.stderr)
    for word in found.words:
        text = word.partition("\n")[0]
        print(text.strip() if describes else text.partition("\t")[0])
    print(f":{found.directive:d}")
    names = found.directive.names
    print(f"Completion ended with directive: {names}", file=sys.stderr)
    return 0


def _complete(words: list[str]) -> Found:
    """Somebody is typing: ask for no password, and say nothing of what goes wrong."""
    from kubectl_cli.completing.found import Directive

    with (
        open(os.devnull) as nothing,
        redirect_stdout(io.StringIO()),
        redirect_stderr(io.StringIO()),
    ):
        before, sys.stdin = sys.stdin, nothing
        try:
            return complete(words)
        except Exception:  # noqa: BLE001 - no server, no object, no right to see it
            return Found(directive=Directive.NO_FILE_COMP)
        finally:
            sys.stdin = before

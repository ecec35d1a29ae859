"""Functions that scripted containers of tests call."""

from __future__ import annotations

import sys


def shout(argv):
    """Say what comes, in capitals, and how many words the command had."""
    sys.stdout.write(sys.stdin.read().upper())
    return len(argv)

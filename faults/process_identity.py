"""When a process was started, by /proc (proc(5), /proc/PID/stat field 22)."""

from __future__ import annotations

from pathlib import Path

__all__ = ["start_time"]


def start_time(pid: int) -> int | None:
    """In clock ticks since boot; None when there is no such process, or a zombie."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The second field is the command in brackets, and may itself hold brackets.
    rest = text[text.rindex(")") + 2 :].split()
    return None if rest[0] in "ZXx" else int(rest[19])

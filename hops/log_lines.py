"""A service's log: a line a record, with the facts that were given as `extra`.

2026-11-22 17:45:10,789 W kube_client.reflector: list and watch interrupted resource=pods
"""

from __future__ import annotations

import json
import logging
import sys
from typing import Any, Final

__all__ = ["log_to_stderr"]

_FORMAT: Final = "%(asctime)s %(levelname).1s %(name)s: %(message)s"
# What every record has; all else was given to the logger.
_OWN: Final = {*logging.makeLogRecord({}).__dict__, "message", "asctime", "taskName"}


def log_to_stderr(level: int | str) -> None:
    """Write records of `level` and above to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_FactsFormatter(_FORMAT))
    logging.basicConfig(level=level, handlers=[handler])


class _FactsFormatter(logging.Formatter):
    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's
        facts = (
            f" {key}={_quoted(value)}"
            for key, value in record.__dict__.items()
            if key not in _OWN
        )
        return super().formatMessage(record) + "".join(facts)


def _quoted(value: Any) -> str:
    """As it is where it is one word, else with quotes."""
    text = str(value)
    plain = text.isprintable() and text and not set(text) & set(' "=')
    return text if plain else json.dumps(text, ensure_ascii=False)

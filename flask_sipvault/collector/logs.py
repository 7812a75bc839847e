"""The collector's log: a line of ``key=value`` for each event, on standard error."""

from __future__ import annotations

import json
import logging
import re
import time
import traceback
from pathlib import Path
from typing import Any

#: What a value may consist of to stand without quotes.
_PLAIN = re.compile(r"[A-Za-z0-9_.:/@+,\[\]-]+")

_USUAL_FIELDS = frozenset(vars(logging.makeLogRecord({}))) | {"message"}


class KeyValueFormatter(logging.Formatter):
    """``time=… level=info message="agent connected" customer=acme …``

    What strangers named is quoted as JSON quotes, so that nobody writes lines of their
    own. Of an exception are told its type and where it was, and not its text: that may
    hold what was captured.
    """

    def format(self, record: logging.LogRecord) -> str:
        """See :class:`logging.Formatter`."""
        facts: dict[str, Any] = {
            "time": _moment(record.created),
            "level": record.levelname.lower(),
            "message": record.getMessage(),
        }
        facts.update(
            (name, value)
            for name, value in vars(record).items()
            if name not in _USUAL_FIELDS
        )
        if record.exc_info and record.exc_info[0] is not None:
            kind, _, trace = record.exc_info
            frames = traceback.extract_tb(trace)
            places = [f"{Path(f.filename).name}:{f.lineno}" for f in frames]
            facts["exception"], facts["at"] = kind.__name__, ",".join(places)
        return " ".join(f"{name}={_written(value)}" for name, value in facts.items())


def log_to_stderr() -> logging.Handler:
    """Let the package log there and nowhere else."""
    handler = logging.StreamHandler()
    handler.setFormatter(KeyValueFormatter())
    package = logging.getLogger("flask_sipvault")
    package.addHandler(handler)
    package.setLevel(logging.INFO)
    package.propagate = False
    return handler


def _moment(seconds: float) -> str:
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
    return f"{whole}.{int(seconds % 1 * 1000):03}Z"


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value)
    return text if _PLAIN.fullmatch(text) else json.dumps(text)

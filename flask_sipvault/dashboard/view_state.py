"""What of a call a page shows: the parameters of its address beside the signed ones.

They change nothing about who may see what, so that they need no signature. A value that
means nothing counts as not given.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import fields
from dataclasses import replace
from typing import Any
from typing import Literal
from urllib.parse import urlencode

from ..analysis.ladder.ladder import Ports
from .panels.messages.filter import MAX_LENGTH

#: The least serious log lines that are shown.
Level = Literal["all", "warning", "error"]

_LEVELS: dict[str, Level] = {"warning": "warning", "error": "error"}


@dataclass(frozen=True, slots=True)
class View:
    """What is shown, and from where on.

    :param ports: whether the ports of a host are lifelines of their own.
    :param again: whether every sending of a message is shown, not only the first.
    :param repeats: whether what a long call does again and again is shown each time.
    :param find: the filter of the messages, see :mod:`.message_filter`.
    :param message: a message that has to be among those on the page.
    :param level: the least serious log lines, ``log`` a text they hold, ``source``
        which source they are of, from 1; 0 for all.
    :param line: a log line that has to be among those on the page.
    :param axis: the stretch of time that is open, see :mod:`.time_axis`; "" for all.
    """

    ports: Ports = "merged"
    again: bool = False
    repeats: bool = False
    find: str = ""
    message: int = 1
    level: Level = "all"
    log: str = ""
    source: int = 0
    line: int = 1
    axis: str = ""

    @classmethod
    def of(cls, query: Mapping[str, str]) -> View:
        """What a request asks for."""
        return cls(
            ports="split" if query.get("ports") == "split" else "merged",
            again=query.get("again") == "shown",
            repeats=query.get("repeats") == "shown",
            find=query.get("find", "").strip()[:MAX_LENGTH],
            message=_number(query.get("from", ""), 1),
            level=_LEVELS.get(query.get("level", ""), "all"),
            log=query.get("log", "").strip()[:MAX_LENGTH],
            source=_number(query.get("source", ""), 0),
            line=_number(query.get("line", ""), 1),
            axis=query.get("axis", "")[:30],
        )

    def but(self, **changes: Any) -> View:
        """The same with something changed."""
        return replace(self, **changes)

    def query(self) -> str:
        """The parameters for the address; only what is not so by itself."""
        plain = View()
        given = {
            field.name: getattr(self, field.name)
            for field in fields(self)
            if getattr(self, field.name) != getattr(plain, field.name)
        }
        for name in ("again", "repeats"):
            if name in given:
                given[name] = "shown"
        if "message" in given:
            given["from"] = given.pop("message")
        return urlencode(given)


def _number(text: str, default: int) -> int:
    digits = text.isascii() and text.isdigit() and len(text) < 10
    return int(text) if digits else default

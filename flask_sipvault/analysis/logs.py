"""How serious a log line is, by the marks that SIP servers put in it."""

from __future__ import annotations

import re

#: As the servers write them: OpenSIPS and Kamailio (``DBG:core:``, ``INFO: <core>``),
#: Asterisk (``WARNING[1234]``), FreeSWITCH (``[ERR]``), RTPengine (``ERR:``).
_WORDS = {
    "DBG": "DEBUG",
    "DEBUG": "DEBUG",
    "VERBOSE": "DEBUG",
    "INFO": "INFO",
    "NOTICE": "NOTICE",
    "WARN": "WARNING",
    "WARNING": "WARNING",
    "ERR": "ERROR",
    "ERROR": "ERROR",
    "BUG": "CRITICAL",
    "CRIT": "CRITICAL",
    "CRITICAL": "CRITICAL",
    "ALERT": "CRITICAL",
    "EMERG": "CRITICAL",
}

_MARK = re.compile(rf"(?<![\w.-])({'|'.join(_WORDS)})(?:\d{{0,2}}:|\[|\])")

#: RFC 5424 section 6.2.1: a syslog line in the raw begins with its priority, whose
#: remainder by eight is the severity.
_PRIORITY = re.compile(r"<(\d{1,3})>")
_SEVERITIES = (
    "CRITICAL",
    "CRITICAL",
    "CRITICAL",
    "ERROR",
    "WARNING",
    "NOTICE",
    "INFO",
    "DEBUG",
)


def level(line: str) -> str | None:
    """``DEBUG``, ``INFO``, ``NOTICE``, ``WARNING``, ``ERROR`` or ``CRITICAL``; None
    where the line does not say. The first mark counts, what follows is free text.

    >>> level("proxy opensips[4242]: DBG:tm:t_lookup: start")
    'DEBUG'
    """
    mark = _MARK.search(line)
    if mark:
        return _WORDS[mark[1]]
    priority = _PRIORITY.match(line)
    return _SEVERITIES[int(priority[1]) % 8] if priority else None

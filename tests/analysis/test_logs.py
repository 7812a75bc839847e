from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_sipvault.analysis.logs import level


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("/usr/sbin/opensips[4242]: DBG:core:parse_msg: SIP Request:", "DEBUG"),
        ("/usr/sbin/opensips[4242]: INFO:new call", "INFO"),
        ("opensips[1]: CRITICAL:core:receive_fd: EOF on 9", "CRITICAL"),
        (" 1(23966) WARNING: {1-2@h} <script>: call failed with 486", "WARNING"),
        (" 0(1) BUG: tm [t_reply.c:1]: oops", "CRITICAL"),
        ("[2026-11-23 13:16:46] NOTICE[123][C-0001] chan_sip.c: ERROR: x", "NOTICE"),
        ("[Nov 23 13:16:46] VERBOSE[123][C-01] pbx.c: Executing", "DEBUG"),
        ("2026-11-23 13:16:46 [ERR] switch_core.c:1 no", "ERROR"),
        ("2026-11-23 13:16:46.1 98% [DEBUG] sofia.c:7 x", "DEBUG"),
        ("rtpengine[7]: ERR: [call-1]: gone", "ERROR"),
        ("rtpengine[7]: DEBUG: [call-1]: fine", "DEBUG"),
        ("kamailio: ALERT: <core>: down", "CRITICAL"),
        ("proxy-1: WARN: slow", "WARNING"),
        ("<131>Nov 23 13:16:46 proxy app: it broke", "ERROR"),
        ("<6>app: fine", "INFO"),
        ("BYE from 10.8.0.14, dlg 3a2:91f", None),
        ("an ERROR without a mark", None),
        ("INFORMATION: none", None),
        ("", None),
    ],
)
def test_each_servers_marks_are_known(line: str, expected: str | None) -> None:
    assert level(line) == expected


def test_every_line_of_the_recorded_logs_has_a_level(agent_corpus: Path) -> None:
    counted: Counter[str | None] = Counter()
    for log in agent_corpus.glob("*.log"):
        counted.update(map(level, log.read_text("utf-8").splitlines()))
    assert counted[None] == 0
    assert counted["ERROR"] == 1
    assert counted["WARNING"] > 0


@given(st.text())
def test_any_line_is_no_error(line: str) -> None:
    level(line)

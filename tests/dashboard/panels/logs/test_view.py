from __future__ import annotations

from flask_sipvault.analysis.sip.messages import read_messages
from flask_sipvault.dashboard.page import LogsView
from flask_sipvault.dashboard.panels.logs.view import Log
from flask_sipvault.dashboard.panels.logs.view import logs_view
from flask_sipvault.dashboard.view_state import View
from flask_sipvault.evidence import LogLine

from ...calls import packet
from ...calls import START

LINES = [
    LogLine(START - 5_000_000, "proxy", "INFO: before"),
    LogLine(START + 19_000_000, "proxy", "WARNING: slow"),
    LogLine(START + 500_000_000, "pbx", "ERROR: Gone\u202e"),
]


def _log(lines: list[LogLine] = LINES) -> Log:
    messages = read_messages(
        [packet("INVITE sip:b SIP/2.0"), packet("BYE sip:b SIP/2.0", after_ms=20)]
    )
    return Log(lines, messages, START)


def _seen(view: View, lines: list[LogLine] = LINES) -> LogsView:
    return logs_view(_log(lines), view, lambda view: f"?{view.query()}")


def _numbers(logs: LogsView) -> list[int]:
    return [line.n for piece in logs.pieces for line in piece.lines or ()]


def test_a_line_is_near_the_message_next_to_it_in_time() -> None:
    log = _log()
    assert [log.view(line).nearest for line in log.lines] == [1, 2, 2]
    assert [line.n for line in log.near({2})] == [2, 3]
    assert Log(LINES, [], START).view(log.lines[0]).nearest is None


def test_its_time_counts_from_the_calls_first_moment() -> None:
    log = _log()
    first = log.view(log.lines[0])
    assert (first.ms, first.since) == ("-5.000", "\N{MINUS SIGN}0:00.005")


def test_nothing_unseen_is_in_its_text() -> None:
    log = _log()
    assert log.view(log.lines[2]).text == "ERROR: Gone⟨U+202E⟩"


def test_lines_are_chosen_by_level_source_and_text() -> None:
    assert _numbers(_seen(View())) == [1, 2, 3]
    assert _numbers(_seen(View(level="warning"))) == [2, 3]
    assert _numbers(_seen(View(level="error"))) == [3]
    assert _numbers(_seen(View(source=1))) == [1, 2]
    assert _numbers(_seen(View(log="GONE"))) == [3]
    assert _numbers(_seen(View(log="gone", source=1))) == []


def test_each_level_says_how_many_lines_it_would_show() -> None:
    levels = _seen(View(level="error")).levels
    assert [(each.value, each.count, each.current) for each in levels] == [
        ("all", "3", False),
        ("warning", "2", False),
        ("error", "1", True),
    ]


def test_what_leaves_no_choice_is_not_offered() -> None:
    alike = [LogLine(START, "", "INFO: one"), LogLine(START, "", "INFO: two")]
    seen = _seen(View(), alike)
    assert (seen.levels, seen.sources) == ([], [])
    assert {
        line.source_number for line in _seen(View(), LINES).pieces[0].lines or ()
    } == {*(1, 2)}


def test_a_long_log_comes_in_stretches() -> None:
    lines = [LogLine(START + n, "", f"line {n}") for n in range(1, 1202)]
    pieces = _seen(View(line=700), lines).pieces
    assert [piece.stretch.label for piece in pieces] == [
        "Lines 1 to 500",
        "Lines 501 to 1,000",
        "Lines 1,001 to 1,201",
    ]
    assert [piece.lines is not None for piece in pieces] == [False, True, False]
    assert pieces[2].stretch.url == "?line=1001#l1001"

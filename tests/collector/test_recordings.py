"""What the real agent sent, from its bytes to the vault."""

from __future__ import annotations

import re
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from flask_sipvault.collector.items import Item
from flask_sipvault.evidence import Evidence
from flask_sipvault.protocols import sip

from .conftest import Collector
from .conftest import items_of
from .conftest import recorded
from .conftest import RECORDINGS

SCENARIOS = sorted(path.name for path in RECORDINGS.glob("*.expected.json"))

#: A call that was never answered, and one whose end the server did not see.
EXPIRED = {"1-31956@127.0.0.2", "1-25480@127.0.0.2"}


def sequence(call: Evidence) -> list[str]:
    messages = [sip.parse(packet.payload) for packet in call.sip]
    return [message.method or f"{message.code:03}" for message in messages]


def owner(line: str, named: str, call_ids: list[str]) -> str:
    """Whose line it is, by what stands around a Call-ID in these logs."""
    whole = [
        call_id
        for call_id in call_ids
        if re.search(rf"(^|[ =\[]){re.escape(call_id)}($|[ \],])", line)
    ]
    return max(whole, key=len) if whole else named


def check(expected: dict[str, Any], items: list[Item], collector: Collector) -> None:
    calls = {
        call_id: call["wire"]
        for call_id, call in expected["calls"].items()
        if any("INVITE" in method for method in call["wire"]["sip_sequence"])
        or "BYE" in call["wire"]["sip_sequence"]
    }
    lines: Counter[tuple[str, bytes]] = Counter()
    for item in items:
        if item.kind == "log":
            text = item.payload.decode("utf-8", "replace")
            whose = owner(text, item.call_id, list(calls))
            lines[whose, item.payload.rstrip(b"\r\n")] += 1
    for call_id in expected["calls"].keys() - calls.keys():
        assert collector.find(call_id) is None
    for call_id, wire in calls.items():
        call = collector.call(call_id)
        assert Counter(sequence(call)) == Counter(wire["sip_sequence"])
        assert len(call.rtcp) == wire["rtcp"]
        reports = [report.report for report in call.reports]
        assert sorted(map(repr, reports)) == sorted(
            map(repr, wire["data_quality_json"])
        )
        assert Counter(
            line.line.encode("utf-8", "surrogateescape") for line in call.logs
        ) == {line: n for (whose, line), n in lines.items() if whose == call_id}
        assert call.state == ("EXPIRED" if call_id in EXPIRED else "COMPLETE")
        assert call.agents in (["proxy"], ["192.0.2.9"])
        assert len(collector.parts(call_id)) == 1
    assert collector.spooled() == 0


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_recording_gives_what_was_counted_in_it(
    scenario: str, collector: Collector
) -> None:
    expected = recorded(scenario)
    files = [connection["file"] for connection in expected["connections"]]
    items = [item for file in files for item in items_of(file)]

    collector.take(*items)
    collector.wait(40)
    collector.now += 4 * 3600
    collector.wait(1)

    check(expected, items, collector)


@pytest.mark.parametrize("scenario", ["quality_twice", "hep_tls", "proxy_baresip"])
@settings(max_examples=8)
@given(data=st.data())
def test_the_pieces_that_bytes_come_in_change_nothing(
    scenario: str, data: st.DataObject
) -> None:
    expected = recorded(f"{scenario}.expected.json")
    (connection,) = expected["connections"]
    stream = (RECORDINGS / connection["file"]).read_bytes()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=60)))
    places = zip([0, *cuts], [*cuts, len(stream)], strict=True)
    items = items_of(connection["file"], [stream[i:j] for i, j in places])

    with tempfile.TemporaryDirectory() as folder:
        collector = Collector(Path(folder))
        collector.take(*items)
        collector.wait(40)
        check(expected, items, collector)
        collector.close()


def test_every_line_of_a_busy_proxy_ends_up_with_its_own_call(
    collector: Collector,
) -> None:
    """446 of these 900 lines came under another call's name."""
    expected = recorded("many_150.expected.json")

    collector.take(*items_of("many_150.svwire"))
    collector.wait(40)

    for call_id, call in expected["calls"].items():
        lines = collector.call(call_id).logs
        assert len(lines) == call["log_lines_in_file"]
        assert all(re.search(rf"\b{call_id}\b", line.line) for line in lines)


def test_lines_that_come_before_the_messages_they_speak_of_are_not_lost(
    collector: Collector,
) -> None:
    items = items_of("many_20.svwire")
    items.sort(key=lambda item: item.kind != "log")
    expected = recorded("many_20.expected.json")

    collector.take(*items)
    collector.wait(40)

    check(expected, items, collector)

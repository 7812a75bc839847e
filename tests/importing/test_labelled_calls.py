"""What an import keeps of the labelled calls, beside their messages."""

from __future__ import annotations

from pathlib import Path

import pytest

from flask_sipvault.evidence import Evidence
from flask_sipvault.importing.importer import import_capture
from flask_sipvault.protocols.capture import CaptureSummary
from flask_sipvault.protocols.capture import read_capture
from flask_sipvault.protocols.rtp_figures import StreamFigures

LABELLED = Path(__file__).parents[1] / "data" / "labelled"


def the_call(name: str) -> Evidence:
    summary = CaptureSummary()
    with (LABELLED / f"{name}.pcap").open("rb") as file:
        items = read_capture(file, summary=summary)
        (call,) = import_capture(
            items, customer_id="acme", source=name, summary=summary
        )
    return call


def stream_from(call: Evidence, src: str) -> StreamFigures:
    (stream,) = (it for it in call.media if str(it.src) == src)
    return stream


def test_a_ptime_that_changes_is_seen_with_its_time() -> None:
    stream = stream_from(the_call("ptime-changes-mid-call"), "192.0.2.60:12000")
    first, second = stream.packetization
    assert (first.packets, first.size, first.packet_ms) == (100, 320, 40)
    assert (second.packets, second.size, second.packet_ms) == (148, 160, 20)
    assert first.last_ts < second.first_ts


@pytest.mark.parametrize(
    ("name", "described"),
    [("dtmf-wrong-payload-type", False), ("dtmf-wrong-payload-type-healthy", True)],
)
def test_digits_are_read_whether_their_payload_type_was_agreed_or_not(
    name: str, described: bool
) -> None:
    call = the_call(name)
    (events,) = (it.telephone_events for it in call.media if it.telephone_events)
    assert [event.event for event in events] == [1, 2, 3]
    assert {event.described for event in events} == {described}
    assert all(event.ended and event.duration_ms == 100 for event in events)


def test_digits_are_no_change_of_the_codec() -> None:
    stream = stream_from(the_call("dtmf-wrong-payload-type"), "198.51.100.90:22000")
    assert stream.payload_changes == 0
    assert len(stream.packetization) == 1


def test_each_icmp_error_is_kept_with_the_call() -> None:
    call = the_call("invite-larger-than-path-mtu")
    assert [event.error.kind for event in call.network] == ["too-big"] * 7
    assert {event.error.mtu for event in call.network} == {1472}
    sizes = {len(packet.payload) for packet in call.sip}
    assert {event.error.lost_size for event in call.network} <= sizes


def test_a_message_in_fragments_is_known_to_be_one() -> None:
    call = the_call("invite-fragments-lost")
    assert [packet.fragments for packet in call.sip] == [0, 0, 0, *([2] * 7)]


@pytest.mark.parametrize("path", sorted(LABELLED.glob("*.pcap")), ids=lambda p: p.stem)
def test_nothing_is_said_to_lack_where_nothing_does(path: Path) -> None:
    summary = CaptureSummary()
    with path.open("rb") as file:
        items = read_capture(file, summary=summary)
        calls = list(
            import_capture(items, customer_id="a", source="x", summary=summary)
        )
    assert summary.frames_cut == summary.clock_steps == 0
    for call in calls:
        facts = call.capture
        assert facts.frames_cut == facts.fragments_missing == facts.clock_steps == 0
        assert facts.duplicates == 0
        assert {packet.incomplete for packet in call.sip} == {""}

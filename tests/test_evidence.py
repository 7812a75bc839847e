"""One call out of the parts that were kept of it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_sipvault.evidence import call_hash
from flask_sipvault.evidence import CaptureFacts
from flask_sipvault.evidence import Evidence
from flask_sipvault.evidence import LogLine
from flask_sipvault.evidence import merge
from flask_sipvault.evidence import QualityReport
from flask_sipvault.evidence import RtcpDatagram
from flask_sipvault.evidence import SipPacket
from flask_sipvault.evidence import State
from flask_sipvault.protocols.address import Endpoint
from flask_sipvault.protocols.rtp_figures import StreamFigures

ALICE = Endpoint("192.0.2.1", 5060)
PROXY = Endpoint("192.0.2.9", 5060)
BOB = Endpoint("192.0.2.2", 5060)
MS = 1_000_000
T = 1_795_000_000_000_000_000


def invite(ts: int, src: Endpoint = ALICE, dst: Endpoint = PROXY) -> SipPacket:
    return SipPacket(ts, src, dst, "udp", b"INVITE sip:bob@example.com SIP/2.0\r\n\r\n")


def part(*items: object, state: str = "COMPLETE") -> Evidence:
    """A part of one call that holds these items."""
    evidence = Evidence("acme", "a@example.com")
    evidence.state = state  # type: ignore[assignment]
    for item in items:
        if isinstance(item, SipPacket):
            evidence.sip.append(item)
        elif isinstance(item, RtcpDatagram):
            evidence.rtcp.append(item)
        elif isinstance(item, LogLine):
            evidence.logs.append(item)
        elif isinstance(item, QualityReport):
            evidence.reports.append(item)
    return evidence


def test_the_hash_is_the_links() -> None:
    # From the published vectors.
    assert call_hash("a7a186b1ff8c4cfeaa90a9144ba9cb24") == "3482ddcdb8d4ea53"


def test_a_message_that_two_agents_saw_is_one() -> None:
    whole = merge([part(invite(T)), part(invite(T + 3 * MS))])
    assert [packet.ts for packet in whole.sip] == [T]


def test_a_retransmission_that_another_part_holds_stays() -> None:
    whole = merge([part(invite(T)), part(invite(T + 500 * MS))])
    assert len(whole.sip) == 2


def test_a_retransmission_that_both_saw_stays_a_retransmission() -> None:
    both = (invite(T), invite(T + 500 * MS))
    whole = merge([part(*both), part(*(replace(p, ts=p.ts + MS) for p in both))])
    assert [packet.ts for packet in whole.sip] == [T, T + 500 * MS]


def test_within_one_part_no_message_is_a_duplicate() -> None:
    whole = merge([part(invite(T), invite(T), invite(T + MS))])
    assert len(whole.sip) == 3


def test_rtcp_that_comes_twice_within_a_millisecond_is_a_copy_and_counted() -> None:
    times = (T, T + MS, T + 2 * MS + 1, T + 5000 * MS)
    mirrored = part(*(RtcpDatagram(ts, ALICE, BOB, b"rr") for ts in times))
    whole = merge([mirrored])
    assert [datagram.ts for datagram in whole.rtcp] == [T, times[2], times[3]]
    assert whole.capture.duplicates == 1
    assert len(mirrored.rtcp) == 4


def test_copies_that_two_parts_hold_are_counted_by_each() -> None:
    mirrored = [
        part(*(RtcpDatagram(T + late, ALICE, BOB, b"rr") for late in (0, 1)))
        for _ in range(2)
    ]
    whole = merge(mirrored)
    assert len(whole.rtcp) == 1
    assert whole.capture.duplicates == 2
    assert [each.capture.duplicates for each in mirrored] == [0, 0]


def test_facts_of_the_capture_add_up() -> None:
    one, other = part(invite(T)), part(invite(T + 500 * MS))
    one.capture = CaptureFacts(3, 300, 2, 1, 1, link_types=[1], has_rtp=False)
    other.capture = CaptureFacts(4, 200, link_types=[101], has_rtp=None)
    assert merge([one, other]).capture == CaptureFacts(
        7, 300, 2, 1, 1, link_types=[1, 101], has_rtp=False
    )


def test_the_two_legs_at_a_proxy_are_two_messages() -> None:
    whole = merge([part(invite(T)), part(invite(T + MS, PROXY, BOB))])
    assert len(whole.sip) == 2


def test_rtcp_without_addresses_learns_them_from_its_twin() -> None:
    bare = RtcpDatagram(T, None, None, b"\x80\xc8...")
    full = RtcpDatagram(T + MS, ALICE, BOB, b"\x80\xc8...")
    for parts in ([part(bare), part(full)], [part(full), part(bare)]):
        [datagram] = merge(parts).rtcp
        assert (datagram.src, datagram.dst) == (ALICE, BOB)


def test_log_lines_and_reports_that_came_twice_are_one() -> None:
    line = LogLine(T, "proxy", "new call")
    report = QualityReport(T, {"verdict": "good"})
    whole = merge([part(line, report), part(replace(line), replace(report))])
    assert (len(whole.logs), len(whole.reports)) == (1, 1)


def test_everything_comes_out_in_time_order() -> None:
    whole = merge([part(invite(T + 900 * MS)), part(invite(T))])
    assert [packet.ts for packet in whole.sip] == [T, T + 900 * MS]
    assert (whole.first_ts, whole.last_ts) == (T, T + 900 * MS)


@pytest.mark.parametrize(
    ("states", "joint"),
    [
        (["PARTIAL", "PARTIAL"], "PARTIAL"),
        (["PARTIAL", "COMPLETE"], "COMPLETE"),
        (["EXPIRED", "PARTIAL"], "EXPIRED"),
        (["EXPIRED", "COMPLETE"], "COMPLETE"),
    ],
)
def test_a_call_is_over_when_one_collector_saw_its_end(
    states: list[str], joint: str
) -> None:
    assert merge([part(invite(T), state=state) for state in states]).state == joint


@given(st.permutations(range(4)), st.sampled_from(["COMPLETE", "EXPIRED", "PARTIAL"]))
def test_parts_without_sip_leave_the_state_as_it_is_whenever_they_come(
    order: list[int], state: State
) -> None:
    parts = [
        part(invite(T), state="PARTIAL"),
        part(invite(T + 900 * MS), state=state),
        part(RtcpDatagram(T + 100 * MS, None, None, b"\x80"), state="PARTIAL"),
        part(LogLine(T + 2 * MS, "proxy", "late"), state="PARTIAL"),
    ]
    whole = merge(parts[n] for n in order)

    assert whole.state == state
    assert len(whole.sip) == 2
    assert (len(whole.rtcp), len(whole.logs)) == (1, 1)


def test_parts_of_two_calls_are_not_mixed() -> None:
    other = replace(part(invite(T)), call_id="b@example.com")
    with pytest.raises(ValueError, match="not of one call"):
        merge([part(invite(T)), other])


def test_parts_of_two_customers_are_not_mixed() -> None:
    other = replace(part(invite(T)), customer_id="globex")
    with pytest.raises(ValueError, match="not of one call"):
        merge([part(invite(T)), other])


def test_no_part_is_no_call() -> None:
    with pytest.raises(ValueError, match="no part"):
        merge([])


def test_merging_leaves_the_parts_as_they_were() -> None:
    first = part(invite(T))
    merge([first, part(invite(T + 900 * MS))])
    assert len(first.sip) == 1


packets = st.lists(
    st.builds(
        SipPacket,
        st.integers(T, T + 2000 * MS),
        st.sampled_from([ALICE, PROXY]),
        st.sampled_from([BOB, PROXY]),
        st.just("udp"),
        st.sampled_from([b"one", b"two"]),
    ),
    max_size=8,
)


@given(packets)
def test_a_part_merged_with_itself_is_itself(captured: list[SipPacket]) -> None:
    once = merge([part(*captured)])
    assert merge([part(*captured), part(*captured)]).sip == once.sip


def test_bytes_that_are_no_text_are_kept_in_a_log_line() -> None:
    raw = b"caf\xe9 \xff"
    line = LogLine(T, "", raw.decode("utf-8", "surrogateescape"))
    assert line.line.encode("utf-8", "surrogateescape") == raw
    assert line.text == "caf\ufffd \ufffd"


def test_what_was_measured_has_its_time_too() -> None:
    whole = part(invite(T))
    whole.media = [StreamFigures(1, None, None, T - 5, T + 3, 1, 1)]
    whole.other_media = [
        {"first_ts": T - 2, "last_ts": T + 5},
        # Of another maker, or damaged.
        {"first_ts": "now", "last_ts": 1 << 70},
        {"first_ts": -1},
    ]
    assert (whole.first_ts, whole.last_ts) == (T - 5, T + 5)

"""The same evidence with other times is known again, and nothing else is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import seed
from hypothesis import strategies as st

from flask_sipvault.evidence import Evidence
from flask_sipvault.evidence import LogLine
from flask_sipvault.evidence import merge
from flask_sipvault.evidence import NetworkEvent
from flask_sipvault.evidence import SipPacket
from flask_sipvault.importing.twice import adds_to
from flask_sipvault.importing.twice import offset_to
from flask_sipvault.protocols.address import Endpoint

from ..wire import icmp
from ..wire import udp

A, B = Endpoint("192.0.2.1", 5060), Endpoint("192.0.2.2", 5060)
T = 1_795_442_531_000_000_000
SECOND = 10**9


def evidence(*packets: tuple[float, str]) -> Evidence:
    return Evidence(
        "acme",
        "1@h",
        sip=[
            SipPacket(T + round(at * SECOND), A, B, "udp", payload.encode())
            for at, payload in packets
        ],
    )


CALL = ((0, "INVITE"), (0.5, "INVITE"), (0.6, "180"), (4, "200"), (4.1, "ACK"))


@seed(20261127)
@given(
    st.integers(-(10**18), 10**18),
    st.lists(st.sampled_from(range(len(CALL))), min_size=3, unique=True),
)
def test_any_constant_offset_is_found(by: int, chosen: list[int]) -> None:
    """Also of a part of it that begins with a retransmission."""
    stored = evidence(*CALL)
    more = evidence(*(CALL[at] for at in sorted(chosen)))
    more.shift(by)

    offset = offset_to(stored, more, moved=True)

    assert offset is not None
    more.shift(offset)
    assert not adds_to(stored, more)


@pytest.mark.parametrize("moved", [True, False])
def test_overlapping_files_are_left_at_their_times(moved: bool) -> None:
    stored = evidence(*CALL[:3])
    assert offset_to(stored, evidence(*CALL[1:]), moved=moved) == 0


def test_a_retransmission_alone_is_no_copy() -> None:
    """The next file of a ring buffer begins with the INVITE sent again."""
    stored, more = evidence(CALL[0]), evidence(*CALL[1:])
    assert offset_to(stored, more, moved=False) is None
    assert offset_to(stored, more, moved=True) is None


def test_one_message_further_apart_than_any_retransmission_is_a_copy() -> None:
    stored, more = evidence(CALL[0]), evidence((33, "INVITE"))
    assert offset_to(stored, more, moved=False) == -33 * SECOND


def test_other_messages_of_the_call_are_no_copy() -> None:
    stored, more = evidence(*CALL), evidence((60, "BYE"), (60.1, "200 to BYE"))
    assert offset_to(stored, more, moved=True) is None
    assert adds_to(stored, more)


def test_times_that_a_tool_has_rounded_agree_all_the_same() -> None:
    stored, more = evidence(*CALL), evidence(*CALL)
    more.shift(3600 * SECOND)
    for n, packet in enumerate(more.sip):
        packet.ts += n * 90_000
    offset = offset_to(stored, more, moved=False)
    assert offset is not None
    assert abs(offset + 3600 * SECOND) < 1_000_000
    more.shift(offset)
    assert not adds_to(stored, more)


def test_a_new_line_of_the_log_is_something_new() -> None:
    stored, more = evidence(*CALL), evidence(*CALL)
    more.logs.append(LogLine(T, "proxy.log", "a line"))
    assert offset_to(stored, more, moved=False) == 0
    assert adds_to(merge([stored]), more)


def test_a_packet_of_the_network_is_something_new() -> None:
    stored, more = merge([evidence(*CALL)]), evidence(*CALL)
    event = NetworkEvent.read(T, icmp(3, 3, udp(b"INVITE")))
    assert event is not None
    more.network.append(event)
    assert adds_to(stored, more)
    assert not adds_to(merge([more]), more)

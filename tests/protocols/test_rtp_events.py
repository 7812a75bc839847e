"""Telephone events (RFC 4733), with a payload type that was described or not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from flask_sipvault.protocols.rtp_events import DIGITS
from flask_sipvault.protocols.rtp_events import EventPacket
from flask_sipvault.protocols.rtp_events import joint
from flask_sipvault.protocols.rtp_events import read_events
from flask_sipvault.protocols.rtp_events import TelephoneEvent

MS = 1_000_000


def key(digit: str, *, at: int = 0, payload_type: int = 101) -> list[EventPacket]:
    """A key pressed for 100 ms, as a phone sends it: five packets, the last thrice."""
    event = DIGITS.index(digit)
    durations = [160, 320, 480, 640, 800, 800, 800]
    return [
        EventPacket(
            (at + 20 * n) * MS,
            payload_type,
            at + n,
            at * 8,
            bytes([event, 10 | (0x80 if n >= 4 else 0)]) + duration.to_bytes(2, "big"),
        )
        for n, duration in enumerate(durations)
    ]


def pressed(events: list[TelephoneEvent]) -> str:
    return "".join(DIGITS[it.event] for it in events if it.event is not None)


@pytest.mark.parametrize("rates", [{101: 8000}, {}])
def test_what_was_dialled_is_read(rates: dict[int, int]) -> None:
    sent = [
        packet for n, digit in enumerate("159#D") for packet in key(digit, at=300 * n)
    ]
    events = read_events(sent, rates)
    assert pressed(events) == "159#D"
    assert events[1] == TelephoneEvent(
        5, 300 * MS, 2400, 101, 100, 10, 7, ended=True, described=bool(rates)
    )


def test_the_duration_is_by_the_clock_that_was_described() -> None:
    (event,) = read_events(key("1"), {101: 16000})
    assert event.duration_ms == 50


def test_one_whose_end_never_came_says_so() -> None:
    (event,) = read_events(key("1")[:3], {101: 8000})
    assert (event.ended, event.duration_ms) == (False, 60)


def test_a_copy_of_a_packet_counts_once() -> None:
    twice = [packet for packet in key("1") for _ in range(2)]
    assert read_events(twice, {}) == read_events(key("1"), {})


@pytest.mark.parametrize(
    "payloads",
    [
        pytest.param([b"\x01\x0a\x00\xa0"], id="one packet alone"),
        pytest.param([b"\xf1\x0a\x00\xa0"] * 5, id="no event there is"),
        pytest.param([b"\x01\x4a\x00\xa0"] * 5, id="the reserved bit"),
        pytest.param([b"\x01\x0a\x03\x20", b"\x01\x0a\x00\xa0"] * 3, id="shrinks"),
        pytest.param([b"\x01\x0a\x00\xa0", b"\x02\x0a\x00\xa0"] * 3, id="changes"),
    ],
)
def test_other_packets_of_four_bytes_are_none(payloads: list[bytes]) -> None:
    sent = [EventPacket(n, 97, n, 0, payload) for n, payload in enumerate(payloads)]
    assert read_events(sent, {}) == []


def test_packets_of_four_bytes_with_times_of_their_own_are_none() -> None:
    # A codec in silence, say.
    sent = [EventPacket(n, 97, n, 160 * n, b"\x01\x8a\x00\xa0") for n in range(50)]
    assert read_events(sent, {}) == []


def test_one_that_lies_in_two_parts_is_one() -> None:
    sent = key("7")
    parts = [*read_events(sent[:4], {101: 8000}), *read_events(sent[4:], {101: 8000})]
    assert joint(parts, 10) == read_events(sent, {101: 8000})


def test_no_more_are_kept_than_allowed() -> None:
    (event,) = read_events(key("1"), {101: 8000})
    many = [replace(event, ts=n, timestamp=n) for n in range(50)]
    assert joint(many, 20) == many[:20]

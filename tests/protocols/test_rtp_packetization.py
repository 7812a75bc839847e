"""The sizes of a stream's packets over time."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from flask_sipvault.protocols.rtp_packetization import joint
from flask_sipvault.protocols.rtp_packetization import MAX_SPANS
from flask_sipvault.protocols.rtp_packetization import Packetization
from flask_sipvault.protocols.rtp_packetization import Packetizations

MS = 1_000_000
RATE = 8000
#: Time, payload type, number, timestamp, size.
Sent = list[tuple[int, int, int, int, int]]


def talk(*parts: tuple[int, int, int]) -> Sent:
    """Packets of PCMU or another type: how many, the type, ms of sound in each."""
    sent: Sent = []
    at = timestamp = 0
    for count, payload_type, ms in parts:
        for _ in range(count):
            sent.append((at * MS, payload_type, len(sent), timestamp, ms * 8))
            at += ms
            timestamp += ms * 8
    return sent


def spans(sent: Sent) -> list[Packetization]:
    found = Packetizations()
    for ts, payload_type, number, timestamp, size in sent:
        found.add(ts, payload_type, RATE, number & 0xFFFF, timestamp, size)
    return found.take()


def brief(found: list[Packetization]) -> list[tuple[int, int, int, float | None]]:
    return [(it.payload_type, it.packets, it.size, it.packet_ms) for it in found]


def test_a_stream_that_does_not_change_is_one_span() -> None:
    (span,) = spans(talk((100, 0, 20)))
    assert (span.packets, span.size, span.packet_ms) == (100, 160, 20)
    assert (span.first_ts, span.last_ts) == (0, 1980 * MS)


def test_another_ptime_begins_a_span_where_it_begins() -> None:
    first, second = spans(talk((100, 0, 40), (50, 0, 20)))
    assert brief([first, second]) == [(0, 100, 320, 40), (0, 50, 160, 20)]
    assert first.last_ts == 99 * 40 * MS
    assert second.first_ts == 4000 * MS


def test_so_does_another_payload_type() -> None:
    found = spans(talk((10, 0, 20), (10, 8, 20), (10, 0, 20)))
    assert brief(found) == [(0, 10, 160, 20), (8, 10, 160, 20), (0, 10, 160, 20)]


def test_one_packet_that_differs_does_not() -> None:
    found = spans(talk((10, 0, 20), (1, 0, 10), (10, 0, 20)))
    (span,) = found
    assert (span.packets, span.smallest, span.largest) == (21, 80, 160)


def test_a_lost_packet_does_not() -> None:
    sent = talk((50, 0, 20))
    del sent[20:24]
    assert brief(spans(sent)) == [(0, 46, 160, 20)]


def test_a_codec_of_many_sizes_is_one_span() -> None:
    chance = random.Random(1)
    sent = [
        (ts, 96, n, t, chance.randrange(40, 90))
        for ts, _, n, t, _ in talk((500, 0, 20))
    ]
    (span,) = spans(sent)
    assert (span.packets, span.packet_ms) == (500, 20)
    assert 40 <= span.smallest < span.largest < 90


def test_its_ptime_may_change_too() -> None:
    chance = random.Random(1)
    sent = [
        (ts, 96, n, t, chance.randrange(40, 90))
        for ts, _, n, t, _ in talk((200, 0, 20), (200, 0, 60))
    ]
    assert [span.packet_ms for span in spans(sent)] == [20, 60]


def test_parts_of_a_stream_join_to_the_same_spans() -> None:
    sent = talk((100, 0, 40), (100, 0, 20))
    parts = [span for i in range(0, 200, 30) for span in spans(sent[i : i + 30])]
    assert joint(parts) == spans(sent)


def test_a_stream_that_changes_all_the_time_has_no_more_than_so_many() -> None:
    sent = talk(*[(4, n % 2, 20) for n in range(1000)])
    found = spans(sent)
    assert len(found) == MAX_SPANS
    assert sum(span.packets for span in found) == 4000
    assert len(joint([*found, *found])) <= MAX_SPANS


@given(
    st.lists(
        st.tuples(
            st.integers(0, 1 << 40),
            st.integers(0, 3),
            st.integers(0, 10),
            st.integers(0, 0xFFFF_FFFF),
            st.integers(0, 3),
        )
    )
)
def test_no_packet_is_counted_twice_or_forgotten(sent: Sent) -> None:
    assert sum(span.packets for span in spans(sent)) == len(sent)

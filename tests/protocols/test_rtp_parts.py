"""One stream out of the parts it was measured in."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from flask_sipvault.protocols.address import Endpoint
from flask_sipvault.protocols.rtp_figures import Bucket
from flask_sipvault.protocols.rtp_figures import MAX_EVENTS
from flask_sipvault.protocols.rtp_figures import Payload
from flask_sipvault.protocols.rtp_figures import StreamFigures
from flask_sipvault.protocols.rtp_gaps import Gap
from flask_sipvault.protocols.rtp_parts import join
from flask_sipvault.protocols.rtp_parts import shifted

ALICE, BOB = Endpoint("192.0.2.1", 4000), Endpoint("192.0.2.2", 5000)
BEGIN = 1_795_439_805_000_000_000
SECOND = 1_000_000_000


def part(begin: float = 0, end: float = 10, **changes: Any) -> StreamFigures:
    """A part of a stream of 50 packets a second."""
    first, last = BEGIN + int(begin * SECOND), BEGIN + int(end * SECOND)
    packets = int((end - begin) * 50)
    figures = StreamFigures(
        7,
        ALICE,
        BOB,
        first,
        last,
        packets,
        packets,
        jitter_avg=1.0,
        jitter_max=2.0,
        payloads=[Payload(0, "PCMU", 8000, packets, first, last)],
    )
    return replace(figures, **changes)


def joined(*parts: StreamFigures) -> list[dict[str, Any]]:
    return [stream.as_json() for stream in join(parts)]


def test_parts_that_follow_one_another_are_added_up() -> None:
    (whole,) = joined(
        part(0, 10, expected=510, missing=10, bursts=4, longest_burst=5),
        part(10, 30, expected=1001, missing=1, bursts=1, longest_burst=1),
    )
    assert (whole["packets"], whole["expected"], whole["lost"]) == (1500, 1511, 11)
    assert (whole["missing"], whole["bursts"], whole["longest_burst"]) == (11, 5, 5)
    assert (whole["first_ts"], whole["last_ts"]) == (BEGIN, BEGIN + 30 * SECOND)
    assert len(whole["payloads"]) == 1
    assert whole["payloads"][0]["packets"] == 1500


def test_their_order_does_not_matter() -> None:
    one, other = part(0, 10), part(10, 30, jitter_avg=3.0)
    assert joined(one, other) == joined(other, one)


def test_jitter_is_weighed_by_packets() -> None:
    (whole,) = joined(
        part(0, 10, jitter_avg=1.0, jitter_max=9.0),
        part(10, 40, jitter_avg=2.0, jitter_max=3.0),
    )
    assert whole["jitter_ms"] == {"avg": 1.75, "max": 9.0}


def test_jitter_that_only_one_part_has_is_the_whole_s() -> None:
    (whole,) = joined(part(0, 10, jitter_avg=None, jitter_max=None), part(10, 40))
    assert whole["jitter_ms"] == {"avg": 1.0, "max": 2.0}


def test_a_bucket_on_the_boundary_is_one() -> None:
    (whole,) = joined(
        part(0, 2, buckets=[Bucket(BEGIN, 100, 104, 4, 1.0, 5.0)]),
        part(
            2,
            10,
            buckets=[
                Bucket(BEGIN, 300, 301, 1, 2.0, 3.0),
                Bucket(BEGIN + 5 * SECOND, 250, 250, 0, None, None),
            ],
        ),
    )
    assert whole["buckets"] == [
        [BEGIN, 400, 405, 5, 1.75, 5.0],
        [BEGIN + 5 * SECOND, 250, 250, 0, None, None],
    ]


def test_of_two_that_overlap_the_one_with_more_packets_counts() -> None:
    short, long = part(0, 10), part(1, 30)
    assert joined(short, long) == joined(long, short) == [long.as_json()]


def test_what_was_seen_twice_counts_once() -> None:
    assert joined(part(), part()) == [part().as_json()]


def test_packets_that_changed_places_between_parts_are_no_overlap() -> None:
    (whole,) = joined(part(0, 10), part(9.9, 20))
    assert whole["packets"] == 500 + 505


def test_another_address_or_source_is_another_stream() -> None:
    others = [part(ssrc=8), part(src=BOB, dst=ALICE), part()]
    assert len(joined(*others)) == 3


def test_a_pause_between_two_parts_is_a_gap() -> None:
    gap = Gap(BEGIN + SECOND, BEGIN + 3 * SECOND, 100, None)
    (whole,) = join([part(0, 10, gaps=[gap]), part(15, 20, gaps=[])])
    between = Gap(BEGIN + 10 * SECOND, BEGIN + 15 * SECOND, None, None)
    assert whole.gaps == [gap, between]


def test_events_of_all_parts_are_listed_up_to_a_bound() -> None:
    many = [(BEGIN + n, 80) for n in range(MAX_EVENTS)]
    (whole,) = joined(part(0, 10, events=many), part(10, 20, events=[(BEGIN, 1)]))
    assert whole["events"] == [list(event) for event in many]


def test_a_stream_moves_in_time_with_all_that_it_has() -> None:
    here = part(
        events=[(BEGIN + 5, 80)],
        buckets=[Bucket(BEGIN, 1, 1, 0, None, None)],
        gaps=[Gap(BEGIN, BEGIN + SECOND, 0, 1000)],
    )
    moved = shifted(here, SECOND)
    assert moved.first_ts == here.first_ts + SECOND
    assert moved.last_ts == here.last_ts + SECOND
    assert moved.payloads[0].first_ts == BEGIN + SECOND
    assert moved.events == [(BEGIN + 5 + SECOND, 80)]
    assert moved.buckets[0].ts == BEGIN + SECOND
    assert moved.gaps == [Gap(BEGIN + SECOND, BEGIN + 2 * SECOND, 0, 1000)]
    assert shifted(moved, -SECOND) == here

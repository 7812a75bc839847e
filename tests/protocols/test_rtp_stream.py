"""Measuring RTP streams: against tshark, against losses made, against anything."""

from __future__ import annotations

import json
import random
import re
import subprocess
from collections.abc import Callable
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_sipvault.protocols.address import Endpoint
from flask_sipvault.protocols.capture import read_capture
from flask_sipvault.protocols.packets import Message
from flask_sipvault.protocols.pcapwriter import pcap
from flask_sipvault.protocols.rtp import parse_header
from flask_sipvault.protocols.rtp import RtpHeader
from flask_sipvault.protocols.rtp_figures import from_json
from flask_sipvault.protocols.rtp_figures import StreamFigures
from flask_sipvault.protocols.rtp_stream import CUT
from flask_sipvault.protocols.rtp_stream import StreamMeter
from flask_sipvault.protocols.sdp import Codec
from flask_sipvault.protocols.sdp import STATIC_CODECS

MS = 1_000_000
#: A multiple of five seconds, where a bucket begins.
BEGIN = 1_795_439_805_000 * MS

PCMU, NOISE, OLD_NOISE, EVENT, OPUS = 0, 13, 19, 101, 96
CODECS = {
    **STATIC_CODECS,
    EVENT: Codec("telephone-event", 8000),
    OPUS: Codec("opus", 48000, 2),
}


def meter() -> StreamMeter:
    return StreamMeter(7, codecs=CODECS)


def packet(
    n: int,
    *,
    at: float | None = None,
    payload_type: int = PCMU,
    timestamp: int | None = None,
    marker: bool = False,
    size: int = 160,
) -> tuple[int, int, int, int, int]:
    """The n-th of a stream of PCMU with a packet each 20 ms.

    :param at: when it comes, in ms since the beginning.
    """
    at = 20 * n if at is None else at
    timestamp = 160 * n if timestamp is None else timestamp
    second = payload_type | marker << 7
    ts = BEGIN + round(at * MS)
    return ts, second, n & 0xFFFF, timestamp & 0xFFFF_FFFF, size


def measured(packets: Iterable[tuple[int, int, int, int, int]]) -> StreamFigures:
    running = meter()
    running.feed(packets)
    figures = running.take()
    assert figures is not None
    return figures


class TestGaps:
    def test_packets_that_the_network_lost_for_a_while(self) -> None:
        figures = measured(packet(n) for n in range(500) if not 100 <= n < 300)
        assert figures.gaps is not None
        [gap] = figures.gaps
        assert gap.start_ts == BEGIN + 1980 * MS
        assert gap.end_ts == BEGIN + 6000 * MS
        assert gap.missing == 200
        assert not gap.is_silence

    def test_a_sender_that_has_nothing_to_say_leaves_no_number_out(self) -> None:
        before = [packet(n) for n in range(100)]
        pause = 400 * 160
        after = [
            packet(n, at=8000 + 20 * n, timestamp=pause + 160 * n, marker=n == 100)
            for n in range(100, 200)
        ]
        figures = measured([*before, *after])
        assert figures.gaps is not None
        [gap] = figures.gaps
        assert (gap.missing, gap.clock_ms) == (0, 8020)
        assert gap.is_silence

    def test_a_sender_that_stops_its_clock_too_is_not_just_silent(self) -> None:
        after = [packet(n, at=8000 + 20 * n) for n in range(100, 200)]
        figures = measured([*(packet(n) for n in range(100)), *after])
        assert figures.gaps is not None
        assert [gap.is_silence for gap in figures.gaps] == [False]

    def test_less_than_a_second_is_no_gap(self) -> None:
        figures = measured(packet(n) for n in range(200) if not 100 <= n < 148)
        assert figures.gaps == []

    def test_gaps_survive_being_written(self) -> None:
        figures = measured(packet(n) for n in range(500) if not 100 <= n < 300)
        read = from_json(json.loads(json.dumps(figures.as_json())))
        assert read is not None
        assert read.gaps == figures.gaps


class TestClockJumps:
    @pytest.mark.parametrize("jump", [-43_400 * 8, 900_000, 0x7FFF_0000])
    def test_a_timestamp_that_jumps_while_the_sequence_goes_on_is_no_jitter(
        self, jump: int
    ) -> None:
        before = [packet(n) for n in range(100)]
        after = [packet(n, timestamp=160 * n + jump) for n in range(100, 300)]
        figures = measured([*before, *after])
        assert figures.jitter_max == 0

    def test_nor_is_a_new_sequence_with_another_clock(self) -> None:
        after = [
            packet(n + 30_000, at=20 * n, timestamp=5_000_000 + 160 * n)
            for n in range(100, 300)
        ]
        figures = measured([*(packet(n) for n in range(100)), *after])
        assert figures.resets == 1
        assert figures.jitter_max == 0

    def test_a_packet_that_waited_in_the_network_is_jitter(self) -> None:
        late = [packet(n, at=max(20 * n, 4000)) for n in range(100, 300)]
        figures = measured([*(packet(n) for n in range(100)), *late])
        assert figures.jitter_max is not None
        assert figures.jitter_max > 100


class TestCounting:
    def test_a_stream_without_fault(self) -> None:
        figures = measured(packet(n) for n in range(100))
        assert (figures.packets, figures.expected, figures.lost) == (100, 100, 0)
        assert (figures.jitter_avg, figures.jitter_max) == (0, 0)
        assert (figures.first_ts, figures.last_ts) == (BEGIN, BEGIN + 1980 * MS)
        assert figures.packet_ms == 20
        assert figures.loss_percent == 0
        assert figures.burst_ratio is None

    def test_losses_one_by_one_have_a_burst_ratio_of_one(self) -> None:
        figures = measured(packet(n) for n in range(1001) if n % 10 != 5)
        assert (figures.missing, figures.bursts, figures.longest_burst) == (100, 100, 1)
        assert figures.loss_percent == pytest.approx(9.99, abs=0.001)
        assert figures.burst_ratio == pytest.approx(1 - 0.0999, abs=0.001)

    def test_losses_together_have_more(self) -> None:
        figures = measured(packet(n) for n in range(1000) if not 100 <= n < 105)
        assert (figures.missing, figures.bursts, figures.longest_burst) == (5, 1, 5)
        assert figures.burst_ratio == pytest.approx(5 * 0.995)

    def test_what_comes_twice_makes_up_for_what_is_lost_as_rfc_3550_counts(
        self,
    ) -> None:
        numbers = [0, 1, 1, 3, 4, 4, 5]
        figures = measured(packet(n, at=10 * i) for i, n in enumerate(numbers))
        assert (figures.packets, figures.expected, figures.lost) == (7, 6, -1)
        assert (figures.missing, figures.duplicates) == (1, 2)
        assert figures.loss_percent == 0

    def test_a_packet_that_comes_late_is_not_lost(self) -> None:
        figures = measured(packet(n, at=20 * i) for i, n in enumerate([0, 2, 1, 3]))
        assert (figures.lost, figures.missing, figures.reordered) == (0, 0, 1)

    def test_a_marker_is_counted(self) -> None:
        figures = measured([packet(0, marker=True), packet(1)])
        assert figures.marked == 1

    def test_a_header_may_be_given_as_it_was_read(self) -> None:
        one, other = meter(), meter()
        one.add(BEGIN, RtpHeader(PCMU, True, 65535, 160, 7, 160, 0, False))
        other.feed([(BEGIN, 0x80, 65535, 160, 160)])
        assert one.take() == other.take()

    def test_without_packets_there_is_nothing(self) -> None:
        assert meter().take() is None


class TestJitter:
    def test_it_is_the_estimate_of_rfc_3550(self) -> None:
        # The second packet comes 16 ms late: J = 16/16; the third in its time again.
        figures = measured([packet(0), packet(1, at=36), packet(2)])
        after_one, after_two = 1, 1 + (16 - 1) / 16
        assert figures.jitter_max == pytest.approx(after_two, abs=0.0005)
        mean = (after_one + after_two) / 2
        assert figures.jitter_avg == pytest.approx(mean, abs=0.0005)

    def test_it_is_measured_by_the_clock_of_the_codec(self) -> None:
        packets = [
            packet(n, at=20 * n + 16 * (n % 2), payload_type=OPUS, timestamp=960 * n)
            for n in range(200)
        ]
        assert measured(packets).jitter_max == pytest.approx(16, rel=0.01)

    def test_without_a_clock_there_is_none(self) -> None:
        packets = [packet(n, payload_type=97) for n in range(10)]
        figures = measured(packets)
        assert (figures.jitter_avg, figures.jitter_max) == (None, None)
        assert figures.packet_ms is None
        assert figures.buckets[0].jitter_avg is None

    def test_timestamps_go_on_after_their_highest(self) -> None:
        start = 0xFFFF_FFFF - 400
        packets = [packet(n, timestamp=start + 160 * n) for n in range(10)]
        assert measured(packets).jitter_max == 0

    def test_a_codec_with_another_clock_is_no_jitter(self) -> None:
        packets = [packet(n) for n in range(10)]
        packets += [
            packet(n, payload_type=OPUS, timestamp=960 * n) for n in range(10, 20)
        ]
        figures = measured(packets)
        assert figures.jitter_max == 0
        assert figures.payload_changes == 1

    def test_a_silence_that_the_timestamps_tell_is_no_jitter(self) -> None:
        packets = [packet(n) for n in range(10)]
        packets += [
            packet(n, at=20 * n + 5000, timestamp=160 * n + 40_000, marker=n == 10)
            for n in range(10, 20)
        ]
        figures = measured(packets)
        assert figures.jitter_max == 0
        assert (figures.silences, figures.silence_ms) == (1, 5000)

    def test_telephone_events_keep_their_timestamp_and_are_no_jitter(self) -> None:
        packets = [
            packet(n, payload_type=EVENT, timestamp=1600) if 10 <= n < 15 else packet(n)
            for n in range(30)
        ]
        figures = measured(packets)
        assert figures.jitter_max == 0
        assert figures.events == [(BEGIN + 200 * MS, 80)]


class TestPayloads:
    def test_the_codec_is_that_of_most_packets(self) -> None:
        packets = [packet(n, payload_type=NOISE if n > 3 else PCMU) for n in range(20)]
        figures = measured(packets)
        assert [p.codec for p in figures.payloads] == ["PCMU", "CN"]
        assert figures.main == figures.payloads[0]
        assert figures.comfort_noise == 16
        assert figures.payload_changes == 0

    def test_comfort_noise_has_an_old_number_too(self) -> None:
        packets = [packet(0), packet(1, payload_type=OLD_NOISE)]
        assert measured(packets).comfort_noise == 1

    def test_a_payload_type_that_nobody_described_has_no_name(self) -> None:
        (payload,) = measured([packet(0, payload_type=97)]).payloads
        assert (payload.payload_type, payload.codec, payload.clock_rate) == (
            97,
            None,
            None,
        )

    def test_each_change_of_the_codec_counts(self) -> None:
        types = [0, 0, 8, 8, 13, 8, 101, 8, 0]
        packets = [packet(n, payload_type=pt) for n, pt in enumerate(types)]
        assert measured(packets).payload_changes == 2

    def test_a_tone_after_a_tone_is_two(self) -> None:
        packets = [
            packet(n, payload_type=EVENT, timestamp=1000 if n < 5 else 2000)
            for n in range(10)
        ]
        figures = measured(packets)
        assert figures.events == [(BEGIN, 80), (BEGIN + 100 * MS, 80)]


class TestBuckets:
    def test_they_are_of_five_seconds_each(self) -> None:
        figures = measured(packet(n) for n in range(600))
        assert [(b.ts, b.packets, b.expected) for b in figures.buckets] == [
            (BEGIN, 250, 250),
            (BEGIN + 5000 * MS, 250, 250),
            (BEGIN + 10000 * MS, 100, 100),
        ]

    def test_a_loss_is_in_the_bucket_where_it_was(self) -> None:
        figures = measured(packet(n) for n in range(600) if n not in (100, 300, 301))
        assert [(b.expected, b.lost) for b in figures.buckets] == [
            (250, 1),
            (250, 2),
            (100, 0),
        ]

    def test_an_outage_is_seen_while_it_lasts(self) -> None:
        figures = measured(packet(n) for n in range(1000) if not 300 <= n < 800)
        losses = [(b.packets, b.expected, b.lost) for b in figures.buckets]
        assert losses == [
            (250, 250, 0),
            (50, 250, 200),
            (0, 250, 250),
            (200, 250, 50),
        ]

    def test_jitter_is_that_of_the_bucket(self) -> None:
        figures = measured(
            packet(n, at=20 * n + (10 * (n % 2) if n > 250 else 0)) for n in range(500)
        )
        quiet, shaky = figures.buckets
        assert (quiet.jitter_avg, quiet.jitter_max) == (0, 0)
        assert shaky.jitter_avg == pytest.approx(10, rel=0.1)

    def test_what_comes_twice_is_received_but_not_expected(self) -> None:
        (bucket,) = measured([packet(0), packet(0, at=2), packet(1)]).buckets
        assert (bucket.packets, bucket.expected, bucket.lost) == (3, 2, 0)


class TestParts:
    def test_they_add_up_to_the_whole(self) -> None:
        packets = [packet(n, at=20 * n + n % 7) for n in range(500) if n % 9]
        running = meter()
        parts = []
        for begin in range(0, len(packets), 100):
            running.feed(packets[begin : begin + 100])
            part = running.take()
            assert part is not None
            parts.append(part)
        whole = measured(packets)
        for name in ("packets", "expected", "lost", "missing", "bursts"):
            assert sum(getattr(p, name) for p in parts) == getattr(whole, name)
        assert parts[0].first_ts == whole.first_ts
        assert parts[-1].last_ts == whole.last_ts

    def test_a_loss_between_two_is_the_second_s(self) -> None:
        running = meter()
        running.feed(packet(n) for n in range(10))
        running.take()
        running.feed(packet(n) for n in range(13, 20))
        part = running.take()
        assert part is not None
        assert (part.packets, part.expected, part.missing) == (7, 10, 3)

    def test_the_jitter_goes_on(self) -> None:
        running = meter()
        running.feed([packet(0), packet(1, at=36)])
        running.take()
        running.feed([packet(2, at=56)])
        part = running.take()
        assert part is not None
        assert part.jitter_avg == pytest.approx(1 - 1 / 16, abs=0.0005)


@given(
    start=st.integers(0, 0xFFFF),
    share=st.floats(0, 0.5),
    seed=st.integers(),
)
def test_a_doctored_stream_shows_exactly_the_loss_that_was_made(
    start: int, share: float, seed: int
) -> None:
    chance = random.Random(seed)
    count = 300
    dropped = {n for n in range(1, count - 1) if chance.random() < share}
    figures = measured(
        (BEGIN + 20 * n * MS, 0, start + n & 0xFFFF, 160 * n, 160)
        for n in range(count)
        if n not in dropped
    )
    assert (figures.expected, figures.packets) == (count, count - len(dropped))
    assert figures.lost == figures.missing == len(dropped)
    assert figures.jitter_max == 0
    assert sum(b.lost for b in figures.buckets) == len(dropped)
    # Each burst is a run that no packet that came interrupts.
    assert figures.bursts == sum(n - 1 not in dropped for n in dropped)


@given(
    st.lists(
        st.tuples(
            st.integers(0, 2**63 - 1) | st.integers(BEGIN, BEGIN + 10**10),
            st.sampled_from([0, 0x80, 13, 19, 101, 0x80 | 101, 96, 97]),
            st.integers(0, 0xFFFF) | st.integers(0, 20),
            st.integers(0, 0xFFFF_FFFF),
            st.integers(0, 0xFFFF),
        ),
        min_size=1,
    )
)
def test_whatever_comes_the_figures_agree_with_each_other(
    packets: list[tuple[int, int, int, int, int]],
) -> None:
    figures = measured(packets)
    assert figures.packets + figures.copies == len(packets)
    assert figures.cut == sum(size >= CUT for *_, size in packets) or figures.copies
    assert figures.lost == figures.expected - figures.packets
    assert figures.lost == figures.missing - figures.duplicates - figures.strays
    assert sum(b.packets for b in figures.buckets) == figures.packets
    assert sum(b.expected for b in figures.buckets) == figures.expected
    assert sum(b.lost for b in figures.buckets) == figures.missing
    assert sum(p.packets for p in figures.payloads) == figures.packets
    assert all(a.ts < b.ts for a, b in pairwise(figures.buckets))
    assert figures.first_ts <= figures.last_ts
    json.dumps(figures.as_json())


#: A stream of the FAX call whose timestamps jump back by 43 s, from one packet to the
#: next.
CLOCK_JUMPS = {(0x17D90134, "10.23.1.52:16756", "10.35.60.100:15580")}


class Stream(NamedTuple):
    """A line of ``tshark -z rtp,streams``."""

    packets: int
    lost: int
    jitter_avg: float
    jitter_max: float


def tshark_streams(tshark: str, capture: Path) -> dict[tuple[int, str, str], Stream]:
    """What tshark counts, by SSRC and addresses.

    A fax changes its ports from RTP to T.38 and back. tshark takes all that comes after
    the first change for T.38, RTP as well, if it is not told otherwise.
    """
    shown = subprocess.run(
        [
            tshark,
            *("-r", str(capture), "-q", "-z", "rtp,streams"),
            *("-o", "rtp.heuristic_rtp:TRUE", "--disable-protocol", "t38"),
        ],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    streams = {}
    for line in shown.splitlines():
        found = re.match(
            r"\s*[\d.]+\s+[\d.]+\s+(\S+)\s+(\d+)\s+(\S+)\s+(\d+)\s+0x([0-9A-F]{8})"
            r"\s.*?\s(\d+)\s+(-?\d+)\s\([-\d.]+%\)((?:\s+[\d.]+){6})",
            line,
        )
        if found:
            src, dst = (
                Endpoint(found[1], int(found[2])),
                Endpoint(found[3], int(found[4])),
            )
            *_, jitter_avg, jitter_max = map(float, found[8].split())
            stream = Stream(int(found[6]), int(found[7]), jitter_avg, jitter_max)
            streams[int(found[5], 16), str(src), str(dst)] = stream
    return streams


def our_streams(capture: Path) -> dict[tuple[int, str, str], Stream]:
    meters: dict[tuple[int, str, str], StreamMeter] = {}
    with capture.open("rb") as file:
        for item in read_capture(file):
            if item.kind == "rtp":
                header = parse_header(item.payload)
                key = header.ssrc, str(item.src), str(item.dst)
                one = meters.setdefault(key, StreamMeter(header.ssrc))
                one.add(item.ts, header)
    streams = {}
    for key, one in meters.items():
        figures = one.take()
        assert figures is not None
        assert figures.jitter_avg is not None
        assert figures.jitter_max is not None
        streams[key] = Stream(
            figures.packets, figures.lost, figures.jitter_avg, figures.jitter_max
        )
    return streams


def assert_alike(
    ours: dict[tuple[int, str, str], Stream], theirs: dict[tuple[int, str, str], Stream]
) -> None:
    """Counts exactly; jitter within 1 %, and the last digit that tshark prints."""
    assert ours.keys() == theirs.keys()
    for key, stream in ours.items():
        assert stream[:2] == theirs[key][:2]
        if key in CLOCK_JUMPS:
            continue  # tshark takes the jump for jitter
        assert stream[2:] == pytest.approx(theirs[key][2:], rel=0.01, abs=0.0005)


@pytest.mark.parametrize(
    ("recording", "count"),
    [
        ("answered_rtcp", 2),
        ("answered_rtp", 2),
        ("ebpf_backend", 1),
        ("hep_tls", 3),
        ("oneway_rtcp_rr", 1),
        ("proxy_baresip", 2),
        ("quality_rtcp0", 2),
        ("quality_twice", 2),
    ],
)
def test_every_stream_of_the_agent_s_recordings_is_as_tshark_measures_it(
    agent_corpus: Path, need_tool: Callable[[str], str], recording: str, count: int
) -> None:
    capture = agent_corpus / f"{recording}.pcap"
    theirs = tshark_streams(need_tool("tshark"), capture)
    assert len(theirs) == count
    assert_alike(our_streams(capture), theirs)


def test_no_other_recording_of_the_agent_has_rtp(agent_corpus: Path) -> None:
    assert sum(len(our_streams(path)) > 0 for path in agent_corpus.glob("*.pcap")) == 8


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("heplify_FAX-Call-t38-CA-TDM-SIP-FB-1", 2),
        ("heplify_rtp_rtcp_sip", 5),
        ("heplify_sip_ipv4_tcp", 2),
    ],
)
def test_every_stream_of_the_public_captures_is_as_tshark_measures_it(
    public_corpus: Path, need_tool: Callable[[str], str], name: str, count: int
) -> None:
    capture = public_corpus / f"{name}.pcap"
    theirs = tshark_streams(need_tool("tshark"), capture)
    assert len(theirs) == count
    assert_alike(our_streams(capture), theirs)


def doctored(seed: int) -> Iterable[Message]:
    """PCMA from near the end of the sequence numbers, through a bad network: packets
    lost alone and together, late, twice, and each with a delay of its own.
    """
    chance = random.Random(seed)
    src, dst = Endpoint("192.0.2.1", 4000), Endpoint("192.0.2.2", 5000)
    came: list[tuple[int, int]] = []
    outage = 0
    for n in range(1500):
        outage = chance.randrange(2, 40) if chance.random() < 0.004 else outage - 1
        if 0 < n < 1499 and (outage > 0 or chance.random() < 0.02):
            continue
        delay = chance.expovariate(1 / 4) if 0 < n < 1498 else 60 * (n > 0)
        came.append((20 * n * MS + round(delay * MS), n))
        if chance.random() < 0.01:
            came.append((came[-1][0] + 3 * MS // 2, n))
    for at, n in sorted(came):
        header = (0x8008 << 16 | 65_000 + n & 0xFFFF).to_bytes(4, "big")
        payload = header + (160 * n).to_bytes(4, "big") + b"SSRC" + b"\xd5" * 160
        yield Message(BEGIN + at, src, dst, "udp", payload)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_bad_network_is_measured_as_tshark_measures_it(
    tmp_path: Path, need_tool: Callable[[str], str], seed: int
) -> None:
    capture = tmp_path / "bad.pcap"
    capture.write_bytes(b"".join(pcap(doctored(seed))))
    ours = our_streams(capture)
    assert ours
    assert all(stream.lost > 20 for stream in ours.values())
    assert_alike(ours, tshark_streams(need_tool("tshark"), capture))

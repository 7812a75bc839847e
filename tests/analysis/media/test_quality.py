"""How well a call was heard: recorded calls, and calls with losses that were made."""

from __future__ import annotations

import io
import json
import re
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_sipvault.analysis.document.document import call_document
from flask_sipvault.analysis.explain import Call
from flask_sipvault.analysis.explain import explain
from flask_sipvault.analysis.media.quality import Note
from flask_sipvault.analysis.media.quality import Scale
from flask_sipvault.analysis.words.headline import headline
from flask_sipvault.evidence import Evidence
from flask_sipvault.evidence import QualityReport
from flask_sipvault.evidence import RtcpDatagram
from flask_sipvault.importing.importer import import_capture
from flask_sipvault.protocols.agent import FrameReader
from flask_sipvault.protocols.agent import RtcpFrame
from flask_sipvault.protocols.capture import read_capture
from flask_sipvault.protocols.rtp_figures import from_json
from flask_sipvault.protocols.sdp import Codec

from ...speech import speech
from ..conftest import NOON
from ..talks import ALICE
from ..talks import BOB
from ..talks import heard
from ..talks import known
from ..talks import quality_of
from ..talks import SECOND
from ..talks import told


@pytest.fixture(scope="module")
def imported(agent_corpus: Path) -> Callable[[str], Evidence]:
    """The first call of a recording, as an import keeps it."""

    def read(name: str) -> Evidence:
        data = (agent_corpus / f"{name}.pcap").read_bytes()
        items = read_capture(io.BytesIO(data))
        return next(import_capture(items, customer_id="acme", source=name))

    return read


class TestRecordedCalls:
    def test_with_rtp_alone(self, imported: Callable[[str], Evidence]) -> None:
        quality = explain(imported("answered_rtp")).quality
        assert (quality.source, quality.verdict) == ("rtp", "good")
        assert quality.audio.status == "normal"
        for figures in (known(quality.uac), known(quality.uas)):
            assert figures.codec == "PCMA"
            # One packet of 30 ms and the buffer of 40 ms: Id = 0.024 · 70 = 1.68.
            assert figures.r.avg == pytest.approx(91.52)
            assert figures.mos.avg == 4.374
            assert figures.rtt.avg is None
            assert Note("delay-unknown") in figures.assumptions

    def test_with_rtp_and_rtcp(self, imported: Callable[[str], Evidence]) -> None:
        quality = explain(imported("answered_rtcp")).quality
        to_alice = known(quality.uas)
        # As tshark's rtp,streams has it: 21 of 651, mean jitter 0.249 ms.
        assert to_alice.loss.avg == 3.226
        assert to_alice.jitter.avg == pytest.approx(0.249, rel=0.01)
        assert to_alice.sources == {"loss": "rtp", "jitter": "rtp", "rtt": "rtcp"}
        assert to_alice.rtt.max == 0.291
        assert known(quality.uac).loss.avg == 0

    def test_with_rtcp_alone(self, imported: Callable[[str], Evidence]) -> None:
        evidence = imported("answered_rtcp")
        evidence.media = []
        quality = explain(evidence).quality
        to_alice = known(quality.uas)
        assert quality.source == to_alice.source == "rtcp"
        # Of 172 packets 5 were lost, of 268 eleven: what the cumulative figures say.
        assert to_alice.loss.max == pytest.approx(100 * 11 / 268, abs=0.3)
        assert known(quality.uac).loss.avg == 0
        assert quality.audio.status == "normal"

    def test_with_rtcp_as_an_agent_sends_it(
        self, imported: Callable[[str], Evidence], agent_corpus: Path
    ) -> None:
        evidence = imported("oneway_rtcp_rr")
        evidence.media = []
        reader = FrameReader()
        data = (agent_corpus / "oneway_rtcp_rr.svwire").read_bytes()
        evidence.rtcp = [
            RtcpDatagram(frame.ts, None, None, frame.payload)
            for frame in reader.feed(data)
            if isinstance(frame, RtcpFrame)
        ]
        assert len(evidence.rtcp) == 6
        quality = explain(evidence).quality
        assert known(quality.uac).loss.max == pytest.approx(100 * 6 / 263, abs=0.3)
        assert quality.uas is None
        assert (quality.audio.status, quality.audio.audible) == ("one-way", "uac")

    def test_one_way_audio_is_told_with_its_direction_and_that_it_was_agreed(
        self, imported: Callable[[str], Evidence]
    ) -> None:
        call = explain(imported("oneway_rtcp_rr"))
        audio = call.quality.audio
        assert (audio.status, audio.audible, audio.agreed) == ("one-way", "uac", True)
        assert known(call.quality.uac).loss.avg == 1.843
        assert headline(call).endswith(
            "The caller heard nothing: one direction was agreed (SDP)."
        )

    def test_with_nothing_at_all(self, imported: Callable[[str], Evidence]) -> None:
        quality = explain(imported("busy_486")).quality
        assert quality.directions == {"uac": None, "uas": None}
        assert (quality.verdict, quality.audio.status) == ("unknown", "unknown")
        assert (quality.source, quality.streams) == (None, [])


@pytest.fixture
def agents_call(imported: Callable[[str], Evidence], agent_corpus: Path) -> Evidence:
    """A call of which an agent reported three times, and nobody else anything."""
    evidence = imported("quality_twice")
    evidence.media, evidence.rtcp = [], []
    wire = (agent_corpus / "quality_twice.svwire").read_bytes()
    for found in re.finditer(rb'\{"call_id".*?"source":"rtp"\}', wire):
        report = json.loads(found.group())
        evidence.reports.append(QualityReport(evidence.sip[-1].ts, report))
    assert len(evidence.reports) == 3
    return evidence


class TestAnAgentsReport:
    def test_the_weightiest_speaks_and_its_mos_is_worked_out_anew(
        self, agents_call: Evidence
    ) -> None:
        quality = explain(agents_call).quality
        assert quality.source == "agent"
        lossy = known(quality.uas)
        assert lossy.loss.avg == 1.245
        # The agent says 4.306. With the delay of buffer and packet it is less.
        assert lossy.mos.avg == pytest.approx(4.27, abs=0.005)
        assert Note.of("agents-report", samples=479, reports=3) in lossy.assumptions

    def test_nobody_takes_its_labels_for_directions(
        self, agents_call: Evidence
    ) -> None:
        quality = explain(agents_call).quality
        assert quality.labels_certain is False
        assert quality.audio.status == "unknown"
        assert Note("agents-directions-unknown") in quality.assumptions

    def test_a_direction_that_was_measured_tells_which_is_the_other(
        self, imported: Callable[[str], Evidence], agents_call: Evidence
    ) -> None:
        # Of the two streams keep the one with losses, which is the caller's.
        streams = imported("quality_twice").media
        agents_call.media = [s for s in streams if str(s.src) == "127.0.0.2:14000"]
        quality = explain(agents_call).quality
        assert quality.labels_certain
        assert known(quality.uac).source == "rtp"
        assert known(quality.uas).source == "agent"
        assert known(quality.uas).loss.avg == 0

    def test_it_is_rated_by_the_codec_that_was_spoken(self, story: Any) -> None:
        told(story, codec="G729")
        side = {"loss": {"avg": 2, "min": 0, "max": 5}, "mos": {"avg": 4.2}}
        report = {"summary": {"sample_count": 9}, "directions": {"uac": side}}
        story.evidence.reports = [QualityReport(NOON + SECOND, report)]
        figures = known(quality_of(story).uac)
        # Ie,eff of G.729A at 2 % is 19, at 5 % 28.5 (G.113); Id of 65 ms is 1.56.
        assert figures.mos.avg == pytest.approx(3.73, abs=0.02)
        assert figures.mos.max == pytest.approx(4.06, abs=0.02)
        assert figures.mos.min == pytest.approx(3.27, abs=0.02)
        assert figures.jitter.avg is None


class TestLossesThatWereMade:
    def test_show_as_they_were_made(self, story: Any) -> None:
        told(story)
        heard(story, ALICE, BOB)
        heard(story, BOB, ALICE, 2, lost=lambda s: 0.1 if 10 <= s < 20 else 0.0)
        quality = quality_of(story)
        figures = known(quality.uas)
        losses = [round(bucket.loss or 0) for bucket in figures.buckets]
        # The stream begins two seconds into a bucket.
        assert losses == [0, 0, 6, 10, 4, 0, 0]
        assert figures.loss.avg == pytest.approx(100 * 50 / 1500, abs=0.1)
        assert figures.loss.max == pytest.approx(10, abs=0.5)
        assert known(quality.uac).loss.max == 0

    def test_show_as_they_were_made_wherever_the_call_is_moved_in_time(
        self, story: Any
    ) -> None:
        told(story)
        heard(story, BOB, ALICE, 2, lost=lambda s: 0.1 if 10 <= s < 20 else 0.0)
        before = [b.loss for b in known(quality_of(story).uas).buckets]
        story.evidence.shift(1_234_567_891)
        assert [b.loss for b in known(quality_of(story).uas).buckets] == before

    def test_a_bad_stretch_has_its_beginning_and_its_end(self, story: Any) -> None:
        told(story)
        heard(story, ALICE, BOB)
        heard(story, BOB, ALICE, 2, lost=lambda s: 0.3 if 8 <= s < 18 else 0.0)
        call = story.call()
        [stretch] = known(call.quality.uas).stretches
        assert (stretch.ts - NOON) / SECOND == pytest.approx(9, abs=0.1)
        assert stretch.seconds == pytest.approx(10, abs=0.1)
        assert (stretch.verdict, round(stretch.loss or 0)) == ("bad", 30)
        assert headline(call) == (
            "Answered, ended by the caller after 30 s. The caller heard bad audio for"
            " 10 s."
        )

    @pytest.mark.parametrize(
        ("percent", "mos"), [(0, 4.38), (1, 4.29), (2, 4.19), (5, 3.87), (10, 3.35)]
    )
    def test_are_rated_as_g107_rates_them(
        self, story: Any, percent: int, mos: float
    ) -> None:
        # G.711 with concealment; the delay is that of buffer and packet, 60 ms.
        told(story)
        heard(story, BOB, ALICE, lost=lambda s: percent / 100)
        figures = known(quality_of(story).uas)
        assert figures.loss.avg == pytest.approx(percent, abs=0.1)
        assert figures.mos.avg == pytest.approx(mos, abs=0.02)

    def test_no_concealment_makes_them_sound_worse(self, story: Any) -> None:
        told(story)
        heard(story, BOB, ALICE, lost=lambda s: 0.02)
        figures = known(quality_of(story, Scale(g711_concealment=False)).uas)
        assert figures.mos.avg == pytest.approx(3.19, abs=0.04)

    def test_jitter_beyond_the_buffer_counts_as_loss(self, story: Any) -> None:
        told(story)
        heard(story, ALICE, BOB)
        heard(story, BOB, ALICE, 2, late_ms=lambda s: 90.0)
        quality = quality_of(story)
        assert known(quality.uas).loss.avg == 0
        assert (known(quality.uas).jitter.avg or 0) > 20
        assert known(quality.uas).mos.avg < known(quality.uac).mos.avg  # type: ignore[operator]

    def test_what_the_listener_reports_beyond_the_capture_counts(
        self, story: Any
    ) -> None:
        told(story)
        heard(story, BOB, ALICE, 2)
        tenth = 26 << 24
        for number in range(1, 7):
            report = 1 + 5 * number, 1, 2, tenth | 25 * number, 250 * number
            story.evidence.rtcp.append(receiver_report(*report))
        figures = known(quality_of(story).uas)
        assert figures.sources["loss"] == "rtcp"
        assert figures.loss.avg == pytest.approx(10, abs=1)
        assert figures.assumptions[0].code == "listener-lost-more"


def receiver_report(
    at: float, reporter: int, ssrc: int, lost: int, highest: int, *, jitter: int = 8
) -> RtcpDatagram:
    """From Alice, with addresses."""
    block = struct.pack("!IIIIII", ssrc, lost, highest, jitter, 0, 0)
    payload = struct.pack("!BBHI", 0x81, 201, 7, reporter) + block
    return RtcpDatagram(
        NOON + round(at * SECOND),
        ALICE._replace(port=ALICE.port + 1),
        BOB._replace(port=BOB.port + 1),
        payload,
    )


def voip_metrics(at: float, *, loss: int, discard: int, mos_cq: int = 127) -> Any:
    """From Alice on Bob's stream; rates in 1/256."""
    block = struct.pack(
        "!I4B4H2b6BBxHHH",
        *(2, loss, discard, 0, 0, 0, 0, 80, 20, 127, 127),
        *(127, 16, 127, 127, 127, mos_cq, 0, 0, 0, 0),
    )
    body = struct.pack("!IBBH", 1, 7, 0, 8) + block
    payload = struct.pack("!BBH", 0x80, 207, len(body) // 4) + body
    return RtcpDatagram(
        NOON + round(at * SECOND),
        ALICE._replace(port=ALICE.port + 1),
        BOB._replace(port=BOB.port + 1),
        payload,
    )


class TestVoipMetrics:
    def test_alone_they_tell_of_the_whole_call(self, story: Any) -> None:
        told(story)
        story.evidence.rtcp.append(voip_metrics(20, loss=13, discard=0))
        figures = known(quality_of(story).uas)
        assert figures.source == "rtcp-xr"
        assert figures.loss.avg == pytest.approx(5.08, abs=0.01)
        assert (figures.rtt.avg, figures.loss.min, figures.buckets) == (80, None, [])
        # 3.87 at 50 ms; half of 80 ms, the buffer and a packet are 100 ms.
        assert figures.mos.avg == pytest.approx(3.83, abs=0.02)

    def test_the_listeners_own_mos_stands_where_we_have_no_values(
        self, story: Any
    ) -> None:
        told(story, codec="opus")
        story.evidence.rtcp.append(voip_metrics(20, loss=3, discard=0, mos_cq=38))
        figures = known(quality_of(story).uas)
        assert (figures.mos.avg, figures.verdict) == (3.8, "good")
        assert Note("mos-reported") in figures.assumptions

    def test_what_the_buffer_lost_is_better_known_by_the_listener(
        self, story: Any
    ) -> None:
        told(story)
        heard(story, BOB, ALICE, 2)
        before = known(quality_of(story).uas).mos.avg or 0
        story.evidence.rtcp.append(voip_metrics(20, loss=0, discard=26))
        figures = known(quality_of(story).uas)
        assert figures.loss.avg == 0
        # 10 % discarded takes 27.1 off R.
        assert before - (figures.mos.avg or 0) > 0.9


class TestWithoutPublishedValues:
    def test_there_is_no_mos_but_all_else(self, story: Any) -> None:
        told(story, codec="opus")
        heard(
            story,
            BOB,
            ALICE,
            lost=lambda s: 0.08,
            payload_type=96,
            codec=Codec("opus", 48000, 2),
        )
        call = story.call()
        figures = known(call.quality.uas)
        assert (figures.mos.avg, figures.verdict) == (None, "unknown")
        assert figures.no_mos == Note.of("no-mos-codec-unpublished", codec="opus")
        assert figures.loss.avg == pytest.approx(8, abs=0.1)
        assert "8 % of the audio to the caller was lost." in headline(call)

    def test_a_mean_of_the_clean_buckets_alone_is_not_given(self, story: Any) -> None:
        told(story, codec="G722")
        g722 = Codec("G722", 8000)
        lost = {"lost": lambda s: 0.1 if s > 20 else 0.0}
        heard(story, BOB, ALICE, payload_type=9, codec=g722, **lost)
        figures = known(quality_of(story).uas)
        assert figures.buckets[0].mos is not None
        assert figures.buckets[-1].mos is None
        assert figures.mos.avg is None
        assert figures.no_mos is not None
        assert figures.no_mos.code == "no-mos-loss-unpublished"


class TestVerdicts:
    @pytest.mark.parametrize(
        ("mos", "verdict"),
        [
            *((4.5, "good"), (3.6, "good"), (3.59, "fair"), (3.1, "fair")),
            *((3.09, "poor"), (2.5, "poor"), (2.49, "bad"), (None, "unknown")),
        ],
    )
    def test_are_the_agents(self, mos: float | None, verdict: str) -> None:
        assert Scale().verdict(mos) == verdict

    def test_follow_the_thresholds_that_are_set(self, story: Any) -> None:
        told(story)
        heard(story, BOB, ALICE)
        assert quality_of(story, Scale(good=4.4)).verdict == "fair"

    def test_the_worse_direction_speaks_for_the_call(self, story: Any) -> None:
        told(story)
        heard(story, ALICE, BOB)
        heard(story, BOB, ALICE, 2, lost=lambda s: 0.3)
        quality = quality_of(story)
        assert (known(quality.uac).verdict, quality.verdict) == ("good", "bad")


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**400), 10**400)
    | st.floats()
    | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["summary", "directions", "uac", "uas", "mos", "loss", "avg", "codec"]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=15,
)
numbers = st.integers(-5, 10**12) | st.integers(0, 2**63) | st.floats() | st.none()


class TestAnything:
    @given(
        reports=st.lists(
            st.dictionaries(
                st.sampled_from(["summary", "directions", "verdict"]), json_values
            ),
            max_size=3,
        ),
        payloads=st.lists(
            st.binary(max_size=80)
            | st.binary(min_size=28, max_size=60).map(
                lambda rest: b"\x81\xc9\x00\x07" + rest[:28]
            ),
            max_size=5,
        ),
        times=st.lists(st.integers(0, 2**63 - 1), min_size=5, max_size=5),
        media=st.lists(
            st.fixed_dictionaries(
                {},
                optional={
                    "buckets": st.lists(st.lists(numbers, min_size=6, max_size=6)),
                    "first_ts": numbers,
                    "last_ts": numbers,
                    "packets": numbers,
                    "expected": numbers,
                    "missing": numbers,
                    "bursts": numbers,
                    "packet_ms": numbers,
                    "ssrc": st.just("0x1") | json_values,
                },
            ),
            max_size=3,
        ),
    )
    def test_is_no_error_and_makes_json_that_is_whole(
        self,
        reports: list[dict[str, Any]],
        payloads: list[bytes],
        times: list[int],
        media: list[dict[str, Any]],
    ) -> None:
        evidence = Evidence("acme", "a@h")
        evidence.reports = [QualityReport(0, report) for report in reports]
        for ts, payload in zip(times, payloads, strict=False):
            evidence.rtcp.append(RtcpDatagram(ts, ALICE, BOB, payload))
        template = speech(BOB, ALICE, 3, start=NOON, seconds=7)
        objects = [template.as_json() | changes for changes in media]
        read = [(each, from_json(each)) for each in objects]
        evidence.media = [ours for _, ours in read if ours is not None]
        evidence.other_media = [each for each, ours in read if ours is None]
        call: Call = explain(evidence)
        quality = call_document(call)["quality"]
        json.dumps(quality, allow_nan=False)
        for figures in [*quality["directions"].values(), *quality["streams"]]:
            for name in ("mos", "loss", "jitter", "rtt") if figures else ():
                in_order(figures[name])


def in_order(statistics_of: dict[str, float | None]) -> None:
    """The parts of a spread, as far as they are known, are in order."""
    ranks = [statistics_of[name] for name in ("min", "p5", "p95", "max")]
    if (
        None not in ranks
        and statistics_of["avg"] is not None
        and ranks == sorted(ranks)
    ):  # type: ignore[type-var]
        assert ranks[0] <= statistics_of["avg"] <= ranks[-1]  # type: ignore[operator]

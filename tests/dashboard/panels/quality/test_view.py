"""What the page shows of a call's audio, and the whole call on one axis."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from flask_sipvault import SIPVault
from flask_sipvault.analysis.media.quality import Bucket
from flask_sipvault.dashboard.panels.quality.columns import columns_of
from flask_sipvault.dashboard.panels.quality.columns import MOST_COLUMNS
from flask_sipvault.dashboard.panels.timeline.axis import whole_axis
from flask_sipvault.evidence import Evidence
from flask_sipvault.evidence import QualityReport

from ....browser.heard import bad_for_a_while
from ...calls import CUSTOMER
from ...calls import file_of
from ...calls import link_to
from ...calls import small_call
from ...calls import words
from ...conftest import Keep
from ...conftest import Recorded

SECOND = 1_000_000_000
HOSTILE = '"><script>alert(1)</script>'

Shown = Callable[[Evidence], str]


@pytest.fixture
def shown(client: FlaskClient, keep: Keep) -> Shown:
    """The page of a call, as the browser gets it."""

    def get(evidence: Evidence, more: str = "") -> str:
        response = client.get(keep(evidence) + more)
        assert response.status_code == 200
        return response.text

    return get


def section(page: str, name: str) -> str:
    """One section of a page by its id."""
    return page.partition(f' id="{name}"')[2].partition("</section>")[0]


@pytest.fixture
def bad() -> Evidence:
    return bad_for_a_while("bad@host", CUSTOMER)


class TestTheAnswer:
    def test_says_who_heard_bad_audio_and_for_how_long(
        self, shown: Shown, bad: Evidence
    ) -> None:
        [headline] = re.findall("<h1>(.*?)</h1>", shown(bad))
        assert re.fullmatch(
            r"Answered, ended by the called side after 2 min 14 s\. The caller heard"
            r" gaps: \d+ % of the packets lost in 30 s\.",
            headline,
        )

    def test_has_each_directions_mos_and_loss(
        self, shown: Shown, bad: Evidence
    ) -> None:
        text = words(shown(bad))
        assert "MOS caller → called 4.4 good" in text
        assert re.search(r"MOS called → caller 4\.\d worst 2\.\d, bad", text)
        assert re.search(r"Loss → / ← 0\.0 % / 3\.\d %", text)

    def test_of_a_call_without_media_has_its_final_answer_instead(
        self, shown: Shown
    ) -> None:
        assert "Final answer 486 Busy Here" in words(shown(small_call()))


class TestTheAudio:
    def test_has_four_curves_of_each_direction(
        self, shown: Shown, recorded: Recorded
    ) -> None:
        audio = section(shown(recorded("answered_rtcp")), "audio")
        names = re.findall(r'sv-strip sv-(\w+)"', audio)
        assert names == ["mos", "loss", "jitter", "rtt"] * 2

    def test_has_no_curve_of_what_was_not_measured(
        self, shown: Shown, recorded: Recorded
    ) -> None:
        audio = section(shown(recorded("answered_rtp")), "audio")
        assert "sv-rtt" not in audio
        assert "Round trip not measured" in words(audio)

    def test_tells_codec_addresses_and_source(
        self, shown: Shown, recorded: Recorded
    ) -> None:
        audio = words(section(shown(recorded("answered_rtcp")), "audio"))
        assert "PCMU 127.0.0.2:14000 → 127.0.0.3:15000 RTP seen in the capture" in audio

    def test_marks_bad_stretches_with_a_word(self, shown: Shown, bad: Evidence) -> None:
        audio = section(shown(bad), "audio")
        marked = re.findall(r'<text class="sv-word[^>]*>(\w+)<', audio)
        assert marked == ["fair", "bad", "poor", "fair"]

    def test_has_a_column_to_point_at_for_every_five_seconds(
        self, shown: Shown, bad: Evidence
    ) -> None:
        audio = section(shown(bad), "audio")
        [says] = set(re.findall(r"<title>(1:33 to 1:38: [^<]*loss [^0][^<]*)", audio))
        assert re.fullmatch(
            r"1:33 to 1:38: MOS 2\.\d \(bad\), loss \d\d\.\d %, jitter \d\.\d ms", says
        )
        assert 'data-sv-choose="quality"' in audio

    def test_is_a_table_too(self, shown: Shown, bad: Evidence) -> None:
        text = words(section(shown(bad), "audio"))
        assert re.search(r"1:33 1:38 2\.\d\d bad \d\d\.\d % \d\.\d ms –", text)
        assert re.search(r"Loss 3\.\d % 0\.0 % \d\d\.\d % 0\.0 % \d\d\.\d %", text)

    def test_shows_what_the_figures_rest_on(
        self, shown: Shown, recorded: Recorded
    ) -> None:
        text = words(section(shown(recorded("answered_rtp")), "audio"))
        assert "G.711 with Ie 0 and Bpl 25.1" in text
        assert "No round trip was measured" in text

    def test_names_one_way_audio(self, shown: Shown, recorded: Recorded) -> None:
        page = shown(recorded("oneway_rtcp_rr"))
        text = words(section(page, "audio"))
        assert "One-way audio No audio came from the called side." in text
        assert "no audio" in words(section(page, "axis"))

    def test_says_so_where_nothing_was_measured(
        self, shown: Shown, recorded: Recorded
    ) -> None:
        page = shown(recorded("busy_486"))
        assert "Audio not known The call was not answered." in words(
            section(page, "audio")
        )
        assert words(section(page, "axis")).count("not measured") == 2

    def test_does_not_say_which_way_an_agent_means(
        self, shown: Shown, recorded: Recorded
    ) -> None:
        evidence = recorded("quality_twice")
        evidence.media, evidence.rtcp = [], []
        side = {"loss": {"avg": 30, "min": 30, "max": 30}, "jitter": {"avg": 1}}
        report = {
            "summary": {"sample_count": 500, "codec": "PCMU/8000"},
            "directions": {"uac": {**side, "loss": {"avg": 0}}, "uas": side},
        }
        evidence.reports = [QualityReport(evidence.sip[-1].ts, report)]
        page = shown(evidence)
        text = words(page)
        assert "Audio was bad in one direction." in text
        assert "The agent does not tell which direction is which." in text
        assert "MOS caller → called" not in text

    def test_escapes_what_strangers_call_a_codec(
        self, shown: Shown, recorded: Recorded
    ) -> None:
        evidence = recorded("answered_rtp")
        for stream in evidence.media:
            for payload in stream.payloads:
                payload.codec = HOSTILE
        assert "<script>alert" not in shown(evidence)


class TestTheAxis:
    def test_has_the_signalling_the_audio_of_both_directions_and_the_log(
        self, shown: Shown, bad: Evidence
    ) -> None:
        axis = section(shown(bad), "axis")
        lanes = re.findall(r'data-lane="(\w+)"', axis)
        assert lanes == ["findings", "sip", "uac", "uas", "log"]
        signalling = axis.partition('data-lane="sip"')[2].partition("</svg>")[0]
        assert signalling.count('data-n="') == len(bad.sip)
        assert axis.count('data-line="') == len(bad.logs)

    def test_tells_quality_by_height_and_word_not_by_colour_alone(
        self, shown: Shown, bad: Evidence
    ) -> None:
        axis = section(shown(bad), "axis")
        heights = dict(
            re.findall(r'class="sv-bar-(\w+)"[^>]*? height="([\d.]+)"', axis)
        )
        assert float(heights["bad"]) < float(heights["fair"]) < float(heights["good"])
        assert ">bad</text>" in axis

    def test_offers_setup_end_and_bad_stretches_to_be_opened(
        self, client: FlaskClient, shown: Shown, bad: Evidence
    ) -> None:
        axis = section(shown(bad), "axis")
        choices = re.findall(r'href="([^"]+)#axis"[^>]*>([^<]+)</a>', axis)
        assert [name for _url, name in choices] == [
            *("Whole call", "Setup", "End"),
            "bad ← at 1:23",
        ]
        opened = client.get(choices[1][0].replace("&amp;", "&")).text
        assert re.search(r'data-begin="-2\d\d\.\d+" data-finish="5\d{3}\.', opened)
        assert ">0:05</text>" in section(opened, "axis")

    def test_of_a_long_call_draws_no_more_than_can_be_seen(self) -> None:
        buckets = [
            Bucket(n * 5 * SECOND, (n + 1) * 5 * SECOND, loss=float(n % 40 == 7))
            for n in range(2880)
        ]
        whole = whole_axis(0, 14_400_000)
        columns = columns_of(buckets, whole, 0)
        assert len(columns) <= MOST_COLUMNS
        # The worst of what is put together is what is seen.
        assert sum(column.loss == 1 for column in columns) == 72
        near = whole_axis(0, 14_400_000, "30000_60000")
        assert len(columns_of(buckets, near, 0)) == 6

    def test_has_nothing_that_the_policy_forbids(
        self, shown: Shown, bad: Evidence
    ) -> None:
        page = shown(bad)
        assert not re.search(r"\sstyle=|<style|\son\w+=", page)


def test_the_band_in_the_ladder_shows_both_directions(
    shown: Shown, bad: Evidence
) -> None:
    ladder = section(shown(bad), "ladder")
    labels = re.findall(r'<text class="sv-sub sv-curvelabel[^>]*>([^<]*)', ladder)
    assert labels[0] == "→ MOS 4.4"
    assert re.fullmatch(r"← MOS 4\.\d, worst 2\.\d at 1:3\d", labels[1])


def test_the_thresholds_that_are_set_count_on_page_and_in_json(
    host: Any, recorded: Recorded
) -> None:
    host.config["SIPVAULT_MOS_THRESHOLDS"] = "4.4, 4.3, 4.2"
    SIPVault(host)
    evidence = recorded("answered_rtp")
    with host.app_context():
        host.extensions["sipvault"].vault(CUSTOMER).put(evidence)
    link = link_to(evidence.call_id)
    client = host.test_client()
    assert "MOS 4.4 fair" in words(client.get(link).text)
    document = json.loads(client.get(file_of(link, "call.json")).text)
    assert document["quality"]["verdict"] == "fair"

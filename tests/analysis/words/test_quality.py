from __future__ import annotations

from typing import Any

import pytest

from flask_sipvault.analysis.media.quality import Audio
from flask_sipvault.analysis.media.quality import DegradedPeriod
from flask_sipvault.analysis.media.quality import Figures
from flask_sipvault.analysis.media.quality import Quality
from flask_sipvault.analysis.media.quality import Statistics
from flask_sipvault.analysis.words.quality import audio_sentence
from flask_sipvault.analysis.words.quality import quality_line

SECOND = 1_000_000_000


def figures(**more: Any) -> Figures:
    measured = {
        "mos": Statistics(4.2, 4.2, 4.2),
        "loss": Statistics(0.0),
        "verdict": "good",
    }
    return Figures("rtp", {}, "PCMU", **{**measured, **more})


def stretch(seconds: int, verdict: Any = "bad") -> DegradedPeriod:
    return DegradedPeriod(0, seconds * SECOND, verdict, 2.0, 12.0)


@pytest.mark.parametrize(
    ("quality", "sentence"),
    [
        (Quality(), ""),
        (Quality(figures(), figures()), ""),
        (
            Quality(figures(), figures(stretches=[stretch(30), stretch(5, "poor")])),
            "The caller heard bad audio for 35 s.",
        ),
        (
            Quality(figures(stretches=[stretch(75, "poor")]), figures()),
            "The called side heard poor audio for 1 min 15 s.",
        ),
        (Quality(figures(verdict="bad"), None), "The called side heard bad audio."),
        (
            Quality(
                None, figures(mos=Statistics(), loss=Statistics(7.6), verdict="unknown")
            ),
            "8 % of the audio to the caller was lost.",
        ),
        (
            Quality(None, figures(), audio=Audio("one-way", audible="uas")),
            "The called side heard nothing.",
        ),
        (Quality(audio=Audio("none")), "Neither side sent audio."),
        (
            Quality(
                figures(verdict="bad"),
                figures(verdict="poor"),
                verdict="bad",
                labels_certain=False,
            ),
            "Audio was bad in both directions.",
        ),
    ],
)
def test_the_headline_tells_what_to_complain_of(
    quality: Quality, sentence: str
) -> None:
    assert audio_sentence(quality) == sentence


def test_one_line_has_all_of_it() -> None:
    there = figures(jitter=Statistics(1.25), rtt=Statistics(40.0))
    back = figures(mos=Statistics(3.7, 2.3), loss=Statistics(4.1))
    quality = Quality(there, back, verdict="good", audio=Audio("normal"))
    assert quality_line(quality) == (
        "Audio good: caller → called MOS 4.2, 0.0 % lost, jitter 1.2 ms, round trip"
        " 40.0 ms; called → caller MOS 3.7, worst 2.3, 4.1 % lost (by rtp)."
    )


def test_one_line_says_why_nothing_is_known() -> None:
    quality = Quality(audio=Audio(reason="not-answered"))
    assert quality_line(quality) == "Audio unknown. The call was not answered."

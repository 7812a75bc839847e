"""How well a call was heard, as the ``quality`` of call.json.

A direction has the shape that the agent's report (DATA_QUALITY) has, and more.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from ...protocols.rtp_figures import BUCKET_MS
from ..media.places import Place
from ..media.quality import Bucket
from ..media.quality import DegradedPeriod
from ..media.quality import Figures
from ..media.quality import Quality
from ..media.quality import StreamQuality
from ..words.assumptions import note_sentence
from ..words.quality import audio_reason

#: As this document has named them from the first, in English.
_LEGS: dict[Place | None, str] = {
    "caller": "on the caller's side",
    "callee": "on the called side",
    "between": "between the two sides",
}


def quality_document(quality: Quality) -> dict[str, Any]:
    """In values that :mod:`json` can write. Every key is always there."""
    audio = quality.audio
    return {
        "verdict": quality.verdict,
        "audio_status": audio.status,
        "audio_reason": audio_reason(audio),
        "audio_direction": audio.audible if audio.status == "one-way" else None,
        "audio_agreed": audio.agreed,
        "directions": {
            name: None if figures is None else figures_document(figures)
            for name, figures in quality.directions.items()
        },
        "labels_certain": quality.labels_certain,
        "source": quality.source,
        "streams": [_stream(stream) for stream in quality.streams],
        "bucket_ms": BUCKET_MS,
        "assumptions": [note_sentence(note) for note in quality.assumptions],
    }


def figures_document(figures: Figures) -> dict[str, Any]:
    """One direction, or one stream."""
    return {
        "mos": dataclasses.asdict(figures.mos),
        "jitter": dataclasses.asdict(figures.jitter),
        "loss": dataclasses.asdict(figures.loss),
        "rtt": dataclasses.asdict(figures.rtt),
        "r_factor": dataclasses.asdict(figures.r),
        "verdict": figures.verdict,
        "codec": figures.codec,
        "no_mos": note_sentence(figures.no_mos) if figures.no_mos else None,
        "source": figures.source,
        "sources": dict(figures.sources),
        "buckets": [_bucket(bucket) for bucket in figures.buckets],
        "stretches": [_stretch(stretch) for stretch in figures.stretches],
        "missing": [
            {"ts": each.ts, "end_ts": each.end, "where": each.where}
            for each in figures.missing
        ],
        "assumptions": [note_sentence(note) for note in figures.assumptions],
    }


def _bucket(bucket: Bucket) -> dict[str, Any]:
    return {
        "ts": bucket.ts,
        "end_ts": bucket.end,
        "mos": bucket.mos,
        "jitter": bucket.jitter,
        "loss": bucket.loss,
        "rtt": bucket.rtt,
        "r_factor": bucket.r,
        "verdict": bucket.verdict,
    }


def _stretch(stretch: DegradedPeriod) -> dict[str, Any]:
    return {
        "ts": stretch.ts,
        "end_ts": stretch.end,
        "verdict": stretch.verdict,
        "mos": stretch.mos,
        "loss": stretch.loss,
    }


def _stream(stream: StreamQuality) -> dict[str, Any]:
    return {
        "ssrc": f"0x{stream.ssrc:08x}",
        "src": None if stream.src is None else str(stream.src),
        "dst": None if stream.dst is None else str(stream.dst),
        "direction": stream.direction,
        "leg": _LEGS.get(stream.place),
        "counted": stream.counted,
        **figures_document(stream.figures),
    }

"""How well a call was heard, in words."""

from __future__ import annotations

from collections.abc import Iterator

from .quality import Direction
from .quality import Figures
from .quality import Quality
from .quality import VERDICTS
from .wording import duration

#: Who listens in a direction, and what it is called; and where nothing tells which of
#: the two is which.
LISTENERS: dict[Direction, str] = {"uac": "the called side", "uas": "the caller"}
NAMES: dict[Direction, str] = {"uac": "caller → called", "uas": "called → caller"}
UNCERTAIN_NAMES: dict[Direction, str] = {"uac": "one way", "uas": "the other way"}

#: Where there is no MOS, so much loss, in percent, is told in the headline.
_NOTABLE_LOSS = 5.0


def direction_names(quality: Quality) -> dict[Direction, str]:
    """What the two directions are called."""
    return NAMES if quality.labels_certain else UNCERTAIN_NAMES


def audio_sentence(quality: Quality) -> str:
    """``The caller heard bad audio for 35 s.``; "" where there is nothing to complain
    of, or nothing is known.
    """
    return " ".join(_sentences(quality))


def _sentences(quality: Quality) -> Iterator[str]:
    audio = quality.audio
    if audio.status == "none":
        yield "Neither side sent audio."
    elif audio.status == "silent":
        yield "Hardly any speech was sent."
    elif audio.status == "one-way" and audio.audible is not None:
        # What is heard in one direction is not heard in the other.
        deaf: Direction = "uas" if audio.audible == "uac" else "uac"
        why = ", as agreed" if audio.agreed else ""
        yield f"{_capital(LISTENERS[deaf])} heard nothing{why}."
    if not quality.labels_certain:
        bad = [each for each in (quality.uac, quality.uas) if _is_bad(each)]
        if bad:
            where = "both directions" if len(bad) == 2 else "one direction"
            yield f"Audio was {quality.verdict} in {where}."
        return
    for direction, figures in quality.directions.items():
        if figures is not None:
            yield from _heard(LISTENERS[direction], figures)


def _is_bad(figures: Figures | None) -> bool:
    return figures is not None and figures.verdict in ("poor", "bad")


def _heard(listener: str, figures: Figures) -> Iterator[str]:
    if figures.stretches:
        worst = max(VERDICTS.index(stretch.verdict) for stretch in figures.stretches)
        ms = 1000 * sum(stretch.seconds for stretch in figures.stretches)
        listener = _capital(listener)
        yield f"{listener} heard {VERDICTS[worst]} audio for {duration(ms)}."
    elif _is_bad(figures):
        yield f"{_capital(listener)} heard {figures.verdict} audio."
    elif figures.mos.avg is None and (figures.loss.avg or 0) >= _NOTABLE_LOSS:
        yield f"{figures.loss.avg:.0f} % of the audio to {listener} was lost."


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]


def quality_line(quality: Quality) -> str:
    """The quality in one line for a terminal: ``Audio good: caller → called MOS 4.4,
    0.0 % lost; called → caller …``.
    """
    audio = quality.audio
    words = [
        f"{name} {_summary(figures)}"
        for name, figures in zip(
            direction_names(quality).values(), (quality.uac, quality.uas), strict=True
        )
        if figures is not None
    ]
    if not words:
        return f"Audio unknown. {audio.reason}"
    status = f", {audio.status}" if audio.status not in ("normal", "unknown") else ""
    return f"Audio {quality.verdict}{status}: {'; '.join(words)} (by {quality.source})."


def _summary(figures: Figures) -> str:
    parts = []
    if figures.mos.avg is not None:
        worst = figures.mos.min
        low = worst is not None and figures.mos.avg - worst >= 0.05
        parts.append(
            f"MOS {figures.mos.avg:.1f}" + (f", worst {worst:.1f}" if low else "")
        )
    elif figures.no_mos:
        parts.append("no MOS")
    if figures.loss.avg is not None:
        parts.append(f"{figures.loss.avg:.1f} % lost")
    if figures.jitter.avg is not None:
        parts.append(f"jitter {figures.jitter.avg:.1f} ms")
    if figures.rtt.avg is not None:
        parts.append(f"round trip {figures.rtt.avg:.1f} ms")
    return ", ".join(parts)

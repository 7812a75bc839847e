"""How well a call was heard, in words."""

from __future__ import annotations

from collections.abc import Iterator

from ...language import _
from ...language import N_
from ..media.quality import Audio
from ..media.quality import AudioReason
from ..media.quality import Direction
from ..media.quality import Figures
from ..media.quality import Quality
from ..media.quality import Verdict
from ..media.quality import worst_of
from .text import duration

_NAMES: dict[Direction, str] = {
    "uac": N_("caller → called"),
    "uas": N_("called → caller"),
}
#: Where nothing tells which of the two is which.
_UNCERTAIN_NAMES: dict[Direction, str] = {
    "uac": N_("one way"),
    "uas": N_("the other way"),
}

#: Where there is no MOS, so much loss, in percent, is told in the headline.
_NOTABLE_LOSS = 5.0

_FOR_A_WHILE: dict[tuple[Direction, Verdict], str] = {
    ("uac", "poor"): N_("The called side heard poor audio for {time}."),
    ("uac", "bad"): N_("The called side heard bad audio for {time}."),
    ("uas", "poor"): N_("The caller heard poor audio for {time}."),
    ("uas", "bad"): N_("The caller heard bad audio for {time}."),
}
_ALL_ALONG: dict[tuple[Direction, Verdict], str] = {
    ("uac", "poor"): N_("The called side heard poor audio."),
    ("uac", "bad"): N_("The called side heard bad audio."),
    ("uas", "poor"): N_("The caller heard poor audio."),
    ("uas", "bad"): N_("The caller heard bad audio."),
}
_LOST: dict[Direction, str] = {
    "uac": N_("{percent:.0f} % of the audio to the called side was lost."),
    "uas": N_("{percent:.0f} % of the audio to the caller was lost."),
}
#: By the direction that was heard, and whether the two had agreed to that.
_ONE_WAY: dict[tuple[Direction, bool], str] = {
    ("uac", False): N_("The caller heard nothing."),
    ("uac", True): N_("The caller heard nothing: one direction was agreed (SDP)."),
    ("uas", False): N_("The called side heard nothing."),
    ("uas", True): N_("The called side heard nothing: one direction was agreed (SDP)."),
}
_MISSING: dict[tuple[Direction, str], str] = {
    ("uac", "beginning"): N_("The called side heard nothing for the first {time}."),
    ("uac", "between"): N_("The called side heard nothing for {time} in between."),
    ("uac", "end"): N_("The called side heard nothing for the last {time}."),
    ("uas", "beginning"): N_("The caller heard nothing for the first {time}."),
    ("uas", "between"): N_("The caller heard nothing for {time} in between."),
    ("uas", "end"): N_("The caller heard nothing for the last {time}."),
}
_DELAYED: dict[Direction, str] = {
    "uac": N_("The called side heard the caller with much delay."),
    "uas": N_("The caller heard the called side with much delay."),
}
_SOMEWHERE: dict[tuple[int, Verdict], str] = {
    (1, "poor"): N_("Audio was poor in one direction."),
    (1, "bad"): N_("Audio was bad in one direction."),
    (2, "poor"): N_("Audio was poor in both directions."),
    (2, "bad"): N_("Audio was bad in both directions."),
}


#: What the status of the audio rests on.
_REASONS: dict[AudioReason, str] = {
    "both-sides": N_("Audio came from both sides."),
    "both-silent": N_("Packets came from both sides, hardly any speech."),
    "not-throughout": N_(
        "Audio came from both sides, but not for as long as it should have."
    ),
    "neither-sent": N_("Both sides reported on audio, and neither sent any."),
    "one-direction-captured": N_("What was captured does not tell of both directions."),
    "agents-report-only": N_(
        "An agent's report does not tell: it puts streams of one source together."
    ),
    "not-answered": N_("The call was not answered."),
    "not-captured": N_("Nothing of the call's audio was captured."),
}
#: The same, by the direction that audio was heard in.
_SILENT: dict[Direction, str] = {
    "uac": N_("Packets came from the caller only, and hardly any speech."),
    "uas": N_("Packets came from the called side only, and hardly any speech."),
}
_NOTHING: dict[Direction, str] = {
    "uac": N_("No audio came from the called side."),
    "uas": N_("No audio came from the caller."),
}
_HARDLY: dict[Direction, str] = {
    "uac": N_("From the called side came packets with hardly any speech."),
    "uas": N_("From the caller came packets with hardly any speech."),
}
_ASTRAY: dict[Direction, str] = {
    "uac": N_(
        "What the called side sent went to a private address, and nothing shows that"
        " anybody is there."
    ),
    "uas": N_(
        "What the caller sent went to a private address, and nothing shows that anybody"
        " is there."
    ),
}
_AGREED = N_("The two had agreed to that (SDP: sendonly, recvonly or inactive).")
_NOT_AGREED = N_("Nothing in the SDP agrees to that.")


def audio_reason(audio: Audio) -> str:
    """What the status of the audio rests on, as a sentence or two."""
    if audio.audible is None:
        return _(_REASONS[audio.reason])
    if audio.status == "silent":
        return _(_SILENT[audio.audible])
    came = {"one-side-silent": _HARDLY, "astray": _ASTRAY}.get(audio.reason, _NOTHING)
    agreed = _(_AGREED if audio.agreed else _NOT_AGREED)
    return f"{_(came[audio.audible])} {agreed}"


def direction_name(quality: Quality, direction: Direction) -> str:
    """What a direction is called."""
    names = _NAMES if quality.labels_certain else _UNCERTAIN_NAMES
    return _(names[direction])


def audio_sentence(quality: Quality) -> str:
    """``The caller heard bad audio for 35 s.``; "" where there is nothing to complain
    of, or nothing is known.
    """
    return " ".join(_sentences(quality))


def _sentences(quality: Quality) -> Iterator[str]:
    audio = quality.audio
    if audio.status == "none":
        yield _("Neither side sent audio.")
    elif audio.status == "silent":
        yield _("Hardly any speech was sent.")
    elif audio.status == "one-way" and audio.audible is not None:
        yield _(_ONE_WAY[audio.audible, audio.agreed])
    if not quality.labels_certain:
        bad = [each for each in quality.measured if each.verdict in ("poor", "bad")]
        if bad:
            yield _(_SOMEWHERE[len(bad), quality.verdict])
        return
    one_way = audio.status in ("one-way", "none", "silent")
    for direction, figures in quality.directions.items():
        if figures is not None:
            yield from _heard(direction, figures, one_way=one_way)


def _heard(direction: Direction, figures: Figures, *, one_way: bool) -> Iterator[str]:
    for missing in figures.missing:
        if not one_way:
            sentence = _MISSING[direction, missing.where]
            yield _(sentence).format(time=duration(1000 * missing.seconds))
    heard_badly = [each for each in figures.stretches if not each.by_delay]
    if len(heard_badly) < len(figures.stretches):
        yield _(_DELAYED[direction])
    if heard_badly:
        worst = worst_of(stretch.verdict for stretch in heard_badly)
        ms = 1000 * sum(stretch.seconds for stretch in heard_badly)
        sentence = _FOR_A_WHILE[direction, worst]
        yield _(sentence).format(time=duration(ms))
    elif (direction, figures.verdict) in _ALL_ALONG and not (
        figures.missing or figures.stretches
    ):
        yield _(_ALL_ALONG[direction, figures.verdict])
    elif figures.mos.avg is None and (figures.loss.avg or 0) >= _NOTABLE_LOSS:
        yield _(_LOST[direction]).format(percent=figures.loss.avg)


def quality_line(quality: Quality) -> str:
    """The quality in one line for a terminal: ``Audio good: caller → called MOS 4.4,
    0.0 % lost; called → caller …``.
    """
    audio = quality.audio
    words = [
        f"{direction_name(quality, direction)} {_summary(figures)}"
        for direction, figures in quality.directions.items()
        if figures is not None
    ]
    if not words:
        return f"Audio unknown. {audio_reason(audio)}"
    status = f", {audio.status}" if audio.status not in ("normal", "unknown") else ""
    return f"Audio {quality.verdict}{status}: {'; '.join(words)} (by {quality.source})."


def _summary(figures: Figures) -> str:
    parts = [mos_words(figures)]
    if figures.loss.avg is not None:
        parts.append(f"{figures.loss.avg:.1f} % lost")
    if figures.jitter.avg is not None:
        parts.append(f"jitter {figures.jitter.avg:.1f} ms")
    if figures.rtt.avg is not None:
        parts.append(f"round trip {figures.rtt.avg:.1f} ms")
    return ", ".join(parts)


def mos_words(figures: Figures) -> str:
    """``MOS 4.3``, ``MOS 3.7, worst 2.3``, ``no MOS``."""
    if figures.mos.avg is None:
        return _("no MOS")
    least = figures.mos.min
    if least is None or figures.mos.avg - least < 0.05:
        return _("MOS {mos:.1f}").format(mos=figures.mos.avg)
    return _("MOS {mos:.1f}, worst {least:.1f}").format(
        mos=figures.mos.avg, least=least
    )

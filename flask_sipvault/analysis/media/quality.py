"""How well a call was heard: what an assessment comes to, and by which scale.

Times are in ns since the epoch, jitter and round trips in ms, losses in percent.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from dataclasses import field
from typing import Literal

from ...protocols.address import Endpoint
from .places import Place

#: As the agent names them: what the caller (user agent client) sends to the called
#: side, and what the called side (user agent server) sends to the caller.
Direction = Literal["uac", "uas"]

Verdict = Literal["good", "fair", "poor", "bad", "unknown"]

#: ``one-way``: audio was carried in one direction only; ``interrupted``: in both, but
#: in one of them not as long as it should have been; ``silent``: packets came, but
#: nobody's voice in them; ``none``: both sides were there, and no audio was.
AudioStatus = Literal["normal", "interrupted", "one-way", "none", "silent", "unknown"]

#: What an :class:`Audio` rests on.
AudioReason = Literal[
    "both-sides",
    "both-silent",
    "one-side-silent",
    "only-one-side",
    "hardly-any-speech",
    "astray",
    "not-throughout",
    "neither-sent",
    "one-direction-captured",
    "agents-report-only",
    "not-answered",
    "not-captured",
]

#: Who measured: packets seen in the capture; receivers' reports (RFC 3550); their
#: VoIP metrics (RFC 3611); an agent, in a report of its own.
Source = Literal["rtp", "rtcp", "rtcp-xr", "agent"]

#: From the best to the worst.
VERDICTS: tuple[Verdict, ...] = ("good", "fair", "poor", "bad")

#: The least MOS that is good, fair and poor: the agent's.
DEFAULT_THRESHOLDS = (3.6, 3.1, 2.5)

_SECOND = 1_000_000_000


def worst_of(verdicts: Iterable[Verdict]) -> Verdict:
    """The worst of those that are known; ``unknown`` where none is."""
    known = set(verdicts)
    return next((each for each in reversed(VERDICTS) if each in known), "unknown")


@dataclass(frozen=True, slots=True)
class Scale:
    """What a MOS is called, and what is taken for granted when it is worked out.

    :param good: the least MOS that is good, as ``fair`` and ``poor``; what is less
        than poor is bad.
    :param g711_concealment: whether receivers of G.711 conceal losses.
    """

    good: float = DEFAULT_THRESHOLDS[0]
    fair: float = DEFAULT_THRESHOLDS[1]
    poor: float = DEFAULT_THRESHOLDS[2]
    g711_concealment: bool = True

    def verdict(self, mos: float | None) -> Verdict:
        """The word for a MOS; ``unknown`` for None."""
        if mos is None:
            return "unknown"
        limits: list[tuple[Verdict, float]] = [
            ("good", self.good),
            ("fair", self.fair),
            ("poor", self.poor),
        ]
        return next((word for word, least in limits if mos >= least), "bad")


#: Where nobody set another.
USUAL_SCALE = Scale()


@dataclass(frozen=True, slots=True)
class Statistics:
    """A figure over the call: its mean, and how its buckets are spread about it.

    :param p5: the fifth percentile of the buckets, as ``p95`` is the ninety-fifth.
    """

    avg: float | None = None
    min: float | None = None
    max: float | None = None
    p5: float | None = None
    p95: float | None = None


UNMEASURED = Statistics()


@dataclass(frozen=True, slots=True)
class Note:
    """Something that figures rest on, or why there is no MOS. Its sentence is in
    :mod:`flask_sipvault.analysis.words.assumptions`.
    """

    code: str
    parameters: tuple[tuple[str, str | float], ...] = ()

    @classmethod
    def of(cls, code: str, **parameters: str | float) -> Note:
        """A note with its parameters."""
        return cls(code, tuple(parameters.items()))


@dataclass(slots=True)
class Bucket:
    """Five seconds of one direction. What was not measured is None.

    :param end: where it ends; the first and the last are shorter, or take a neighbour
        of less than a second in.
    :param rtt: from the capture to the listener and back.
    :param r: the E-model's rating; of wideband on the scale of narrow-band.
    :param heard: the verdict on what was heard alone, as if it had not come late.
    """

    ts: int
    end: int
    loss: float | None = None
    jitter: float | None = None
    rtt: float | None = None
    r: float | None = None
    mos: float | None = None
    verdict: Verdict = "unknown"
    heard: Verdict = "unknown"

    @property
    def seconds(self) -> float:
        """How long it is."""
        return (self.end - self.ts) / _SECOND


@dataclass(frozen=True, slots=True)
class DegradedPeriod:
    """Buckets in a row that were less than good, at least one of them poor or bad.

    :param verdict: of the worst of them.
    :param mos: the least, ``loss`` the most in them.
    :param by_delay: whether delay alone made them so: what was heard came late, but
        was heard well.
    """

    ts: int
    end: int
    verdict: Verdict
    mos: float | None
    loss: float | None
    by_delay: bool = False

    @property
    def seconds(self) -> float:
        """How long it is."""
        return (self.end - self.ts) / _SECOND


@dataclass(frozen=True, slots=True)
class Missing:
    """A time in which there should have been speech and none was carried.

    :param where: ``beginning``, ``end``, or in ``between``.
    """

    ts: int
    end: int
    where: Literal["beginning", "between", "end"]

    @property
    def seconds(self) -> float:
        """How long it is."""
        return (self.end - self.ts) / _SECOND


@dataclass(slots=True)
class Figures:
    """What was measured of one direction, or of one stream.

    :param sources: who measured ``loss``, ``jitter`` and ``rtt``; None where nobody.
    :param codec: the codec's SDP name; None where nothing tells. Of several, the one
        that was spoken longest.
    :param no_mos: why there is no MOS; None where there is one.
    :param missing: when there should have been speech and none was carried, where that
        was long enough to be noticed. The other figures are of what was carried.
    :param assumptions: what the figures rest on that was not measured.
    """

    source: Source
    sources: dict[str, Source | None]
    codec: str | None = None
    mos: Statistics = UNMEASURED
    r: Statistics = UNMEASURED
    loss: Statistics = UNMEASURED
    jitter: Statistics = UNMEASURED
    rtt: Statistics = UNMEASURED
    verdict: Verdict = "unknown"
    no_mos: Note | None = None
    buckets: list[Bucket] = field(default_factory=list)
    stretches: list[DegradedPeriod] = field(default_factory=list)
    missing: list[Missing] = field(default_factory=list)
    assumptions: list[Note] = field(default_factory=list)


@dataclass(slots=True)
class StreamQuality:
    """What was measured of one stream, by one source.

    :param direction: ``uac`` for what the caller says, ``uas`` for what the called side
        says; None where it cannot be told.
    :param place: which part of the way it was measured on; None for unknown.
    :param counted: whether the figures of its direction rest on it.
    """

    ssrc: int
    src: Endpoint | None
    dst: Endpoint | None
    direction: Direction | None
    place: Place | None
    counted: bool
    figures: Figures


@dataclass(frozen=True, slots=True)
class Audio:
    """Whether audio went both ways.

    :param reason: what the status rests on.
    :param audible: of one-way audio, the direction that carried it.
    :param agreed: whether the two sides had agreed on audio in that direction only.
    """

    status: AudioStatus = "unknown"
    reason: AudioReason = "not-captured"
    audible: Direction | None = None
    agreed: bool = False


@dataclass(slots=True)
class Quality:
    """How well a call was heard.

    :param uac: what the called side heard, from the caller; None where nothing was
        measured. ``uas``: what the caller heard.
    :param verdict: that of the worse direction.
    :param labels_certain: False where it cannot be told which of ``uac`` and ``uas`` is
        which.
    """

    uac: Figures | None = None
    uas: Figures | None = None
    verdict: Verdict = "unknown"
    audio: Audio = Audio()
    labels_certain: bool = True
    streams: list[StreamQuality] = field(default_factory=list)

    @property
    def directions(self) -> dict[Direction, Figures | None]:
        """Both by name."""
        return {"uac": self.uac, "uas": self.uas}

    @property
    def measured(self) -> list[Figures]:
        """Those of the two of which anything is known."""
        return [each for each in (self.uac, self.uas) if each is not None]

    @property
    def source(self) -> Source | None:
        """The best source that any direction has."""
        sources: tuple[Source, ...] = ("rtp", "rtcp", "rtcp-xr", "agent")
        found = {each.source for each in self.measured}
        return next((source for source in sources if source in found), None)

    @property
    def assumptions(self) -> list[Note]:
        """Those of both directions, each once."""
        notes = (note for each in self.measured for note in each.assumptions)
        return list(dict.fromkeys(notes))

"""Whether audio went both ways, one way, or no way at all.

That nothing came is told only where it would have been seen: where the other direction
was captured, or where both sides' RTCP was.
"""

from __future__ import annotations

from collections.abc import Sequence

from ...language import _
from ...language import N_
from ..call import Call
from .directions import Direction
from .directions import opposite
from .paths import MediaPaths
from .quality import Audio
from .rtcp_streams import Reported
from .rtp_streams import MeasuredStream

#: A direction must have carried so much, or have been silent for so long, before
#: anything is said of the other.
ENOUGH_PACKETS = 250
ENOUGH_NS = 5_000_000_000

#: Less than this share of the other direction's packets is no conversation.
_STRAY_SHARE = 0.1

#: By the direction that audio was heard in.
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
_UP = ("answered", "in_progress")
_BOTH: tuple[Direction, Direction] = ("uac", "uas")


def find_status(
    call: Call, paths: MediaPaths, seen: Sequence[MeasuredStream], reported: Reported
) -> Audio:
    """Whether audio went both ways, as far as it can be told."""
    flows = _Flows(seen, reported)
    carried = {direction: flows.carried(direction) for direction in _BOTH}
    silent = {direction: flows.silent(direction) for direction in _BOTH}
    if carried == {"uac": True, "uas": True}:
        if all(silent.values()):
            return Audio(
                "silent", _("Packets came from both sides, hardly any speech.")
            )
        if any(silent.values()):
            return _one_way("uas" if silent["uac"] else "uac", paths, silent=True)
        return Audio("normal", _("Audio came from both sides."))
    if call.outcome.status not in _UP:
        return without_media(call)
    if True in carried.values() and False in carried.values():
        direction: Direction = "uac" if carried["uac"] else "uas"
        if not silent[direction]:
            return _one_way(direction, paths, silent=False)
        return Audio("silent", _(_SILENT[direction]))
    if carried == {"uac": False, "uas": False}:
        return Audio("none", _("Both sides reported on audio, and neither sent any."))
    if seen or reported.streams:
        return Audio(reason=_("What was captured does not tell of both directions."))
    if call.evidence.reports:
        return Audio(
            reason=_(
                "An agent's report does not tell: it puts streams of one source"
                " together."
            )
        )
    return without_media(call)


def without_media(call: Call) -> Audio:
    """The status of a call of whose audio nothing is known."""
    if call.outcome.status not in _UP:
        return Audio(reason=_("The call was not answered."))
    return Audio(reason=_("Nothing of the call's audio was captured."))


def _one_way(direction: Direction, paths: MediaPaths, *, silent: bool) -> Audio:
    agreed = paths.keeps_silent(opposite(direction))
    came = _HARDLY if silent else _NOTHING
    why = (
        _("The two had agreed to that (SDP: sendonly, recvonly or inactive).")
        if agreed
        else _("Nothing in the SDP agrees to that.")
    )
    return Audio("one-way", f"{_(came[direction])} {why}", direction, agreed)


class _Flows:
    """What is known of whether audio flowed."""

    def __init__(self, seen: Sequence[MeasuredStream], reported: Reported) -> None:
        self._seen = seen
        self._reported = reported

    def _of(self, direction: Direction) -> list[MeasuredStream]:
        return [each for each in self._seen if each.direction == direction]

    def carried(self, direction: Direction) -> bool | None:
        """Whether a direction carried packets; None where it is not known."""
        others = self._of(opposite(direction))
        packets = sum(each.measured.packets for each in self._of(direction))
        against = sum(each.measured.packets for each in others)
        enough = against >= ENOUGH_PACKETS and any(
            each.measured.last_ts - each.measured.first_ts >= ENOUGH_NS
            for each in others
        )
        if packets and not (enough and packets < _STRAY_SHARE * against):
            return True
        if self._reported.sent.get(direction) or direction in self._reported.hears:
            return True
        if enough:
            strangers = any(each.direction is None for each in self._seen)
            return None if strangers else False
        # A speaker that sends no sender report has sent nothing; a listener that
        # reports on nothing has heard nothing (RFC 3550 section 6.4).
        told = any(
            len(times) > 1 and times[-1] - times[0] >= ENOUGH_NS
            for times in self._reported.speakers.values()
        )
        return False if told else None

    def silent(self, direction: Direction) -> bool:
        """Whether all that came was comfort noise or pauses."""
        streams = self._of(direction)
        return bool(streams) and all(each.silent for each in streams)

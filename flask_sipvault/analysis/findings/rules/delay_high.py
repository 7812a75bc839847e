"""A delay that makes people talk at the same time (ITU-T G.114, G.107)."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from ....language import N_
from ...call import Call
from ...media.model import Period
from ...media.rtcp_streams import ReportedStream
from ...sip.sides import Side
from ..impairments import DIRECTIONS
from ..impairments import SIDES
from ..media_references import conversation
from ..media_references import datagrams
from ..media_references import span
from ..model import Finding
from ..rule import CatalogueEntry
from ..rule import Rule
from ..rule import Texts

#: A round trip in ms. Half of it, and 60 ms for packets and jitter buffers, are 240 ms
#: from mouth to ear, where the E-model falls below R = 80 (Id 13): users begin to be
#: dissatisfied (ITU-T G.109).
_ROUND_TRIP_MS = 360

#: So many reports must tell: one alone may have waited somewhere.
_FEWEST_REPORTS = 2


def _find(call: Call) -> Iterator[Finding]:
    trips = {side: _trips(call, side) for side in SIDES}
    known = {side: measured for side, measured in trips.items() if measured}
    if not known or call.visibility.has("clock-step"):
        return
    total = sum(median(ms for _, ms in measured) for measured in known.values())
    whole = [
        (ts, ms)
        for side in SIDES
        for each in _streams(call, side)
        for ts, ms in each.whole_trips
    ]
    if whole:
        total = max(total, median(ms for _, ms in whole))
    every = [item for measured in known.values() for item in measured]
    slow = total if total >= _ROUND_TRIP_MS else None
    if slow is None:
        high = _spell(known)
        if high is None:
            return
        every, slow = high
    times = {ts for ts, _ in every}
    numbers = [n for n, d in enumerate(call.media.rtcp, 1) if d.ts in times]
    period = Period(min(times), max(times))
    far = max(known, key=lambda side: median(ms for _, ms in known[side]))
    yield Finding(
        "delay-high",
        "warning",
        variant="both" if len(known) > 1 else far,
        parameters={
            "round_trip_ms": slow,
            "one_way_ms": slow / 2,
            "caller_ms": median(ms for _, ms in known.get("callee", [(0, 0.0)])),
            "callee_ms": median(ms for _, ms in known.get("caller", [(0, 0.0)])),
            "count": len(every),
        },
        evidence=(
            *datagrams(numbers, N_("reports that the round trip follows from")),
            span(period, N_("round trip of {round_trip_ms}")),
            *conversation(call),
        ),
        since_ts=period.start_ts,
    )


def _streams(call: Call, speaker: Side) -> list[ReportedStream]:
    own = DIRECTIONS[speaker]
    return [each for each in call.media.reported.streams if each.direction == own]


def _trips(call: Call, speaker: Side) -> list[tuple[int, float]]:
    """Round trips from where the capture was made to the listener of a direction.

    Only those where the sender report that is answered was captured too: else the time
    between the two clocks would count.
    """
    captured = {s.ssrc for s in call.media.streams if s.counts}
    found = [
        trip
        for each in _streams(call, speaker)
        if each.ssrc in captured
        for trip in each.round_trips
    ]
    return found if len(found) >= _FEWEST_REPORTS else []


def _spell(
    known: dict[Side, list[tuple[int, float]]],
) -> tuple[list[tuple[int, float]], float] | None:
    """A stretch of reports in a row with a high delay, in a call that was quick
    otherwise.
    """
    for measured in known.values():
        run: list[tuple[int, float]] = []
        for item in sorted(measured):
            if item[1] >= _ROUND_TRIP_MS:
                run.append(item)
                continue
            if len(run) > _FEWEST_REPORTS:
                break
            run = []
        if len(run) > _FEWEST_REPORTS:
            return run, median(ms for _, ms in run)
    return None


_NEXT = (
    N_(
        "Look at the way of the media: does it go through a relay or data centre far "
        "away from both sides?"
    ),
    N_("Look for a full uplink, where packets wait (bufferbloat), or a satellite."),
)

RULE = Rule(
    id="delay-high",
    find=_find,
    rank=620,
    standard=("ITU-T G.114", "ITU-T G.107", "RFC 3550 6.4.1"),
    texts={
        "both": Texts(
            N_("The two sides talk across a delay: {round_trip_ms} to and fro."),
            N_(
                "By {count} reports (RTCP) packets take {round_trip_ms} from one side "
                "to the other and back: {caller_ms} between the capture and the "
                "caller, {callee_ms} between the capture and the called side. About "
                "{one_way_ms} each way, and what phones and buffers add, makes people "
                "talk at the same time."
            ),
            _NEXT,
        ),
        "caller": Texts(
            N_("A long delay towards the called side: {round_trip_ms} to and fro."),
            N_(
                "By {count} reports (RTCP) packets take {round_trip_ms} from the "
                "capture to the called side and back; the rest of the way comes on "
                "top. About {one_way_ms} each way, and what phones and buffers add, "
                "makes people talk at the same time."
            ),
            _NEXT,
        ),
        "callee": Texts(
            N_("A long delay towards the caller: {round_trip_ms} to and fro."),
            N_(
                "By {count} reports (RTCP) packets take {round_trip_ms} from the "
                "capture to the caller and back; the rest of the way comes on top. "
                "About {one_way_ms} each way, and what phones and buffers add, makes "
                "people talk at the same time."
            ),
            _NEXT,
        ),
    },
    catalogue=CatalogueEntry(
        title=N_("High delay"),
        meaning=N_(
            "Packets take so long from one side to the other that a conversation "
            "suffers: a round trip of 360 ms and more in the network alone."
        ),
        noticed=N_(
            "People interrupt each other, pauses seem too long, echo is more annoying."
        ),
        causes=(
            N_("Media through a relay or data centre on another continent."),
            N_("A full uplink whose router queues for seconds."),
            N_("Satellite links, VPN detours, long jitter buffers."),
        ),
        confirm=(
            N_("ping and traceroute to both ends and to the media relay."),
            N_("The reports over time: constant (distance) or in peaks (queues)?"),
        ),
        fix=(
            N_("Keep the media near: direct media, or a relay in the region."),
            N_("Limit the queue of the uplink, and give voice priority."),
        ),
        settings={
            "OpenSIPS": N_("Choose a near rtpengine set (rtpengine_use_set())."),
            "Kamailio": N_("Choose a near rtpengine set (set_rtpengine_set())."),
            "Asterisk": N_("Endpoint: direct_media=yes where no NAT is in between."),
            "FreeSWITCH": N_("bypass_media=true where no NAT is in between."),
        },
    ),
)

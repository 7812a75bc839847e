"""Messages and log lines as the call page shows them, each beside the other."""

from __future__ import annotations

import bisect
from collections import defaultdict
from collections.abc import Iterable

from ..analysis.ladder import Ladder
from ..analysis.logs import level
from ..analysis.messages import Message
from ..evidence import LogLine
from ..protocols.mime import BodyPart
from ..protocols.sdp import Media
from . import figures
from . import highlight
from .moments import moment
from .page import Again
from .page import BodyView
from .page import LogView
from .page import MessageView
from .plain import on_one_line

#: Of the log lines nearest to one message, this many stand beside it.
LOG_LINES_BESIDE = 12

_TONES: dict[str | None, str] = {
    "CRITICAL": "error",
    "ERROR": "error",
    "WARNING": "warning",
}


def log_views(
    lines: Iterable[LogLine], messages: list[Message], start: int
) -> list[LogView]:
    """The log lines, each with the message nearest to it in time.

    :param messages: in the order of time.
    :param start: the call's first moment, in ns since the epoch.
    """
    times = [message.ts for message in messages]
    views = []
    for line in lines:
        near = _nearest(times, line.ts)
        word = level(line.line)
        views.append(
            LogView(
                at=moment(line.ts),
                since=figures.since(line.ts - start),
                source=on_one_line(line.source),
                level=word or "",
                tone=_TONES.get(word, "info"),
                text=on_one_line(line.text),
                nearest=None if near is None else messages[near].n,
            )
        )
    return views


def message_views(
    messages: list[Message], drawn: Ladder, logs: list[LogView]
) -> list[MessageView]:
    """The messages, each with the log lines that are nearest to it."""
    beside: dict[int | None, list[LogView]] = defaultdict(list)
    for line in logs:
        beside[line.nearest].append(line)
    rows = {row.n: row for row in drawn.rows}
    names = [on_one_line(line.label) for line in drawn.lifelines]
    views = []
    for message in messages:
        row = rows[message.n]
        near = beside[message.n]
        views.append(
            MessageView(
                n=message.n,
                style=row.style,
                label=on_one_line(message.summary),
                source=names[row.source],
                target=names[row.target],
                src=str(message.src),
                dst=str(message.dst),
                transport=message.transport.upper(),
                size=figures.size(len(message.raw)),
                at=moment(message.ts),
                since=figures.since(row.since_start_ns),
                delta=figures.delta(row.delta_ns) if row is not drawn.rows[0] else "",
                detail=on_one_line(row.detail),
                again=_again(message),
                problem=on_one_line(message.problem),
                media=_media(message),
                head=highlight.head(highlight.split(message.raw)[0]),
                bodies=_bodies(message),
                logs=near[:LOG_LINES_BESIDE],
                logs_left_out=max(0, len(near) - LOG_LINES_BESIDE),
            )
        )
    return views


def _nearest(times: list[int], ts: int) -> int | None:
    """Where in ``times``, which rise, the one nearest to ``ts`` is."""
    if not times:
        return None
    at = bisect.bisect(times, ts)
    if at == 0:
        return 0
    if at == len(times) or ts - times[at - 1] <= times[at] - ts:
        return at - 1
    return at


def _again(message: Message) -> Again | None:
    if message.retransmission_of is None:
        return None
    return Again(f"\N{MULTIPLICATION SIGN}{message.sending}", message.retransmission_of)


def _bodies(message: Message) -> list[BodyView]:
    """The body; of several parts each on its own if one of them is no text."""
    _, raw = highlight.split(message.raw)
    if not raw:
        return []
    parsed = message.sip
    if parsed is None or highlight.is_text(raw):
        content_type = (parsed.get("Content-Type") or "") if parsed else ""
        return [_body(BodyPart(content_type, [], raw))]
    return [_body(part) for part in parsed.bodies()]


def _body(part: BodyPart) -> BodyView:
    return BodyView(
        content_type=on_one_line(part.content_type),
        size=figures.size(len(part.data)),
        shown=highlight.body(part.data, part.content_type),
        is_dump=not highlight.is_text(part.data),
    )


def _media(message: Message) -> list[str]:
    return [_media_line(media) for media in message.sdp.media] if message.sdp else []


def _media_line(media: Media) -> str:
    """``audio 192.0.2.1:4000 · PCMU/8000, telephone-event/8000 · sendrecv``."""
    codecs = [
        f"{codec.name}/{codec.clock_rate}" for codec in media.codecs.values()
    ] or media.formats
    where = str(media.rtp) if media.rtp else "refused (port 0)"
    facts = [f"{media.kind} {where}", ", ".join(codecs), media.direction]
    if media.ptime:
        facts.append(f"{media.ptime:g} ms a packet")
    if media.encrypted:
        facts.append("encrypted")
    if media.on_hold:
        facts.append("on hold")
    return on_one_line(" · ".join(fact for fact in facts if fact))

"""Messages as the call page shows them, each with what belongs to it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from collections.abc import Hashable
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence

from ....analysis.ladder.ladder import Ladder
from ....analysis.sip.messages import Message
from ....language import _
from ....protocols.mime import BodyPart
from ....protocols.sdp import Media
from ....sanitize import on_one_line
from ... import formatting as figures
from ...moments import moment
from ...page import Again
from ...page import Answer
from ...page import BodyView
from ...page import LogView
from ...page import MessageView
from ...page import RepeatView
from ...page import Twin
from ...pagination import ms_of
from . import highlight

#: Of the log lines nearest to one message, this many stand beside it.
LOG_LINES_BESIDE = 12


def message_views(
    shown: Sequence[Message],
    messages: Sequence[Message],
    drawn: Ladder,
    logs: Iterable[LogView],
    compare_url: Callable[[int, int], str],
    repeats: Mapping[int, RepeatView],
) -> list[MessageView]:
    """Some of the call's messages, each with the log lines that are nearest to it.

    :param shown: those to be shown; ``messages`` are all of the call's.
    :param drawn: the whole ladder, a row a message.
    :param repeats: what is said after the messages of these numbers.
    """
    beside: dict[int | None, list[LogView]] = defaultdict(list)
    for line in logs:
        beside[line.nearest].append(line)
    names = [on_one_line(line.label) for line in drawn.lifelines]
    twins = _Twins(messages, compare_url)
    views = []
    for message in shown:
        row = drawn.rows[message.n - 1]
        near = beside[message.n]
        views.append(
            MessageView(
                n=message.n,
                ms=ms_of(row.since_start_ns),
                style=row.style,
                label=on_one_line(message.summary),
                method=on_one_line(message.cseq_method),
                code=f"{message.code:03}" if message.kind == "response" else "",
                transaction=row.transaction,
                source=names[row.source],
                target=names[row.target],
                src=str(message.src),
                dst=str(message.dst),
                transport=message.transport.upper(),
                size=figures.size(len(message.raw)),
                at=moment(message.ts),
                since=figures.since(row.since_start_ns),
                delta=figures.delta(row.delta_ns) if message.n > 1 else "",
                detail=on_one_line(row.detail),
                again=_again(message),
                answers=_answer(message, messages),
                twins=twins.of(message),
                problem=on_one_line(message.problem),
                media=_media(message),
                head=highlight.head(highlight.split(message.raw)[0]),
                bodies=_bodies(message),
                logs=near[:LOG_LINES_BESIDE],
                logs_left_out=max(0, len(near) - LOG_LINES_BESIDE),
                repeat=repeats.get(message.n),
                leg=message.leg,
            )
        )
    return views


def _again(message: Message) -> Again | None:
    if message.retransmission_of is None:
        return None
    return Again(f"\N{MULTIPLICATION SIGN}{message.sending}", message.retransmission_of)


def _answer(message: Message, messages: Sequence[Message]) -> Answer | None:
    if message.kind == "request" or message.transaction is None:
        return None
    request = messages[message.transaction - 1]
    after = figures.duration((message.ts - request.ts) / 1_000_000)
    return Answer(request.n, on_one_line(request.summary), after)


class _Twins:
    """Finds what a message is worth comparing with: its first sending, and the same
    message where it passed one hop earlier.
    """

    def __init__(
        self, messages: Sequence[Message], compare_url: Callable[[int, int], str]
    ) -> None:
        self._url = compare_url
        self._same: dict[Hashable, list[Message]] = defaultdict(list)
        for message in messages:
            if message.retransmission_of is None:
                self._same[_across_hops(message)].append(message)

    def of(self, message: Message) -> list[Twin]:
        found = []
        first = message.retransmission_of
        if first is not None:
            found.append(
                Twin(first, _("its first sending"), self._url(first, message.n))
            )
        for other in reversed(self._same[_across_hops(message)]):
            # A proxy may listen on one port and send from another.
            if other.n < message.n and other.target.ip == message.origin.ip:
                url = self._url(other.n, message.n)
                found.append(Twin(other.n, _("the same one hop before"), url))
                break
        return found


def _across_hops(message: Message) -> Hashable:
    """What a message keeps when a proxy passes it on."""
    return (
        message.method or message.code,
        message.cseq_number,
        message.cseq_method,
        message.from_tag,
    )


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
    where = str(media.rtp) if media.rtp else _("refused (port 0)")
    facts = [f"{media.kind} {where}", ", ".join(codecs), media.direction]
    if media.ptime:
        facts.append(_("{ms} ms a packet").format(ms=f"{media.ptime:g}"))
    if media.encrypted:
        facts.append(_("encrypted"))
    if media.on_hold:
        facts.append(_("on hold"))
    return on_one_line(" · ".join(fact for fact in facts if fact))

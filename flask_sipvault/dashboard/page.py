"""What the call page shows, ready to be put into the template.

Every string here is safe to look at (see :mod:`.plain`) and gets escaped by the
template; what is markup already was made from escaped text.
"""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field
from typing import TYPE_CHECKING

from markupsafe import Markup

from .moments import Moment

if TYPE_CHECKING:
    from .panels.findings.view import FindingsView
    from .panels.quality.view import QualityView
    from .panels.timeline.svg import TimelineView


@dataclass(frozen=True, slots=True)
class PartyView:
    """One side of the call; what is not known is empty.

    :param vouched: who vouches for the number, in a few words.
    """

    role: str
    number: str
    name: str
    agent: str
    address: str
    vouched: str = ""


@dataclass(frozen=True, slots=True)
class Figure:
    """One of the six figures under the headline.

    :param tone: ``good`` or ``bad`` where the figure is a verdict.
    """

    label: str
    value: str
    note: str = ""
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Notice:
    """Something the reader must know before trusting the page."""

    title: str
    items: list[str] = field(default_factory=list)
    advice: str = ""


@dataclass(frozen=True, slots=True)
class LegView:
    """Another Call-ID of the same call.

    :param why: what ties it to the call, in words; "" where that is not known here.
    :param via: the leg that it is a leg of; "" for one of the call itself.
    :param url: its own page; empty where no link can be made.
    :param letter: what it is called in the ladder; "" while it is not beside the call.
    :param join_url: the page with it beside the call, or without where it is; empty
        where no more legs can be told apart.
    """

    call_id: str
    why: str
    via: str
    url: str
    letter: str
    join_url: str


@dataclass(frozen=True, slots=True)
class LegsView:
    """The other legs of the call.

    :param more_url: the page that looks for the legs of these too; empty once it has.
    :param gone: those that were asked for, and of which nothing is stored.
    :param joined: whether some are beside the call.
    """

    legs: list[LegView]
    more_url: str
    gone: list[str]
    joined: bool


@dataclass(frozen=True, slots=True)
class Live:
    """A call that is not over as far as is stored, and how its page learns of more.

    :param up: whether its SIP says so; False where no SIP of it is stored.
    :param url: tells the version of what is stored.
    :param version: what this page was made from.
    :param wait: seconds until it is worth asking.
    """

    up: bool
    url: str
    version: str
    wait: int


@dataclass(frozen=True, slots=True)
class Download:
    """A file that this call can be taken away as."""

    url: str
    name: str
    what: str


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several ways to see the page, as a link.

    :param value: what it is to a script.
    :param count: of what it shows, where that is worth knowing.
    """

    label: str
    value: str
    url: str
    current: bool
    count: str = ""


@dataclass(frozen=True, slots=True)
class Again:
    """Says of a retransmission the how manieth it is, and of which message."""

    count: str
    first: int


@dataclass(frozen=True, slots=True)
class Answer:
    """Says of a response to which message it is, and how long that had waited."""

    n: int
    summary: str
    after: str


@dataclass(frozen=True, slots=True)
class Twin:
    """A message that this one is worth comparing with, and why."""

    n: int
    why: str
    url: str


@dataclass(frozen=True, slots=True)
class RepeatView:
    """Says that the messages up to here come again and again, and where to see it."""

    text: str
    url: str


@dataclass(frozen=True, slots=True)
class BodyView:
    """A body, or the part of one that has several."""

    content_type: str
    size: str
    shown: Markup
    is_dump: bool


@dataclass(frozen=True, slots=True)
class LogView:
    """A log line.

    :param n: its number among the call's, from 1, in the order of time.
    :param ms: milliseconds since the call's first moment.
    :param source_number: which of the call's sources, from 1; 0 where there is but one.
    :param tone: ``error``, ``warning``, or ``info`` for anything less.
    :param nearest: the number of the message nearest in time; None without messages.
    """

    n: int
    ms: str
    at: Moment
    since: str
    source: str
    source_number: int
    level: str
    tone: str
    text: str
    nearest: int | None


@dataclass(frozen=True, slots=True)
class MessageView:
    """A message with everything there is to say about it.

    :param ms: milliseconds since the call's first moment.
    :param style: as the ladder's row: ``request``, ``provisional``, ``success`` or
        ``failure``.
    :param method: of the CSeq: a response has its request's.
    :param code: of a response; "" for a request.
    :param transaction: its number in the call; None where the request is missing.
    :param answers: the request that a response is to.
    :param delta: since the message before; empty for the first.
    :param source: who sent it, by name or address; ``src`` is the address.
    :param detail: the ladder's few words on it.
    :param media: the SDP in short, a line a media stream.
    :param repeat: what comes after it and is not shown each time.
    :param logs: the log lines that are nearer to this message than to any other.
    :param leg: the letter of its leg where several are on the page; "" otherwise.
    """

    n: int
    ms: str
    style: str
    label: str
    method: str
    code: str
    transaction: int | None
    source: str
    target: str
    src: str
    dst: str
    transport: str
    size: str
    at: Moment
    since: str
    delta: str
    detail: str
    again: Again | None
    answers: Answer | None
    twins: list[Twin]
    problem: str
    media: list[str]
    head: Markup
    bodies: list[BodyView]
    logs: list[LogView]
    logs_left_out: int
    repeat: RepeatView | None = None
    leg: str = ""


@dataclass(frozen=True, slots=True)
class ReportView:
    """What one RTCP packet says of one stream; figures not measured are a dash."""

    at: Moment
    kind: str
    ssrc: str
    loss: str
    lossy: bool
    lost: str
    jitter: str
    round_trip: str
    route: str
    note: str


@dataclass(frozen=True, slots=True)
class Stretch:
    """Some of the messages or log lines, which follow each other.

    :param first: the number of the first, ``last`` of the last.
    :param ms: the time of the first, in milliseconds since the call's first moment.
    :param label: ``Messages 201 to 400``.
    :param url: the page that shows it.
    """

    first: int
    last: int
    count: int
    ms: str
    label: str
    url: str


@dataclass(frozen=True, slots=True)
class LadderPiece:
    """A stretch of the ladder.

    :param height: in pixels, also while it is not drawn.
    :param drawing: None where it is left for later.
    """

    stretch: Stretch
    height: int
    drawing: Markup | None


@dataclass(frozen=True, slots=True)
class LadderView:
    """The ladder: ``sipvault/_ladder_drawing.html``.

    :param heads: the lifelines' names, apart so that they can stay in sight.
    :param scrolls: whether it is wider than its card.
    :param tall: whether it is so high that it gets a scroll bar of its own.
    :param folded: whether only the first sending of a message is shown.
    """

    heads: Markup
    pieces: list[LadderPiece]
    scrolls: bool
    tall: bool
    folded: bool


@dataclass(frozen=True, slots=True)
class MessagePiece:
    """A stretch of the messages; None where it is left for later."""

    stretch: Stretch
    messages: list[MessageView] | None


@dataclass(frozen=True, slots=True)
class LogPiece:
    """A stretch of the log; None where it is left for later."""

    stretch: Stretch
    lines: list[LogView] | None


@dataclass(frozen=True, slots=True)
class MessagesView:
    """The messages, and the ways to see them.

    :param count: of all the call's messages, ``found`` of those that fit the filter.
    :param find: the filter as typed.
    :param chosen: the number of the message to show first; 0 without messages.
    :param ports: one lifeline a host, or one a port.
    :param again: the retransmissions: folded, shown; empty where there are none.
    :param only: ways to see some of the messages only, by what is in the call.
    """

    count: int
    found: int
    find: str
    chosen: int
    pieces: list[MessagePiece]
    ports: list[Choice]
    again: list[Choice]
    only: list[Choice]


@dataclass(frozen=True, slots=True)
class LogsView:
    """The log, and the ways to see it.

    :param count: of all the call's lines, ``found`` of those that are wanted.
    :param find: the text that lines must hold to be shown.
    :param levels: all lines, or the serious ones only.
    :param sources: all sources, or one of them; empty where there is but one.
    """

    count: int
    found: int
    find: str
    pieces: list[LogPiece]
    levels: list[Choice]
    sources: list[Choice]


@dataclass(frozen=True, slots=True)
class Pieces:
    """Where a script gets more of the page; all but ``compare`` end in a query that
    may be added to.
    """

    page: str
    ladder: str
    messages: str
    logs: str
    compare: str


@dataclass(frozen=True, slots=True)
class CallPage:
    """The page of a call: what ``sipvault/call.html`` is rendered with.

    :param legs: None where there are none to be seen, ``live`` for a call that is over.
    :param shared: whether the page is seen by a shared link.
    :param share_url: where the call can be shared; empty where it cannot.
    :param start: the call's first moment, in ns since the epoch, as the page counts
        time from it; ``end`` its last.
    :param ladder: None where there is nothing to draw.
    """

    call_id: str
    customer_id: str
    valid_until: Moment
    headline: str
    parties: list[PartyView]
    started: Moment | None
    figures: list[Figure]
    notices: list[Notice]
    legs: LegsView | None
    live: Live | None
    shared: bool
    share_url: str
    start: int
    end: int
    findings: FindingsView
    timeline: TimelineView
    ladder: LadderView | None
    messages: MessagesView
    quality: QualityView
    rtcp: list[ReportView]
    logs: LogsView
    sources: list[str]
    downloads: list[Download]
    pieces: Pieces

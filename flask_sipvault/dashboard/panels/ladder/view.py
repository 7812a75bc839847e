"""The ladder and the messages beside it, in stretches and as a reader wants them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from ....analysis.explain import Call
from ....analysis.ladder.ladder import Row
from ....analysis.sip.messages import Message
from ....analysis.sip.repeats import find_repeats
from ....analysis.sip.repeats import Repeat
from ....language import _
from ....language import ngettext
from ....protocols.address import Endpoint
from ....sanitize import on_one_line
from ... import formatting as figures
from ...addresses import Addresses
from ...call_cache import ExplainedCall
from ...page import Choice
from ...page import LadderPiece
from ...page import LadderView
from ...page import LogView
from ...page import MessagePiece
from ...page import MessagesView
from ...page import MessageView
from ...page import RepeatView
from ...pagination import holding
from ...pagination import MESSAGES_AT_ONCE
from ...pagination import ms_of
from ...pagination import stretches
from ...view_state import View
from ..logs.view import Log
from ..messages.filter import MessageFilter
from ..messages.filter import METHODS
from ..messages.view import message_views
from ..quality.brief import media_lines
from .media_band import media_band
from .svg import LadderPen

#: A ladder of more rows scrolls within its card, so that what is below stays near.
TALL = 40


class SipViews:
    """What a page shows of a call's messages."""

    def __init__(
        self,
        explained: ExplainedCall,
        view: View,
        addresses: Addresses,
    ) -> None:
        self._call = explained.call
        self._view = view
        self._addresses = addresses
        self._media_lines = media_lines(explained.main.quality, call_start(self._call))
        self._ladder = explained.ladder(view.ports)
        wanted = MessageFilter(view.find)
        self._filtered = bool(wanted)
        self._repeats = self._find_repeats()
        copies = {m.n for m in self._call.messages if m.copy_of is not None}
        self._left_out = copies.union(*(each.numbers for each in self._repeats))
        self._found = [
            message
            for message in self._call.messages
            if message.n not in self._left_out
            and (not wanted or wanted.fits(message, self._names(message)))
        ]
        self._cut = list(
            stretches(
                self._found,
                MESSAGES_AT_ONCE,
                what=_("Messages {first} to {last}"),
                number=lambda message: message.n,
                ms=lambda message: ms_of(self._row(message).since_start_ns),
                url=lambda n: f"{addresses.page(view.but(message=n))}#m{n}",
            )
        )
        self._shown = holding(self._cut, view.message)

    def ladder(self) -> LadderView | None:
        """The ladder; None where no message is to be shown."""
        if not self._found:
            return None
        view, drawn = self._view, self._ladder
        media = None
        if drawn.media is not None and not self._filtered:
            media = media_band(drawn.media, self._media_lines)
        pen = LadderPen(
            drawn,
            media=media,
            # Whoever looks for something wants to see where it is.
            unfolded=view.again or self._filtered,
            fold_url=self._addresses.page(view.but(again=not view.again)),
            repeats=self._repeat_views(),
            left_out=self._left_out,
        )
        pieces = []
        for at, (stretch, some) in enumerate(self._cut):
            rows = [self._row(message) for message in some]
            drawing = pen.piece(rows) if at == self._shown else None
            pieces.append(LadderPiece(stretch, pen.height(rows), drawing))
        return LadderView(
            pen.heads(),
            pieces,
            pen.scrolls,
            tall=len(self._found) > TALL,
            folded=not (view.again or self._filtered),
        )

    def messages(self) -> MessagesView:
        """The messages and the ways to see them."""
        return MessagesView(
            count=sum(m.copy_of is None for m in self._call.messages),
            found=len(self._found),
            find=self._view.find,
            chosen=self._chosen(),
            pieces=[
                MessagePiece(stretch, self._views(some) if at == self._shown else None)
                for at, (stretch, some) in enumerate(self._cut)
            ],
            ports=self._ports(),
            again=self._again(),
            only=self._only(),
        )

    def _find_repeats(self) -> list[Repeat]:
        """What is not to be shown each time: what a long call does over and over, where
        the reader looks neither for something nor at one of those times.
        """
        rows = self._ladder.drawn
        if self._filtered or self._view.repeats or len(rows) <= MESSAGES_AT_ONCE:
            return []
        asked = self._view.message
        return [each for each in find_repeats(rows) if asked not in each.numbers]

    def _repeat_views(self) -> dict[int, RepeatView]:
        """What to say of them, each after its first time."""
        url = self._addresses.page(self._view.but(repeats=True))
        return {
            repeat.before: RepeatView(
                ngettext(
                    "The message above {rounds} times more, until {until}",
                    "The {size} messages above {rounds} times more, until {until}",
                    repeat.size,
                ).format(
                    size=repeat.size,
                    rounds=f"{repeat.rounds:,}",
                    until=figures.since(repeat.end_ns),
                ),
                f"{url}#r{repeat.before}",
            )
            for repeat in self._repeats
        }

    def _row(self, message: Message) -> Row:
        return self._ladder.rows[message.n - 1]

    def _names(self, message: Message) -> str:
        row, lifelines = self._row(message), self._ladder.lifelines
        return f"{lifelines[row.source].label} {lifelines[row.target].label}"

    def _views(self, some: Sequence[Message]) -> list[MessageView]:
        return message_views(
            some,
            self._call.messages,
            self._ladder,
            self._logs_near(some),
            self._addresses.compare,
            self._repeat_views(),
        )

    def _logs_near(self, some: Sequence[Message]) -> list[LogView]:
        """The log lines whose nearest message is among these."""
        return call_log(self._call).near({message.n for message in some})

    def _chosen(self) -> int:
        """The message to begin with: what refused the call, or else its first."""
        code = self._call.outcome.final_code
        if code is not None and code >= 300:
            for message in self._found:
                if message.code == code and message.cseq_method == "INVITE":
                    return message.n
        return self._found[0].n if self._found else 0

    def _ports(self) -> list[Choice]:
        """One lifeline a host or one a port; nothing where that is the same."""
        ends = {end for message in self._call.messages for end in _ends(message)}
        merged = self._view.ports == "merged"
        if merged and len(ends) == len(self._ladder.lifelines):
            return []
        url, view = self._addresses.page, self._view
        return [
            Choice(_("by host"), "merged", url(view.but(ports="merged")), merged),
            Choice(_("by port"), "split", url(view.but(ports="split")), not merged),
        ]

    def _again(self) -> list[Choice]:
        """Retransmissions folded or shown; nothing where there are none."""
        count = sum(m.retransmission_of is not None for m in self._call.messages)
        if not count:
            return []
        url, view = self._addresses.page, self._view
        return [
            Choice(_("folded"), "", url(view.but(again=False)), not view.again),
            Choice(
                _("shown"), "shown", url(view.but(again=True)), view.again, str(count)
            ),
        ]

    def _only(self) -> list[Choice]:
        """Everything, or what belongs to one method, or one kind of refusal."""
        messages = self._call.messages
        methods = Counter(on_one_line(m.cseq_method) for m in messages)
        refusals = Counter(f"{m.code // 100}xx" for m in messages if m.code >= 300)
        counts = [(word, count) for word, count in methods.items() if word in METHODS]
        counts += sorted(refusals.items())
        url, view = self._addresses.page, self._view
        return [
            Choice(
                word or _("Everything"),
                word,
                url(view.but(find=word, message=1)),
                view.find == word,
                f"{count:,}",
            )
            for word, count in [("", len(messages)), *counts]
        ]


def call_start(call: Call) -> int:
    """The moment from which the page counts, in ns since the epoch: the earliest
    message, or without messages whatever was seen first.
    """
    return call.first_ts or 0 if call.began is None else call.began


def call_log(call: Call) -> Log:
    """The call's log, beside its messages."""
    return Log(call.evidence.logs, call.messages, call_start(call))


def _ends(message: Message) -> tuple[Endpoint, Endpoint]:
    return message.src, message.dst

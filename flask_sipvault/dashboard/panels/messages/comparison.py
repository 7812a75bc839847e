"""Two messages side by side: what ``sipvault/compare.html`` is rendered with."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import escape
from markupsafe import Markup

from ....analysis.ladder.ladder import Ladder
from ....analysis.sip.comparison import compare
from ....analysis.sip.comparison import Line
from ....analysis.sip.comparison import Marked
from ....analysis.sip.messages import Message
from ....language import _
from ....sanitize import on_one_line
from ... import formatting as figures


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two messages."""

    n: int
    label: str
    route: str
    since: str
    url: str


@dataclass(frozen=True, slots=True)
class LineView:
    """One line of both; None where a side has none.

    :param word: what there is to say of the two.
    """

    name: str
    verdict: str
    word: str
    left: Markup | None
    right: Markup | None


@dataclass(frozen=True, slots=True)
class ComparisonView:
    """The comparison.

    :param summary: how much differs, as a sentence.
    """

    left: Side
    right: Side
    summary: str
    lines: list[LineView]
    back: str


def comparison_view(
    left: Message, right: Message, drawn: Ladder, page_url: str
) -> ComparisonView:
    """Two messages of a call.

    :param page_url: the address of the call's page.
    """
    lines = compare(left, right)
    return ComparisonView(
        _side(left, drawn, page_url),
        _side(right, drawn, page_url),
        _summary(left, right, lines),
        [_line(line, left, right) for line in lines],
        page_url,
    )


def _side(message: Message, drawn: Ladder, page_url: str) -> Side:
    row = drawn.rows[message.n - 1]
    ends = [drawn.lifelines[end].label for end in (row.source, row.target)]
    return Side(
        message.n,
        on_one_line(message.summary),
        on_one_line(" → ".join(ends)),
        figures.since(row.since_start_ns),
        f"{page_url}&from={message.n}#m{message.n}",
    )


def _summary(left: Message, right: Message, lines: list[Line]) -> str:
    apart = figures.delta(right.ts - left.ts)
    differing = sum(line.verdict != "same" for line in lines)
    if not differing:
        return _("Nothing differs. The second came {apart} after the first.").format(
            apart=apart
        )
    return _(
        "{some} of {all} lines differ. The second came {apart} after the first."
    ).format(some=differing, all=len(lines), apart=apart)


def _line(line: Line, left: Message, right: Message) -> LineView:
    words = {
        "same": _("same"),
        "changed": _("changed"),
        "moved": _("other place"),
        "left": _("only in {n}").format(n=left.n),
        "right": _("only in {n}").format(n=right.n),
    }
    ours, theirs = line.marked()
    return LineView(
        on_one_line(line.name),
        line.verdict,
        words[line.verdict],
        None if line.left is None else _marked(ours),
        None if line.right is None else _marked(theirs),
    )


def _marked(parts: Marked) -> Markup:
    # Every part is escaped here.
    return Markup("").join(
        Markup("<mark>{}</mark>").format(on_one_line(text))
        if differs
        else escape(on_one_line(text))
        for text, differs in parts
    )

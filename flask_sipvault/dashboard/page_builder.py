"""A call put into the words and figures of its page."""

from __future__ import annotations

from ..analysis.explain import Call
from ..analysis.explain import Party
from ..analysis.words.headline import answer
from ..analysis.words.headline import reason
from ..analysis.words.identity import vouched
from ..language import _
from ..language import ngettext
from ..sanitize import on_one_line
from . import formatting as figures
from .addresses import Addresses
from .call_cache import ExplainedCall
from .moments import day
from .moments import hour
from .page import CallPage
from .page import Download
from .page import Figure
from .page import LegsView
from .page import Live
from .page import Notice
from .page import PartyView
from .panels.findings.view import findings_view
from .panels.ladder.view import call_log
from .panels.ladder.view import call_start
from .panels.ladder.view import SipViews
from .panels.logs.view import logs_view
from .panels.quality.brief import loss_figure
from .panels.quality.brief import mos_figure
from .panels.quality.view import quality_view
from .panels.rtcp.view import report_views
from .panels.timeline.axis import whole_axis
from .panels.timeline.svg import timeline_view
from .view_state import View

#: A table with more rows serves nobody and hardly loads: the downloads hold all.
REPORTS_SHOWN = 1000

_TONES = {"answered": "good", "failed": "bad", "rejected": "bad"}


def describe(
    explained: ExplainedCall,
    *,
    view: View,
    addresses: Addresses,
    valid_until: int,
    downloads: list[Download],
    legs: LegsView | None,
    live: Live | None,
    shared: bool,
    share_url: str,
) -> CallPage:
    """The page of a call.

    :param view: what of it the reader wants to see.
    :param valid_until: when the link stops working, in seconds since the epoch.
    :param shared: whether it is seen by a shared link; those outlive the day.
    :param share_url: where the call can be shared; empty where it cannot.
    """
    call = explained.call
    evidence = call.evidence
    start = call_start(call)
    sip = SipViews(explained, view, addresses)
    reports = explained.once("rtcp", lambda: report_views(call))
    log = call_log(call)
    axis = whole_axis(
        ((call.first_ts or start) - start) / 1e6,
        ((call.last_ts or start) - start) / 1e6,
        view.axis,
    )
    return CallPage(
        call_id=on_one_line(evidence.call_id),
        customer_id=on_one_line(evidence.customer_id),
        valid_until=day(valid_until * 1_000_000_000) if shared else hour(valid_until),
        headline=on_one_line(answer(call)),
        parties=[
            _party(_("Caller"), call.caller, vouched(call.identities)),
            _party(_("Called"), call.callee),
        ],
        started=None if call.first_ts is None else day(call.first_ts),
        figures=_figures(call),
        notices=_notices(call, len(reports)),
        legs=legs,
        live=live,
        shared=shared,
        share_url=share_url,
        start=start,
        end=call.last_ts or start,
        findings=findings_view(call, start),
        timeline=timeline_view(
            axis,
            explained.ladder(view.ports),
            call,
            log,
            start=start,
            chosen=view.axis,
            url=lambda span: addresses.page(view.but(axis=span)) + "#axis",
        ),
        ladder=sip.ladder(),
        messages=sip.messages(),
        quality=quality_view(call.quality, axis, start),
        rtcp=reports[:REPORTS_SHOWN],
        logs=logs_view(log, view, addresses.page),
        sources=[on_one_line(agent) for agent in evidence.agents],
        downloads=downloads,
        pieces=addresses.pieces(),
    )


def _figures(call: Call) -> list[Figure]:
    outcome = call.outcome
    repeated = sum(m.retransmission_of is not None for m in call.messages)
    transports = dict.fromkeys(m.transport.upper() for m in call.messages)
    times = [
        Figure(_("Post-dial delay"), figures.duration(outcome.post_dial_ms)),
        Figure(_("Ringing"), figures.duration(outcome.ringing_ms)),
        Figure(_("Talk"), figures.duration(outcome.talk_ms)),
    ]
    if call.quality.source is not None:
        return [
            *times,
            mos_figure(call.quality, "uac"),
            mos_figure(call.quality, "uas"),
            loss_figure(call.quality),
        ]
    return [
        *times,
        Figure(
            _("Final answer"),
            figures.NONE if outcome.final_code is None else str(outcome.final_code),
            on_one_line(reason(call)),
            _TONES.get(outcome.status, ""),
        ),
        Figure(
            _("Messages"),
            f"{len(call.messages):,}",
            _("{count} sent again").format(count=f"{repeated:,}") if repeated else "",
            "poor" if repeated else "",
        ),
        Figure(_("Transport"), ", ".join(transports) or figures.NONE),
    ]


def _party(role: str, party: Party, vouched: str = "") -> PartyView:
    return PartyView(
        role=role,
        number=on_one_line(party.user or party.host or party.uri) or _("unknown"),
        name=on_one_line(party.display),
        agent=on_one_line(party.user_agent),
        address=str(party.endpoint) if party.endpoint else "",
        vouched=vouched,
    )


def _notices(call: Call, report_count: int) -> list[Notice]:
    evidence = call.evidence
    notices = []
    if evidence.damage:
        notices.append(
            Notice(
                _("Part of what is stored cannot be read."),
                [on_one_line(damage) for damage in evidence.damage],
                _("This page shows what can. Something may be missing from it."),
            )
        )
    copies = sum(message.copy_of is not None for message in call.messages)
    if copies:
        notices.append(
            Notice(
                ngettext(
                    "One message was captured twice.",
                    "{count} messages were captured twice.",
                    copies,
                ).format(count=f"{copies:,}"),
                advice=_(
                    "The same datagram within a millisecond, as a mirror port or two"
                    " interfaces give it. Each is shown once, and none counts as sent"
                    " again."
                ),
            )
        )
    if evidence.state == "EXPIRED":
        notices.append(
            Notice(
                _("The call fell silent without an end."),
                advice=_(
                    "No BYE or final response was captured before the collector gave up"
                    " waiting."
                ),
            )
        )
    left_out = report_count - REPORTS_SHOWN
    if left_out > 0:
        notices.append(
            Notice(
                _("This page shows the first {count} RTCP reports.").format(
                    count=f"{REPORTS_SHOWN:,}"
                ),
                advice=_("{count} more are in capture.pcapng and call.json.").format(
                    count=f"{left_out:,}"
                ),
            )
        )
    return notices

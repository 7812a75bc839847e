"""A session that nobody refreshed is cut by its timer (RFC 4028 section 10)."""

from __future__ import annotations

from collections.abc import Iterator

from ....language import N_
from ...call import Call
from ...sip import timers
from ...sip.dialogs import Dialog
from ...sip.dialogs import SessionTimer
from ...sip.messages import Message
from ...sip.reasons import reasons
from ...sip.sides import other_side
from ...sip.transactions import Transaction
from ..model import EvidenceReference
from ..model import Finding
from ..rule import CatalogueEntry
from ..rule import Rule
from ..rule import Texts
from ..unanswered import is_unanswered

_SECOND = 1_000_000_000

#: A program that looks at its timers every few seconds hangs up that much late.
_LATE = 5 * _SECOND


def _find(call: Call) -> Iterator[Finding]:
    for dialog in call.dialogs:
        session = dialog.session
        if session is None or dialog.end is None or not dialog.byes:
            continue
        byes = [bye.request for bye in dialog.byes if bye.request is not None]
        bye = min(byes, key=lambda m: m.ts, default=None)
        if bye is None or not _timed(dialog, session, bye):
            continue
        attempts = _attempts(dialog, session, bye)
        if any(
            each.refusal is None and not is_unanswered(call, each) for each in attempts
        ):
            continue  # its answer may just not have been captured
        yield _finding(dialog, session, bye, attempts)


def _timed(dialog: Dialog, session: SessionTimer, bye: Message) -> bool:
    """Whether a timer sent this BYE: it comes at the moment that section 10 names or as
    the interval ends, from somebody whose duty the refresh was not.
    """
    after = bye.ts - session.last_refresh_ts
    moments = (timers.session_cut_after(session.interval), session.interval)
    says_so = any(
        (reason.protocol, reason.cause) in (("SIP", 408), ("Q.850", 102))
        or "timer" in reason.text.lower()
        for reason in (reasons(bye.sip) if bye.sip else [])
    )
    at_the_moment = any(
        -timers.TOLERANCE <= after - moment <= _LATE for moment in moments
    )
    if says_so:
        return at_the_moment or after > session.interval // 2 + _LATE
    if not at_the_moment:
        return False
    side = dialog.side_of(bye)
    own = side is not None and bye.origin == dialog.hosts[side]
    # Who refreshes and just hangs up at that moment may be a person.
    return not (own and session.refresher == side)


def _finding(
    dialog: Dialog, session: SessionTimer, bye: Message, attempts: list[Transaction]
) -> Finding:
    side = dialog.side_of(bye)
    exact = any(
        abs(bye.ts - session.last_refresh_ts - moment) <= timers.TOLERANCE
        for moment in (timers.session_cut_after(session.interval), session.interval)
    )
    who = "" if session.refresher is None else f"-{session.refresher}"
    refresher = dialog.hosts[session.refresher] if session.refresher else None
    return Finding(
        "session-timer",
        "error",
        certainty="certain" if exact else "likely",
        variant=("failed" if attempts else "never" + who),
        parameters={
            "cutter": bye.origin,
            "refresher": refresher
            or (dialog.hosts[other_side(side)] if side else None)
            or bye.target,
            "wait_ms": (bye.ts - session.last_refresh_ts) / 1e6,
            "interval_ms": session.interval / 1e6,
            "refusal": attempts[-1].refusal.summary
            if attempts and attempts[-1].refusal
            else "-",
        },
        evidence=(
            EvidenceReference("message", session.n, N_("the session timer")),
            *(
                EvidenceReference("message", m.n, N_("refreshed for the last time"))
                for m in session.refreshes[-1:]
            ),
            *(
                EvidenceReference("message", m.n, N_("an attempt to refresh"))
                for each in attempts[-3:]
                for m in [each.request, each.refusal]
                if m is not None
            ),
            EvidenceReference("message", bye.n, N_("the call is cut")),
        ),
        since_ts=bye.ts,
    )


def _attempts(dialog: Dialog, session: SessionTimer, bye: Message) -> list[Transaction]:
    """Refreshes that were not accepted."""
    return [
        each
        for each in dialog.changes
        if each.upstream is None
        and each.request is not None
        and each.answer is None
        and session.last_refresh_ts < each.request.ts < bye.ts
    ]


_NEXT = (
    N_(
        "Check the session timer settings of {refresher}, and whether it sends a "
        "re-INVITE or UPDATE at half of the interval."
    ),
    N_("Check whether a proxy or firewall drops the re-INVITE or UPDATE on its way."),
)
_NEVER = N_(
    "The answer sets a session timer of {interval_ms} that has to be refreshed by a "
    "re-INVITE or UPDATE, usually at half of it. None came. Shortly before the "
    "interval ends the other side has to take the session for dead and hang up, which "
    "it did after {wait_ms}."
)

RULE = Rule(
    id="session-timer",
    find=_find,
    rank=180,
    explains=frozenset({"media-stops", "reinvite-refused", "bye-refused"}),
    standard=("RFC 4028 7.2", "RFC 4028 9", "RFC 4028 10"),
    texts={
        "never": Texts(
            N_(
                "{cutter} ends the call after {wait_ms}: its session timer of "
                "{interval_ms} was never refreshed."
            ),
            _NEVER,
            _NEXT,
        ),
        "never-caller": Texts(
            N_(
                "{cutter} ends the call after {wait_ms}: the caller, {refresher}, "
                "never refreshed the session timer of {interval_ms}."
            ),
            _NEVER,
            _NEXT,
        ),
        "never-callee": Texts(
            N_(
                "{cutter} ends the call after {wait_ms}: the called side, {refresher}, "
                "never refreshed the session timer of {interval_ms}."
            ),
            _NEVER,
            _NEXT,
        ),
        "failed": Texts(
            N_(
                "{cutter} ends the call after {wait_ms}: refreshing the session timer "
                "of {interval_ms} failed ({refusal})."
            ),
            N_(
                "A re-INVITE or UPDATE to refresh the session was sent and not "
                "accepted. Shortly before the interval ends the session counts as dead "
                "and is ended."
            ),
            (
                N_(
                    "Find out why the re-INVITE or UPDATE of {refresher} was not "
                    "accepted: the other findings and its response say more."
                ),
                N_(
                    "Check whether both sides allow UPDATE (Allow header), or refresh "
                    "by re-INVITE."
                ),
            ),
        ),
    },
    catalogue=CatalogueEntry(
        title=N_("Session timer ran out"),
        meaning=N_(
            "Both sides agreed on a session timer, and the side whose duty it was did "
            "not refresh it. The other side then ends the call: 32 s before the "
            "interval ends, or a third of it before where it is shorter than 96 s."
        ),
        noticed=N_(
            "Long calls are cut after the same time again and again, such as just "
            "under 15 or 30 minutes, in the middle of talking."
        ),
        causes=(
            N_(
                "The refreshing side announces session timers but does not send the "
                "refresh."
            ),
            N_(
                "The refresh is sent and lost: a proxy does not route it, or a "
                "firewall forgot the connection."
            ),
            N_(
                "The two sides disagree about who refreshes, because something in "
                "between changes the refresher parameter."
            ),
            N_(
                "The refresh is refused: UPDATE is not allowed, or its SDP is not "
                "acceptable."
            ),
        ),
        confirm=(
            N_(
                "Compare the time from the answer, or from the last refresh, to the "
                "BYE with Session-Expires of the answer."
            ),
            N_(
                "Look for a re-INVITE or UPDATE at half of the interval, near the "
                "refreshing side, too."
            ),
        ),
        fix=(
            N_(
                "Correct the session timer of the side that has to refresh, or switch "
                "it off there so that the other side refreshes."
            ),
            N_(
                "Let proxies route re-INVITE and UPDATE within the dialog, and keep "
                "NAT bindings open."
            ),
        ),
        settings={
            "OpenSIPS": N_(
                "sst_interval and min_se of the sst module set the lifetime of the "
                "dialog; create_dialog() with reinvite-ping-caller and "
                "reinvite-ping-callee shows dead sides early."
            ),
            "Kamailio": N_(
                "min_se and timeout_avp of the sst module set the lifetime of the "
                "dialog."
            ),
            "Asterisk": N_(
                "timers, timers_sess_expires and timers_min_se of the endpoint."
            ),
            "FreeSWITCH": N_(
                "enable-timer, session-timeout and minimum-session-expires of the "
                "profile."
            ),
        },
    ),
)

"""One side has lost the call: a request within it meets 481 or 408, or nobody (RFC 3261
section 12.2.1.2, RFC 5057 section 5.1).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator

from ....language import N_
from ...call import Call
from ...sip import timers
from ...sip.dialogs import Dialog
from ...sip.messages import Message
from ...sip.sides import Side
from ...sip.transactions import Transaction
from ..hanging_up import first_byes
from ..hanging_up import other_hung_up_by
from ..model import EvidenceReference
from ..model import Finding
from ..rule import CatalogueEntry
from ..rule import Rule
from ..rule import Texts
from ..unanswered import where_it_ends

#: To these a 481 says that the dialog is unknown. To others it may be about something
#: smaller: a reliable response (PRACK), a subscription (NOTIFY).
_OF_THE_DIALOG = frozenset({"INVITE", "UPDATE", "INFO", "OPTIONS", "MESSAGE", "REFER"})

#: What a side that gets no response to this gives the dialog up for.
_CHANGES = frozenset({"INVITE", "UPDATE"})

#: Who learns that a dialog is lost hangs up at once, or within so long.
_TORN_DOWN = 5_000_000_000

#: Of the repetitions so many are named.
_MOST_NAMED = 12


def _find(call: Call) -> Iterator[Finding]:
    for dialog in call.dialogs:
        if dialog.confirmed is None:
            continue
        byes = sorted(
            (bye.request for bye in dialog.byes if bye.request is not None),
            key=lambda message: message.ts,
        )
        hung_up = first_byes(dialog)
        for hops in _requests(dialog):
            found = _judge(call, dialog, hops, byes, hung_up)
            if found is not None:
                yield found
                break


def _requests(dialog: Dialog) -> list[list[Transaction]]:
    """The requests that ask something of the dialog, each at all its hops."""
    found: dict[object, list[Transaction]] = {}
    for each in dialog.transactions:
        if each.method in _OF_THE_DIALOG and each.request is not None:
            key = (each.method, each.from_tag, each.cseq)
            found.setdefault(key, []).append(each)
    return list(found.values())


def _judge(
    call: Call,
    dialog: Dialog,
    hops: list[Transaction],
    byes: list[Message],
    hung_up: dict[Side, int],
) -> Finding | None:
    """
    :param byes: in order of time.
    :param hung_up: when each side did first.
    """
    first = hops[0]
    request = first.request
    if request is None or any(hop.answer is not None for hop in hops):
        return None
    unknown = [h for h in hops if h.refusal is not None and h.refusal.code == 481]
    late = [h for h in hops if h.refusal is not None and h.refusal.code == 408]
    if unknown:
        # The hop furthest from who asked: there the 481 arose.
        variant, at = "", unknown[-1]
    elif first.method not in _CHANGES:
        return None
    elif late:
        variant, at = "timeout", late[-1]
    else:
        silent = where_it_ends(call, hops)
        if silent is None:
            return None
        variant, at = "silent", silent
    told = at.refusal or at.sendings[-1]
    side = dialog.side_of(request)
    if side is None or hung_up.get(side, request.ts) < request.ts:
        return None  # it has hung up itself
    crossed = max(told.ts, request.ts + timers.T1 + timers.TOLERANCE)
    if other_hung_up_by(hung_up, side, crossed):
        return None
    bye = _torn_down(byes, request, told)
    if variant and bye is None:
        return None  # the call goes on
    return Finding(
        "dialog-lost",
        "error",
        certainty="certain" if not variant else "likely",
        variant=variant,
        parameters={
            "sender": first.client,
            "hop": at.server,
            "method": first.method,
            "refusal": at.refusal.summary if at.refusal is not None else "",
        },
        evidence=(
            EvidenceReference("message", request.n, N_("the request")),
            *(
                EvidenceReference("message", again.n, N_("the request, repeated"))
                for again in at.retransmissions[:_MOST_NAMED]
            ),
            *(
                EvidenceReference("message", m.n, N_("refused"))
                for m in [at.refusal]
                if m is not None
            ),
            *(
                EvidenceReference("message", m.n, N_("the call is ended"))
                for m in [bye]
                if m is not None
            ),
        ),
        since_ts=request.ts,
    )


def _torn_down(byes: list[Message], request: Message, told: Message) -> Message | None:
    """The BYE by which the call is given up for that."""
    until = max(told.ts, request.ts + timers.TIMER_F) + _TORN_DOWN
    place = bisect_left(byes, told.ts, key=lambda message: message.ts)
    return next((bye for bye in byes[place : place + 1] if bye.ts <= until), None)


RULE = Rule(
    id="dialog-lost",
    find=_find,
    rank=140,
    explains=frozenset(
        {
            *("bye-refused", "bye-unreachable", "session-timer", "reinvite-refused"),
            *("transfer-failed", "hold-not-resumed", "media-stops"),
            "glare-retry-refused",
        }
    ),
    standard=("RFC 3261 12.2.1.2", "RFC 5057 5.1"),
    texts={
        "": Texts(
            N_(
                "{hop} does not know the call any more: it answers the {method} of "
                "{sender} with {refusal}."
            ),
            N_(
                "The call was up, and nothing that was captured had ended it. Whoever "
                "answers 481 has lost it, by a restart, a timer, or a node that does "
                "not share the state of the others. The side that asked has to end the "
                "call."
            ),
            (
                N_("Look into the log of {hop}: when and why did it end this call?"),
                N_(
                    "Check whether {hop} was restarted, or whether requests of one "
                    "call reach different nodes."
                ),
                N_("Compare tags and Call-ID of the request with those of the answer."),
            ),
        ),
        "timeout": Texts(
            N_(
                "The {method} of {sender} within the call reaches nobody: {hop} "
                "answers {refusal}, and the call is ended."
            ),
            N_(
                "Who gets a 408 to a request within a call has to take the call for "
                "lost and ends it. So a session refresh or a hold that does not arrive "
                "cuts a call that was fine until then."
            ),
            (
                N_(
                    "Check where {hop} sends the {method}: is the Contact in its "
                    "Request-URI reachable?"
                ),
                N_(
                    "Check whether NAT bindings and connections of phones are kept "
                    "open during long calls."
                ),
            ),
        ),
        "silent": Texts(
            N_(
                "{hop} does not answer the {method} of {sender} within the call, and "
                "the call is ended."
            ),
            N_(
                "Who gets no response to a request within a call takes the call for "
                "lost and ends it. So a session refresh or a hold that does not arrive "
                "cuts a call that was fine until then."
            ),
            (
                N_("Check whether the {method} arrives at {hop}, by a capture there."),
                N_(
                    "Check the Contact and the Route that it goes by, and whether NAT "
                    "bindings are kept open during long calls."
                ),
            ),
        ),
    },
    catalogue=CatalogueEntry(
        title=N_("Call lost by one side"),
        meaning=N_(
            "A request within a call that is up was refused with 481 or 408, or met no "
            "response at all. By RFC 3261 the sender then has to end the call."
        ),
        noticed=N_(
            "A call is cut in the middle, at a hold, a transfer, or after a certain "
            "time when the session is refreshed."
        ),
        causes=(
            N_(
                "The other side was restarted, or a cluster node without the state of "
                "this call got the request."
            ),
            N_(
                "The other side ended the call by a timer of its own and its BYE was "
                "lost."
            ),
            N_(
                "The NAT binding or TCP connection of the other side is gone, so that "
                "nothing reaches it."
            ),
            N_(
                "The Contact of the other side is not reachable; only this request "
                "shows it."
            ),
        ),
        confirm=(
            N_(
                "In the ladder: the request, its 481 or 408 or its repetitions, and "
                "the BYE after it."
            ),
            N_(
                "Did media go on in both directions until then? Then the other side "
                "was there, and its signalling was not."
            ),
        ),
        fix=(
            N_("Share the state of calls among nodes, or keep each call on its node."),
            N_(
                "Keep NAT bindings open, and let proxies correct the Contact of "
                "clients behind NAT."
            ),
        ),
        settings={
            "OpenSIPS": N_(
                "dialog replication by clusterer (dialog_replication_cluster); "
                "natping_interval of nathelper; default_timeout of dialog."
            ),
            "Kamailio": N_(
                "db_mode of dialog, or dmq for replication; natping_interval of "
                "nathelper; default_timeout of dialog."
            ),
            "Asterisk": N_(
                "qualify_frequency of the AOR and rewrite_contact=yes for phones "
                "behind NAT; timers of the endpoint decides on session refreshes."
            ),
            "FreeSWITCH": N_(
                "nat-options-ping; enable-timer and session-timeout decide on session "
                "refreshes; track-calls with sofia recover after a crash."
            ),
        },
    ),
)

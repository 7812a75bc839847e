"""The caller's CANCEL is not answered (RFC 3261 section 9)."""

from __future__ import annotations

from collections.abc import Iterator

from ....language import N_
from ...call import Call
from ...sip import timers
from ...sip.transactions import Transaction
from ..model import EvidenceReference
from ..model import Finding
from ..rule import CatalogueEntry
from ..rule import Rule
from ..rule import Texts
from ..unanswered import is_unanswered

#: Of the repetitions so many are named.
_MOST_NAMED = 20


def _find(call: Call) -> Iterator[Finding]:
    for cancel in call.transactions:
        if cancel.method != "CANCEL" or cancel.request is None:
            continue
        invite = cancel.cancels
        if invite is not None and invite.final is not None and invite.final.code == 487:
            continue  # it worked
        silent = is_unanswered(call, cancel) or _ignored(cancel, invite)
        if silent and not any(is_unanswered(call, hop) for hop in cancel.downstream):
            variant = ""
        elif invite is not None and _not_ended(call, cancel, invite):
            variant = "no-final"
        else:
            continue
        last = cancel.sendings[-1]
        after = [m for m in (invite.responses if invite else []) if m.ts > last.ts]
        yield Finding(
            "cancel-no-response",
            "error",
            variant=variant,
            parameters={"caller": cancel.client, "hop": cancel.server},
            evidence=(
                EvidenceReference("message", cancel.request.n, N_("the CANCEL")),
                *(
                    EvidenceReference("message", again.n, N_("the CANCEL, repeated"))
                    for again in cancel.retransmissions[:_MOST_NAMED]
                ),
                *(
                    EvidenceReference("message", m.n, N_("the response to the CANCEL"))
                    for m in [cancel.final]
                    if m is not None
                ),
                *(
                    EvidenceReference("message", m.n, N_("the INVITE goes on"))
                    for m in after[:3]
                ),
            ),
            since_ts=cancel.request.ts,
        )


def _ignored(cancel: Transaction, invite: Transaction | None) -> bool:
    """Over a stream a CANCEL is sent once. Who goes on answering the INVITE long after
    it, and did not answer the CANCEL, ignores it.
    """
    if cancel.final is not None or invite is None or cancel.request is None:
        return False
    long_after = cancel.request.ts + timers.T2
    return any(m.ts > long_after for m in (*invite.responses, *invite.repeated))


def _not_ended(call: Call, cancel: Transaction, invite: Transaction) -> bool:
    """Whether the CANCEL was accepted, and no final response to the INVITE followed for
    as long as a caller waits (64*T1).
    """
    accepted, end = cancel.answer, call.visibility.last_ts
    return (
        accepted is not None
        and invite.final is None
        and end is not None
        and end - accepted.ts >= timers.TIMER_F - timers.TOLERANCE
        and call.visibility.would_show(invite.server, invite.client)
    )


RULE = Rule(
    id="cancel-no-response",
    find=_find,
    rank=125,
    explains=frozenset(
        {"cancel-crossed-answer", "hop-no-response", "no-answer", "ack-missing"}
    ),
    standard=("RFC 3261 9.1", "RFC 3261 9.2", "RFC 3261 17.1.2.2"),
    texts={
        "": Texts(
            N_("{hop} does not answer the CANCEL of {caller}."),
            N_(
                "The call was withdrawn before it was answered. Whoever gets a CANCEL "
                "confirms it at once; nobody did. The phone behind {hop} likely goes "
                "on ringing although the caller has gone."
            ),
            (
                N_(
                    "Check whether the CANCEL arrives at {hop}: it takes the same way "
                    "as the INVITE, with the same Request-URI and branch."
                ),
                N_("Check whether {hop} was up: did it answer anything after that?"),
                N_(
                    "Compare source and destination ports of the CANCEL with those of "
                    "the INVITE; a firewall lets only known ones through."
                ),
            ),
        ),
        "no-final": Texts(
            N_("{hop} confirms the CANCEL of {caller}, but does not end the INVITE."),
            N_(
                "A CANCEL that is confirmed has to be followed by a 487 to the INVITE. "
                "None came for over half a minute, so that the phone behind {hop} may "
                "go on ringing, and the caller's side keeps the call in its state."
            ),
            (
                N_(
                    "Check whether {hop} passed the CANCEL on to the phones that it "
                    "rang."
                ),
                N_("Check whether the 487 is lost behind {hop}."),
            ),
        ),
    },
    catalogue=CatalogueEntry(
        title=N_("CANCEL without response"),
        meaning=N_(
            "The caller withdrew the call, and the next hop did not confirm the "
            "CANCEL, or confirmed it and did not end the INVITE with 487."
        ),
        noticed=N_(
            "The phone goes on ringing after the caller has hung up; who picks up "
            "finds nobody there."
        ),
        causes=(
            N_(
                "The CANCEL does not reach the next hop: a firewall or NAT drops it, "
                "or it takes another way than the INVITE."
            ),
            N_(
                "A load balancer sends it to another node than the INVITE, which does "
                "not know the call."
            ),
            N_("The next hop has failed in the meantime."),
        ),
        confirm=(
            N_(
                "In the ladder: the CANCEL repeated in growing intervals without a "
                "response."
            ),
            N_(
                "Capture on the next hop: does the CANCEL arrive, with the branch of "
                "the INVITE?"
            ),
        ),
        fix=(
            N_(
                "Let load balancers choose the node by Call-ID, for CANCEL as for "
                "INVITE."
            ),
            N_("Send the CANCEL from the port that the INVITE was sent from."),
        ),
        settings={
            "OpenSIPS": N_(
                "t_relay() for a CANCEL after t_check_trans(); hash the Call-ID where "
                "dispatcher or load_balancer choose the node."
            ),
            "Kamailio": N_(
                "t_check_trans() and t_relay() for CANCEL; ds_select_dst() with an "
                "algorithm that hashes the Call-ID."
            ),
        },
    ),
)

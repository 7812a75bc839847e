"""The caller's CANCEL is refused, and the call goes on (RFC 3261 section 9)."""

from __future__ import annotations

from collections.abc import Iterator

from ....language import N_
from ...call import Call
from ...sip import timers
from ...sip.message import Message
from ...sip.transactions import Transaction
from ..model import EvidenceReference
from ..model import Finding
from ..rule import CatalogueEntry
from ..rule import Rule
from ..rule import Texts


def _find(call: Call) -> Iterator[Finding]:
    for cancel in call.transactions:
        request, refusal = cancel.request, cancel.refusal
        if cancel.method != "CANCEL" or request is None or refusal is None:
            continue
        if any(further.refusal is not None for further in cancel.downstream):
            continue  # it was refused there
        invite, goes_on = _pending(call, cancel, refusal)
        if not goes_on:
            continue
        same_branch = invite is not None and invite.branch == cancel.branch
        yield Finding(
            "cancel-refused",
            "error",
            variant="" if same_branch or invite is None else "branch",
            parameters={
                "caller": cancel.client,
                "hop": cancel.server,
                "refusal": refusal.summary,
            },
            evidence=(
                EvidenceReference("message", request.n, N_("the CANCEL")),
                EvidenceReference("message", refusal.n, N_("refused")),
                *(
                    EvidenceReference("message", m.n, N_("the INVITE"))
                    for m in [invite.request if invite else None]
                    if m is not None
                ),
                *(
                    EvidenceReference("message", m.n, N_("the INVITE goes on"))
                    for m in goes_on[:3]
                ),
            ),
            since_ts=request.ts,
        )


def _pending(
    call: Call, cancel: Transaction, refusal: Message
) -> tuple[Transaction | None, list[Message]]:
    """The INVITE that the CANCEL was for, and what shows that it went on all the same.
    A CANCEL that crosses the final response has nothing left to cancel.
    """
    invite = cancel.cancels
    if invite is None:
        return None, []
    later = refusal.ts + timers.T1 + timers.TOLERANCE
    final = invite.final
    if final is not None and (final.ts <= later or final.code == 487):
        return invite, []
    seen = (*invite.responses, *invite.repeated)
    return invite, sorted((m for m in seen if m.ts > later), key=lambda m: m.n)


RULE = Rule(
    id="cancel-refused",
    find=_find,
    rank=126,
    explains=frozenset({"cancel-crossed-answer", "no-answer"}),
    standard=("RFC 3261 9.1", "RFC 3261 9.2"),
    texts={
        "": Texts(
            N_(
                "{hop} refuses the CANCEL of {caller} with {refusal}, and the call "
                "goes on."
            ),
            N_(
                "The call was withdrawn before it was answered, and the next hop does "
                "not find the INVITE that the CANCEL is for. The phone goes on ringing "
                "although the caller has gone."
            ),
            (
                N_(
                    "Compare Request-URI, Via, From tag, Call-ID and CSeq number of "
                    "the CANCEL with those of the INVITE: they have to be the same."
                ),
                N_(
                    "Check whether a load balancer sends the CANCEL to another node "
                    "than the INVITE."
                ),
            ),
        ),
        "branch": Texts(
            N_(
                "{hop} refuses the CANCEL of {caller} with {refusal}: its branch is "
                "not that of the INVITE, and the call goes on."
            ),
            N_(
                "A CANCEL is matched to its INVITE by the branch of the topmost Via, "
                "which has to be the same in both. Here it is another one, so that the "
                "INVITE is not found. The phone goes on ringing although the caller "
                "has gone."
            ),
            (
                N_(
                    "Check the stack of {caller}: a CANCEL bears the topmost Via of "
                    "its INVITE, branch included."
                ),
            ),
        ),
    },
    catalogue=CatalogueEntry(
        title=N_("CANCEL refused"),
        meaning=N_(
            "The caller withdrew the call, and the next hop refused the CANCEL "
            "although the INVITE was still pending, mostly with 481."
        ),
        noticed=N_(
            "The phone goes on ringing after the caller has hung up; who picks up "
            "finds nobody there."
        ),
        causes=(
            N_(
                "The CANCEL bears another branch, Request-URI or CSeq number than the "
                "INVITE."
            ),
            N_(
                "A load balancer sends it to another node than the INVITE, which does "
                "not know the call."
            ),
        ),
        confirm=(
            N_(
                "Compare the topmost Via and the start line of CANCEL and INVITE at "
                "the same hop."
            ),
        ),
        fix=(
            N_("Correct the stack that sends the CANCEL."),
            N_(
                "Let load balancers choose the node by Call-ID, for CANCEL as for "
                "INVITE."
            ),
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

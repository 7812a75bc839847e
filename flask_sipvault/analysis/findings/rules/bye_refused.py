"""A BYE is refused (RFC 3261 section 15.1.2)."""

from __future__ import annotations

from collections.abc import Iterator

from ....language import N_
from ...call import Call
from ...sip import timers
from ...sip.transactions import outermost
from ...sip.transactions import Transaction
from ...sip.transactions import where_refused
from ..hanging_up import first_byes
from ..hanging_up import other_hung_up_by
from ..model import EvidenceReference
from ..model import Finding
from ..rule import CatalogueEntry
from ..rule import Rule
from ..rule import Texts

_CHALLENGES = (401, 407)


def _find(call: Call) -> Iterator[Finding]:
    for dialog in call.dialogs:
        byes = first_byes(dialog)
        accepted = {bye.from_tag for bye in outermost(dialog.byes) if bye.answer}
        for bye in outermost(dialog.byes):
            refusal = bye.refusal
            if bye.request is None or refusal is None or refusal.code == 408:
                continue
            # With credentials, or by another way, or as the two crossed.
            crossed = refusal.ts + timers.T1 + timers.TOLERANCE
            side = dialog.side_of(bye.request)
            if bye.from_tag in accepted or other_hung_up_by(byes, side, crossed):
                continue
            if refusal.code in _CHALLENGES:
                variant = "challenged"
                if not _would_retry(call, bye):
                    continue
            else:
                variant = "unknown" if refusal.code == 481 else ""
            yield Finding(
                "bye-refused",
                "warning" if variant == "unknown" else "error",
                variant=variant,
                parameters={
                    "sender": bye.client,
                    "hop": where_refused(bye).server,
                    "refusal": refusal.summary,
                },
                evidence=(
                    EvidenceReference("message", bye.request.n, N_("the BYE")),
                    EvidenceReference("message", refusal.n, N_("refused")),
                    *(
                        EvidenceReference("message", other.request.n, N_("a later BYE"))
                        for other in dialog.byes
                        if other.request is not None and other.request.ts > refusal.ts
                    ),
                ),
                since_ts=bye.request.ts,
            )
            break  # another attempt that fails, too, says no more


def _would_retry(call: Call, bye: Transaction) -> bool:
    """Whether a BYE with credentials would have been captured: this one was, and the
    capture goes on.
    """
    assert bye.refusal is not None
    end = call.visibility.last_ts or 0
    return end - bye.refusal.ts > timers.T1 + timers.TOLERANCE


RULE = Rule(
    id="bye-refused",
    find=_find,
    rank=620,
    standard=("RFC 3261 15.1.2", "RFC 3261 12.2.2"),
    texts={
        "": Texts(
            N_("{hop} refuses the BYE of {sender} with {refusal}."),
            N_(
                "The side that hung up has ended the call. For the other side it "
                "likely goes on, since it did not accept the BYE, until it hangs up "
                "itself or a timer ends the call."
            ),
            (
                N_(
                    "Read the reason phrase, Warning and Reason of the refusal, and "
                    "the log of {hop} at that time."
                ),
                N_(
                    "Compare tags, CSeq number, Route and Request-URI of the BYE with "
                    "those of the dialog."
                ),
            ),
        ),
        "unknown": Texts(
            N_("{hop} does not know the call that {sender} hangs up: {refusal}."),
            N_(
                "Nothing that was captured had ended the call before. Whoever answers "
                "481 never took it for up, or has lost it: by a restart, a timer, or a "
                "node that does not share the state of the others."
            ),
            (
                N_("Look into the log of {hop}: when and why did it end this call?"),
                N_(
                    "Check whether {hop} was restarted, or whether requests of one "
                    "call reach different nodes."
                ),
            ),
        ),
        "challenged": Texts(
            N_(
                "{hop} asks {sender} for a password for its BYE ({refusal}), and it "
                "does not try again."
            ),
            N_(
                "A BYE that is challenged has not ended the call. It has to be sent "
                "again with credentials; until then the other side stays connected."
            ),
            (
                N_(
                    "Let {hop} accept requests within a dialog without a challenge: "
                    "the INVITE was authenticated."
                ),
                N_("Check whether {sender} has credentials for this realm."),
            ),
        ),
    },
    catalogue=CatalogueEntry(
        title=N_("BYE refused"),
        meaning=N_(
            "A BYE got a final response other than a 2xx. The sender's call is over "
            "all the same; the other side may go on."
        ),
        noticed=N_(
            "One side hung up, the other stays connected in silence; or nothing, where "
            "the other side had lost the call already."
        ),
        causes=(
            N_(
                "The other side lost the call: restart, failover to a node without its "
                "state, a timer (481)."
            ),
            N_("A proxy asks for authentication within a dialog (401, 407)."),
            N_("A proxy cannot route the BYE (403, 404, 5xx)."),
            N_("The CSeq number is lower than before (500)."),
        ),
        confirm=(
            N_(
                "Who answers: the other side itself, or a proxy in between? The ladder "
                "shows it."
            ),
            N_("Did the other side send a BYE or media after that?"),
        ),
        fix=(
            N_(
                "Route requests with a To tag by Route and Request-URI, before any "
                "authentication or number lookup."
            ),
            N_(
                "Share the state of calls among the nodes of a cluster, or keep a call "
                "on one node."
            ),
        ),
        settings={
            "OpenSIPS": N_(
                "has_totag() and loose_route() come before proxy_authorize() and "
                "before lookup()."
            ),
            "Kamailio": N_(
                "has_totag() and loose_route() come before auth_check() and before "
                "lookup()."
            ),
        },
    ),
)

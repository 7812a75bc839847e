"""A message that does not follow the grammar, and that failed for it."""

from __future__ import annotations

from collections.abc import Iterator

from ....language import N_
from ...call import Call
from ...sip.defects import Defect
from ...sip.refusal import said_by
from ..model import EvidenceReference
from ..model import Finding
from ..model import Statements
from ..references import message
from ..refused_message import DEFECT_WORDS
from ..refused_message import refused_messages
from ..refused_message import RefusedMessage
from ..rule import CatalogueEntry
from ..rule import Rule
from ..rule import Texts


def _find(call: Call) -> Iterator[Finding]:
    for refused in refused_messages(call):
        yield _finding(refused)
        return
    for seen in call.messages:
        if seen.sip is None and seen.copy_of is None:
            yield Finding(
                "malformed",
                "warning",
                variant="unreadable",
                parameters={"client": seen.src, "server": seen.dst},
                evidence=(message(seen),),
                since_ts=seen.ts,
            )
            return


def _finding(refused: RefusedMessage) -> Finding:
    request, refusal = refused.request, refused.refusal
    defect = next(iter(refused.defects), None)
    said = tuple(said_by(refusal)) if refusal is not None else ()
    evidence: list[EvidenceReference] = [
        message(
            request,
            DEFECT_WORDS[defect.kind] if defect else N_("the message concerned"),
        )
    ]
    if refusal is not None:
        evidence.append(message(refusal, N_("refused as malformed")))
    found = defect or Defect("unreadable")
    return Finding(
        "malformed",
        "error",
        "certain" if refusal is not None else "likely",
        _variant(defect, refusal is not None, said),
        {
            "client": request.src,
            "server": request.dst,
            "method": request.method or request.summary,
            "code": refusal.summary if refusal is not None else "-",
            "said": said or "-",
            "what": found.what,
            "bytes": found.bytes,
        },
        tuple(evidence),
        request.ts,
    )


def _variant(defect: Defect | None, refused: bool, said: Statements) -> str:
    if not refused:
        return "ignored"
    if defect is not None:
        return "shown"
    return "said" if said else ""


_NEXT = (
    N_("In the logs of {server}: what it did not understand."),
    N_(
        "The software of {client}, and what changes messages between: an update, a"
        " header rule."
    ),
)

RULE = Rule(
    "malformed",
    _find,
    {
        "": Texts(
            N_("{server} could not understand the {method} of {client}: {code}."),
            N_(
                "The refusal says that the message is malformed and not in what way."
                " This capture shows nothing wrong with it."
            ),
            _NEXT,
        ),
        "said": Texts(
            N_("{server} could not understand the {method} of {client}: {code}."),
            N_("The refusal says what it stumbles over: {said}."),
            _NEXT,
        ),
        "shown": Texts(
            N_(
                "The {method} of {client} is malformed, and {server} refused it:"
                " {code}."
            ),
            N_("The message breaks the rules of RFC 3261; the evidence says where."),
            _NEXT,
        ),
        "ignored": Texts(
            N_(
                "The {method} of {client} is malformed, and {server} did not respond"
                " to it."
            ),
            N_(
                "The message breaks the rules of RFC 3261; the evidence says where."
                " Likely {server} dropped it for that."
            ),
            _NEXT,
        ),
        "unreadable": Texts(
            N_("A message from {client} to {server} cannot be read as SIP."),
            N_(
                "It belongs to this call by its Call-ID or its place, and has no"
                " start line of SIP. Likely it was cut, or something else is sent to"
                " this port."
            ),
            (N_("The bytes of the message, and who sends them."),),
        ),
    },
    CatalogueEntry(
        N_("Malformed message"),
        N_(
            "A message breaks the grammar or the rules of SIP, so that its receiver"
            " refuses it with 400 or drops it."
        ),
        N_("The call fails at once, or nothing happens."),
        (
            N_("A fault of the sender's software."),
            N_("A rule on a proxy or session border controller that changes headers."),
            N_("A device that rewrites messages; see sip-alg."),
        ),
        (
            N_(
                "The message itself: mandatory headers, CSeq, Content-Length,"
                " addresses."
            ),
            N_("The phrase and the Warning of the 400, and the log of who sent it."),
        ),
        (N_("Correct or update what makes the message."),),
        {
            "OpenSIPS": N_("sipmsgops: sip_validate() says what is wrong."),
            "Kamailio": N_("sanity: sanity_check() says what is wrong."),
            "Asterisk": N_("pjsip set logger on shows the message as it is."),
            "FreeSWITCH": N_("sofia global siptrace on shows the message as it is."),
        },
    ),
    ("RFC 3261 21.4.1", "RFC 3261 8.1.1", "RFC 4475"),
    rank=130,
    explains=frozenset(
        {"call-refused", "hop-no-response", "bye-refused", "reinvite-refused"}
    ),
)

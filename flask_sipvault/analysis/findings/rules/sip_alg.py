"""A message that a device on the way rewrote, and did not put right."""

from __future__ import annotations

from collections.abc import Hashable
from collections.abc import Iterator

from ....language import N_
from ...call import Call
from ...sip.defects import Defect
from ...sip.defects import find_defects
from ...sip.messages import Message
from ..addresses import is_private
from ..model import EvidenceReference
from ..model import Finding
from ..references import message
from ..refused_message import DEFECT_WORDS
from ..refused_message import refused_messages
from ..refused_message import RefusedMessage
from ..rule import CatalogueEntry
from ..rule import Rule
from ..rule import Texts

#: What a device that puts longer or shorter addresses into a message has to change too.
_LENGTHS = frozenset({"too-long", "too-short"})


def _find(call: Call) -> Iterator[Finding]:
    refused = {id(each.request): each for each in refused_messages(call)}
    earlier: dict[Hashable, Message] = {}
    for seen in call.messages:
        if seen.copy_of is not None or seen.retransmission_of is not None:
            continue
        if seen.sip is None:
            continue
        refusal = refused.get(id(seen))
        before = earlier.setdefault(_identity(seen), seen)
        defect = _wrong_length(seen, refused=refusal is not None)
        if defect is None:
            continue
        rewritten = before if _was_right(before, seen) else None
        private = _left_over(seen)
        if rewritten is not None or private:
            yield _finding(seen, defect, rewritten, private, refusal)
            return


def _identity(seen: Message) -> Hashable:
    """What stays the same in a message that somebody rewrites on the way who is no SIP
    host, and adds no Via.
    """
    return seen.kind, seen.branches, seen.cseq_number, seen.summary, seen.to_tag


def _was_right(before: Message, seen: Message) -> bool:
    """Whether this is the same message before it was rewritten."""
    elsewhere = (before.src, before.dst) != (seen.src, seen.dst)
    right = before.sip is not None and before.sip.surplus == 0
    return elsewhere and right and before.raw != seen.raw


def _wrong_length(seen: Message, *, refused: bool) -> Defect | None:
    """What shows that the body is not as long as its sender said. One that is too short
    may also be one that was not captured whole: then only a refusal tells.
    """
    if seen.sip is None or (seen.sip.surplus <= 0 and not refused):
        return None
    kinds = _LENGTHS | {"unfinished"} if refused else {"too-long"}
    return next((each for each in find_defects(seen) if each.kind in kinds), None)


def _left_over(seen: Message) -> str:
    """A private address in a message that came from a public one; "" for none."""
    if seen.sip is None or is_private(seen.src.ip):
        return ""
    hosts = [via.host for via in seen.vias[-1:]]
    hosts.append(seen.sip.call_id.rpartition("@")[2])
    if seen.sip.contact is not None:
        hosts.append(seen.sip.contact.host)
    hosts += [seen.sip.from_.host, seen.sip.to.host]
    if seen.sdp is not None:
        hosts += seen.sdp.origin.split()[-1:]
        hosts += [media.address or "" for media in seen.sdp.media]
    return next((host.strip("[]") for host in hosts if is_private(host)), "")


def _finding(
    seen: Message,
    defect: Defect,
    before: Message | None,
    private: str,
    refused: RefusedMessage | None,
) -> Finding:
    refusal = refused.refusal if refused is not None else None
    evidence: list[EvidenceReference] = [message(seen, DEFECT_WORDS[defect.kind])]
    if before is not None:
        evidence.append(
            message(before, N_("the same message before, with another body"))
        )
    if refusal is not None:
        evidence.append(message(refusal, N_("refused")))
    if defect.kind == "unfinished":
        variant = "unfinished"
    else:
        variant = "seen" if before is not None else ""
    return Finding(
        "sip-alg",
        "error" if refused is not None else "warning",
        "certain" if before is not None else "likely",
        variant,
        {
            "client": seen.src,
            "server": seen.dst,
            "message": seen.summary,
            "what": defect.what,
            "bytes": defect.bytes,
            "private": private or "-",
            "code": refusal.summary if refusal is not None else "-",
        },
        tuple(evidence),
        seen.ts,
    )


_NEXT = (
    N_(
        "The router or firewall in front of {client}: switch its SIP ALG (SIP helper,"
        " SIP transformations) off."
    ),
    N_("The same message inside of that network: whether the length is right there."),
    N_("TLS or another port than 5060 instead, which such devices leave alone."),
)

RULE = Rule(
    "sip-alg",
    _find,
    {
        "": Texts(
            N_(
                "A device on the way likely rewrote the {message} from {client}: its"
                " body is not as long as it says."
            ),
            N_(
                "Content-Length says {what}, which is wrong by {bytes} bytes. The"
                " private address {private} is still in the message though it comes"
                " from {client}: other addresses in it were replaced by ones of"
                " another length, and the length was not put right. Who reads the"
                " body by its length gets another one than was sent."
            ),
            _NEXT,
        ),
        "unfinished": Texts(
            N_(
                "A device on the way likely rewrote the {message} from {client}: its"
                " body ends in the middle."
            ),
            N_(
                "{server} refused it with {code}, and the description of media ends"
                " within a line. The private address {private} is still in the"
                " message though it comes from {client}: other addresses in it were"
                " likely replaced by longer ones, and the length was not put right."
            ),
            _NEXT,
        ),
        "seen": Texts(
            N_(
                "A device before {server} rewrote the {message} and left its length"
                " as it was."
            ),
            N_(
                "The same message was captured before and after it. Its body was"
                " changed, and Content-Length still says {what}, wrong by {bytes}"
                " bytes. Who reads the body by its length gets another one than was"
                " sent."
            ),
            _NEXT,
        ),
    },
    CatalogueEntry(
        N_("Rewritten by a SIP ALG"),
        N_(
            "Many routers and firewalls rewrite addresses in SIP messages, to help"
            " phones behind NAT (application layer gateway, ALG). Some forget the"
            " Content-Length or some of the addresses, so that the message"
            " contradicts itself."
        ),
        N_(
            "Calls that fail at once with 400, calls without audio, phones that"
            " cannot be reached; only from one site."
        ),
        (N_("A SIP ALG, SIP helper or SIP fixup in the router of the site."),),
        (
            N_("Content-Length against the length of the body."),
            N_(
                "Private addresses left in Call-ID, Contact, Via or SDP of a message"
                " that comes from a public one."
            ),
        ),
        (
            N_(
                "Switch the ALG off; let the server deal with NAT (rport, Contact and"
                " SDP by the source address)."
            ),
            N_("Use TLS for SIP."),
        ),
        {
            "OpenSIPS": N_(
                "nathelper: fix_nated_contact(), nat_uac_test(); rtpengine or"
                " rtpproxy for media."
            ),
            "Kamailio": N_(
                "nathelper: set_contact_alias(), nat_uac_test(); rtpengine for media."
            ),
            "Asterisk": N_(
                "pjsip.conf, type=endpoint: rewrite_contact=yes, rtp_symmetric=yes,"
                " force_rport=yes."
            ),
            "FreeSWITCH": N_(
                "Sofia profile: NDLB-force-rport, apply-nat-acl,"
                " aggressive-nat-detection."
            ),
        },
    ),
    ("RFC 3261 20.14", "RFC 3261 18.3", "RFC 3581"),
    rank=80,
    explains=frozenset(
        {
            "malformed",
            "call-refused",
            "hop-no-response",
            "answer-missing",
            "no-common-codec",
        }
    ),
)

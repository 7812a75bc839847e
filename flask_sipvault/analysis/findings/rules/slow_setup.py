"""A call that took long to ring, and where the time went."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from ....language import N_
from ....protocols.address import Endpoint
from ...call import Call
from ...sip.messages import Message
from ...sip.setup import CallSetup
from ...sip.transactions import MAX_HOPS
from ...sip.transactions import Transaction
from ..model import EvidenceReference
from ..model import Finding
from ..references import message
from ..rule import CatalogueEntry
from ..rule import Rule
from ..rule import Texts

#: Longer than this from dialling to the first tone, and people hang up and dial again.
#: ITU-T E.721 sets means of 3 s for local, 5 s for toll and 8 s for international
#: calls; 6 s lies between.
LONG_NS = 6_000_000_000

#: No INVITE is waited for so long (timer C, RFC 3261 section 16.6, is some minutes):
#: the clock of the capture was set.
_ABSURD_NS = 1_800_000_000_000


@dataclass(frozen=True, slots=True)
class _Part:
    """A stretch of the wait, at one host.

    :param variant: what the host did in that time, as the texts are named.
    """

    variant: str
    host: Endpoint
    start: Message
    end: Message

    @property
    def ns(self) -> int:
        return self.end.ts - self.start.ts


def _find(call: Call) -> Iterator[Finding]:
    found = call.setup
    if found is None or found.first is None:
        return
    if not call.visibility.would_show(found.first.target, found.first.origin):
        return
    sign = _first_sign(found)
    withdrawn = False
    if sign is None:
        sign = _withdrawn(call)
        withdrawn = True
    if sign is None or not LONG_NS < sign.ts - found.first.ts < _ABSURD_NS:
        return
    parts = _parts(call, found.first, sign, withdrawn)
    longest = max(parts, key=lambda part: part.ns, default=None)
    if longest is None:
        return
    variant = longest.variant
    if withdrawn:
        variant = "withdrawn"
    evidence: list[EvidenceReference] = [
        message(found.first, N_("the first INVITE of the caller")),
        message(longest.start, N_("here the longest part of the wait begins")),
        message(longest.end, N_("and here it ends")),
    ]
    if sign is not longest.end:
        evidence.append(message(sign, N_("what the caller got at last")))
    yield Finding(
        "slow-setup",
        "warning",
        variant=variant,
        parameters={
            "wait_ms": (sign.ts - found.first.ts) // 1_000_000,
            "part_ms": longest.ns // 1_000_000,
            "host": longest.host,
        },
        evidence=tuple(evidence),
        since_ts=found.first.ts,
    )


def _first_sign(found: CallSetup) -> Message | None:
    """The first 18x, or else the answer."""
    signs = [m for m in (found.ringing, found.answer) if m is not None]
    return min(signs, key=lambda m: m.ts, default=None)


def _withdrawn(call: Call) -> Message | None:
    """The CANCEL of a caller who did not want to wait any longer."""
    ending = call.ending
    if ending is None or ending.by != "caller" or ending.message.method != "CANCEL":
        return None
    return ending.message


def _parts(call: Call, first: Message, sign: Message, withdrawn: bool) -> list[_Part]:
    """The stretches of the wait, hop by hop."""
    if withdrawn:
        hops = _way_down(_last_invite(call))
        signs: list[Message] = []
    else:
        hops, signs = _way_of(call, sign)
    requests = [hop.request for hop in hops if hop.request is not None]
    if not requests or len(requests) != len(hops):
        return []
    parts = [_Part("attempts", hops[0].client, first, requests[0])]
    for at, (request, onwards) in enumerate(pairwise(requests)):
        parts.append(_Part("held", hops[at].server, request, onwards))
    last = signs[-1] if signs else sign
    parts.append(_Part("beyond", hops[-1].server, requests[-1], last))
    for at, (near, far) in enumerate(pairwise(signs)):
        parts.append(_Part("kept", hops[at].server, far, near))
    return parts


def _last_invite(call: Call) -> Transaction | None:
    outer = [
        t
        for t in call.transactions
        if t.method == "INVITE" and not t.in_dialog and t.upstream is None
    ]
    return outer[-1] if outer else None


def _way_down(at: Transaction | None) -> list[Transaction]:
    """The hops of an INVITE, as it was sent on last."""
    hops: list[Transaction] = []
    while at is not None and len(hops) < MAX_HOPS:
        hops.append(at)
        at = at.downstream[-1] if at.downstream else None
    return hops


def _way_of(call: Call, sign: Message) -> tuple[list[Transaction], list[Message]]:
    """The hops that a response came along, nearest to the caller first, and the
    response at each.
    """
    at = next((t for t in call.transactions if sign in t.responses), None)
    hops: list[Transaction] = []
    signs: list[Message] = []
    seen: Message | None = sign
    while at is not None and seen is not None and len(hops) < MAX_HOPS:
        hops.append(at)
        signs.append(seen)
        at, seen = _below(at, seen)
    return hops, signs


def _below(
    transaction: Transaction, sign: Message
) -> tuple[Transaction | None, Message | None]:
    for hop in transaction.downstream[::-1]:
        for response in hop.responses:
            if response.code >= 180 and response.ts <= sign.ts:
                same = response.to_tag == sign.to_tag
                if same or response.code // 100 == sign.code // 100:
                    return hop, response
    return None, None


RULE = Rule(
    "slow-setup",
    _find,
    {
        "beyond": Texts(
            N_("It took {wait_ms} until it rang; {host} needed {part_ms} of that."),
            N_(
                "{host} got the INVITE and said that it rings, or answered, only"
                " {part_ms} later. Where it sent the call in that time is not in this"
                " capture."
            ),
            (
                N_(
                    "In the logs of {host}: what it did in that time, database, DNS,"
                    " other gateways."
                ),
                N_("A capture on {host}, of its other side."),
            ),
        ),
        "held": Texts(
            N_("It took {wait_ms} until it rang; {host} held the call for {part_ms}."),
            N_(
                "{host} sent the INVITE on only {part_ms} after it had got it. Likely"
                " it waited for a look-up: DNS, ENUM, number portability, database,"
                " RADIUS or HTTP; or it tried other ways first."
            ),
            (
                N_("In the logs of {host}: which look-up took so long."),
                N_("DNS on {host}: a server that does not answer costs 5 s."),
            ),
        ),
        "kept": Texts(
            N_(
                "It took {wait_ms} until it rang for the caller; {host} kept that"
                " back for {part_ms}."
            ),
            N_(
                "It rang at the far side {part_ms} before {host} told the caller's"
                " side."
            ),
            (N_("Why {host} holds provisional responses back."),),
        ),
        "attempts": Texts(
            N_(
                "It took {wait_ms} until it rang; attempts before the last one took"
                " {part_ms} of that."
            ),
            N_(
                "{host} sent the INVITE that got through only {part_ms} after its"
                " first one: challenges, refusals and redirections came before."
            ),
            (
                N_(
                    "The responses to the first attempts, and how soon {host} sent"
                    " the next one."
                ),
            ),
        ),
        "withdrawn": Texts(
            N_("It did not ring within {wait_ms}, and the caller gave up."),
            N_(
                "No ringing, answer or refusal came; {part_ms} of the wait were at"
                " {host}."
            ),
            (
                N_("In the logs of {host}: where it sent the call, and what it met."),
                N_("A capture on {host}, of its other side."),
            ),
        ),
    },
    CatalogueEntry(
        N_("Slow call setup"),
        N_(
            "From the caller's INVITE to the first sign of ringing more than 6 s went"
            " by (post-dial delay, RFC 6076 section 4.3). The finding says at which"
            " host."
        ),
        N_("Silence after dialling; people believe that the call fails and hang up."),
        (
            N_(
                "A look-up on the way that times out: DNS, ENUM, portability, database."
            ),
            N_(
                "A gateway or phone that is reached late: dead routes tried first, a"
                " mobile that is being paged."
            ),
            N_("An INVITE that was lost and sent again."),
        ),
        (
            N_("In the table of hops: the delay that each one added."),
            N_(
                "In the logs of the host named: what it did between the two messages"
                " named."
            ),
        ),
        (
            N_(
                "Give look-ups a short timeout and a cache; use two DNS servers that"
                " answer."
            ),
            N_("Take dead routes out; see slow-failover."),
        ),
        {
            "OpenSIPS": N_("dns_try_ipv6, dns_retr_time, dns_retr_no; tm: fr_timeout."),
            "Kamailio": N_("dns_retr_time, dns_retr_no, use_dns_cache; tm: fr_timer."),
            "Asterisk": N_(
                "/etc/resolv.conf: timeout and attempts; AGI or ODBC look-ups in the"
                " dialplan."
            ),
            "FreeSWITCH": N_(
                "Look-ups in the dialplan (enum, lcr, curl); leg_progress_timeout."
            ),
        },
    ),
    ("RFC 6076 4.3", "ITU-T E.721"),
    rank=400,
    explains=frozenset({"cancelled"}),
)

"""A call that nobody makes: a program that looks for open servers and passwords."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator

from ....language import N_
from ...call import Call
from ...sip.messages import Message
from ...sip.transactions import Transaction
from ..model import Finding
from ..references import message
from ..references import messages
from ..rule import CatalogueEntry
from ..rule import Rule
from ..rule import Texts

#: What scanners call themselves, in User-Agent, From or Contact. Tools that are mostly
#: used by operators (sipsak, SIPp) are none of them.
_NAMES = re.compile(
    r"friendly-?(?:scanner|request)|sip-?vicious|sundayddr|sip-?scan|\bsipcli\b|sivus"
    r"|vaxsip|\bpplsip\b|siparmyknife|\bsvwar\b|\bsvmap\b|\bsvcrack\b|\bsmap\b",
    re.IGNORECASE,
)

#: Headers that are looked at for a name.
_NAMED_IN = ("User-Agent", "From", "To", "Contact")

#: Digits of a number behind prefixes that are tried one after the other: longer than
#: any number (ITU-T E.164: 15 digits).
_TOO_MANY_DIGITS = 16

#: So many signs together leave little doubt.
_ENOUGH_SIGNS = 3


def _find(call: Call) -> Iterator[Finding]:
    opening = next(
        (t for t in call.transactions if not t.in_dialog and t.request is not None),
        None,
    )
    if opening is None or opening.request is None or opening.request.sip is None:
        return
    request = opening.request
    name = _name(request)
    signs = _signs(request, opening)
    if not name and (len(signs) < _ENOUGH_SIGNS or not _unheeded(opening)):
        return
    refusal = opening.refusal
    accepted = opening.answer
    evidence = [message(request, N_("the request of the scanner"))]
    if refusal is not None:
        evidence.append(message(refusal, N_("refused")))
        again = [m for m in opening.repeated if m.retransmission_of == refusal.n]
        if not opening.acks:
            evidence += messages(again, N_("sent again: no ACK"))
    if accepted is not None:
        evidence.append(message(accepted, N_("accepted")))
    yield Finding(
        "scanner",
        "error" if accepted is not None else "warning",
        "certain" if name else "likely",
        ("accepted" if accepted is not None else "") if name else "behaviour",
        {
            "client": request.src,
            "server": request.dst,
            "name": name,
            "method": request.method,
            "number": call.callee.user,
            "code": (refusal or accepted or request).summary,
        },
        tuple(evidence),
        request.ts,
    )


def _name(request: Message) -> str:
    """What the sender calls itself, if that is a scanner's name."""
    for header in _NAMED_IN:
        found = _NAMES.search(request.header(header))
        if found:
            return found[0]
    return ""


def _unheeded(transaction: Transaction) -> bool:
    """Whether its sender does not care for the refusal: no ACK, though the refusal was
    sent again.
    """
    refusal = transaction.refusal
    if refusal is None or transaction.method != "INVITE" or transaction.acks:
        return False
    return len(transaction.sendings_of(refusal)) > 2


def _signs(request: Message, transaction: Transaction) -> list[str]:
    """What no phone does."""
    assert request.sip is not None
    signs = []
    caller, callee = request.sip.from_, request.sip.to
    if caller.user and (caller.user, caller.host) == (callee.user, callee.host):
        signs.append("From is To")
    own = [via.host for via in request.vias[-1:]]
    contact = request.sip.contact
    if contact is not None:
        own.append(contact.host)
    if any(_is_nowhere(host) for host in own) and not _is_nowhere(request.src.ip):
        signs.append("address of its own host")
    if any(_is_nowhere(host) for host in (caller.host, callee.host)):
        signs.append("domain nobody has")
    target = re.sub(r"\D", "", callee.user or "")
    uri = request.sip.uri or ""
    dialled = re.sub(r"\D", "", uri.partition("@")[0])
    if max(len(target), len(dialled)) >= _TOO_MANY_DIGITS:
        signs.append("prefixes tried")
    if not request.header("User-Agent"):
        signs.append("no User-Agent")
    if _unheeded(transaction):
        signs.append("no ACK")
    return signs


def _is_nowhere(host: str) -> bool:
    """Whether an address is one that no other host can send to."""
    if host in ("1.1.1.1", "localhost"):
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


RULE = Rule(
    "scanner",
    _find,
    {
        "": Texts(
            N_("A scanner, not a caller: {client} calls itself {name}."),
            N_(
                "Programs of this name try numbers and passwords on any server that"
                " they find. This {method} was met with {code}. That nothing answers"
                " the response is the way of such a program and no fault of the"
                " network."
            ),
            (
                N_(
                    "Whether other attempts from {client} succeeded: calls to foreign"
                    " or premium numbers."
                ),
                N_("Whether {server} has to be open to everybody."),
            ),
        ),
        "accepted": Texts(
            N_(
                "A scanner got through: {client} calls itself {name}, and {server}"
                " accepted its {method}."
            ),
            N_(
                "Programs of this name try numbers and passwords on any server that"
                " they find. {server} took this {method} ({code}), so that whoever"
                " runs it knows now that it can be used."
            ),
            (
                N_(
                    "At once: which account or rule let it through, and calls to"
                    " foreign or premium numbers since."
                ),
                N_(
                    "Passwords of the accounts concerned; who may call without"
                    " credentials."
                ),
            ),
        ),
        "behaviour": Texts(
            N_("Likely a scanner, not a caller: {client}."),
            N_(
                "The {method} has several marks of programs that try numbers on any"
                " server that they find, and its sender did not even acknowledge"
                " {code}. That nothing answers the response is no fault of the"
                " network then."
            ),
            (
                N_("Whether {client} belongs to a customer."),
                N_("Whether other attempts from {client} succeeded."),
            ),
        ),
    },
    CatalogueEntry(
        N_("Scanner"),
        N_(
            "An automatic attempt of a stranger to find a server that lets calls"
            " through, or a password. It meets nearly every server that is open to"
            " the internet."
        ),
        N_(
            "Ghost calls at night on phones that are open to the internet; otherwise"
            " nothing."
        ),
        (N_("SIP open to the internet on port 5060."),),
        (
            N_(
                "User-Agent, From and To of the request; numbers with ever other"
                " prefixes from one address."
            ),
            N_("No ACK, no credentials, no second request after the challenge."),
        ),
        (
            N_("Let only known addresses reach SIP, or use another port and TLS."),
            N_("Block addresses after a few refusals."),
            N_("Long random passwords; no calls abroad for accounts that need none."),
        ),
        {
            "OpenSIPS": N_(
                "pike, ratelimit and a check of $ua in the script: drop, without a"
                " response."
            ),
            "Kamailio": N_(
                "pike, htable with auth failures, secfilter; a check of $ua in the"
                " script: drop, without a response."
            ),
            "Asterisk": N_(
                "pjsip.conf: no anonymous endpoint; type=acl; the security log"
                " channel for fail2ban."
            ),
            "FreeSWITCH": N_(
                "apply-inbound-acl, auth-calls, log-auth-failures for fail2ban."
            ),
        },
    ),
    ("RFC 3261 26.1", "RFC 3261 17.1.1.3"),
    rank=50,
    explains=frozenset(
        {
            "ack-missing",
            "auth-credentials",
            "auth-not-answered",
            "auth-stale-nonce",
            "busy",
            "call-limit",
            "call-refused",
            "cancelled",
            "declined",
            "hop-no-response",
            "malformed",
            "no-answer",
            "number-unknown",
            "overload-503",
            "refused-by-server-486",
            "sip-alg",
            "slow-setup",
            "subscriber-absent",
        }
    ),
)

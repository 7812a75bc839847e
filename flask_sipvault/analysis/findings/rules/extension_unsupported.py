"""A request is refused for an extension of SIP (RFC 3261 sections 8.2.2.3, 21.4.15 and
21.4.16).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import takewhile

from ....language import N_
from ...call import Call
from ...sip.messages import Message
from ...sip.transactions import outermost
from ...sip.transactions import Transaction
from ...sip.transactions import where_refused
from ..model import EvidenceReference
from ..model import Finding
from ..rule import CatalogueEntry
from ..rule import Rule
from ..rule import Texts


def _find(call: Call) -> Iterator[Finding]:
    attempts: dict[object, list[Transaction]] = defaultdict(list)
    # A CANCEL is not refused for the Require of its INVITE (section 9.1).
    for each in outermost(t for t in call.transactions if t.method != "CANCEL"):
        attempts[_sender(each)].append(each)
    for tried in attempts.values():
        # Whatever came after shows that it was tried again without, or with it.
        in_vain = list(takewhile(_for_an_extension, reversed(tried)))
        if in_vain and in_vain[-1].refusal is not None:
            yield _finding(in_vain[-1], in_vain[-1].refusal)


def _sender(attempt: Transaction) -> object:
    """Whose attempts count together. A caller that tries again may use a new tag."""
    tag = attempt.from_tag if attempt.in_dialog else ""
    return attempt.leg, attempt.method, attempt.client, tag


def _for_an_extension(attempt: Transaction) -> bool:
    return attempt.refusal is not None and attempt.refusal.code in (420, 421)


def _finding(attempt: Transaction, refusal: Message) -> Finding:
    request = attempt.request
    unsupported = refusal.header("Unsupported")
    required = request.header("Require") if request is not None else ""
    for_proxy = request.header("Proxy-Require") if request is not None else ""
    if refusal.code == 421:
        extension = refusal.header("Require")
        variant = "required" if extension else "required-unnamed"
    else:
        extension = unsupported or for_proxy or required
        variant = "" if extension else "unnamed"
    return Finding(
        "extension-unsupported",
        "warning" if attempt.in_dialog else "error",
        variant=variant,
        parameters={
            "sender": attempt.client,
            "hop": where_refused(attempt).server,
            "method": attempt.method,
            "extension": extension,
            "refusal": refusal.summary,
        },
        evidence=(
            EvidenceReference("message", refusal.n, N_("refused")),
            *_request(request),
        ),
        since_ts=refusal.ts,
    )


def _request(request: Message | None) -> Iterator[EvidenceReference]:
    if request is not None:
        yield EvidenceReference("message", request.n, N_("what it requires"))


RULE = Rule(
    id="extension-unsupported",
    find=_find,
    rank=210,
    explains=frozenset({"reinvite-refused", "transfer-failed"}),
    standard=("RFC 3261 8.2.2.3", "RFC 3261 21.4.15", "RFC 3261 21.4.16"),
    texts={
        "": Texts(
            N_(
                "{hop} refuses the {method} of {sender} with {refusal}: it does not "
                "support {extension}."
            ),
            N_(
                "The request demands an extension of SIP in Require or Proxy-Require "
                "that the other side does not have. An extension that is only offered "
                "stands in Supported and is no reason to refuse."
            ),
            (
                N_(
                    "Let {sender} offer {extension} in Supported instead of demanding "
                    "it in Require."
                ),
                N_("Or enable {extension} at {hop}."),
            ),
        ),
        "unnamed": Texts(
            N_(
                "{hop} refuses the {method} of {sender} with {refusal}, without saying "
                "which extension it lacks."
            ),
            N_(
                "A 420 has to name the extensions in Unsupported. Neither it nor the "
                "request names one here."
            ),
            (N_("Look into the log of {hop} for what it did not understand."),),
        ),
        "required": Texts(
            N_(
                "{hop} refuses the {method} of {sender} with {refusal}: it insists on "
                "{extension}, which the request does not offer."
            ),
            N_(
                "A 421 demands an extension of SIP that the sender has to list in "
                "Supported. The sender does not have it or has it switched off, and "
                "did not try again."
            ),
            (
                N_("Enable {extension} at {sender}."),
                N_("Or let {hop} do without {extension}."),
            ),
        ),
        "required-unnamed": Texts(
            N_(
                "{hop} refuses the {method} of {sender} with {refusal}, without saying "
                "which extension it insists on."
            ),
            N_(
                "A 421 has to name the extension that it demands in Require; this one "
                "does not."
            ),
            (
                N_(
                    "Look into the settings of {hop} for extensions that it requires "
                    "(100rel, timer)."
                ),
            ),
        ),
    },
    catalogue=CatalogueEntry(
        title=N_("Extension not supported"),
        meaning=N_(
            "A request was refused with 420 because it demands an extension of SIP "
            "that the receiver lacks, or with 421 because the receiver insists on one "
            "that the request does not offer."
        ),
        noticed=N_(
            "The call fails at once, always between the same two sides; or a hold or a "
            "transfer has no effect."
        ),
        causes=(
            N_(
                "100rel (reliable ringing), timer (session timers) or another "
                "extension is set to required on one side."
            ),
            N_("A proxy in between adds or removes entries of Supported or Require."),
        ),
        confirm=(
            N_(
                "Compare Unsupported of the 420 with Require and Proxy-Require of the "
                "request; Require of the 421 with Supported."
            ),
        ),
        fix=(N_("Offer extensions (Supported) instead of demanding them (Require)."),),
        settings={
            "Asterisk": N_(
                "100rel=yes instead of 100rel=required, timers=yes instead of "
                "timers=required of the endpoint."
            ),
            "FreeSWITCH": N_("enable-100rel and enable-timer of the profile."),
        },
    ),
)

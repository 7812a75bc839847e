"""A callee whose phone is not there."""

from __future__ import annotations

from collections.abc import Iterator

from ....language import N_
from ...call import Call
from ..model import Finding
from ..references import message
from ..refusal_kind import kind_of
from ..rule import CatalogueEntry
from ..rule import Rule
from ..rule import Texts

#: Codes and Q.850 cause that say so; other responses only suggest it.
_FLOW_FAILED = 430
_SUBSCRIBER_ABSENT = 20


def _find(call: Call) -> Iterator[Finding]:
    refusal = call.refusal
    if refusal is None or kind_of(call) != "subscriber-absent":
        return
    said = refusal.statements
    stated = bool(said) or refusal.code == _FLOW_FAILED
    yield Finding(
        "subscriber-absent",
        "info",
        "certain" if stated else "likely",
        "stated" if stated else "",
        {
            "server": refusal.maker,
            "code": refusal.made.summary,
            "number": call.callee.user,
            "said": said or refusal.made.summary,
        },
        (message(refusal.made),),
        refusal.made.ts,
    )


RULE = Rule(
    "subscriber-absent",
    _find,
    {
        "": Texts(
            N_("{number} could not be reached: {code}."),
            N_(
                "{server} refused without any ringing. Likely no phone is registered"
                " for the number, or it is switched off."
            ),
            (
                N_(
                    "Whether a phone is registered for {number} on {server}, and"
                    " since when not."
                ),
                N_("Whether the number is forwarded when it cannot be reached."),
            ),
        ),
        "stated": Texts(
            N_("{number} could not be reached: {code}."),
            N_("{server} refused without any ringing and says: {said}."),
            (
                N_(
                    "Whether a phone is registered for {number} on {server}, and"
                    " since when not."
                ),
                N_("Whether the number is forwarded when it cannot be reached."),
            ),
        ),
    },
    CatalogueEntry(
        N_("Callee not reachable"),
        N_(
            "The number exists, and no phone of it is registered, switched on or in"
            " reach."
        ),
        N_("An announcement that the callee cannot be reached, or a tone."),
        (
            N_("A phone switched off, or without network."),
            N_("A registration that has expired; see the REGISTER requests."),
            N_("A mobile out of coverage."),
        ),
        (
            N_("480, 430, 404 that says not registered, or Q.850 causes 18 and 20."),
            N_("The registrations of the number at that time."),
        ),
        (
            N_(
                "Bring the phone back; a voicemail or forwarding for the time it is"
                " away."
            ),
        ),
        {
            "OpenSIPS": N_("registrar and usrloc: max_expires, nathelper pings."),
            "Kamailio": N_(
                "registrar and usrloc: max_expires, nathelper pings; tsilo and push"
                " notifications for mobile phones."
            ),
            "Asterisk": N_(
                "pjsip.conf, type=aor: maximum_expiration, qualify_frequency,"
                " remove_unavailable."
            ),
            "FreeSWITCH": N_(
                "Sofia profile: sip-force-expires, nat-options-ping,"
                " unregister-on-options-fail."
            ),
        },
    ),
    ("RFC 3261 21.4.18", "RFC 5626 5.3.1", "ITU-T Q.850"),
    rank=900,
)

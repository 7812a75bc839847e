"""A signature of the caller's number (STIR) that does not hold, or was not accepted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ....language import N_
from ....protocols.address import Endpoint
from ...call import Call
from ...sip.identity import Identity
from ...sip.messages import Message
from ..model import EvidenceReference
from ..model import Finding
from ..model import Severity
from ..model import Value
from ..references import message
from ..refusals import refused_setups
from ..refused_evidence import of_refusal
from ..rule import CatalogueEntry
from ..rule import Rule
from ..rule import Texts
from ..stir_responses import stir_cause

#: What each code is called among the texts.
_BY_CODE = {403: "stale", 436: "certificate", 437: "credential", 438: "signature"}

#: What a verifier stumbles over first.
_ORDER = ("misformed", "stale", "orig", "dest")


def _find(call: Call) -> Iterator[Finding]:
    faults = _faults(call)
    for refusal in refused_setups(call):
        variant = _BY_CODE.get(stir_cause(refusal.response, refusal.text) or 0)
        if variant is not None:
            evidence = tuple(of_refusal(refusal, N_("the INVITE with the signature")))
            verdict = _Verdict(refusal.by, refusal.response, variant, "error")
            yield _of_verdict(call, verdict, evidence, faults)
            return
    for told in call.messages:
        # A verifier may tell it and let the call pass (RFC 9410).
        if told.kind != "response" or not told.header("Reason"):
            continue
        variant = _BY_CODE.get(stir_cause(told, "") or 0)
        if variant is not None:
            verdict = _Verdict(told.origin, told, variant, "warning")
            evidence = (message(told, N_("what the verifier says")),)
            yield _of_verdict(call, verdict, evidence, faults)
            return
    # What the tokens say of themselves, of a call that was not refused for it.
    for variant, identity in faults[:1]:
        yield Finding(
            "identity-invalid",
            "warning",
            "certain" if variant != "stale" or identity.age_by_date else "likely",
            variant,
            _parameters(identity),
            (message(call.messages[identity.n - 1], N_("the Identity header")),),
            call.messages[identity.n - 1].ts,
        )


@dataclass(frozen=True, slots=True)
class _Verdict:
    """What a verifier said of a signature."""

    by: Endpoint
    response: Message
    variant: str
    severity: Severity


def _faults(call: Call) -> list[tuple[str, Identity]]:
    found = [
        (variant, identity)
        for identity in call.identities
        if (variant := _fault(identity))
    ]
    return sorted(found, key=lambda each: _ORDER.index(each[0]))


def _fault(identity: Identity) -> str:
    if identity.passport.problems:
        return "misformed"
    if identity.fresh is False:
        return "stale"
    if identity.orig == "other":
        return "orig"
    return "dest" if identity.dest == "other" else ""


def _parameters(identity: Identity) -> dict[str, Value]:
    passport = identity.passport
    return {
        "caller": identity.caller,
        "callee": identity.callee,
        "orig": ", ".join(passport.orig.numbers[:3]),
        "dest": ", ".join(passport.dest.numbers[:3]),
        "age_ms": abs(identity.age_s or 0) * 1000,
        "problem": ", ".join(passport.problems),
        "kind": passport.ppt or "passport",
        "x5u": passport.x5u or passport.info,
    }


def _of_verdict(
    call: Call,
    verdict: _Verdict,
    evidence: tuple[EvidenceReference, ...],
    faults: list[tuple[str, Identity]],
) -> Finding:
    variant = "date" if verdict.variant == "stale" else verdict.variant
    known = next(iter(call.identities), None)
    parameters = _parameters(known) if known is not None else {"x5u": ""}
    if faults and verdict.variant in ("signature", "stale"):
        # The token itself shows what the verifier means.
        variant, identity = faults[0]
        parameters = _parameters(identity)
    return Finding(
        "identity-invalid",
        verdict.severity,
        "certain",
        f"refused-{variant}",
        {**parameters, "host": verdict.by, "code": verdict.response.summary},
        evidence,
        verdict.response.ts,
    )


_MISFORMED = N_(
    "The token of kind {kind} cannot be read, or lacks what it needs: {problem}."
)
_STALE = N_(
    "A verifier takes a signature for about 60 s after it was made, so that nobody can"
    " use it again. This one was made {age_ms} before or after the request was sent."
)
_ORIG = N_(
    "The token was made for calls of {orig}, and the message says that {caller} calls:"
    " the number was changed after it was signed, or the token is of another call."
)
_DEST = N_(
    "The token was made for a call to {dest}, and this call goes to {callee}. A call"
    " that was diverted needs a further token (div) that says so."
)
_NOT_VERIFIED = N_("The signature was not verified here: no certificate was fetched.")

_NEXT_MISFORMED = (
    N_("The software that signs, and whether a hop on the way changed the header."),
    _NOT_VERIFIED,
)
_NEXT_STALE = (
    N_("The clocks of the host that signs and of the one that verifies: NTP."),
    N_("Whether the call waited in a queue, or the token was kept and used again."),
    _NOT_VERIFIED,
)
_NEXT_NUMBERS = (
    N_("Which hop changes numbers after the call was signed."),
    N_("Whether the signer is to sign after all changes of the numbers."),
    _NOT_VERIFIED,
)
_NEXT_CERTIFICATE = (
    N_("Whether {x5u} can be fetched from {host}, quickly and over HTTPS."),
    N_("Whether the certificate is valid, and its issuer on the list of {host}."),
    _NOT_VERIFIED,
)

RULE = Rule(
    "identity-invalid",
    _find,
    {
        "misformed": Texts(
            N_("The caller's signature (Identity) is misformed: {problem}."),
            _MISFORMED,
            _NEXT_MISFORMED,
        ),
        "stale": Texts(
            N_(
                "The caller's signature (Identity) is {age_ms} off the time of the"
                " call."
            ),
            _STALE,
            _NEXT_STALE,
        ),
        "orig": Texts(
            N_("The signature vouches for {orig}, but the caller is {caller}."),
            _ORIG,
            _NEXT_NUMBERS,
        ),
        "dest": Texts(
            N_("The signature is for a call to {dest}, but {callee} is called."),
            _DEST,
            _NEXT_NUMBERS,
        ),
        "refused-misformed": Texts(
            N_("{host} refused a misformed signature ({problem}): {code}."),
            _MISFORMED,
            _NEXT_MISFORMED,
        ),
        "refused-stale": Texts(
            N_("{host} refused a signature that is {age_ms} off: {code}."),
            _STALE,
            _NEXT_STALE,
        ),
        "refused-orig": Texts(
            N_("{host} refused a signature of {orig} for a call of {caller}: {code}."),
            _ORIG,
            _NEXT_NUMBERS,
        ),
        "refused-dest": Texts(
            N_(
                "{host} refused a signature for {dest}, the call is to {callee}:"
                " {code}."
            ),
            _DEST,
            _NEXT_NUMBERS,
        ),
        "refused-date": Texts(
            N_("{host} refused the call's signature as too old: {code}."),
            N_(
                "A verifier takes a signature for about 60 s after it was made. By the"
                " times in the message it is fresh: most likely a clock is wrong."
            ),
            _NEXT_STALE,
        ),
        "refused-certificate": Texts(
            N_(
                "{host} could not fetch the certificate of the call's signature:"
                " {code}."
            ),
            N_(
                "The signature names where its certificate is to be had ({x5u}), and"
                " {host} did not get it there."
            ),
            _NEXT_CERTIFICATE,
        ),
        "refused-credential": Texts(
            N_(
                "{host} does not accept the certificate of the call's signature:"
                " {code}."
            ),
            N_(
                "{host} got the certificate ({x5u}) and does not trust it: its issuer"
                " is not known there, it has expired, or it is not for this number."
            ),
            _NEXT_CERTIFICATE,
        ),
        "refused-signature": Texts(
            N_("{host} says that the call's signature does not hold: {code}."),
            N_(
                "What the token says fits the message, as far as can be seen. A hop may"
                " have changed what is signed, or the key is not that of the"
                " certificate."
            ),
            (
                N_("Whether From, To, Date or P-Asserted-Identity change on the way."),
                N_("Whether the key of the signer belongs to its certificate ({x5u})."),
                _NOT_VERIFIED,
            ),
        ),
    },
    CatalogueEntry(
        N_("Identity invalid"),
        N_(
            "The call carries a signature of its caller's number (STIR, Identity) that"
            " was refused, or that does not fit: too old, misformed, about other"
            " numbers. Whether a signature holds is not verified here: no certificate"
            " is fetched."
        ),
        N_("Calls are refused, or shown as unverified or as likely spam."),
        (
            N_("A number that is changed or normalised after the call was signed."),
            N_("A diversion without a further signature (div)."),
            N_("A clock that is wrong at the signer or at the verifier."),
            N_("A certificate that cannot be fetched, or has expired."),
        ),
        (
            N_("In the page: what the token says, beside the numbers of the call."),
            N_("On the host that verifies: its log of the verification."),
        ),
        (
            N_("Sign as the last step, after all changes of numbers."),
            N_("Keep the clocks of signer and verifier by NTP."),
            N_("Sign diverted calls again, with div."),
        ),
        {
            "OpenSIPS": N_(
                "verify_date_freshness and require_date_hdr of the module stir_shaken;"
                " e164_strict_mode for the form of numbers."
            ),
            "Kamailio": N_(
                "secsipid_check_identity() of the module secsipid,"
                " stirshaken_check_identity() of stirshaken."
            ),
            "Asterisk": N_(
                "max_iat_age, max_date_header_age and failure_action in"
                " stir_shaken.conf."
            ),
        },
    ),
    ("RFC 8224 6.2", "RFC 8225 5", "RFC 8588", "RFC 8946", "RFC 9410"),
    rank=215,
    explains=frozenset({"call-refused"}),
)

"""Who vouches for the caller, in words."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Iterator

from ...language import _
from ...language import N_
from ...protocols.passport import Names
from ..sip.identity import Identity
from .text import duration
from .text import quoted

_ATTESTATIONS = {
    "A": N_("attestation A: the provider knows the caller, who may use the number"),
    "B": N_("attestation B: the provider knows the caller, not the number"),
    "C": N_("attestation C: the call came in from elsewhere"),
}


def vouched(identities: Iterable[Identity]) -> str:
    """For the caller's name, in a few words; "" where nobody vouches."""
    known = [each.passport for each in identities]
    attested = next((p.attest for p in known if p.attest in _ATTESTATIONS), "")
    if attested:
        return _("attested {level}, not verified").format(level=attested)
    return _("signed, not verified") if known else ""


def identity_lines(identities: Iterable[Identity]) -> Iterator[str]:
    """For a terminal: each token with what it says, and that nobody verified it."""
    some = False
    for each in identities:
        some = True
        yield _("Identity of message {n}: {said}").format(
            n=each.n, said="; ".join(_said(each))
        )
    if some:
        yield _("The signature was not verified: no certificate was fetched.")


def _said(identity: Identity) -> Iterator[str]:
    passport = identity.passport
    yield quoted(passport.ppt or "passport")
    if passport.problems:
        yield _("misformed ({problems})").format(problems=", ".join(passport.problems))
    if passport.attest in _ATTESTATIONS:
        yield _(_ATTESTATIONS[passport.attest])
    if passport.compact:
        yield _("compact form: its claims are those of the message")
    if passport.orig or passport.dest:
        yield f"{_named(passport.orig)} → {_named(passport.dest)}"
    if passport.div:
        yield _("diverted from {number}").format(number=_named(passport.div))
    if passport.rph:
        yield _("priority {priorities}").format(
            priorities=quoted(", ".join(passport.rph))
        )
    if identity.orig == "other":
        yield _("another caller than in the message")
    if identity.dest == "other":
        yield _("another called number than in the message")
    if identity.age_s is not None:
        yield _age(identity.age_s)


def _named(names: Names) -> str:
    return quoted(", ".join((*names.numbers, *names.uris))) or "?"


def _age(age_s: int) -> str:
    if age_s < 0:
        return _("issued {time} after the request").format(time=duration(-age_s * 1000))
    return _("issued {time} before the request").format(time=duration(age_s * 1000))

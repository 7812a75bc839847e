"""Who vouches for the caller, and for what: the Identity header fields of a call (STIR,
RFC 8224), held against the call itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from datetime import timezone
from email.utils import parsedate_to_datetime
from typing import Literal

from ...protocols.passport import canonical_number
from ...protocols.passport import Names
from ...protocols.passport import Passport
from ...protocols.passport import read_identity
from ...protocols.sip_fields import NameAddr
from .messages import Message

#: How far from the request's Date a token may have been issued, either way (RFC 8224
#: section 6.2.2 leaves it to the verifier and names 60 s).
FRESH_S = 60

#: A capture's clock that is further off than this tells nothing of a token's age: it
#: has the wrong time zone, or the capture was moved in time.
_BELIEVED_S = 3_000

#: So few digits at the end of two numbers are no sign that they are one.
_TELLING_DIGITS = 7

#: So many Identity header fields of a call are read.
_MOST_READ = 32

#: ``same``: the token names a number of the call. ``other``: it names another.
#: ``unknown``: one of them names no number, or the token leaves its claims out.
Comparison = Literal["same", "other", "unknown"]


@dataclass(frozen=True, slots=True)
class Identity:
    """One Identity header field of a call.

    :param n: the first message that carries it.
    :param age_s: how long before the request it was issued, in seconds, by the Date of
        the request; without one by the capture's clock. None where that is not known.
    :param age_by_date: whether the request has a Date, so that the age does not depend
        on the capture's clock.
    :param orig: whether it names the caller: From or P-Asserted-Identity.
    :param dest: whether it names the called side: To, the Request-URI, or a number that
        the call was diverted from.
    :param caller: the caller's number, as the message has it; ``callee`` the called
        one; "" for none.
    """

    n: int
    passport: Passport
    age_s: int | None
    age_by_date: bool
    orig: Comparison
    dest: Comparison
    caller: str
    callee: str
    leg: str = ""

    @property
    def fresh(self) -> bool | None:
        """Whether it was issued within :data:`FRESH_S` of the request; None where that
        cannot be told.
        """
        if self.age_s is None:
            return None
        if not self.age_by_date and abs(self.age_s) > _BELIEVED_S:
            return None
        return abs(self.age_s) <= FRESH_S


def find_identities(messages: Iterable[Message]) -> list[Identity]:
    """The Identity header fields of a call's INVITEs, each once, in order."""
    found: list[Identity] = []
    seen: set[tuple[str, str]] = set()
    for message in messages:
        if message.method != "INVITE" or message.sip is None or message.to_tag:
            continue
        if message.retransmission_of is not None or message.copy_of is not None:
            continue
        values = message.sip.values("Identity")
        new = [value for value in values if (message.leg, value) not in seen]
        room = _MOST_READ - len(found)
        if not new or room <= 0:
            continue
        passports = {value: read_identity(value) for value in values[:_MOST_READ]}
        for value in new[:room]:
            seen.add((message.leg, value))
            if value in passports:
                others = [p for v, p in passports.items() if v != value]
                found.append(_compared(message, passports[value], others))
    return found


def _compared(
    message: Message, passport: Passport, others: Sequence[Passport]
) -> Identity:
    assert message.sip is not None
    caller = [
        message.sip.from_.user,
        *(each.user for each in message.sip.addresses("P-Asserted-Identity")),
    ]
    callee = [
        message.sip.to.user,
        NameAddr.parse(message.sip.uri or "").user,
        # Some divert a call without a token of their own that says so.
        *(each.user for each in message.sip.addresses("Diversion")),
        *(each.user for each in message.sip.addresses("History-Info")),
    ]
    diverted = [number for each in others for number in each.div.numbers]
    date = _date(message.header("Date"))
    issued = passport.iat
    now = date if date is not None else message.ts // 1_000_000_000
    return Identity(
        message.n,
        passport,
        None if issued is None else now - issued,
        date is not None,
        _compare(passport.orig, caller),
        _compare(passport.dest, [*callee, *diverted]),
        _first_number(caller),
        _first_number(callee),
        message.leg,
    )


def _compare(claimed: Names, users: Sequence[str]) -> Comparison:
    """Whether a token names one of the users of a message."""
    numbers = [(user, number) for user in users if (number := canonical_number(user))]
    if not claimed.numbers or not numbers:
        return "unknown"
    for user, number in numbers:
        if any(_same(claim, number, user) for claim in claimed.numbers):
            return "same"
    return "other"


def _same(claim: str, number: str, user: str) -> bool:
    """Whether two numbers are one. Tokens have them with the country code; messages may
    have them as they are dialled at home, with zeros in front.
    """
    if claim == number:
        return True
    if user.startswith("+"):
        return False
    bare = number.removeprefix("011").lstrip("0")
    return len(bare) >= _TELLING_DIGITS and claim.endswith(bare)


def _first_number(users: Iterable[str]) -> str:
    return next((user for user in users if canonical_number(user)), "")


def _date(text: str) -> int | None:
    """A Date header field, in seconds since the epoch; None where there is none that
    can be read (RFC 3261 section 20.17).
    """
    if not text or len(text) > 64:
        return None
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, IndexError, TypeError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    try:
        return int((moment - _EPOCH).total_seconds())
    except OverflowError:
        return None


_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)

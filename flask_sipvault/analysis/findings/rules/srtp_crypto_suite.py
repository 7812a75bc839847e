"""Both sides want SRTP, with keys in SDP, but share no crypto suite."""

from __future__ import annotations

from collections.abc import Iterator

from ....language import N_
from ....protocols.sdp import Media
from ...call import Call
from ..media_answers import bad_answers
from ..media_answers import BadAnswer
from ..media_refusals import media_problem
from ..model import Finding
from ..references import message
from ..refusals import Refusal
from ..refusals import refused_setups
from ..refused_evidence import of_refusal
from ..rule import CatalogueEntry
from ..rule import Rule
from ..rule import Texts
from ..session_changes import refused_changes


def _find(call: Call) -> Iterator[Finding]:
    for refusal in refused_setups(call):
        problem = media_problem(refusal)
        if problem is not None and problem[0] == "suite":
            yield _of_refusal(refusal, problem[1])
            return
    for answer in bad_answers(call):
        if answer.problem in ("suite", "foreign-suite") and not answer.recovered:
            yield _of_answer(answer)
            return
    for change in refused_changes(call):
        if change.kind == "suite" and not change.recovered:
            yield _of_refusal(change.refusal, said=True)
            return


def _suites(lines: list[Media]) -> str:
    names = [suite for line in lines for suite in line.crypto]
    return ", ".join(dict.fromkeys(names[:6]))


def _of_refusal(refusal: Refusal, said: bool) -> Finding:
    return Finding(
        "srtp-crypto-suite",
        "error",
        "certain" if said else "likely",
        "" if said else "unsaid",
        {
            "host": refusal.by,
            "suites": _suites(refusal.offer.media if refusal.offer else []),
            "code": refusal.response.summary,
        },
        tuple(of_refusal(refusal, N_("the suites offered: {suites}"))),
        refusal.response.ts,
    )


def _of_answer(answer: BadAnswer) -> Finding:
    foreign = answer.problem == "foreign-suite"
    return Finding(
        "srtp-crypto-suite",
        "error",
        "certain" if foreign else "likely",
        "foreign" if foreign else "line",
        {
            "host": answer.answer.origin,
            "suites": _suites([answer.offered]),
            "answered": _suites([answer.answered]),
        },
        (
            message(
                answer.answer,
                N_("the suite answered: {answered}")
                if foreign
                else N_("refuses the audio: port 0"),
            ),
            message(answer.offer, N_("the suites offered: {suites}")),
        ),
        answer.answer.ts,
    )


_NEXT = (
    N_("Which suites {host} has enabled, against those offered."),
    N_("Whether AES_CM_128_HMAC_SHA1_80 can be enabled on both sides: all have it."),
)

RULE = Rule(
    "srtp-crypto-suite",
    _find,
    {
        "": Texts(
            N_("{host} takes none of the SRTP suites offered ({suites}): {code}."),
            N_(
                "The refusal says that it is for the crypto suites. Both sides have to"
                " share one to encrypt their media."
            ),
            _NEXT,
        ),
        "unsaid": Texts(
            N_("{host} refused an offer of SRTP with rare suites ({suites}): {code}."),
            N_(
                "The offer has none of the suites that nearly every host knows. Most"
                " likely {host} has none of those offered."
            ),
            _NEXT,
        ),
        "foreign": Texts(
            N_(
                "{host} answered with the SRTP suite {answered}, which was not offered."
            ),
            N_(
                "The offer names {suites}, and an answer has to take one of them. The"
                " two sides encrypt in different ways and cannot understand each other."
            ),
            _NEXT,
        ),
        "line": Texts(
            N_("{host} answered the call but refused its audio with {suites}."),
            N_(
                "The answer sets the port of the audio to 0, and the offer has none of"
                " the suites that nearly every host knows. Most likely {host} has none"
                " of those offered."
            ),
            _NEXT,
        ),
    },
    CatalogueEntry(
        N_("No SRTP suite in common"),
        N_(
            "Both sides want encrypted media with keys in SDP, and share none of the"
            " crypto suites (cipher and length of the authentication tag)."
        ),
        N_("The call is refused at once, or is answered and silent."),
        (
            N_("One side allows 256-bit or GCM suites only."),
            N_("One side allows the 32-bit tag only, the other the 80-bit one."),
        ),
        (N_("In the page: the a=crypto lines of the offer and of the answer."),),
        (N_("Enable AES_CM_128_HMAC_SHA1_80 on both sides."),),
        {
            "Asterisk": N_(
                "media_encryption=sdes of the PJSIP endpoint; srtp_tag_32=yes asks for"
                " the 32-bit tag."
            ),
            "FreeSWITCH": N_(
                "rtp_secure_media_suites, or the suites after a colon in"
                " rtp_secure_media."
            ),
        },
    ),
    ("RFC 4568 5.1", "RFC 4568 6.2"),
    rank=185,
    explains=frozenset(
        {"no-audio", "one-way-audio", "no-ringback", "call-refused", "overload-503"}
    ),
)

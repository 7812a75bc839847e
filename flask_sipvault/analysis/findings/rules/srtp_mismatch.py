"""One side wants encrypted media (SRTP), the other does not, or not in that way."""

from __future__ import annotations

from collections.abc import Iterator

from ....language import N_
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

_OF_ANSWERS = ("encryption", "profile", "no-key", "keying")


def _find(call: Call) -> Iterator[Finding]:
    for refusal in refused_setups(call):
        problem = media_problem(refusal)
        if problem is not None and problem[0] == "encryption":
            yield _of_refusal(refusal, problem[1])
            return
    for answer in bad_answers(call):
        if answer.problem in _OF_ANSWERS and not answer.recovered:
            yield _of_answer(answer)
            return
    for change in refused_changes(call):
        if change.kind == "encryption" and not change.recovered:
            yield _of_refusal(change.refusal, said=True)
            return


def _of_refusal(refusal: Refusal, said: bool) -> Finding:
    lines = [m for m in refusal.offer.media if not m.refused] if refusal.offer else []
    line = next((m for m in lines if m.kind == "audio"), lines[0])
    return Finding(
        "srtp-mismatch",
        "error",
        "certain" if said else "likely",
        "refused" if "SAVP" in line.protocol.upper() else "wanted",
        {
            "host": refusal.by,
            "sender": refusal.outer.client,
            "offered": line.protocol,
            "code": refusal.response.summary,
        },
        tuple(of_refusal(refusal, N_("the offer: {offered}"))),
        refusal.response.ts,
    )


def _of_answer(answer: BadAnswer) -> Finding:
    variant = {"encryption": "line", "profile": ""}.get(answer.problem, answer.problem)
    return Finding(
        "srtp-mismatch",
        "error",
        "likely" if answer.problem == "encryption" else "certain",
        variant,
        {
            "host": answer.answer.origin,
            "sender": answer.offer.origin,
            "offered": answer.offered.protocol,
            "answered": answer.answered.protocol,
        },
        (
            message(answer.answer, N_("the answer: {answered}")),
            message(answer.offer, N_("the offer: {offered}")),
        ),
        answer.answer.ts,
    )


_NEXT = (
    N_("Whether {host} and {sender} are both set to SRTP, or both to plain RTP."),
    N_("How each of them exchanges keys: in SDP (a=crypto) or by DTLS."),
    N_("Whether an SBC or media relay between the two can translate."),
)

RULE = Rule(
    "srtp-mismatch",
    _find,
    {
        "": Texts(
            N_("{host} answered {offered} with {answered}: SRTP against plain RTP."),
            N_(
                "Offer and answer have to name the same kind of transport. One side"
                " encrypts its media and the other does not, so that they cannot"
                " understand each other."
            ),
            _NEXT,
        ),
        "refused": Texts(
            N_(
                "{host} refused SRTP, and the offer has no plain RTP ({offered}):"
                " {code}."
            ),
            N_(
                "The offer allows encrypted media only, and {host} refused it. Most"
                " hosts that refuse so are set to plain RTP for this peer."
            ),
            _NEXT,
        ),
        "wanted": Texts(
            N_("{host} refused plain RTP ({offered}): {code}."),
            N_("The offer has no encryption, and the refusal asks for it."),
            _NEXT,
        ),
        "line": Texts(
            N_(
                "{host} answered the call but refused its audio: {offered} was offered."
            ),
            N_(
                "The answer sets the port of the audio to 0. The codecs are ordinary,"
                " so that most likely the encryption is what {host} cannot or will not"
                " do."
            ),
            _NEXT,
        ),
        "no-key": Texts(
            N_("{host} answered SRTP ({answered}) without a key."),
            N_(
                "The answer takes encrypted media but brings neither a=crypto nor a"
                " fingerprint, so that the other side cannot decrypt what it gets."
            ),
            _NEXT,
        ),
        "keying": Texts(
            N_("{host} and {sender} exchange the keys of SRTP in different ways."),
            N_(
                "One side gives its keys in the session description (a=crypto), the"
                " other negotiates them by DTLS. Neither can decrypt the other."
            ),
            _NEXT,
        ),
    },
    CatalogueEntry(
        N_("SRTP against RTP"),
        N_(
            "One side wants encrypted media (RTP/SAVP, or DTLS), the other plain RTP,"
            " or both want encryption but exchange keys in different ways."
        ),
        N_("The call is refused at once, or is answered and silent or full of noise."),
        (
            N_("SRTP is mandatory on one side and off on the other."),
            N_("A WebRTC client, which always encrypts by DTLS, calls a plain phone."),
            N_("A media relay that was to translate between the two is missing."),
        ),
        (
            N_("In the page: the m= lines of offer and answer, the Warning (302)."),
            N_("On both hosts: how media is encrypted for this peer."),
        ),
        (
            N_("Set both sides alike, or one of them to optional encryption."),
            N_("Have an SBC or media relay translate between SRTP and RTP."),
        ),
        {
            "Asterisk": N_(
                "media_encryption=no, sdes or dtls of the PJSIP endpoint;"
                " media_encryption_optimistic=yes makes it optional."
            ),
            "FreeSWITCH": N_(
                "rtp_secure_media=optional, mandatory or forbidden, for each direction"
                " with rtp_secure_media_inbound and rtp_secure_media_outbound."
            ),
            "Kamailio": N_(
                "rtpengine_offer() with RTP/AVP or RTP/SAVP towards the side that wants"
                " it."
            ),
            "OpenSIPS": N_(
                "rtpengine_offer() with RTP/AVP or RTP/SAVP towards the side that wants"
                " it."
            ),
        },
    ),
    ("RFC 3264 6.1", "RFC 4568 5", "RFC 5763 5", "RFC 3261 20.43"),
    rank=190,
    explains=frozenset(
        {"no-audio", "one-way-audio", "no-ringback", "call-refused", "overload-503"}
    ),
)

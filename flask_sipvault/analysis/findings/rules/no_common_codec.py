"""No codec in common: the offer was refused for it, or the answer takes no audio."""

from __future__ import annotations

from collections.abc import Iterator

from ....language import N_
from ...call import Call
from ..media_answers import bad_answers
from ..media_answers import BadAnswer
from ..media_answers import codec_names
from ..media_refusals import media_problem
from ..model import Certainty
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
        if problem is not None and problem[0] == "codec":
            yield _of_refusal(refusal, problem[1])
            return
    for answer in bad_answers(call):
        if answer.problem in ("codec", "foreign-codec") and not answer.recovered:
            yield _of_answer(answer)
            return
    for change in refused_changes(call):
        if change.kind == "codec" and not change.recovered:
            yield _of_refusal(change.refusal, said=True)
            return


def _of_refusal(refusal: Refusal, said: bool) -> Finding:
    certainty: Certainty = "certain" if said else "likely"
    lines = [m for m in refusal.offer.media if not m.refused] if refusal.offer else []
    audio = [line for line in lines if line.kind == "audio"] or lines
    return Finding(
        "no-common-codec",
        "error",
        certainty,
        "" if said else "unsaid",
        {
            "host": refusal.by,
            "codecs": ", ".join(map(codec_names, audio[:2])),
            "code": refusal.response.summary,
        },
        tuple(of_refusal(refusal, N_("the codecs offered: {codecs}"))),
        refusal.response.ts,
    )


def _of_answer(answer: BadAnswer) -> Finding:
    refused = answer.problem == "codec"
    return Finding(
        "no-common-codec",
        "error",
        "likely" if refused else "certain",
        "line" if refused else "foreign",
        {
            "host": answer.answer.origin,
            "codecs": codec_names(answer.offered),
            "answered": codec_names(answer.answered),
            "message": answer.answer.summary,
        },
        (
            message(
                answer.answer,
                N_("refuses the audio: port 0")
                if refused
                else N_("the codecs answered: {answered}"),
            ),
            message(answer.offer, N_("the codecs offered: {codecs}")),
        ),
        answer.answer.ts,
    )


_NEXT = (
    N_("Which codecs {host} has enabled for this sender, against those offered."),
    N_("Whether a codec that both have can be enabled: G.711 nearly always is."),
    N_("Whether a media relay or SBC between the two can transcode."),
)

RULE = Rule(
    "no-common-codec",
    _find,
    {
        "": Texts(
            N_("{host} has no codec in common with the offer ({codecs}): {code}."),
            N_(
                "The offer names {codecs}, and the refusal says that none of it fits."
                " The two sides have to share at least one codec for speech."
            ),
            _NEXT,
        ),
        "unsaid": Texts(
            N_("{host} refused the media offered ({codecs}): {code}."),
            N_(
                "The code says that the session description was not acceptable and does"
                " not say why. Most likely the two sides share no codec."
            ),
            _NEXT,
        ),
        "line": Texts(
            N_(
                "{host} answered the call but refused all audio of the offer"
                " ({codecs})."
            ),
            N_(
                "The answer sets the port of the audio to 0. Most likely {host} has"
                " none of the codecs that were offered; the call is up without audio."
            ),
            _NEXT,
        ),
        "foreign": Texts(
            N_(
                "{host} answered with {answered}, none of which was offered ({codecs})."
            ),
            N_(
                "An answer may only take codecs of the offer. The other side cannot be"
                " expected to understand what is sent in another."
            ),
            _NEXT,
        ),
    },
    CatalogueEntry(
        N_("No codec in common"),
        N_(
            "The side that was offered audio has none of the codecs of the offer. It"
            " refuses the call (488, 606, 415), or answers it and refuses the audio"
            " line."
        ),
        N_("The call is refused at once, or is answered and silent."),
        (
            N_(
                "One side allows a single codec, such as G.729, and the other lacks it."
            ),
            N_("A trunk or a phone was set to other codecs than the rest."),
            N_("The media relay that was to transcode is missing or failed."),
        ),
        (
            N_("In the page: the m= line of the offer, the Warning of the refusal."),
            N_("On the host that refused: its codecs for this peer."),
        ),
        (
            N_("Enable a codec on both sides, G.711 (PCMU, PCMA) above all."),
            N_("Have an SBC or media relay transcode between the two."),
        ),
        {
            "Asterisk": N_("disallow=all and allow=… of the PJSIP endpoint."),
            "FreeSWITCH": N_(
                "inbound-codec-prefs and outbound-codec-prefs of the SIP profile,"
                " absolute_codec_string of a call."
            ),
            "Kamailio": N_(
                "rtpengine_offer() with transcode-PCMA, transcode-PCMU and the like."
            ),
            "OpenSIPS": N_(
                "rtpengine_offer() with transcode-PCMA, transcode-PCMU and the like."
            ),
        },
    ),
    ("RFC 3264 6.1", "RFC 3261 21.4.26", "RFC 3261 20.43"),
    rank=200,
    explains=frozenset(
        {"no-audio", "one-way-audio", "no-ringback", "call-refused", "overload-503"}
    ),
)

"""What the answers to offers of audio take and refuse: codecs, encryption, fax."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ...protocols.sdp import Media
from ..call import Call
from ..media.negotiation import Exchange
from ..media.negotiation import Negotiation
from ..sip.messages import Message
from .media_refusals import likely_problem

#: What is wrong with an answer. ``codec``: it refuses all audio, ``foreign-codec``: it
#: takes audio in no codec that was offered; ``encryption``: it refuses audio that is
#: encrypted, or plain; ``profile``: it answers SRTP with RTP or the reverse;
#: ``no-key``: SRTP without a key; ``keying``: keys by DTLS against keys in SDP;
#: ``suite``: it refuses SRTP whose suites few know; ``foreign-suite``: a suite that was
#: not offered; ``fax``: it refuses T.38.
AnswerProblem = Literal[
    "codec",
    "foreign-codec",
    "encryption",
    "profile",
    "no-key",
    "keying",
    "suite",
    "foreign-suite",
    "fax",
]

#: What is tried again in another form follows within seconds.
_RETRY_NS = 10_000_000_000


@dataclass(frozen=True, slots=True)
class BadAnswer:
    """One m-line of an answer.

    :param recovered: whether a later offer soon after was answered with audio.
    """

    negotiation: Negotiation
    exchange: Exchange
    offer: Message
    answer: Message
    offered: Media
    answered: Media
    problem: AnswerProblem
    recovered: bool


def bad_answers(call: Call) -> list[BadAnswer]:
    """In order; of an answer that passed several hops, as it was sent."""
    found: dict[tuple[object, ...], BadAnswer] = {}
    for negotiation in call.negotiations:
        takes_audio = _answers_with_audio(negotiation)
        for exchange in negotiation.exchanges:
            for each in _of_exchange(negotiation, exchange, takes_audio):
                answer = each.answer
                key = (
                    *(answer.leg, answer.cseq_number, answer.cseq_method),
                    *(answer.from_tag, answer.to_tag, each.problem),
                )
                known = found.get(key)
                if known is None or answer.n < known.answer.n:
                    found[key] = each
    return sorted(found.values(), key=lambda each: each.answer.n)


def _of_exchange(
    negotiation: Negotiation, exchange: Exchange, takes_audio: Sequence[int]
) -> Iterator[BadAnswer]:
    offer, answer = exchange.offer, exchange.answer
    if exchange.result != "accepted" or offer is None or answer is None:
        return
    if offer.sdp is None or answer.sdp is None:
        return
    pairs = [
        (offered, answered)
        for offered, answered in zip(offer.sdp.media, answer.sdp.media, strict=False)
        if not offered.refused
    ]
    taken = [pair for pair in pairs if not pair[1].refused]
    for offered, answered, problem in _problems(pairs, taken):
        yield BadAnswer(
            negotiation,
            exchange,
            offer,
            answer,
            offered,
            answered,
            problem,
            _recovers(answer, takes_audio),
        )


_Pair = tuple[Media, Media]


def _problems(
    pairs: list[_Pair], taken: list[_Pair]
) -> Iterator[tuple[Media, Media, AnswerProblem]]:
    audio = [pair for pair in pairs if pair[0].kind == "audio"]
    audio_taken = [pair for pair in taken if pair[0].kind == "audio"]
    fax_taken = any(offered.is_fax for offered, _ in taken)
    for offered, answered in pairs:
        if offered.is_fax and answered.refused and not fax_taken:
            yield offered, answered, "fax"
    if audio and not audio_taken and not fax_taken:
        offered, answered = audio[0]
        lines = [line for line, _ in audio]
        if _is_secure(offered) != _is_secure(answered) and answered.protocol:
            yield offered, answered, "encryption"
        else:
            yield offered, answered, likely_problem(lines)
    for offered, answered in audio_taken:
        problem = _of_line(offered, answered)
        if problem is not None:
            yield offered, answered, problem


def _of_line(offered: Media, answered: Media) -> AnswerProblem | None:
    """What is wrong with a line that both want."""
    if _is_secure(offered) != _is_secure(answered):
        # RTP/AVP with keys is encrypted where both want it (RFC 8643).
        return None if offered.encrypted and answered.encrypted else "profile"
    if _is_secure(answered):
        if not (answered.crypto or answered.fingerprint or answered.key_management):
            return "no-key"
        if answered.key_management or offered.key_management:
            return None
        if answered.fingerprint and offered.fingerprint:
            return None
        if not (answered.crypto and offered.crypto):
            return "keying"
        suites = {suite.upper() for suite in offered.crypto}
        if not suites & {suite.upper() for suite in answered.crypto}:
            return "foreign-suite"
    theirs, ours = _speech(answered), _speech(offered)
    if theirs is None or ours is None or theirs & ours:
        return None
    return "foreign-codec"


def _is_secure(media: Media) -> bool:
    return "SAVP" in media.protocol.upper()


def _speech(media: Media) -> set[str] | None:
    """The codecs for speech, by name; None where not all formats are known."""
    unknown = [word for word in media.formats if not _is_known(media, word)]
    if unknown or not media.formats:
        return None
    names = {media.codecs[number].name.lower() for number in media.speech_types}
    # Its annexes are written as names of their own by some (RFC 4856 section 2.1.9).
    return {"g729" if name.startswith("g729") else name for name in names}


def _is_known(media: Media, word: str) -> bool:
    return word.isascii() and word.isdigit() and int(word[:4]) in media.codecs


def _answers_with_audio(negotiation: Negotiation) -> list[int]:
    """When audio was agreed on, in order of time."""
    answers = [e.answer for e in negotiation.exchanges if e.result == "accepted"]
    return sorted(
        answer.ts
        for answer in answers
        if answer is not None and answer.sdp is not None
        if any(m.kind == "audio" and not m.refused for m in answer.sdp.media)
    )


def _recovers(answer: Message, takes_audio: Sequence[int]) -> bool:
    place = bisect_right(takes_audio, answer.ts)
    return place < len(takes_audio) and takes_audio[place] - answer.ts <= _RETRY_NS


def codec_names(media: Media) -> str:
    """The codecs for speech of a line, in its order, for a sentence."""
    numbers = media.speech_types or media.payload_types
    names = [media.codecs[number].name for number in numbers]
    return ", ".join(dict.fromkeys(names[:8])) or " ".join(media.formats[:8])

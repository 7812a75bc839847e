"""Why an offer of media was refused: for its codecs, its encryption, its fax.

One answer for each refusal, so that no two rules explain the same one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from ...protocols.sdp import Media
from .refusals import Refusal

#: ``codec``: no codec in common. ``encryption``: one side wants SRTP, the other not.
#: ``suite``: SRTP, but no crypto suite in common. ``fax``: T.38. ``network``: IPv4
#: against IPv6.
MediaProblem = Literal["codec", "encryption", "suite", "fax", "network"]

#: Refusals that are about the media by their code (RFC 3261 sections 21.4.13, 21.4.26,
#: 21.6.4).
_ABOUT_MEDIA = frozenset({415, 488, 606})

# Warnings, RFC 3261 section 20.43.
_INCOMPATIBLE_NETWORK = frozenset({300, 301, 303})
_INCOMPATIBLE_TRANSPORT = 302
_MEDIA_NOT_AVAILABLE = frozenset({304, 305})

#: Q.850: bearer capability not implemented, incompatible destination.
_INCOMPATIBLE = frozenset({65, 88})

_SUITE_WORDS = re.compile(r"\b(?:crypto|cipher)[ -]?suites?\b|\bsuites?\b")
_SECURITY_WORDS = re.compile(
    r"\bsrtp\b|\bs?avpf?\b|\bcrypto|\bencrypt|\bdtls\b|\bsdes\b"
)
_CODEC_WORDS = re.compile(r"\bcodecs?\b|\bmedia (?:format|type)s?\b|\btranscod")
_FAX_WORDS = re.compile(r"\bt\.?38\b|\bfax\b")

#: The suites that nearly everybody has: RFC 4568 section 6.2 asks for the first.
_COMMON_SUITES = frozenset({"AES_CM_128_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_32"})

#: What nearly everybody can do: G.711.
_COMMON_CODECS = frozenset({"pcmu", "pcma"})


def media_problem(refusal: Refusal) -> tuple[MediaProblem, bool] | None:
    """What about the media was refused, and whether the refusal itself says so; None
    where it was refused for another reason, or made no offer.
    """
    lines = [m for m in refusal.offer.media if not m.refused] if refusal.offer else []
    audio = [line for line in lines if line.kind == "audio"]
    if not lines or (refusal.code == 415 and not _is_plain(refusal)):
        return None
    said = _said(refusal, lines)
    if said is not None:
        return said, True
    if refusal.code not in _ABOUT_MEDIA or _says_otherwise(refusal):
        return None
    if not audio:
        return (
            ("fax", False) if any(line.is_fax for line in lines) else ("codec", False)
        )
    return likely_problem(audio), False


def _is_plain(refusal: Refusal) -> bool:
    """Whether the body was nothing but a session description: of another, a 415 means
    its type.
    """
    content_type = refusal.request.header("Content-Type").partition(";")[0]
    accepted = refusal.response.header("Accept").lower()
    return content_type.strip().lower() == "application/sdp" and (
        not accepted or "application/sdp" in accepted or "*/*" in accepted
    )


def _said(refusal: Refusal, lines: list[Media]) -> MediaProblem | None:
    """By Warning, Reason or phrase."""
    if refusal.warnings & _INCOMPATIBLE_NETWORK:
        return "network"
    keyed = any(line.crypto for line in lines)
    if keyed and _SUITE_WORDS.search(refusal.text):
        return "suite"
    if _INCOMPATIBLE_TRANSPORT in refusal.warnings:
        return "encryption"
    if _SECURITY_WORDS.search(refusal.text):
        return "encryption"
    only_fax = all(line.is_fax for line in lines)
    if only_fax and (_FAX_WORDS.search(refusal.text) or _media_words(refusal)):
        return "fax"
    if _media_words(refusal):
        return "codec"
    return None


def _media_words(refusal: Refusal) -> bool:
    return bool(
        refusal.warnings & _MEDIA_NOT_AVAILABLE
        or refusal.causes & _INCOMPATIBLE
        or _CODEC_WORDS.search(refusal.text)
    )


def _says_otherwise(refusal: Refusal) -> bool:
    """Whether it gives a cause that has nothing to do with media."""
    return bool(refusal.causes - _INCOMPATIBLE - {0, 16, 31, 79, 127})


def likely_problem(
    audio: Sequence[Media],
) -> Literal["codec", "encryption", "suite"]:
    """What a refusal of these lines that does not say why is most likely about."""
    if not all("SAVP" in line.protocol.upper() for line in audio):
        return "codec"
    suites = {suite.upper() for line in audio for suite in line.crypto}
    if suites and not suites & _COMMON_SUITES:
        return "suite"
    names = {codec.name.lower() for line in audio for codec in line.codecs.values()}
    return "encryption" if names & _COMMON_CODECS else "codec"

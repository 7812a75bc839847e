"""Offers of media that the other side does not take: codecs and encryption."""

from __future__ import annotations

from typing import Any

import pytest

from flask_sipvault.analysis.call import Call

from .media_changes import alarms
from .media_changes import G729
from .media_changes import KEY
from .media_changes import of
from .media_changes import OPUS
from .media_changes import PCMU
from .media_changes import SRTP
from .media_changes import Talk

WAYS = [("alice", "bob"), ("alice", "proxy", "bob")]
RARE = f"m=audio 17002 RTP/SAVP 0\na=crypto:1 AES_256_CM_HMAC_SHA1_80 {KEY}"
SHORT_TAG = f"m=audio 17002 RTP/SAVP 0\na=crypto:1 AES_CM_128_HMAC_SHA1_32 {KEY}"
DTLS = "m=audio 17002 UDP/TLS/RTP/SAVPF 0\na=fingerprint:sha-256 AB:CD\na=setup:actpass"


def refused(
    story: Any,
    offer: str,
    start: str = "488 Not Acceptable Here",
    *headers: str,
    way: tuple[str, ...] = ("alice", "bob"),
) -> Call:
    talk = Talk(story, way).request(0, "INVITE", cseq=1, body=offer, tags="a")
    talk.response(0.1, start, "INVITE", cseq=1, headers=headers)
    talk.request(0.2, "ACK", cseq=1)
    return story.call()  # type: ignore[no-any-return]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("start", "header"),
    [
        ("488 Not Acceptable Here", 'Warning: 305 h "Incompatible media format"'),
        ("606 Not Acceptable", 'Warning: 304 h "Media type not available"'),
        ("488 Not Acceptable Here", "Reason: Q.850;cause=88"),
        ("415 Unsupported Media Type", 'Warning: 399 h "No codec match"'),
        ("503 Service Unavailable", 'Warning: 399 h "no common codec"'),
        ("488 No Codec Compatible", "X-A: b"),
    ],
)
def test_the_refusal_says_that_no_codec_fits(
    story: Any, way: tuple[str, ...], start: str, header: str
) -> None:
    call = refused(story, G729, start, header, way=way)
    finding = of(call, "no-common-codec")
    assert finding is not None
    assert (finding.severity, finding.certainty) == ("error", "certain")
    assert finding.parameters["codecs"] == "G729"
    assert finding.parameters["host"] == story.hosts["bob"]
    assert alarms(call) == ["no-common-codec"]


def test_a_488_without_a_word_is_most_likely_for_the_codecs(story: Any) -> None:
    finding = of(refused(story, OPUS), "no-common-codec")
    assert finding is not None
    assert (finding.certainty, finding.variant) == ("likely", "unsaid")


@pytest.mark.parametrize(
    ("start", "header"),
    [
        ("486 Busy Here", "X-A: b"),
        ("603 Decline", "X-A: b"),
        ("488 Not Acceptable Here", 'Warning: 301 h "Incompatible address formats"'),
        ("488 Not Acceptable Here", "Reason: Q.850;cause=21"),
        ("415 Unsupported Media Type", "Accept: application/isup"),
    ],
)
def test_refusals_for_something_else(story: Any, start: str, header: str) -> None:
    assert of(refused(story, G729, start, header), "no-common-codec") is None


def test_a_call_that_is_answered_in_the_end_had_a_codec(story: Any) -> None:
    talk = Talk(story).request(0, "INVITE", cseq=1, body=G729, tags="a")
    talk.response(0.1, "488 Not Acceptable Here", "INVITE", cseq=1)
    talk.request(0.2, "ACK", cseq=1)
    talk.request(0.3, "INVITE", cseq=2, body=PCMU, tags="a")
    talk.response(1, "200 OK", "INVITE", cseq=2, body=PCMU)
    talk.request(1.1, "ACK", cseq=2)
    assert alarms(talk.hung_up(30)) == []


def test_an_answer_that_refuses_the_audio(story: Any) -> None:
    call = Talk(story).answered(G729, "m=audio 0 RTP/AVP 18").hung_up(5)
    finding = of(call, "no-common-codec")
    assert finding is not None
    assert (finding.variant, finding.certainty) == ("line", "likely")
    assert alarms(call) == ["no-common-codec"]


def test_an_answer_in_a_codec_that_was_not_offered(story: Any) -> None:
    finding = of(Talk(story).answered(G729, PCMU).hung_up(5), "no-common-codec")
    assert finding is not None
    assert (finding.variant, finding.certainty) == ("foreign", "certain")
    assert finding.parameters["answered"] == "PCMU"


@pytest.mark.parametrize(
    ("offer", "answer"),
    [
        ("m=audio 4000 RTP/AVP 18", "m=audio 4000 RTP/AVP 18\na=rtpmap:18 G729A/8000"),
        ("m=audio 4000 RTP/AVP 0 8", "m=audio 4000 RTP/AVP 8"),
        ("m=audio 4000 RTP/AVP 99", "m=audio 4000 RTP/AVP 99"),
        (
            "m=audio 4000 RTP/AVP 96\na=rtpmap:96 opus/48000/2",
            "m=audio 4000 RTP/AVP 111\na=rtpmap:111 OPUS/48000/2",
        ),
        (f"{PCMU}\nm=video 5000 RTP/AVP 34", f"{PCMU}\nm=video 0 RTP/AVP 34"),
        ("m=audio 0 RTP/AVP 0\nm=audio 4000 RTP/AVP 0", "m=audio 0 RTP/AVP 0\n" + PCMU),
    ],
)
def test_answers_that_fit(story: Any, offer: str, answer: str) -> None:
    assert alarms(Talk(story).answered(offer, answer).hung_up(30)) == []


def test_a_change_to_a_codec_that_the_other_lacks(story: Any) -> None:
    talk = Talk(story).answered()
    warning = 'Warning: 305 h "Incompatible media format"'
    talk.changed(10, OPUS, "488 Not Acceptable Here", headers=(warning,))
    call = talk.hung_up(40)
    assert alarms(call) == ["no-common-codec"]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("offer", [SRTP, DTLS])
def test_srtp_is_refused_without_a_word(
    story: Any, way: tuple[str, ...], offer: str
) -> None:
    call = refused(story, offer, way=way)
    finding = of(call, "srtp-mismatch")
    assert finding is not None
    assert (finding.variant, finding.certainty) == ("refused", "likely")
    assert alarms(call) == ["srtp-mismatch"]


def test_the_refusal_names_the_transport(story: Any) -> None:
    warning = 'Warning: 302 h "Incompatible transport protocol"'
    finding = of(refused(story, SRTP, "488 No", warning), "srtp-mismatch")
    assert finding is not None
    assert finding.certainty == "certain"


@pytest.mark.parametrize(
    ("start", "header"),
    [
        ("488 Not Acceptable Here", 'Warning: 302 h "Incompatible transport protocol"'),
        ("403 SRTP Required", "X-A: b"),
        ("488 Not Acceptable Here", 'Warning: 399 h "media must be encrypted"'),
    ],
)
def test_plain_rtp_is_refused(story: Any, start: str, header: str) -> None:
    call = refused(story, PCMU, start, header)
    finding = of(call, "srtp-mismatch")
    assert finding is not None
    assert finding.variant == "wanted"
    assert alarms(call) == ["srtp-mismatch"]


@pytest.mark.parametrize(
    ("offer", "answer", "variant"),
    [
        (SRTP, PCMU, ""),
        (PCMU, SRTP, ""),
        (SRTP, "m=audio 17002 RTP/SAVP 0", "no-key"),
        (DTLS, SRTP.replace("RTP/SAVP", "UDP/TLS/RTP/SAVPF"), "keying"),
        (SRTP, "m=audio 0 RTP/SAVP 0", "line"),
        (SRTP, "m=audio 0 RTP/AVP 0", "line"),
    ],
)
def test_answers_that_do_not_fit_the_encryption(
    story: Any, offer: str, answer: str, variant: str
) -> None:
    call = Talk(story).answered(offer, answer).hung_up(5)
    finding = of(call, "srtp-mismatch")
    assert finding is not None
    assert finding.variant == variant
    assert alarms(call) == ["srtp-mismatch"]


@pytest.mark.parametrize(
    ("offer", "answer"),
    [
        (SRTP, SRTP),
        (DTLS, DTLS.replace("actpass", "active")),
        # Optional encryption (RFC 8643): keys in a line of plain RTP.
        (SRTP.replace("SAVP", "AVP"), PCMU),
        (SRTP.replace("SAVP", "AVP"), SRTP),
        # Keys by another protocol.
        (
            "m=audio 17002 RTP/SAVP 0\na=key-mgmt:mikey AQ",
            "m=audio 17002 RTP/SAVP 0\na=key-mgmt:mikey AQ",
        ),
        # Both were offered, and one was chosen.
        (f"{SRTP}\n{PCMU}", f"m=audio 0 RTP/SAVP 0\n{PCMU}"),
    ],
)
def test_encryption_that_both_agree_on(story: Any, offer: str, answer: str) -> None:
    assert alarms(Talk(story).answered(offer, answer).hung_up(30)) == []


def test_a_suite_that_was_not_offered(story: Any) -> None:
    call = Talk(story).answered(SRTP, SHORT_TAG).hung_up(5)
    finding = of(call, "srtp-crypto-suite")
    assert finding is not None
    assert (finding.variant, finding.certainty) == ("foreign", "certain")
    assert finding.parameters["answered"] == "AES_CM_128_HMAC_SHA1_32"
    assert alarms(call) == ["srtp-crypto-suite"]


@pytest.mark.parametrize(
    ("offer", "header"),
    [(RARE, "X-A: b"), (SRTP, 'Warning: 399 h "crypto suite not supported"')],
)
def test_suites_are_refused(story: Any, offer: str, header: str) -> None:
    call = refused(story, offer, "488 Not Acceptable Here", header)
    assert alarms(call) == ["srtp-crypto-suite"]


def test_a_line_is_refused_whose_suites_few_have(story: Any) -> None:
    call = Talk(story).answered(RARE, "m=audio 0 RTP/SAVP 0").hung_up(5)
    assert alarms(call) == ["srtp-crypto-suite"]


def test_a_suite_of_several_that_were_offered(story: Any) -> None:
    second = f"\na=crypto:2 AES_CM_128_HMAC_SHA1_32 {KEY}"
    answer = SHORT_TAG.replace("crypto:1", "crypto:2")
    assert alarms(Talk(story).answered(SRTP + second, answer).hung_up(30)) == []

from __future__ import annotations

from typing import Any

import pytest

from flask_sipvault.analysis.ladder.details import describe_sdp
from flask_sipvault.analysis.ladder.details import detail
from flask_sipvault.analysis.ladder.details import style
from flask_sipvault.analysis.ladder.ladder import ladder
from flask_sipvault.protocols import sdp


def described(*lines: str) -> str:
    return describe_sdp(sdp.parse("\r\n".join(["v=0", *lines]).encode()))


def test_a_session_description_is_its_codecs_and_its_address(explained: Any) -> None:
    assert detail(explained("busy_486").messages[0]) == "SDP PCMU 127.0.0.2:14000"


def test_several_streams_are_told_apart() -> None:
    assert described(
        "c=IN IP4 10.8.0.14",
        "m=audio 4000 RTP/AVP 8 0",
        "m=video 4002 RTP/AVP 34",
        "m=image 0 udptl t38",
    ) == ("SDP PCMA PCMU 10.8.0.14:4000 + video H263 10.8.0.14:4002 + image refused")


def test_hold_is_told(explained: Any) -> None:
    details = [detail(m) for m in explained("proxy_baresip", 2).messages]
    assert [n for n, text in enumerate(details, 1) if text.endswith("hold")] == [10, 12]


def test_of_many_codecs_only_the_first_are_named() -> None:
    assert described("m=audio 4000 RTP/AVP 0 3 4 8 9 18") == (
        "SDP PCMU GSM G723 PCMA …"
    )


def test_a_description_without_streams_says_so() -> None:
    assert described("s=-") == "SDP without media"


def test_a_reason_is_told(explained: Any) -> None:
    assert detail(explained("busy_486").messages[3]) == "Reason: Q.850 17"


def test_credentials_are_told_but_not_shown(explained: Any) -> None:
    invite = explained("auth_invite").messages[3]
    assert detail(invite) == "SDP PCMU 127.0.0.2:14000, with credentials"


def test_a_redirection_says_where_to(story: Any) -> None:
    story.reply(0, "302 Moved Temporarily", headers=("Contact: <sip:c@example.com>",))
    assert detail(story.call().messages[0]) == "to sip:c@example.com"


def test_what_cannot_be_read_says_why(story: Any) -> None:
    story.packet(0, "alice > bob", b"\x80")
    assert detail(story.call().messages[0])


def test_no_detail_can_steer_a_terminal(story: Any) -> None:
    story.message(0, "alice > bob", "BYE", headers=("Reason: \x1b]0;x\x07;cause=1",))
    assert detail(story.call().messages[0]).isprintable()


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        ("INVITE", "request"),
        ("100 Trying", "provisional"),
        ("183 Session Progress", "provisional"),
        ("202 Accepted", "success"),
        ("302 Moved Temporarily", "failure"),
        ("404 Not Found", "failure"),
        ("700 Whatever", "failure"),
    ],
)
def test_each_kind_of_message_has_its_style(
    story: Any, start: str, expected: str
) -> None:
    story.message(0, "alice > bob", start, cseq="1 INVITE")
    assert style(story.call().messages[0]) == expected


def test_a_description_names_the_codecs_in_the_order_of_its_m_line(field: Any) -> None:
    """``m=audio … 111 8 101``: opus first, though PCMA's number is a static one."""
    call = field("codec_min.pcap")
    assert [detail(m).split()[1:3] for m in call.messages[:2]] == [
        ["opus", "PCMA"],
        ["opus", "PCMA"],
    ]


def test_the_ladder_names_the_codec_that_the_answer_put_first(field: Any) -> None:
    drawn = ladder(field("codec_min.pcap"))
    assert drawn.media is not None
    assert drawn.media.codecs == "opus"


def test_with_a_delayed_offer_ladder_and_audio_name_the_same_codec(story: Any) -> None:
    alice, bob = "198.51.100.23:14000", "10.8.0.14:17002"
    story.invite(0).reply(1, "200 OK", sdp=f"PCMU+G729 {bob}")
    story.message(1.1, "alice > bob", "ACK", branch="z9hG4bK7", sdp=f"G729 {alice}")
    call = story.bye(9).call()
    drawn = ladder(call)
    assert drawn.media is not None
    assert drawn.media.codecs == "G729"
    assert call.media.paths.coding_agreed(call.messages[2].ts).codec == "G729"

"""What session descriptions say of the media."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_sipvault.protocols import sdp
from flask_sipvault.protocols import sip
from flask_sipvault.protocols.address import Endpoint
from flask_sipvault.protocols.sdp import Codec

OFFER = b"""v=0\r
o=alice 2890844526 2890844527 IN IP4 host.example.com\r
s=A call\r
c=IN IP4 192.0.2.1\r
t=0 0\r
m=audio 49170 RTP/AVP 0 8 97 101\r
a=rtpmap:97 opus/48000/2\r
a=rtpmap:101 telephone-event/8000\r
a=fmtp:101 0-16\r
a=ptime:20\r
a=ssrc:314159 cname:a@b\r
a=ssrc:314159 label:x\r
a=ssrc:2718\r
m=video 51372 RTP/AVP 31\r
c=IN IP6 2001:0db8::0:1\r
a=sendonly\r
"""


def media(*lines: str, session: str = "c=IN IP4 192.0.2.1") -> sdp.Media:
    text = "\r\n".join(["v=0", session, *lines, ""])
    return sdp.parse(text.encode()).media[0]


def test_a_description_gives_its_parts() -> None:
    offer = sdp.parse(OFFER)

    assert offer.origin == "alice 2890844526 2890844527 IN IP4 host.example.com"
    assert offer.session_name == "A call"
    assert offer.address == "192.0.2.1"
    audio, video = offer.media
    assert (audio.kind, audio.port, audio.protocol) == ("audio", 49170, "RTP/AVP")
    assert audio.formats == ["0", "8", "97", "101"]
    assert (audio.ptime, audio.fmtp) == (20.0, {101: "0-16"})
    assert audio.ssrcs == [314159, 2718]
    assert (video.kind, video.direction) == ("video", "sendonly")


def test_codecs_come_from_rtpmap_and_rfc_3551() -> None:
    audio, video = sdp.parse(OFFER).media

    assert audio.codecs == {
        0: Codec("PCMU", 8000, 1),
        8: Codec("PCMA", 8000, 1),
        97: Codec("opus", 48000, 2),
        101: Codec("telephone-event", 8000, 1),
    }
    assert video.codecs == {31: Codec("H261", 90000, 1)}


def test_the_clock_of_g722_is_8000_though_it_samples_at_16000() -> None:
    assert media("m=audio 4000 RTP/AVP 9").codecs[9].clock_rate == 8000


def test_an_rtpmap_that_cannot_be_is_passed_over() -> None:
    odd = media(
        "m=audio 4000 RTP/AVP 96 97 128",
        "a=rtpmap:96 x/0",
        "a=rtpmap:97",
        "a=rtpmap:128 x/8000",
    )

    assert odd.codecs == {}


def test_formats_that_are_no_payload_types_have_no_codec() -> None:
    fax = media("m=image 4000 udptl t38", "a=T38FaxVersion:0")

    assert (fax.formats, fax.codecs) == (["t38"], {})


def test_a_stream_is_sent_to_its_own_address_or_the_sessions() -> None:
    audio, video = sdp.parse(OFFER).media

    assert audio.rtp == Endpoint("192.0.2.1", 49170)
    assert video.rtp == Endpoint("2001:db8::1", 51372)


@pytest.mark.parametrize(
    ("port", "connection"),
    [
        ("0", "IN IP4 192.0.2.1"),
        ("4000", "IN IP4 0.0.0.0"),
        ("4000", "IN IP4 media.example.com"),
        ("4000", "IN"),
        ("70000", "IN IP4 192.0.2.1"),
        ("x", "IN IP4 192.0.2.1"),
    ],
)
def test_without_port_or_address_a_stream_goes_nowhere(
    port: str, connection: str
) -> None:
    silent = media(f"m=audio {port} RTP/AVP 0", session=f"c={connection}")

    assert (silent.rtp, silent.rtcp) == (None, None)


def test_a_multicast_address_sheds_its_ttl_and_a_port_its_count() -> None:
    multicast = media("m=audio 4000/2 RTP/AVP 0", session="c=IN IP4 224.2.1.1/127/3")

    assert multicast.rtp == Endpoint("224.2.1.1", 4000)


@pytest.mark.parametrize(
    ("attributes", "rtcp"),
    [
        ([], Endpoint("192.0.2.1", 4001)),
        (["a=rtcp:5000"], Endpoint("192.0.2.1", 5000)),
        (["a=rtcp:5000 IN IP4 192.0.2.9"], Endpoint("192.0.2.9", 5000)),
        (["a=rtcp-mux"], Endpoint("192.0.2.1", 4000)),
        (["a=rtcp:9 IN IP4 0.0.0.0", "a=rtcp-mux"], Endpoint("192.0.2.1", 4000)),
    ],
)
def test_rtcp_goes_where_it_is_told_or_one_port_on(
    attributes: list[str], rtcp: Endpoint
) -> None:
    assert media("m=audio 4000 RTP/AVP 0", *attributes).rtcp == rtcp


def test_a_stream_inherits_the_sessions_direction() -> None:
    inherited = media("m=audio 4000 RTP/AVP 0", session="a=inactive")
    own = media("m=audio 4000 RTP/AVP 0", "a=recvonly", session="a=inactive")

    assert (inherited.direction, own.direction) == ("inactive", "recvonly")


@pytest.mark.parametrize(
    ("lines", "on_hold"),
    [
        (["c=IN IP4 192.0.2.1"], False),
        (["a=recvonly"], False),
        (["a=sendonly"], True),
        (["a=inactive"], True),
        (["c=IN IP4 0.0.0.0"], True),
    ],
)
def test_a_call_is_held_by_direction_or_the_old_way(
    lines: list[str], on_hold: bool
) -> None:
    assert media("m=audio 4000 RTP/AVP 0", *lines).on_hold is on_hold


@pytest.mark.parametrize(
    ("protocol", "attribute", "encrypted"),
    [
        ("RTP/AVP", "a=x", False),
        ("RTP/SAVP", "a=x", True),
        ("UDP/TLS/RTP/SAVPF", "a=x", True),
        ("RTP/AVP", "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:x", True),
        ("RTP/AVP", "a=fingerprint:sha-256 AA:BB", True),
    ],
)
def test_a_stream_is_encrypted_by_profile_or_by_keys(
    protocol: str, attribute: str, encrypted: bool
) -> None:
    assert media(f"m=audio 4000 {protocol} 0", attribute).encrypted is encrypted


def test_lines_may_end_without_a_carriage_return() -> None:
    assert sdp.parse(OFFER.replace(b"\r\n", b"\n")) == sdp.parse(OFFER)


@pytest.mark.parametrize("data", [b"", b"hello", b"\0\xff", b"a=v=0", b"c=IN IP4 a"])
def test_what_has_neither_version_nor_media_is_no_description(data: bytes) -> None:
    with pytest.raises(sdp.SdpError):
        sdp.parse(data)


pieces = st.one_of(
    st.sampled_from(OFFER.decode().replace("\r\n", "\n").splitlines(keepends=True)),
    st.sampled_from(["m=", "c=", "a=rtpmap:", "a=fmtp:", "a=rtcp:", "a=ptime:", "\n"]),
    st.text(max_size=8),
)


@given(st.lists(pieces, max_size=20).map("".join), st.binary(max_size=8))
def test_whatever_the_bytes_a_description_or_sdp_error(text: str, tail: bytes) -> None:
    try:
        parsed = sdp.parse(text.encode("utf-8", "replace") + tail)
    except sdp.SdpError:
        return
    for stream in parsed.media:
        assert isinstance(stream.on_hold, bool)
        for endpoint in (stream.rtp, stream.rtcp):
            assert endpoint is None or Endpoint.parse(str(endpoint)) == endpoint
        assert all(codec.clock_rate > 0 for codec in stream.codecs.values())


@given(
    address=st.ip_addresses(v=4).filter(lambda ip: not ip.is_unspecified),
    streams=st.lists(
        st.tuples(
            st.integers(1, 0xFFFE),
            st.dictionaries(
                st.integers(96, 127),
                st.builds(
                    Codec,
                    st.from_regex(r"[A-Za-z0-9-]{1,9}", fullmatch=True),
                    st.integers(1, 192_000),
                    st.integers(1, 8),
                ),
                min_size=1,
            ),
            st.sampled_from(["sendrecv", "sendonly", "recvonly", "inactive"]),
        ),
        min_size=1,
        max_size=4,
    ),
)
def test_a_description_gives_back_what_it_was_made_of(
    address: object, streams: list[tuple[int, dict[int, Codec], str]]
) -> None:
    lines = ["v=0", f"c=IN IP4 {address}"]
    for port, codecs, direction in streams:
        lines.append(f"m=audio {port} RTP/AVP {' '.join(map(str, codecs))}")
        lines.extend(
            f"a=rtpmap:{number} {codec.name}/{codec.clock_rate}/{codec.channels}"
            for number, codec in codecs.items()
        )
        lines.append(f"a={direction}")

    parsed = sdp.parse("\r\n".join(lines).encode())

    assert [(m.rtp, m.codecs, m.direction) for m in parsed.media] == [
        (Endpoint(str(address), port), codecs, direction)
        for port, codecs, direction in streams
    ]


def test_every_recorded_description_says_where_its_audio_goes(
    agent_corpus: Path, udp_payloads: Callable[[Path], list[bytes]]
) -> None:
    count = 0
    for capture in agent_corpus.glob("*.pcap"):
        for data in udp_payloads(capture):
            body = sip.parse(data).sdp if sip.looks_like_sip(data) else None
            if body is not None:
                audio = sdp.parse(body).media[0]
                assert audio.kind == "audio"
                assert audio.rtp is not None
                assert audio.codecs
                count += 1
    assert count > 300

"""Which RTP belongs to which call, and what is measured of it there."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from flask_sipvault.evidence import Evidence
from flask_sipvault.evidence import merge
from flask_sipvault.importing.importer import CaptureImporter
from flask_sipvault.importing.importer import import_capture
from flask_sipvault.protocols.address import Endpoint
from flask_sipvault.protocols.capture import Captured
from flask_sipvault.protocols.capture import read_capture

SECOND = 1_000_000_000
BEGIN = 1_795_439_805 * SECOND

ALICE, BOB = Endpoint("192.0.2.1", 4000), Endpoint("192.0.2.2", 5000)
CAROL, NATTED = Endpoint("192.0.2.3", 6000), Endpoint("203.0.113.5", 31337)
PROXY = Endpoint("192.0.2.9", 5060)

_FIELD = "shared/corpus/field/1_misassoc_cut.pcap"


def described(at: Endpoint, formats: str = "0", *lines: str) -> str:
    head = f"v=0\r\nc=IN IP4 {at.ip}\r\nm=audio {at.port} RTP/AVP {formats}\r\n"
    return head + "".join(f"{line}\r\n" for line in lines)


def message(
    start: str, body: str = "", *, call_id: str = "a@h", ts: float = 0
) -> Captured:
    method = start.split()[0] if not start.startswith("SIP") else "INVITE"
    payload = (
        f"{start}\r\nCall-ID: {call_id}\r\nCSeq: 1 {method}\r\n"
        f"Content-Type: application/sdp\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    ).encode()
    time = BEGIN + int(ts * SECOND)
    return Captured("sip", time, PROXY, PROXY, "udp", payload, call_id, method)


def invite(body: str, **more: Any) -> Captured:
    return message("INVITE sip:bob@h SIP/2.0", body, **more)


def answer(body: str, **more: Any) -> Captured:
    return message("SIP/2.0 200 OK", body, **more)


def bye(**more: Any) -> Captured:
    return message("BYE sip:bob@h SIP/2.0", **more)


def rtp(
    src: Endpoint | None,
    dst: Endpoint | None,
    numbers: Iterable[int],
    *,
    ssrc: int = 7,
    payload_type: int = 0,
    rate: int = 8000,
    ts: float = 1,
) -> list[Captured]:
    """A packet each 20 ms; number 0 would come at ``ts``."""
    return [
        Captured(
            "rtp",
            BEGIN + int(ts * SECOND) + 20_000_000 * n,
            src,
            dst,
            "udp",
            struct.pack("!BBHII", 0x80, payload_type, n & 0xFFFF, n * rate // 50, ssrc)
            + bytes(160),
        )
        for n in numbers
    ]


def media(items: Iterable[Captured], call_id: str = "a@h") -> list[dict[str, Any]]:
    """What is measured for a call."""
    found = import_capture(items, customer_id="acme", source="x.pcap")
    own = (call.media for call in found if call.call_id == call_id)
    return [stream.as_json() for stream in next(own, [])]


def packets(items: Iterable[Captured], call_id: str = "a@h") -> list[int]:
    return [stream["packets"] for stream in media(items, call_id)]


CALL = [invite(described(ALICE)), answer(described(BOB), ts=0.5)]


class TestWhose:
    def test_both_directions_are_the_call_s(self) -> None:
        items = [*CALL, *rtp(ALICE, BOB, range(10)), *rtp(BOB, ALICE, range(5), ts=2)]
        assert [(s["src"], s["dst"], s["packets"]) for s in media(items)] == [
            (str(ALICE), str(BOB), 10),
            (str(BOB), str(ALICE), 5),
        ]

    def test_behind_nat_the_other_end_tells(self) -> None:
        items = [*CALL, *rtp(NATTED, BOB, range(10)), *rtp(BOB, NATTED, range(5), ts=2)]
        assert packets(items) == [10, 5]

    def test_with_no_end_announced_the_ssrc_tells(self) -> None:
        offer = invite(described(ALICE, "0", "a=ssrc:7 cname:x"))
        items = [offer, *rtp(NATTED, CAROL, range(10)), *rtp(NATTED, BOB, [1], ssrc=8)]
        assert packets(items) == [10]

    def test_nobody_s_is_counted(self) -> None:
        gatherer = CaptureImporter("acme")
        stray = rtp(NATTED, CAROL, range(10))
        assert list(gatherer.feed([*CALL, *stray], "x.pcap")) == []
        (call,) = gatherer.finish()
        assert call.media == []
        assert gatherer.unplaced_streams == 1

    def test_early_media_is_the_call_s(self) -> None:
        items = [invite(described(ALICE)), *rtp(BOB, ALICE, range(10))]
        assert packets(items) == [10]

    def test_it_may_come_before_its_call_in_the_files(self) -> None:
        assert packets([*rtp(ALICE, BOB, range(10)), *CALL]) == [10]

    def test_sent_before_any_offer_it_is_not_the_call_s(self) -> None:
        assert packets([*rtp(BOB, ALICE, range(10), ts=-5), *CALL]) == []

    def test_long_after_the_end_it_is_not_the_call_s(self) -> None:
        items = [*CALL, *rtp(ALICE, BOB, range(5000)), bye(ts=21)]
        # Ports are another's 32 s after the end.
        assert packets(items) == [(21 + 32 - 1) * 50 + 1]

    def test_an_address_from_a_new_offer_is_the_call_s_too(self) -> None:
        items = [
            *CALL,
            *rtp(ALICE, BOB, range(10)),
            invite(described(CAROL), ts=10),
            *rtp(CAROL, BOB, range(5), ssrc=8, ts=10),
        ]
        assert packets(items) == [10, 5]

    def test_a_port_serves_one_call_after_the_other(self) -> None:
        items = [
            *CALL,
            invite(described(ALICE), call_id="b@h", ts=11),
            answer(described(BOB), call_id="b@h", ts=11.5),
            *rtp(ALICE, BOB, range(400)),
            *rtp(ALICE, BOB, range(1000, 1100), ts=-8),
        ]
        assert packets(items) == [400]
        assert packets(items, "b@h") == [100]

    def test_legs_that_share_addresses_leave_a_stream_whole(self) -> None:
        items = [
            *CALL[:1],
            invite(described(ALICE), call_id="b@h", ts=0.01),
            message("SIP/2.0 183 X", described(BOB), call_id="b@h", ts=0.4),
            message("SIP/2.0 183 X", described(BOB), ts=0.41),
            answer(described(BOB), call_id="b@h", ts=3),
            answer(described(BOB), ts=3.01),
            *rtp(ALICE, BOB, range(500)),
        ]
        assert (packets(items), packets(items, "b@h")) == ([500], [])

    @pytest.mark.parametrize("code", [302, 407, 422, 486])
    def test_a_call_goes_on_after_a_refusal(self, code: int) -> None:
        """A redirection, a challenge, a timer too short, one branch of a fork."""
        items = [
            invite(described(ALICE)),
            message(f"SIP/2.0 {code} X", ts=0.2),
            invite(described(ALICE), ts=0.3),
            answer(described(BOB), ts=0.5),
            *rtp(ALICE, BOB, range(3000)),
            bye(ts=62),
        ]
        assert packets(items) == [3000]

    def test_the_last_packets_are_not_the_next_call_s(self) -> None:
        """It announces one of the two ends while they arrive."""
        items = [
            *CALL,
            *rtp(ALICE, BOB, range(500)),
            bye(ts=10.9),
            invite(described(BOB), call_id="b@h", ts=10.91),
        ]
        assert (packets(items), packets(items, "b@h")) == ([500], [])

    def test_the_field_s_first_call_keeps_its_own(self) -> None:
        path = Path(__file__).parents[2].parent / _FIELD
        if not path.is_file():
            pytest.skip("the field's captures are not beside this checkout")
        with path.open("rb") as file:
            calls = list(
                import_capture(read_capture(file), customer_id="a", source="x")
            )
        counts = [sum(s.packets for s in call.media) for call in calls]
        assert sum(counts) == max(counts) > 0

    def test_what_is_no_call_has_no_media(self) -> None:
        capable = message("OPTIONS sip:h SIP/2.0", described(BOB), call_id="o@h")
        items = [*CALL[:1], capable, *rtp(NATTED, BOB, range(3))]
        assert packets(items, "o@h") == []

    def test_hep_may_carry_anything_under_the_name_of_rtp(self) -> None:
        bad = [
            Captured("rtp", BEGIN, ALICE, BOB, "udp", payload)
            for payload in (b"", b"\x80", b"no RTP at all, really", b"\x80" * 11)
        ]
        assert packets([*CALL, *bad, *rtp(ALICE, BOB, range(3))]) == [3]

    def test_without_addresses_the_ssrc_tells(self) -> None:
        offer = invite(described(ALICE, "0", "a=ssrc:7 cname:x"))
        (stream,) = media([offer, *rtp(None, None, range(3))])
        assert (stream["src"], stream["dst"], stream["packets"]) == (None, None, 3)

    def test_a_clock_of_another_age_does_no_harm(self) -> None:
        mad = rtp(ALICE, BOB, [0])[0]
        mad.ts = 1 << 70
        assert packets([*CALL, *rtp(ALICE, BOB, range(3)), mad]) == [3]


class TestWhichCodec:
    OPUS = "a=rtpmap:96 opus/48000/2"

    def test_static_types_need_no_description(self) -> None:
        (stream,) = media([*CALL, *rtp(ALICE, BOB, range(3), payload_type=8)])
        assert (stream["payload_type"], stream["codec"], stream["clock_rate"]) == (
            8,
            "PCMA",
            8000,
        )

    def test_the_receiver_says_what_a_type_means(self) -> None:
        items = [
            invite(described(ALICE, "96", self.OPUS)),
            answer(described(BOB, "96", "a=rtpmap:96 iLBC/8000"), ts=0.5),
            *rtp(BOB, ALICE, range(10), payload_type=96, rate=48000),
            *rtp(ALICE, BOB, range(10), payload_type=96),
        ]
        codecs = {s["dst"]: (s["codec"], s["clock_rate"]) for s in media(items)}
        assert codecs == {str(ALICE): ("opus", 48000), str(BOB): ("iLBC", 8000)}
        assert [s["jitter_ms"]["max"] for s in media(items)] == [0, 0]

    def test_of_a_receiver_behind_nat_the_sender_s_description_tells(self) -> None:
        items = [
            invite(described(ALICE, "96", self.OPUS)),
            *rtp(ALICE, NATTED, range(10), payload_type=96, rate=48000),
        ]
        assert media(items)[0]["codec"] == "opus"

    def test_a_later_description_tells_too(self) -> None:
        items = [
            *CALL,
            *rtp(BOB, ALICE, range(10), payload_type=96, rate=48000),
            invite(described(ALICE, "96", self.OPUS), ts=2),
        ]
        assert media(items)[0]["codec"] == "opus"

    def test_a_name_in_other_letters_is_the_same_codec(self) -> None:
        items = [
            invite(described(ALICE, "8", "a=rtpmap:8 pcma/8000")),
            *rtp(BOB, ALICE, range(3), payload_type=8),
        ]
        assert media(items)[0]["codec"] == "PCMA"

    def test_a_change_of_codec_in_the_call_is_one_stream(self) -> None:
        items = [
            *CALL,
            *rtp(BOB, ALICE, range(100)),
            invite(described(ALICE, "9"), ts=3),
            *rtp(BOB, ALICE, range(100, 150), payload_type=9),
        ]
        (stream,) = media(items)
        assert [(p["codec"], p["packets"]) for p in stream["payloads"]] == [
            ("PCMU", 100),
            ("G722", 50),
        ]
        assert (stream["codec"], stream["payload_changes"]) == ("PCMU", 1)

    def test_a_hold_is_a_silence_and_no_loss(self) -> None:
        held = described(ALICE, "0", "a=sendonly")
        items = [
            *CALL,
            *rtp(BOB, ALICE, range(100)),
            invite(held, ts=3),
            # Timestamps go on while nothing is sent, numbers do not.
            *(
                Captured(
                    "rtp",
                    BEGIN + 20 * SECOND + 20_000_000 * n,
                    BOB,
                    ALICE,
                    "udp",
                    struct.pack("!BBHII", 0x80, 0, 100 + n, 160 * (n + 950), 7),
                )
                for n in range(100)
            ),
        ]
        (stream,) = media(items)
        assert (stream["packets"], stream["lost"]) == (200, 0)
        assert (stream["silences"], stream["silence_ms"]) == (1, 17_000)
        assert stream["jitter_ms"]["max"] == 0

    def test_tones_are_known_by_the_description(self) -> None:
        body = described(ALICE, "0 97", "a=rtpmap:97 telephone-event/8000")
        tones = rtp(BOB, ALICE, range(10, 15), payload_type=97, rate=0)
        speech = rtp(BOB, ALICE, [*range(10), *range(15, 20)])
        items = sorted([*tones, *speech], key=lambda item: item.ts)
        (stream,) = media([invite(body), *items])
        assert stream["codec"] == "PCMU"
        assert stream["events"] == [[BEGIN + 1_200_000_000, 80]]
        assert "payload" not in stream


class TestParts:
    def items(self) -> list[Captured]:
        return [*CALL, *rtp(ALICE, BOB, (n for n in range(3000) if n % 50))]

    def parts(self, budget: int) -> list[Evidence]:
        gatherer = CaptureImporter("acme", budget=budget)
        parts = list(gatherer.feed(self.items(), "x.pcap"))
        return [*parts, *gatherer.finish()]

    def test_a_long_call_comes_out_in_parts_that_add_up(self) -> None:
        parts = self.parts(10_000)
        assert len(parts) > 5
        (stream,) = (stream.as_json() for stream in merge(parts).media)
        (whole,) = media(self.items())
        for name in ("packets", "expected", "lost", "missing", "bursts", "buckets"):
            assert stream[name] == whole[name]

    def test_each_part_has_a_time_even_with_nothing_but_media(self) -> None:
        last = self.parts(10_000)[-1]
        assert not last.sip
        assert last.first_ts is not None
        assert BEGIN < last.first_ts <= BEGIN + 61 * SECOND
        assert last.last_ts == BEGIN + SECOND + 20_000_000 * 2999

    def test_many_streams_are_given_out_too(self) -> None:
        gatherer = CaptureImporter("acme", budget=100_000)
        ports = [BOB._replace(port=port) for port in range(10_000, 10_200)]
        streams = [item for dst in ports for item in rtp(ALICE, dst, range(3))]
        parts = list(gatherer.feed([*CALL, *streams], "x.pcap"))
        assert parts
        assert len(merge([*parts, *gatherer.finish()]).media) == 200

    def test_more_streams_than_can_be_followed_begin_anew(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("flask_sipvault.importing.rtp_buffer.MAX_FOLLOWED", 1)
        gatherer = CaptureImporter("acme", budget=1)
        parts = [
            part
            for n in range(3)
            for dst in (BOB, CAROL)
            for part in gatherer.feed([*CALL, *rtp(ALICE, dst, [2 * n])], "x.pcap")
        ]
        streams = [stream for part in parts for stream in part.media]
        assert sum(stream.packets for stream in streams) == 6
        # What was lost between two parts of a stream is forgotten with it.
        assert all(stream.lost == 0 for stream in streams)


class TestFiles:
    def gathered(self, *files: Iterable[Captured]) -> list[dict[str, Any]]:
        gatherer = CaptureImporter("acme")
        for number, items in enumerate(files):
            assert list(gatherer.feed(items, f"{number}.pcap")) == []
        (call,) = gatherer.finish()
        return [stream.as_json() for stream in call.media]

    def test_a_stream_over_two_files_is_one(self) -> None:
        one = [*CALL, *rtp(ALICE, BOB, range(100))]
        (stream,) = self.gathered(one, rtp(ALICE, BOB, range(100, 200)))
        assert (stream["packets"], stream["lost"]) == (200, 0)

    def test_in_whatever_order_they_are_given(self) -> None:
        other = rtp(ALICE, BOB, range(100, 200))
        (stream,) = self.gathered(other, [*CALL, *rtp(ALICE, BOB, range(100))])
        assert (stream["packets"], stream["lost"], stream["strays"]) == (200, 0, 0)

    def test_what_two_overlapping_files_hold_counts_once(self) -> None:
        one = [*CALL, *rtp(ALICE, BOB, range(100))]
        (stream,) = self.gathered(one, rtp(ALICE, BOB, range(50, 200)))
        assert (stream["packets"], stream["duplicates"]) == (200, 0)

    def test_the_same_file_twice_is_the_same(self) -> None:
        one = [*CALL, *rtp(ALICE, BOB, range(100))]
        assert self.gathered(one, one) == self.gathered(one)


def test_what_moves_in_time_moves_with_its_media() -> None:
    items = [*CALL, *rtp(ALICE, BOB, range(10))]
    (here,) = import_capture(items, customer_id="acme", source="x.pcap")
    (moved,) = import_capture(items, customer_id="acme", source="x.pcap")
    moved.shift(SECOND)
    assert moved.first_ts == (here.first_ts or 0) + SECOND
    assert moved.last_ts == (here.last_ts or 0) + SECOND
    assert moved.media[0].first_ts == here.media[0].first_ts + SECOND
    assert moved.media[0].buckets[0].ts == here.media[0].buckets[0].ts + SECOND


def recorded(path: Path) -> dict[str, int]:
    """How many packets of RTP each call of a capture has."""
    with path.open("rb") as file:
        found = import_capture(read_capture(file), customer_id="acme", source=path.name)
        counts = {
            call.call_id: sum(stream.packets for stream in call.media) for call in found
        }
    return {call_id: count for call_id, count in counts.items() if count}


def test_every_recording_s_rtp_goes_where_tshark_puts_it(
    agent_corpus: Path, expected: Callable[[Path], dict[str, Any]]
) -> None:
    for path in sorted(agent_corpus.glob("*.pcap")):
        calls = expected(path)["calls"]
        counts = {name: call.get("pcap", call)["rtp"] for name, call in calls.items()}
        wanted = {name: count for name, count in counts.items() if count}
        assert recorded(path) == wanted, path.name


def test_public_captures_rtp_goes_where_tshark_puts_it(public_corpus: Path) -> None:
    wanted = {"heplify_rtp_rtcp_sip": 1439, "heplify_sip_ipv4_tcp": 66}
    for name, count in wanted.items():
        found = recorded(public_corpus / f"{name}.pcap")
        beside = json.loads((public_corpus / f"{name}.expected.json").read_text())
        assert found == {key: c["rtp"] for key, c in beside.items() if c["rtp"]}
        assert sum(found.values()) == count

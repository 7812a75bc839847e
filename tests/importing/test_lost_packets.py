"""ICMP errors, TCP resets and unanswered SYNs, with the call they are about."""

from __future__ import annotations

import pytest

from flask_sipvault.evidence import Evidence
from flask_sipvault.evidence import MAX_NETWORK_EVENTS
from flask_sipvault.importing.importer import import_capture
from flask_sipvault.protocols.address import Endpoint
from flask_sipvault.protocols.capture import read_capture

from ..wire import ALICE
from ..wire import ALICE6
from ..wire import BOB
from ..wire import BOB6
from ..wire import capture
from ..wire import icmp
from ..wire import rtp
from ..wire import sdp
from ..wire import Seen
from ..wire import sip
from ..wire import tcp
from ..wire import udp

INVITE = sip("INVITE sip:bob@example.com SIP/2.0", body=sdp(4000))
OK = sip(
    "SIP/2.0 200 OK",
    body=sdp(6000, "198.51.100.2"),
    contact="sip:bob@203.0.113.7:5090;transport=tcp",
)
SYN, RST, PSH_ACK = 0x02, 0x04, 0x18


def numbered(number: int, filler: int = 0) -> bytes:
    """The INVITE of another call between the same two."""
    call_id = f"call-{number}@example.com"
    return sip("INVITE sip:b@h SIP/2.0", call_id=call_id, filler=filler)


def calls(seen: list[Seen]) -> dict[str, Evidence]:
    found = import_capture(
        read_capture(capture(seen)), customer_id="acme", source="x.pcap"
    )
    return {call.call_id: call for call in found}


def kinds(call: Evidence) -> list[str]:
    return [event.error.kind for event in call.network]


class TestIcmp:
    @pytest.mark.parametrize(
        ("kind", "code", "says"),
        [
            (3, 0, "net-unreachable"),
            (3, 1, "host-unreachable"),
            (3, 2, "protocol-unreachable"),
            (3, 3, "port-unreachable"),
            (3, 5, "unreachable"),
            (3, 9, "prohibited"),
            (3, 10, "prohibited"),
            (3, 13, "prohibited"),
            (11, 0, "ttl-exceeded"),
            (11, 1, "reassembly-timeout"),
        ],
    )
    def test_an_error_about_a_message_is_kept_with_its_call(
        self, kind: int, code: int, says: str
    ) -> None:
        error = icmp(kind, code, udp(INVITE), by="203.0.113.1")
        call = calls([Seen(0, udp(INVITE)), Seen(0.1, error)])["call@example.com"]
        (event,) = call.network
        assert (event.error.kind, event.error.code) == (says, (kind, code))
        assert event.error.src.ip == "203.0.113.1"
        assert (event.error.lost_src, event.error.lost_dst) == (ALICE, BOB)
        assert event.error.lost_size == len(INVITE)
        assert event.packet == error

    def test_fragmentation_needed_says_the_mtu(self) -> None:
        error = icmp(3, 4, udp(INVITE), mtu=1400)
        call = calls([Seen(0, udp(INVITE)), Seen(0.1, error)])["call@example.com"]
        assert kinds(call) == ["too-big"]
        assert call.network[0].error.mtu == 1400

    @pytest.mark.parametrize(
        ("kind", "code", "says"),
        [
            (1, 0, "net-unreachable"),
            (1, 1, "prohibited"),
            (1, 3, "host-unreachable"),
            (1, 4, "port-unreachable"),
            (2, 0, "too-big"),
            (3, 0, "ttl-exceeded"),
            (3, 1, "reassembly-timeout"),
        ],
    )
    def test_so_is_one_of_ipv6(self, kind: int, code: int, says: str) -> None:
        invite = udp(INVITE, ALICE6, BOB6)
        error = icmp(kind, code, invite, mtu=1280 if kind == 2 else 0)
        call = calls([Seen(0, invite), Seen(0.1, error)])["call@example.com"]
        assert kinds(call) == [says]
        assert call.network[0].error.mtu == (1280 if kind == 2 else None)

    def test_a_call_id_that_is_quoted_decides(self) -> None:
        first, second = numbered(1), numbered(2)
        error = icmp(3, 3, udp(first), quoted=548)
        seen = [Seen(0, udp(first)), Seen(1, udp(second)), Seen(1.1, error)]
        found = calls(seen)
        assert kinds(found["call-1@example.com"]) == ["port-unreachable"]
        assert kinds(found["call-2@example.com"]) == []

    def test_where_none_is_quoted_the_message_s_size_does(self) -> None:
        first, second = numbered(1, filler=100), numbered(2)
        error = icmp(3, 3, udp(first))
        seen = [Seen(0, udp(first)), Seen(1, udp(second)), Seen(1.1, error)]
        found = calls(seen)
        assert kinds(found["call-1@example.com"]) == ["port-unreachable"]
        assert kinds(found["call-2@example.com"]) == []

    def test_a_call_id_that_is_quoted_in_part_is_none(self) -> None:
        cut = INVITE.index(b"call@example.com") + 4
        error = icmp(3, 3, udp(INVITE), quoted=28 + cut)
        found = calls([Seen(0, udp(INVITE)), Seen(0.1, error)])
        assert kinds(found["call@example.com"]) == ["port-unreachable"]

    @pytest.mark.parametrize("port", [4000, 4001])
    def test_an_error_about_media_is_kept_with_the_call_that_announced_it(
        self, port: int
    ) -> None:
        media = udp(rtp(1), Endpoint("198.51.100.2", 6000), Endpoint("192.0.2.1", port))
        seen = [Seen(0, udp(INVITE)), Seen(0.5, udp(OK, BOB, ALICE))]
        found = calls([*seen, Seen(1, icmp(3, 3, media))])
        assert kinds(found["call@example.com"]) == ["port-unreachable"]

    def test_what_it_quotes_of_media_is_kept_without_the_voice(self) -> None:
        media = udp(
            rtp(1, b"voice" * 32),
            Endpoint("198.51.100.2", 6000),
            Endpoint("192.0.2.1", 4000),
        )
        error = icmp(3, 3, media, quoted=200)
        seen = [Seen(0, udp(INVITE)), Seen(0.5, udp(OK, BOB, ALICE)), Seen(1, error)]
        (event,) = calls(seen)["call@example.com"].network
        assert b"voice" not in event.packet
        assert error.startswith(event.packet)
        assert event.error.quoted == rtp(1, b"")
        assert event.error.lost_size == 172

    def test_one_about_something_else_is_of_no_call(self) -> None:
        dns = udp(b"\0" * 40, Endpoint("192.0.2.1", 4444), Endpoint("198.51.100.2", 53))
        found = calls([Seen(0, udp(INVITE)), Seen(1, icmp(3, 3, dns))])
        assert kinds(found["call@example.com"]) == []

    def test_other_icmp_is_none(self) -> None:
        redirect = icmp(5, 1, udp(INVITE))
        found = calls([Seen(0, udp(INVITE)), Seen(1, redirect)])
        assert kinds(found["call@example.com"]) == []

    def test_of_a_flood_the_first_are_kept_and_the_others_counted(self) -> None:
        media = udp(rtp(1), Endpoint("198.51.100.2", 6000), Endpoint("192.0.2.1", 4000))
        errors = [Seen(1 + n / 50, icmp(3, 3, media)) for n in range(150)]
        call = calls([Seen(0, udp(INVITE)), *errors])["call@example.com"]
        assert len(call.network) == MAX_NETWORK_EVENTS
        assert call.capture.network_left_out == 50

    def test_a_copy_of_one_counts_once(self) -> None:
        error = icmp(3, 3, udp(INVITE))
        seen = [Seen(0, udp(INVITE)), Seen(0.1, error), Seen(0.1005, error)]
        call = calls(seen)["call@example.com"]
        assert kinds(call) == ["port-unreachable"]
        assert call.capture.duplicates == 1


class TestTcp:
    CLIENT = Endpoint("192.0.2.1", 40000)

    def test_a_reset_is_kept_with_the_calls_that_the_connection_carried(self) -> None:
        first, second = numbered(1), numbered(2)
        ways = self.CLIENT, BOB
        seen = [
            Seen(0, tcp(PSH_ACK, *ways, first)),
            Seen(1, tcp(PSH_ACK, *ways, second, 1 + len(first))),
            Seen(2, tcp(RST, BOB, self.CLIENT)),
        ]
        found = calls(seen)
        assert len(found) == 2
        for call in found.values():
            (event,) = call.network
            assert event.error.kind == "reset"
            assert event.error.src == BOB
            assert event.error.lost_src == self.CLIENT

    def test_a_refused_connection_is_of_the_call_whose_contact_it_was_for(self) -> None:
        contact = Endpoint("203.0.113.7", 5090)
        other = sip("INVITE sip:x@h SIP/2.0", call_id="other@example.com")
        seen = [
            Seen(0, udp(INVITE)),
            Seen(1, udp(OK, BOB, ALICE)),
            Seen(1.1, udp(other)),
            Seen(1.2, tcp(SYN, self.CLIENT, contact)),
            Seen(1.3, tcp(RST | 0x10, contact, self.CLIENT)),
        ]
        found = calls(seen)
        assert kinds(found["call@example.com"]) == ["reset"]
        assert found["call@example.com"].network[0].error.lost_dst == contact
        assert kinds(found["other@example.com"]) == []

    def test_so_is_a_syn_without_an_answer(self) -> None:
        contact = Endpoint("203.0.113.7", 5090)
        syn = tcp(SYN, self.CLIENT, contact)
        seen = [
            Seen(0, udp(INVITE)),
            Seen(1, udp(OK, BOB, ALICE)),
            *(Seen(at, syn) for at in (1.2, 2.2, 4.2)),
            Seen(9, udp(sip("BYE sip:b@h SIP/2.0", cseq="2 BYE"))),
        ]
        call = calls(seen)["call@example.com"]
        assert kinds(call) == ["unanswered"]
        assert call.network[0].packet == syn

    @pytest.mark.parametrize("answer", [0x12, RST | 0x10])
    def test_one_that_was_answered_is_none(self, answer: int) -> None:
        contact = Endpoint("203.0.113.7", 5090)
        seen = [
            Seen(0, udp(INVITE)),
            Seen(1, udp(OK, BOB, ALICE)),
            Seen(1.2, tcp(SYN, self.CLIENT, contact)),
            Seen(1.3, tcp(answer, contact, self.CLIENT)),
            Seen(9, udp(INVITE)),
        ]
        assert "unanswered" not in kinds(calls(seen)["call@example.com"])

    def test_one_that_the_capture_ends_with_may_still_be_answered(self) -> None:
        contact = Endpoint("203.0.113.7", 5090)
        seen = [
            Seen(0, udp(INVITE)),
            Seen(1, udp(OK, BOB, ALICE)),
            Seen(1.2, tcp(SYN, self.CLIENT, contact)),
        ]
        assert kinds(calls(seen)["call@example.com"]) == []

    def test_a_reset_of_something_else_is_of_no_call(self) -> None:
        web = Endpoint("203.0.113.7", 443)
        seen = [Seen(0, udp(INVITE)), Seen(1, tcp(RST, web, self.CLIENT))]
        assert kinds(calls(seen)["call@example.com"]) == []

"""Which Call-IDs are legs of one call, and which only look like it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_sipvault.correlation.legs import Leg
from flask_sipvault.correlation.legs import LegCorrelator
from flask_sipvault.correlation.legs import MAX_LEGS
from flask_sipvault.evidence import Evidence
from flask_sipvault.evidence import SipPacket
from flask_sipvault.importing.importer import import_capture
from flask_sipvault.protocols.address import Endpoint
from flask_sipvault.protocols.capture import read_capture

SECOND = 1_000_000_000
BEGIN = 1_795_439_806 * SECOND

ALICE = Endpoint("192.0.2.1", 5060)
BOB = Endpoint("192.0.2.2", 5060)
CAROL = Endpoint("192.0.2.3", 5060)
B2BUA = Endpoint("198.51.100.1", 5060)
INSIDE = Endpoint("10.0.0.1", 5060)

UUID_A, UUID_B, UUID_C = (letter * 32 for letter in "abc")
NIL = "0" * 32


def sdp(media: str = "192.0.2.1:4000", origin: str = "- 39045874 1") -> str:
    ip, _, port = media.rpartition(":")
    return (
        f"v=0\r\no={origin} IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\n"
        f"m=audio {port} RTP/AVP 0\r\n"
    )


def message(
    start: str,
    call_id: str,
    at: float,
    src: Endpoint,
    dst: Endpoint,
    *,
    parties: tuple[str, str] = ("alice", "bob"),
    method: str = "INVITE",
    to_tag: str = "",
    headers: Iterable[str] = (),
    body: str = "",
) -> SipPacket:
    lines = [
        start,
        f"From: <sip:{parties[0]}@a.example>;tag=a-{call_id}",
        f"To: <sip:{parties[1]}@b.example>{f';tag={to_tag}' if to_tag else ''}",
        f"Call-ID: {call_id}",
        f"CSeq: 1 {method}",
        *headers,
        "Content-Type: application/sdp",
        f"Content-Length: {len(body)}",
    ]
    payload = "\r\n".join(lines) + "\r\n\r\n" + body
    return SipPacket(BEGIN + int(at * SECOND), src, dst, "udp", payload.encode())


def call(
    call_id: str,
    src: Endpoint,
    dst: Endpoint,
    *more: SipPacket,
    at: float = 0,
    answered_at: float | None = 3,
    over_at: float | None = 60,
    parties: tuple[str, str] = ("alice", "bob"),
    headers: Iterable[str] = (),
    offer: str = "",
    answer: str = "",
) -> Evidence:
    """A call from one address to another, its times relative to ``at``."""
    user = parties[1]
    packets = [
        message(
            f"INVITE sip:{user}@b.example SIP/2.0",
            call_id,
            at,
            src,
            dst,
            parties=parties,
            headers=headers,
            body=offer,
        )
    ]
    if answered_at is not None:
        packets.append(
            message(
                "SIP/2.0 200 OK",
                call_id,
                at + answered_at,
                dst,
                src,
                parties=parties,
                to_tag="t",
                body=answer,
            )
        )
    if over_at is not None:
        packets.append(
            message(
                f"BYE sip:{user}@b.example SIP/2.0",
                call_id,
                at + over_at,
                src,
                dst,
                parties=parties,
                method="BYE",
                to_tag="t",
            )
        )
    return Evidence("acme", call_id, sip=[*packets, *more])


def ties(
    *calls: Evidence, finder: LegCorrelator | None = None
) -> set[tuple[str, str, str]]:
    """What is found, whichever of the calls is written first."""

    def found(in_order: Iterable[Evidence]) -> set[tuple[str, str, str]]:
        looking = LegCorrelator()
        return {
            (*sorted((leg.call_id, leg.other)), leg.why)
            for one in in_order
            for leg in looking.add(one)
        }

    forwards = found(calls)
    assert forwards == found(reversed(calls))
    return forwards


def of_capture(path: Path, finder: LegCorrelator) -> list[Leg]:
    with path.open("rb") as file:
        calls = list(
            import_capture(read_capture(file), customer_id="acme", source=path.name)
        )
    return [leg for one in calls for leg in finder.add(one)]


class TestHeaders:
    def test_a_leg_that_names_another_belongs_to_it(self) -> None:
        first = call("a", ALICE, B2BUA)
        second = call("b", B2BUA, BOB, at=40, headers=["x-cid: a"], parties=("1", "2"))
        assert ties(first, second) == {("a", "b", "header")}

    def test_the_headers_are_those_of_the_settings(self) -> None:
        finder = LegCorrelator(["X-Twin"])
        finder.add(call("a", ALICE, B2BUA, parties=("1", "2")))
        assert finder.add(call("b", B2BUA, BOB, headers=["X-CID: a"])) == []
        (leg,) = finder.add(call("c", B2BUA, BOB, headers=["X-Twin: a"]))
        assert (leg.call_id, leg.other, leg.why) == ("c", "a", "header")

    def test_a_call_that_is_named_need_not_be_known(self) -> None:
        finder = LegCorrelator()
        (leg,) = finder.add(call("b", B2BUA, BOB, at=40, headers=["X-CID: a"]))
        assert leg == Leg("b", "a", "header", BEGIN + 40 * SECOND)
        # It is not told again when it comes to be known.
        assert finder.add(call("a", ALICE, B2BUA, parties=("1", "2"))) == []

    def test_calls_that_name_the_same_are_no_legs_of_each_other(self) -> None:
        same = ["X-CID: customer-7"]
        first = call("a", ALICE, B2BUA, headers=same)
        second = call("b", CAROL, B2BUA, headers=same, parties=("carol", "dave"))
        tied = ties(first, second)
        assert tied == {(n, "customer-7", "header") for n in ("a", "b")}

    @pytest.mark.parametrize("name", ["", " ", "not given", "a\x00b", ";", "x" * 513])
    def test_what_cannot_be_a_call_id_names_nothing(self, name: str) -> None:
        assert ties(call("a", ALICE, B2BUA, headers=[f"X-CID: {name}"])) == set()

    def test_a_name_in_all_calls_gets_only_so_many_legs(self) -> None:
        finder = LegCorrelator()
        found = 0
        for number in range(MAX_LEGS + 10):
            parties = (f"{number}x", "y")
            same = ["X-CID: true"]
            leg = call(str(number), B2BUA, BOB, headers=same, parties=parties)
            found += len(finder.add(leg))
        assert found == MAX_LEGS

    def test_a_leg_that_names_itself_has_no_other(self) -> None:
        assert ties(call("a", ALICE, B2BUA, headers=["X-CID: a"])) == set()

    def test_only_as_much_of_a_call_id_as_is_all_of_it_counts(self) -> None:
        first = call("1-123@h", ALICE, B2BUA, parties=("1", "2"))
        second = call("x", B2BUA, BOB, headers=["X-CID: 11-123@h"])
        assert ties(first, second) == {("11-123@h", "x", "header")}


class TestTransfers:
    def test_an_invite_that_replaces_a_dialog(self) -> None:
        first = call("a", ALICE, BOB)
        second = call(
            "b",
            CAROL,
            BOB,
            at=30,
            parties=("carol", "bob"),
            headers=["Replaces: a;to-tag=x;from-tag=y"],
        )
        assert ties(first, second) == ties(second) == {("a", "b", "replaces")}

    def test_a_refer_that_names_the_dialog_to_replace(self) -> None:
        refer_to = "Refer-To: <sip:carol@c.example?Replaces=b%40h%3Bto-tag%3Dx>"
        refer = message(
            "REFER sip:alice@a.example SIP/2.0",
            "a",
            20,
            BOB,
            ALICE,
            method="REFER",
            to_tag="t",
            headers=[refer_to],
        )
        first = call("a", ALICE, BOB, refer)
        second = call("b@h", BOB, CAROL, at=10, parties=("bob", "carol"))
        assert ties(first, second) == ties(first) == {("a", "b@h", "transfer")}

    def referred(self, *, headers: Iterable[str] = ()) -> Evidence:
        refer = message(
            "REFER sip:alice@a.example SIP/2.0",
            "a",
            20,
            BOB,
            ALICE,
            method="REFER",
            to_tag="t",
            headers=["Refer-To: <sip:carol@c.example>", *headers],
        )
        return call("a", ALICE, BOB, refer)

    def test_the_call_that_a_refer_asked_for(self) -> None:
        made = call("b", ALICE, CAROL, at=20.1, parties=("alice", "carol"))
        assert ties(self.referred(), made) == {("a", "b", "transfer")}

    def test_the_call_that_names_who_referred_it(self) -> None:
        by = "Referred-By: <sip:bob@b.example>"
        made = call(
            "b", INSIDE, CAROL, at=20.1, parties=("5551", "carol"), headers=[by]
        )
        assert ties(self.referred(headers=[by]), made) == {("a", "b", "transfer")}

    @pytest.mark.parametrize(
        "stranger",
        [
            call("b", ALICE, CAROL, at=40, parties=("alice", "carol")),
            call("b", ALICE, CAROL, at=19, parties=("alice", "carol")),
            call("b", ALICE, CAROL, at=20.1, parties=("alice", "dave")),
            call("b", INSIDE, CAROL, at=20.1, parties=("alice", "carol")),
            call("b", ALICE, CAROL, at=20.1, parties=("erin", "carol")),
        ],
        ids=["too late", "before", "to another", "from elsewhere", "of another"],
    )
    def test_a_call_that_no_refer_asked_for(self, stranger: Evidence) -> None:
        assert ties(self.referred(), stranger) == set()


class TestSessions:
    def with_session(
        self, call_id: str, src: Endpoint, dst: Endpoint, *ids: str, at: float = 0
    ) -> Evidence:
        return call(
            call_id,
            src,
            dst,
            at=at,
            parties=(f"from {call_id}", f"to {call_id}"),
            headers=[f"Session-ID: {value}" for value in ids],
        )

    def test_both_halves_in_any_order(self) -> None:
        first = self.with_session("a", ALICE, INSIDE, f"{UUID_A};remote={UUID_B}")
        second = self.with_session("b", B2BUA, BOB, f"{UUID_B};remote={UUID_A}")
        assert ties(first, second) == {("a", "b", "session")}

    def test_one_half_is_not_enough(self) -> None:
        first = self.with_session("a", ALICE, B2BUA, f"{UUID_A};remote={UUID_B}")
        second = self.with_session("b", B2BUA, BOB, f"{UUID_A};remote={UUID_C}")
        assert ties(first, second) == set()

    def test_a_call_that_nobody_answered_has_but_one_half(self) -> None:
        first = self.with_session("a", ALICE, B2BUA, f"{UUID_A};remote={NIL}")
        second = self.with_session("b", B2BUA, BOB, f"{UUID_A};remote={NIL}")
        assert ties(first, second) == {("a", "b", "session")}

    def test_one_half_of_calls_that_do_not_follow_from_each_other(self) -> None:
        first = self.with_session("a", ALICE, B2BUA, UUID_A)
        second = self.with_session("b", CAROL, B2BUA, UUID_A, at=1)
        assert ties(first, second) == set()

    def test_devices_with_a_uuid_for_life_call_each_other_again(self) -> None:
        pair = f"{UUID_A};remote={UUID_B}"
        first = self.with_session("a", ALICE, BOB, pair)
        again = self.with_session("b", BOB, ALICE, pair, at=120)
        assert ties(first, again) == set()

    @pytest.mark.parametrize(
        "nonsense", ["", ";", "1", f"{NIL};remote={NIL}", "x" * 32]
    )
    def test_what_is_no_uuid_ties_nothing(self, nonsense: str) -> None:
        first = self.with_session("a", ALICE, B2BUA, nonsense)
        second = self.with_session("b", B2BUA, BOB, nonsense)
        assert ties(first, second) == set()


class TestMedia:
    def pair(self, **second: object) -> tuple[Evidence, Evidence]:
        how: dict[str, object] = {
            "at": 1,
            "parties": ("5551", "102"),
            "offer": sdp("192.0.2.1:4000", "b2bua 77777777 1"),
        }
        src, dst = second.pop("ends", (B2BUA, BOB))  # type: ignore[misc]
        first = call("a", ALICE, B2BUA, offer=sdp("192.0.2.1:4000"))
        return first, call("b", src, dst, **(how | second))  # type: ignore[arg-type]

    def test_a_b2bua_that_passes_the_media_address_on(self) -> None:
        assert ties(*self.pair()) == {("a", "b", "media")}

    def test_a_b2bua_with_an_address_on_each_side_answers_when_it_is_answered(
        self,
    ) -> None:
        # a: 0 to 3, b: 1 to 2.9
        nested = self.pair(ends=(INSIDE, BOB), answered_at=1.9)
        assert ties(*nested) == {("a", "b", "media")}
        assert ties(*self.pair(ends=(INSIDE, BOB), answered_at=9)) == set()

    def test_a_relay_with_a_port_for_each_call(self) -> None:
        other_port = sdp("192.0.2.1:4002", "b2bua 77777777 1")
        assert ties(*self.pair(offer=other_port)) == set()

    def test_the_port_of_a_call_that_is_over(self) -> None:
        assert ties(*self.pair(at=61)) == set()

    def test_two_calls_of_one_phone_that_has_but_one_port(self) -> None:
        assert ties(*self.pair(ends=(ALICE, B2BUA))) == set()

    def test_two_phones_behind_nat_with_the_same_private_address(self) -> None:
        assert ties(*self.pair(ends=(CAROL, B2BUA))) == set()

    def test_a_server_with_one_port_for_all_its_media(self) -> None:
        server = sdp("198.51.100.1:10000", "srv 55555555 1")
        incoming = call("a", ALICE, B2BUA, answer=server, parties=("1", "2"))
        outgoing = call("b", B2BUA, CAROL, at=1, offer=server, parties=("3", "4"))
        assert ties(incoming, outgoing) == set()

    def test_an_answer_that_is_passed_back(self) -> None:
        answer = sdp("192.0.2.2:6000")
        first = call("a", ALICE, B2BUA, answer=answer)
        second = call("b", B2BUA, BOB, at=1, answer=answer, parties=("5551", "102"))
        assert ties(first, second) == {("a", "b", "media")}

    def test_what_very_many_calls_have_in_common(self) -> None:
        finder = LegCorrelator()
        offer = sdp("192.0.2.1:4000", "x 1 1")
        finder.add(call("a", ALICE, B2BUA, offer=offer))
        legs: list[Leg] = []
        for number in range(20):
            parties = (f"{number}x", f"{number}y")
            leg = call(str(number), B2BUA, BOB, at=1, offer=offer, parties=parties)
            legs = finder.add(leg)
        assert legs == []


class TestOrigins:
    def pair(self, origin: str, **second: object) -> tuple[Evidence, Evidence]:
        """Two calls whose media a relay keeps apart."""
        body = sdp("192.0.2.1:4000", origin)
        first = call("a", ALICE, B2BUA, offer=body)
        relayed = body.replace("c=IN IP4 192.0.2.1", "c=IN IP4 203.0.113.9")
        how: dict[str, object] = {"at": 1, "parties": ("5551", "102"), "offer": relayed}
        src, dst = second.pop("ends", (B2BUA, BOB))  # type: ignore[misc]
        return first, call("b", src, dst, **(how | second))  # type: ignore[arg-type]

    def test_a_relay_that_leaves_the_origin_alone(self) -> None:
        assert ties(*self.pair("- 3904587458 1")) == {("a", "b", "origin")}

    def test_an_origin_that_says_nothing(self) -> None:
        assert ties(*self.pair("- 0 1")) == set()
        assert ties(*self.pair("1001 8000 8000")) == set()

    def test_the_origin_of_a_phone_that_always_sends_the_same(self) -> None:
        pair = self.pair("IpPhone 2890844526 8000", ends=(CAROL, B2BUA))
        assert ties(*pair) == set()


class TestParties:
    def test_the_same_two_within_seconds(self) -> None:
        first = call("a", ALICE, B2BUA)
        assert ties(first, call("b", B2BUA, BOB, at=1)) == {("a", "b", "parties")}

    @pytest.mark.parametrize(
        "stranger",
        [
            call("b", B2BUA, BOB, at=8),
            call("b", ALICE, B2BUA, at=1),
            call("b", CAROL, B2BUA, at=1),
            call("b", B2BUA, BOB, at=1, parties=("bob", "alice")),
            call("b", B2BUA, BOB, at=1, parties=("alice", "carol")),
        ],
        ids=["later", "same source", "other source", "back", "to another"],
    )
    def test_near_misses(self, stranger: Evidence) -> None:
        assert ties(call("a", ALICE, B2BUA), stranger) == set()

    def test_callers_without_a_name_are_not_the_same(self) -> None:
        hidden = ("anonymous", "hotline")
        first = call("a", ALICE, B2BUA, parties=hidden)
        second = call("b", B2BUA, BOB, at=1, parties=hidden)
        assert ties(first, second) == set()

    def test_programs_of_one_host_are_told_apart_by_their_ports(self) -> None:
        phone, proxy, server = (Endpoint("127.0.0.1", p) for p in (5061, 5060, 5080))
        first = call("a", phone, proxy)
        stranger = call("b", Endpoint("127.0.0.1", 5062), proxy, at=1)
        assert ties(first, stranger) == set()
        assert ties(first, call("b", proxy, server, at=1)) == {("a", "b", "parties")}

    def test_who_calls_again_and_again_makes_no_legs(self) -> None:
        calls = [call(str(n), ALICE, B2BUA, at=n * 2.0) for n in range(12)]
        assert ties(*calls) == set()

    def test_the_latest_of_many_calls_finds_its_own_leg(self) -> None:
        finder = LegCorrelator()
        for number in range(200):
            finder.add(call(f"a{number}", ALICE, B2BUA, at=number * 100.0))
            legs = finder.add(call(f"b{number}", B2BUA, BOB, at=number * 100.0 + 1))
            assert [leg.other for leg in legs] == [f"a{number}"]


class TestFinder:
    def test_the_surest_tie_is_the_one_that_is_told(self) -> None:
        first = call("a", ALICE, B2BUA, offer=sdp())
        second = call("b", B2BUA, BOB, at=1, offer=sdp(), headers=["X-Call-ID: a"])
        assert ties(first, second) == {("a", "b", "header")}

    def test_a_tie_is_told_once_however_many_parts_come(self) -> None:
        finder = LegCorrelator()
        finder.add(call("a", ALICE, B2BUA))
        assert len(finder.add(call("b", B2BUA, BOB, at=1))) == 1
        assert finder.add(call("b", B2BUA, BOB, at=1)) == []
        assert finder.add(call("a", ALICE, B2BUA)) == []

    def test_a_later_part_may_bring_the_tie(self) -> None:
        finder = LegCorrelator()
        whole = self.with_refer()
        finder.add(call("b", BOB, CAROL, at=10, parties=("bob", "carol")))
        assert finder.add(Evidence("acme", "a", sip=whole.sip[:2])) == []
        (leg,) = finder.add(Evidence("acme", "a", sip=whole.sip[2:]))
        assert (leg.other, leg.why) == ("b", "transfer")

    def with_refer(self) -> Evidence:
        refer_to = "Refer-To: <sip:carol@c.example?Replaces=b%3Bto-tag%3Dx>"
        refer = message(
            "REFER sip:alice@a.example SIP/2.0",
            "a",
            20,
            BOB,
            ALICE,
            method="REFER",
            to_tag="t",
            headers=[refer_to],
        )
        return call("a", ALICE, BOB, refer)

    def test_the_time_is_when_the_later_leg_began(self) -> None:
        finder = LegCorrelator()
        finder.add(call("b", B2BUA, BOB, at=1))
        (leg,) = finder.add(call("a", ALICE, B2BUA))
        assert leg.ts == BEGIN + SECOND

    def test_a_forked_call_is_one_call(self) -> None:
        forks = [
            message("INVITE sip:bob@b SIP/2.0", "a", 1, B2BUA, BOB),
            message("INVITE sip:bob@b SIP/2.0", "a", 1, B2BUA, CAROL),
        ]
        assert ties(call("a", ALICE, B2BUA, *forks)) == set()

    def test_no_more_calls_are_remembered_than_agreed(self) -> None:
        finder = LegCorrelator(max_calls=2)
        for call_id in ("a", "w", "x", "y"):
            headers = [f"X-CID: of-{call_id}"]
            parties = (call_id, "2")
            finder.add(call(call_id, ALICE, B2BUA, headers=headers, parties=parties))
        assert finder.add(call("b", B2BUA, BOB, at=1, parties=("a", "2"))) == []
        assert finder.add(call("c", B2BUA, BOB, at=1, parties=("y", "2"))) != []
        # Nor what they name.
        assert "of-a" not in finder._found

    def test_one_call_gets_only_so_many_legs(self) -> None:
        finder = LegCorrelator()
        finder.add(call("a", ALICE, B2BUA))
        found = 0
        for number in range(MAX_LEGS + 10):
            parties = (f"{number}x", "y")
            named = call(str(number), B2BUA, BOB, headers=["X-CID: a"], parties=parties)
            found += len(finder.add(named))
        assert found == MAX_LEGS

    @given(st.lists(st.binary(max_size=300), max_size=4))
    def test_whatever_the_bytes_are(self, payloads: list[bytes]) -> None:
        finder = LegCorrelator()
        finder.add(call("a", ALICE, B2BUA, offer=sdp()))
        starts = (b"", b"INVITE sip:x SIP/2.0\r\n", b"REFER sip:x SIP/2.0\r\nRefer-To:")
        packets = [
            SipPacket(BEGIN, ALICE, BOB, "udp", starts[n % 3] + payload)
            for n, payload in enumerate(payloads)
        ]
        finder.add(Evidence("acme", "b", sip=packets))


class TestRecordings:
    @pytest.mark.parametrize(
        ("name", "why"),
        [
            ("b2bua_xcid", "header"),
            ("b2bua_plain", "media"),
            ("transfer", "transfer"),
        ],
    )
    def test_calls_of_two_legs(self, name: str, why: str, own_corpus: Path) -> None:
        (leg,) = of_capture(own_corpus / f"{name}.pcap", LegCorrelator())
        assert leg.why == why

    @pytest.mark.parametrize(
        "name", ["many_150", "many_20", "proxy_sipp", "proxy_baresip", "auth_fail"]
    )
    def test_calls_that_only_resemble_each_other(
        self, name: str, agent_corpus: Path
    ) -> None:
        assert of_capture(agent_corpus / f"{name}.pcap", LegCorrelator()) == []

    def test_calls_of_different_recordings(self, agent_corpus: Path) -> None:
        finder = LegCorrelator()
        for path in sorted(agent_corpus.glob("*.pcap")):
            assert of_capture(path, finder) == [], path

    def test_an_attended_transfer_through_a_border_controller(
        self, public_corpus: Path
    ) -> None:
        # As tshark shows it: REFER in "ddd" with Replaces of "bf3", whose own second
        # leg, made by the exchange 19 ms after it, is "cdf". On its other side the
        # border controller names "207", which was not captured.
        path = public_corpus / "heplify_erspan_sip_ipv4_udp.pcapng"
        legs = {
            (*sorted((leg.call_id[:3], leg.other[:3])), leg.why)
            for leg in of_capture(path, LegCorrelator())
        }
        assert legs == {
            ("bf3", "ddd", "transfer"),
            ("bf3", "cdf", "media"),
            ("207", "ddd", "transfer"),
        }

    def test_other_captures_of_single_calls(self, public_corpus: Path) -> None:
        finder = LegCorrelator()
        for path in sorted(public_corpus.glob("*.pcap")):
            legs = of_capture(path, finder)
            # Some name in X-CID a call that was captured elsewhere.
            assert all(leg.why == "header" for leg in legs), path
            assert all(finder.features(leg.other) is None for leg in legs), path

"""Which call an item goes to, and when parts of a call are given out."""

from __future__ import annotations

import json
import struct
import time
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_sipvault.collector import call_tracker as module
from flask_sipvault.collector.call_tracker import ActiveCall
from flask_sipvault.collector.call_tracker import CallTracker
from flask_sipvault.collector.call_tracker import Part
from flask_sipvault.collector.call_tracker import Waiting
from flask_sipvault.collector.items import Item
from flask_sipvault.protocols.address import Endpoint
from flask_sipvault.protocols.agent import MediaWatch

from .conftest import bye
from .conftest import bye_ok
from .conftest import invite
from .conftest import log
from .conftest import ok
from .conftest import other
from .conftest import refusal
from .conftest import SECOND
from .conftest import sip_item
from .conftest import TS

SDP = """v=0\r
o=- 1 1 IN IP4 {ip}\r
s=-\r
c=IN IP4 {ip}\r
t=0 0\r
m=audio {port} RTP/AVP 18 0 101\r
a=rtpmap:101 telephone-event/8000\r
a=ssrc:{ssrc} cname:x\r
"""


def sdp(ip: str = "192.0.2.50", port: int = 16000, ssrc: int = 7) -> str:
    return SDP.format(ip=ip, port=port, ssrc=ssrc)


def rtcp(ssrc: int, **changes: Any) -> Item:
    """A receiver report over HEP, from a sender that does not say what call it is."""
    report = struct.pack("!BBHI", 0x80, 201, 1, ssrc)
    media = Endpoint("192.0.2.50", 16001)
    changes = {"call_id": "", "of_call": False, "src": media, **changes}
    return other("rtcp", report, **changes)


class Clock:
    """Sessions with the default settings, fed by a test."""

    def __init__(self, **options: Any) -> None:
        defaults = {"linger": 30, "call_timeout": 14400, "partial_seconds": 300}
        self.sessions = CallTracker(**{**defaults, **options})
        self.now = 0.0
        self.row = 0

    def add(self, item: Item, *, at_last: bool = False) -> ActiveCall | Waiting | None:
        self.row += 1
        return self.sessions.add(item, self.row, self.now, at_last=at_last)

    def place(self, item: Item, *, at_last: bool = False) -> str | None:
        """The Call-ID it goes to; None if there is none, "?" if that is to be seen."""
        found = self.add(item, at_last=at_last)
        if isinstance(found, Waiting):
            return "?"
        return found.call_id if found else None

    def feed(self, *items: Item) -> None:
        for item in items:
            self.add(item)

    def due(self, at: float, **how: Any) -> list[tuple[str, int, int]]:
        """The parts then: their states and their rows."""
        self.now = at
        parts = list(self.sessions.due(at, **how))
        return [(part.state, part.after + 1, part.last) for part in parts]

    def parts(self, at: float) -> list[Part]:
        self.now = at
        return list(self.sessions.due(at))


class TestPlace:
    def test_a_message_of_a_call_begins_one(self) -> None:
        for method in ("INVITE", "ACK", "BYE", "CANCEL", "PRACK", "UPDATE", "INFO"):
            clock = Clock()
            item = sip_item(f"{method} sip:b SIP/2.0", f"1 {method}")
            assert clock.place(item) == "a@b"

    @pytest.mark.parametrize(
        "method",
        ["OPTIONS", "REGISTER", "MESSAGE", "SUBSCRIBE", "NOTIFY", "PUBLISH", "REFER"],
    )
    def test_other_messages_are_left_out_and_counted(self, method: str) -> None:
        clock = Clock()

        assert clock.place(sip_item(f"{method} sip:b SIP/2.0", f"1 {method}")) is None
        assert clock.place(sip_item("SIP/2.0 200 OK", f"1 {method}")) is None
        assert clock.sessions.left_out == {"sip": 2}

    def test_within_a_call_they_belong_to_it(self) -> None:
        clock = Clock()
        clock.feed(invite(), ok())

        assert clock.place(sip_item("OPTIONS sip:b SIP/2.0", "2 OPTIONS")) == "a@b"
        assert clock.place(sip_item("NOTIFY sip:b SIP/2.0", "3 NOTIFY")) == "a@b"

    def test_a_message_without_a_call_id_is_of_no_call(self) -> None:
        assert Clock().place(invite(call_id="")) is None

    def test_what_is_no_message_goes_to_the_call_that_the_agent_names(self) -> None:
        clock = Clock()
        broken = replace(invite(), payload=b"\x00\x01", cseq_method="")

        assert clock.place(broken) is None
        clock.feed(invite())
        assert clock.place(broken) == "a@b"

    def test_a_line_goes_to_the_call_that_stands_in_it_whole(self) -> None:
        clock = Clock()
        clock.feed(invite(call_id="1-123@h"), invite(call_id="11-123@h"))

        assert clock.place(log("call 11-123@h up", call_id="1-123@h")) == "11-123@h"
        assert clock.place(log("call 1-123@h up", call_id="11-123@h")) == "1-123@h"

    def test_the_longest_line_does_not_take_long(self) -> None:
        clock = Clock()
        for n in range(500):
            clock.feed(invite(call_id="1" * (n + 1)))
        began = time.perf_counter()
        placed = clock.place(log("11 1-" * 200_000, call_id="11"))

        assert placed == "11"
        assert time.perf_counter() - began < 1

    def test_a_line_waits_for_the_call_that_stands_in_it(self) -> None:
        clock = Clock()
        clock.feed(invite(call_id="1-123@h"))
        line = log("call 11-123@h up", call_id="1-123@h")

        assert clock.place(line) == "?"
        clock.feed(invite(call_id="11-123@h"))
        assert clock.sessions.settle(4) == []
        (waited,) = clock.sessions.settle(5)
        assert waited.item == line
        assert clock.place(waited.item, at_last=True) == "11-123@h"

    def test_a_line_in_which_no_call_stands_goes_to_the_one_named(self) -> None:
        clock = Clock()
        clock.feed(invite(call_id="1"))
        line = log("version 3.1", call_id="1")

        assert clock.place(line) == "?"
        assert clock.place(line, at_last=True) == "1"

    def test_a_line_of_a_call_may_come_before_its_messages(self) -> None:
        clock = Clock()

        assert clock.place(log("new call a@b")) == "a@b"
        assert clock.place(invite()) == "a@b"

    def test_a_line_over_hep_waits_for_its_call_and_may_be_a_registrations(
        self,
    ) -> None:
        clock = Clock()
        line = log("REGISTER a@b", of_call=False)

        assert clock.place(line) == "?"
        clock.feed(sip_item("REGISTER sip:b SIP/2.0", "1 REGISTER"))
        assert clock.place(line, at_last=True) is None
        assert clock.sessions.left_out == {"log": 1, "sip": 1}
        clock.feed(invite())
        assert clock.place(line) == "a@b"

    @pytest.mark.parametrize("kind", ["rtcp", "log", "quality"])
    def test_what_names_a_call_id_whose_sip_never_comes_goes_under_it(
        self, kind: str
    ) -> None:
        clock = Clock()
        item = other(kind, b"of a@b", of_call=False)

        assert clock.place(item) == "?"
        assert clock.place(item, at_last=True) == "a@b"
        # The next need not wait.
        assert clock.place(item) == "a@b"
        assert clock.sessions.left_out == {}

    @pytest.mark.parametrize("name", ["", " ", "a b@c", "a@b\n", "\x00"])
    def test_what_names_no_call_id_is_left_out(self, name: str) -> None:
        item = other("quality", b"{}", call_id=name, of_call=False)

        assert Clock().place(item, at_last=True) is None

    def test_a_name_whose_sip_never_came_draws_nothing_else_to_itself(self) -> None:
        clock = Clock()
        item = rtcp(7, call_id="SIP/trunk-1")
        clock.add(item, at_last=True)

        assert clock.place(log("SIP/trunk-1", call_id="x", of_call=False)) == "?"
        register = sip_item(
            "REGISTER sip:b SIP/2.0", "1 REGISTER", call_id="SIP/trunk-1"
        )
        assert clock.place(register) is None
        clock.feed(invite(sdp=sdp()))
        assert clock.place(item) == "a@b"

    def test_only_so_many_call_ids_have_no_sip(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(module, "MAX_WITHOUT_SIP", 2)
        clock = Clock()
        names = [other("quality", b"", call_id=name) for name in "abc"]

        assert [clock.place(item) for item in names] == ["a", "b", None]
        assert clock.sessions.left_out == {"quality": 1}
        assert clock.sessions.over_limit == {"calls": 1}
        # A call is one all the same, and makes room when its SIP comes.
        clock.feed(invite(call_id="a"), invite(call_id="d"))
        assert clock.place(names[2]) == "c"
        # So does one that is forgotten.
        clock.due(300)
        clock.due(600)
        assert clock.place(other("quality", b"", call_id="e")) == "e"

    @pytest.mark.parametrize(
        ("limit", "most"),
        [("items", "MAX_ITEMS_WITHOUT_SIP"), ("bytes", "MAX_BYTES_WITHOUT_SIP")],
    )
    def test_of_one_call_id_without_sip_only_so_much_is_kept(
        self, limit: str, most: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(module, most, 3)
        clock = Clock()
        item = other("rtcp", b"x")

        assert [clock.place(item) for _ in range(4)] == ["a@b"] * 3 + [None]
        # A part that is written makes no room.
        clock.due(100)
        assert clock.place(item) is None
        assert clock.sessions.over_limit == {limit: 2}
        clock.feed(invite())
        assert clock.place(item) == "a@b"

    def test_customers_never_meet(self) -> None:
        clock = Clock()
        clock.feed(invite(customer_id="globex", sdp=sdp()))

        assert clock.place(log("a@b", of_call=False)) == "?"
        assert clock.place(rtcp(7)) == "?"
        mine, theirs = clock.add(invite()), clock.add(invite(customer_id="globex"))
        assert isinstance(mine, ActiveCall)
        assert isinstance(theirs, ActiveCall)
        assert mine.id != theirs.id

    def test_rtcp_of_the_agent_goes_to_the_call_it_names(self) -> None:
        item = other("rtcp", b"\x80\xc9\0\1\0\0\0\1", call_id="x@y")

        assert Clock().place(item) == "x@y"

    def test_rtcp_without_a_name_goes_where_the_media_was_announced(self) -> None:
        clock = Clock()
        clock.feed(invite(sdp=sdp()), invite(call_id="c@d", sdp=sdp(port=18000)))

        for at in (
            {"src": Endpoint("192.0.2.50", 16001)},
            {"src": None, "dst": Endpoint("192.0.2.50", 16000)},
            {"src": Endpoint("192.0.2.66", 9), "dst": Endpoint("192.0.2.50", 16001)},
        ):
            assert clock.place(rtcp(99, **at)) == "a@b"
        assert clock.place(rtcp(99, src=Endpoint("192.0.2.50", 18001))) == "c@d"
        assert clock.place(rtcp(99, src=Endpoint("192.0.2.50", 20000))) == "?"

    def test_a_channels_name_is_no_call(self) -> None:
        clock = Clock()
        clock.feed(invite(sdp=sdp()))

        assert clock.place(rtcp(99, call_id="PJSIP/ast2-00000000")) == "a@b"

    def test_rtcp_from_elsewhere_goes_by_its_ssrc(self) -> None:
        clock = Clock()
        clock.feed(invite(sdp=sdp(ssrc=4242)))
        nat = Endpoint("203.0.113.1", 1024)
        as_json = b'{"ssrc":4242,"type":201,"report_blocks":[]}'

        assert clock.place(rtcp(4242, src=nat)) == "a@b"
        assert clock.place(replace(rtcp(0, src=nat), payload=as_json)) == "a@b"
        assert clock.place(rtcp(4243, src=nat)) == "?"
        assert clock.place(replace(rtcp(0, src=nat), payload=b"\x80nonsense")) == "?"
        assert clock.place(rtcp(4243, src=nat), at_last=True) is None
        assert clock.sessions.left_out == {"rtcp": 1}

    def test_a_port_used_again_is_the_next_calls(self) -> None:
        clock = Clock()
        clock.feed(invite(sdp=sdp()), bye(), bye_ok())
        clock.feed(invite(20, call_id="c@d", sdp=sdp()))

        assert clock.place(rtcp(9, ts=TS + 5 * SECOND)) == "a@b"
        assert clock.place(rtcp(9, ts=TS + 21 * SECOND)) == "c@d"

    def test_where_the_clocks_of_two_hosts_differ_the_only_call_is_taken(self) -> None:
        clock = Clock()
        clock.feed(invite(sdp=sdp()))

        assert clock.place(rtcp(9, ts=TS - 3600 * SECOND)) == "a@b"

    def test_a_port_of_a_call_long_over_is_nobodys(self) -> None:
        clock = Clock()
        clock.feed(invite(sdp=sdp(ssrc=1)), bye(), bye_ok())

        assert clock.place(rtcp(9, ts=TS + 40 * SECOND)) == "a@b"
        assert clock.place(rtcp(9, ts=TS + 42 * SECOND)) == "?"

    def test_what_is_announced_after_the_first_rtcp_is_found_too(self) -> None:
        clock = Clock()
        clock.feed(rtcp(9), invite(sdp=sdp()))
        for n in range(20):
            clock.feed(ok(sdp=sdp(port=20000 + 2 * n)))

        assert clock.place(rtcp(9)) == "a@b"
        assert clock.place(rtcp(9, src=Endpoint("192.0.2.50", 20039))) == "a@b"

    def test_of_many_announcements_none_is_lost(self) -> None:
        clock = Clock()
        for n in range(20):
            clock.feed(ok(sdp=sdp(port=20000 + 2 * n)))

        for n in range(20):
            src = Endpoint("192.0.2.50", 20001 + 2 * n)
            assert clock.place(rtcp(9, src=src)) == "a@b"

    def test_waiting_takes_no_more_memory_than_it_may(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(module, "MAX_WAITING", 1000)
        clock = Clock()
        for _ in range(3):
            clock.feed(log("x" * 400, of_call=False))

        assert len(clock.sessions.settle(0)) == 1
        assert len(clock.sessions.settle(5)) == 2


class TestParts:
    def test_a_call_lingers_after_its_end_and_is_complete(self) -> None:
        clock = Clock()
        clock.feed(invite(), ok())
        clock.now = 10
        clock.feed(bye(), bye_ok())
        clock.now = 20
        clock.feed(log("a@b ended"))

        assert clock.due(39.9) == []
        assert clock.due(40) == [("COMPLETE", 1, 5)]
        assert clock.due(10000) == []

    @pytest.mark.parametrize(
        ("end", "seconds"),
        [
            ([bye_ok()], 30),
            ([bye()], 62),
            ([refusal(486)], 30),
            ([refusal(407)], 30),
            ([sip_item("CANCEL sip:b SIP/2.0", "1 CANCEL", ts=2)], 62),
        ],
    )
    def test_an_end_without_an_answer_lingers_as_long_as_that_may_take(
        self, end: list[Item], seconds: int
    ) -> None:
        clock = Clock()
        clock.feed(invite(), *end)

        assert clock.due(seconds - 0.1) == []
        assert [state for state, _, _ in clock.due(seconds)] == ["COMPLETE"]

    def test_the_answer_begins_the_linger(self) -> None:
        clock = Clock()
        clock.feed(invite(), ok(), bye())
        clock.now = 20
        clock.feed(bye_ok())

        assert clock.due(49.9) == []
        assert clock.due(50) == [("COMPLETE", 1, 4)]

    def test_retransmissions_do_not_put_off_the_end_for_ever(self) -> None:
        clock = Clock()
        clock.feed(invite(), ok(), bye(), bye_ok())
        for second in range(1, 30):
            clock.now = second
            clock.feed(bye(9 + second), bye_ok(9.1 + second))

        assert clock.due(30) == [("COMPLETE", 1, 62)]

    def test_a_long_call_is_given_out_in_parts_of_what_is_new(self) -> None:
        clock = Clock()
        clock.feed(invite(), ok())

        assert clock.due(299) == []
        assert clock.due(300) == [("PARTIAL", 1, 2)]
        clock.now = 1000
        clock.feed(log("a@b held"))
        assert clock.due(1299) == []
        assert clock.due(1300) == [("PARTIAL", 3, 3)]
        assert clock.due(5000) == []
        clock.feed(bye(), bye_ok())
        assert clock.due(5030) == [("COMPLETE", 4, 5)]

    def test_a_part_of_a_call_that_is_up_keeps_what_it_is_known_by(self) -> None:
        clock = Clock()
        clock.feed(log("a@b first"), invite(), ok(), log("a@b"), ok(2))

        (part,) = clock.parts(300)
        assert part.anchors == (1, 5)
        assert not part.final

    def test_it_keeps_the_last_row_of_each_description(self) -> None:
        clock = Clock()
        clock.feed(invite(sdp=sdp()), invite(0.1, sdp=sdp()), ok(sdp=sdp(port=42)))
        clock.feed(*(log("x") for _ in range(3)), invite(5, sdp=sdp()))

        (part,) = clock.parts(300)
        assert part.anchors == (1, 3, 7)

    def test_more_descriptions_than_any_call_has_are_not_kept(self) -> None:
        clock = Clock()
        clock.feed(*(invite(port, sdp=sdp(port=port)) for port in range(1, 101)))
        clock.feed(ok(), invite(101, sdp=sdp() + "x" * 20_000))

        (part,) = clock.parts(300)
        assert part.anchors == (1, *range(85, 102))

    def test_of_two_open_sessions_of_one_call_the_first_is_given_out(self) -> None:
        """It had made room, and the process was killed before that was on disk."""
        clock = Clock()
        clock.sessions.restore(1, "a@b", invite(), 1, 0.0, sealed_row=0)
        clock.sessions.restore(1, "a@b", ok(), 2, 0.0, sealed_row=0)
        clock.sessions.restore(2, "a@b", log("a@b"), 3, 0.0, sealed_row=0)

        first, second = clock.parts(300)
        assert (first.session_id, first.last, first.final) == (1, 2, True)
        assert (second.session_id, second.after, second.last) == (2, 0, 3)

    def test_in_a_hurry_what_is_not_on_disk_yet_waits(self) -> None:
        clock = Clock()
        clock.feed(invite(), ok(), log("a@b 1"), bye(), bye_ok())

        assert clock.due(1, hurry_to=2) == [("PARTIAL", 1, 2)]
        assert clock.due(1, hurry_to=2) == []
        assert clock.due(1, hurry_to=3) == [("PARTIAL", 3, 3)]
        assert clock.due(1, hurry_to=5) == [("COMPLETE", 4, 5)]

    def test_calls_that_are_up_give_way_the_oldest_first_and_go_on(self) -> None:
        clock = Clock()
        for n in range(9):
            clock.feed(
                invite(call_id=f"{n}@h", sdp=sdp(port=100 + 100 * n)),
                ok(call_id=f"{n}@h"),
            )
        clock.due(1, hurry_to=99)

        first, second = clock.sessions.give_way(99)
        assert (first.call_id, second.call_id) == ("0@h", "1@h")
        assert (first.state, first.final) == ("PARTIAL", True)
        assert clock.sessions.up == 7
        assert clock.place(rtcp(9, src=Endpoint("192.0.2.50", 101))) == "0@h"
        clock.feed(bye(call_id="0@h"), bye_ok(call_id="0@h"))
        assert clock.due(31) == [("COMPLETE", 3, 21)]

    def test_no_call_gives_way_before_all_of_it_is_on_disk(self) -> None:
        clock = Clock()
        clock.feed(invite(), ok())

        assert clock.sessions.give_way(1) == []

    def test_a_silent_call_expires(self) -> None:
        clock = Clock()
        clock.feed(invite(), ok())

        assert clock.due(300) == [("PARTIAL", 1, 2)]
        assert clock.due(14399) == []
        (part,) = clock.parts(14400)
        assert (part.state, part.after, part.last) == ("EXPIRED", 2, 2)
        assert part.final

    def test_what_comes_in_time_puts_off_the_expiry(self) -> None:
        clock = Clock(call_timeout=100, partial_seconds=1000)
        clock.feed(invite(), ok())
        clock.now = 99
        clock.feed(log("a@b"))

        assert clock.due(100) == []
        assert clock.due(198) == []
        assert clock.due(199) == [("EXPIRED", 1, 3)]

    def test_an_invite_that_nobody_answers_expires_when_its_sender_gives_up(
        self,
    ) -> None:
        clock = Clock()
        clock.feed(invite(), invite(0.5))

        assert clock.due(61) == []
        assert clock.due(62) == [("EXPIRED", 1, 2)]

    def test_lines_alone_are_given_out_soon(self) -> None:
        clock = Clock()
        clock.feed(log("a@b"), log("a@b again"))

        assert clock.due(30) == [("PARTIAL", 1, 2)]
        assert clock.due(20000) == []

    def test_of_a_long_call_whose_sip_is_elsewhere_not_every_part_comes_so_soon(
        self,
    ) -> None:
        clock = Clock()
        parts = []
        for second in range(0, 1000, 5):
            clock.now = second
            clock.feed(other("rtcp", b"report"))
            parts += [(second, part.state) for part in clock.parts(second)]

        assert parts == [
            (30, "PARTIAL"),
            (335, "PARTIAL"),
            (640, "PARTIAL"),
            (945, "PARTIAL"),
        ]

    def test_without_sip_a_call_never_expires(self) -> None:
        clock = Clock(linger=5, call_timeout=6, partial_seconds=300)
        clock.feed(log("a@b"))
        assert clock.due(5) == [("PARTIAL", 1, 1)]
        clock.feed(log("a@b"))

        assert clock.due(10_000) == [("PARTIAL", 2, 2)]

    def test_what_comes_after_the_last_part_makes_another(self) -> None:
        clock = Clock()
        clock.feed(invite(), ok(), bye(), bye_ok())
        (first,) = clock.parts(30)
        clock.now = 100
        clock.feed(log("a@b late"))

        assert clock.due(129) == []
        (second,) = clock.parts(130)
        assert (second.state, second.after, second.last) == ("COMPLETE", 4, 5)
        assert second.session_id != first.session_id

    def test_a_call_is_remembered_for_two_minutes_and_then_forgotten(self) -> None:
        clock = Clock()
        clock.feed(invite(), ok(), bye(), bye_ok())
        clock.due(30)
        line = log("a@b late", of_call=False)

        assert clock.due(119) == []
        assert clock.place(line) == "a@b"
        assert clock.due(149) == [("COMPLETE", 5, 5)]
        assert clock.due(239) == []
        assert clock.sessions.up == 0
        clock.now = 240
        assert list(clock.sessions.due(240)) == []
        assert clock.place(line) == "?"

    def test_a_call_id_used_again_within_the_linger_goes_on(self) -> None:
        clock = Clock()
        clock.feed(invite(), ok(), bye(), bye_ok())
        clock.now = 10
        clock.feed(invite(20), ok(21))

        assert clock.due(100) == []
        clock.feed(bye(90), bye_ok(90.1))
        assert clock.due(130) == [("COMPLETE", 1, 8)]

    def test_a_call_id_used_again_after_the_last_part_is_a_call_again(self) -> None:
        clock = Clock()
        clock.feed(invite(), ok(), bye(), bye_ok())
        clock.due(30)
        clock.now = 60
        clock.feed(invite(60), ok(61))

        assert clock.due(100) == []
        assert clock.sessions.up == 1
        assert clock.due(360) == [("PARTIAL", 5, 6)]
        clock.feed(bye(360), bye_ok(360.1))
        assert clock.due(390) == [("COMPLETE", 7, 8)]

    def test_a_great_deal_of_one_call_is_given_out_at_once(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(module, "MAX_PART", 1000)
        clock = Clock()
        clock.feed(invite(), ok())
        clock.feed(*(log("a@b " + "x" * 400) for _ in range(3)))

        assert clock.due(1) == [("PARTIAL", 1, 5)]
        clock.feed(bye(), bye_ok(), *(log("a@b " + "x" * 400) for _ in range(3)))
        assert clock.due(2) == [("COMPLETE", 6, 10)]

    def test_in_a_hurry_everything_new_is_given_out(self) -> None:
        clock = Clock()
        clock.feed(invite(), ok(), invite(call_id="c@d"), bye(call_id="c@d"))
        clock.feed(log("e@f", call_id="e@f"))

        assert sorted(clock.due(1, hurry_to=99)) == [
            ("COMPLETE", 1, 4),
            ("PARTIAL", 1, 2),
            ("PARTIAL", 1, 5),
        ]
        assert clock.due(2, hurry_to=99) == []
        clock.feed(bye(), bye_ok())
        assert clock.due(32) == [("COMPLETE", 3, 7)]

    def test_of_too_many_calls_the_oldest_makes_room(self) -> None:
        clock = Clock(max_calls=2)
        for name in ("one", "two", "three"):
            clock.feed(invite(call_id=name), ok(call_id=name))

        (part,) = clock.parts(0)
        assert (part.call_id, part.state, part.last) == ("one", "PARTIAL", 2)
        assert part.final
        assert clock.place(log("call one", of_call=False)) == "?"

    def test_those_that_are_only_remembered_make_room_first(self) -> None:
        clock = Clock(max_calls=2)
        clock.feed(invite(call_id="up"), ok(call_id="up"))
        clock.feed(invite(call_id="over"), refusal(486, call_id="over"))
        clock.due(30)
        clock.feed(invite(call_id="next"))

        assert clock.due(30) == []
        assert clock.place(log("call up", of_call=False)) == "up"

    @given(
        st.lists(
            st.tuples(
                st.sampled_from(
                    [
                        *(invite(), invite(0.5), ok(), bye(), bye_ok(), invite(20)),
                        *(refusal(486), refusal(407), log("a@b"), log("z")),
                        invite(call_id="c@d"),
                        bye_ok(call_id="c@d"),
                    ]
                ),
                st.sampled_from([0, 0.1, 1, 5, 31, 90, 130, 301, 15000]),
            ),
            max_size=40,
        )
    )
    def test_whatever_happens_each_row_is_given_out_once(
        self, events: list[tuple[Item, float]]
    ) -> None:
        clock = Clock(max_calls=2)
        rows: dict[int, list[int]] = {}
        given: dict[int, list[int]] = {}

        def note(parts: list[Part]) -> None:
            for part in parts:
                mine = [n for n in rows[part.session_id] if part.after < n <= part.last]
                given.setdefault(part.session_id, []).extend(mine)

        def keep(item: Item, *, at_last: bool = False) -> None:
            found = clock.add(item, at_last=at_last)
            if isinstance(found, ActiveCall):
                rows.setdefault(found.id, []).append(clock.row)

        for item, seconds in events:
            keep(item)
            clock.now += seconds
            for waiting in clock.sessions.settle(clock.now):
                keep(waiting.item, at_last=True)
            note(clock.parts(clock.now))
        for seconds in (5, 100, 300, 20000):
            clock.now += seconds
            for waiting in clock.sessions.settle(clock.now):
                keep(waiting.item, at_last=True)
            note(clock.parts(clock.now))

        assert given == rows


class TestWatch:
    def watches(self, item: Item, agents: set[str]) -> list[Any]:
        clock = Clock(
            has_agent=lambda customer, ip: customer == "acme" and ip in agents
        )
        clock.feed(item, item)
        return clock.sessions.watches

    def test_the_agent_where_the_media_goes_is_asked_to_watch_it(self) -> None:
        (watch,) = self.watches(invite(sdp=sdp()), {"192.0.2.50", "192.0.2.9"})

        assert watch.customer_id == "acme"
        assert watch.agent_ip == "192.0.2.50"
        assert watch.frame == MediaWatch(
            "a@b", Endpoint("192.0.2.50", 16000), "G729/8000"
        )

    def test_the_agent_that_sent_the_message_is_not(self) -> None:
        item = invite(sdp=sdp(), sender="192.0.2.50")

        assert self.watches(item, {"192.0.2.50"}) == []

    def test_nobody_is_asked_where_no_agent_is(self) -> None:
        assert self.watches(invite(sdp=sdp()), {"192.0.2.51"}) == []
        assert self.watches(invite(sdp=sdp(), customer_id="x"), {"192.0.2.50"}) == []
        assert self.watches(invite(sdp="m=nonsense"), {"192.0.2.50"}) == []
        assert self.watches(invite(sdp=sdp(port=0)), {"192.0.2.50"}) == []


@given(
    st.lists(
        st.builds(
            other,
            st.sampled_from(["sip", "rtcp", "log", "quality"]),
            st.one_of(
                st.binary(max_size=80),
                st.sampled_from(
                    [invite(sdp=sdp()).payload, b"{}", json.dumps(7).encode()]
                ),
            ),
            call_id=st.sampled_from(["", "a", "a@b", "é"]),
            cseq_method=st.sampled_from(["", "INVITE", "BYE", "CANCEL", "INFO", "X"]),
            of_call=st.booleans(),
            src=st.sampled_from([None, Endpoint("192.0.2.50", 16001)]),
            ts=st.integers(0, (1 << 63) - 1),
        )
    )
)
def test_whatever_comes_it_is_placed_or_left_out(items: list[Item]) -> None:
    clock = Clock()
    for item in items:
        if isinstance(clock.add(item), Waiting):
            clock.add(item, at_last=True)
    clock.parts(100)

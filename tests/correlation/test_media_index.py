"""To which call RTP and RTCP belong."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_sipvault.correlation.media_index import MediaIndex
from flask_sipvault.correlation.media_index import Turn
from flask_sipvault.protocols.address import Endpoint

SECOND = 1_000_000_000
NOON = 1_795_442_531 * SECOND

ALICE, BOB = Endpoint("198.51.100.23", 14000), Endpoint("10.8.0.14", 17002)
NATTED = Endpoint("203.0.113.77", 31337)


def at(seconds: float) -> int:
    return NOON + round(seconds * SECOND)


def described(end: Endpoint, *more: str) -> bytes:
    lines = ["v=0", f"c=IN IP4 {end.ip}", f"m=audio {end.port} RTP/AVP 0", *more, ""]
    return "\r\n".join(lines).encode()


def report(ssrc: int) -> bytes:
    return struct.pack("!BBHI", 0x80, 201, 1, ssrc)


class Calls:
    """An index, and when its calls are over."""

    def __init__(self, early_ns: int = 2 * SECOND) -> None:
        self.over: dict[str, float] = {}
        self.index = MediaIndex(self.until, early_ns=early_ns)

    def until(self, call_id: str) -> int:
        return at(self.over.get(call_id, 1e6) + 32)

    def call(self, call_id: str, start: float, *ends: Endpoint) -> None:
        for end in ends:
            self.index.announce(at(start), call_id, described(end))

    def owner(self, seconds: float, src: Endpoint, dst: Endpoint) -> str | None:
        """Of RTP, and the same of RTCP, one port on."""
        ts = at(seconds)
        [turn] = self.index.turns(src, dst, ts, ts)
        beside = (end._replace(port=end.port + 1) for end in (src, dst))
        assert self.index.owner(ts, *beside) == turn.call_id
        return turn.call_id


@pytest.fixture
def calls() -> Calls:
    return Calls()


def test_a_packet_between_its_ends_is_the_call_s(calls: Calls) -> None:
    calls.call("a", 0, ALICE, BOB)
    assert calls.owner(5, ALICE, BOB) == calls.owner(5, BOB, ALICE) == "a"


def test_behind_nat_one_end_is_enough(calls: Calls) -> None:
    calls.call("a", 0, ALICE, BOB)
    assert calls.owner(5, NATTED, BOB) == "a"
    assert calls.owner(5, NATTED, NATTED) is None


def test_another_s_announcement_of_one_end_does_not_take_it(calls: Calls) -> None:
    """The next call's INVITE comes while the last packets of this one arrive."""
    calls.call("a", 0, ALICE, BOB)
    calls.over["a"] = 10
    calls.call("b", 10.116, BOB)
    assert calls.owner(10.3, ALICE, BOB) == "a"
    assert calls.owner(10.6, NATTED, BOB) == "b"


def test_once_it_has_both_ends_it_does(calls: Calls) -> None:
    calls.call("a", 0, ALICE, BOB)
    calls.over["a"] = 10
    calls.call("b", 11, ALICE, BOB)
    assert calls.owner(10, ALICE, BOB) == "a"
    assert calls.owner(12, ALICE, BOB) == "b"


def test_what_is_long_over_has_no_ports(calls: Calls) -> None:
    calls.call("a", 0, ALICE, BOB)
    calls.over["a"] = 10
    calls.call("b", 60, BOB)
    assert calls.owner(41, ALICE, BOB) == "a"
    assert calls.owner(50, ALICE, BOB) is None
    assert calls.owner(61, ALICE, BOB) == "b"


def test_what_comes_just_before_the_announcement_is_the_call_s(calls: Calls) -> None:
    calls.call("a", 10, ALICE)
    assert calls.owner(9, BOB, ALICE) == "a"
    assert calls.owner(7, BOB, ALICE) is None


def test_unless_the_port_was_another_s_then(calls: Calls) -> None:
    calls.call("a", 0, ALICE)
    calls.call("b", 10, ALICE)
    assert calls.owner(9, BOB, ALICE) == "a"


def test_calls_in_progress_own_it_however_clocks_are_set() -> None:
    calls = Calls(early_ns=10**6 * SECOND)
    calls.call("a", 3600, ALICE)
    assert calls.owner(0, BOB, ALICE) == "a"


def test_a_stream_changes_hands_where_calls_do(calls: Calls) -> None:
    calls.call("a", 0, ALICE, BOB)
    calls.over["a"] = 10
    calls.call("b", 20, ALICE, BOB)
    calls.over["b"] = 30
    assert calls.index.turns(ALICE, BOB, at(-10), at(100)) == [
        Turn(at(-10), None),
        Turn(at(-2), "a"),
        Turn(at(19.75), "b"),
        Turn(at(62) + 1, None),
    ]


def test_rtcp_s_own_port_carries_no_rtp_of_the_call(calls: Calls) -> None:
    calls.call("a", 0, ALICE)
    beside = ALICE._replace(port=ALICE.port + 1)
    assert calls.index.owner(at(1), NATTED, beside) == "a"
    assert calls.index.turns(NATTED, beside, at(1), at(1)) == [Turn(at(1), None)]


def test_a_source_that_was_announced_tells_where_addresses_do_not(
    calls: Calls,
) -> None:
    calls.index.announce(at(0), "a", described(ALICE, "a=ssrc:7 cname:x"))
    calls.over["a"] = 10
    assert calls.index.owner_of_ssrc(7) == "a"
    assert calls.index.owner_of_report(at(5), report(7)) == "a"
    assert calls.index.owner_of_report(at(5), report(8)) is None
    assert calls.index.owner_of_report(at(50), report(7)) is None
    assert calls.index.owner_of_report(at(5), b"\x80nonsense") is None


@pytest.mark.parametrize("asked", [True, False])
def test_a_call_that_is_forgotten_owns_nothing(calls: Calls, asked: bool) -> None:
    calls.index.announce(at(0), "a", described(ALICE, "a=ssrc:7 cname:x"))
    if asked:
        assert calls.owner(1, BOB, ALICE) == "a"
    calls.call("b", 5, BOB)
    calls.index.forget("a")
    assert calls.owner(6, NATTED, ALICE) is None
    assert calls.owner(6, NATTED, BOB) == "b"
    assert calls.index.owner_of_ssrc(7) is None


def test_all_descriptions_count_read_or_put_by(calls: Calls) -> None:
    for number in range(20):
        calls.call("a", number, ALICE._replace(port=20_000 + 4 * number))
    for number in range(20):
        assert calls.owner(30, BOB, ALICE._replace(port=20_000 + 4 * number)) == "a"


def test_what_cannot_be_read_announces_nothing(calls: Calls) -> None:
    calls.index.announce(at(0), "a", b"no description")
    assert calls.owner(1, ALICE, BOB) is None


ENDS = [Endpoint("192.0.2.1", 4000 + 2 * n) for n in range(3)]


@given(
    st.lists(
        st.tuples(st.integers(0, 50), st.sampled_from("abc"), st.sampled_from(ENDS)),
        max_size=12,
    ),
    st.dictionaries(st.sampled_from("abc"), st.integers(0, 60)),
    st.integers(-5, 100),
)
def test_turns_say_of_each_moment_what_owner_says(
    announced: list[tuple[int, str, Endpoint]], over: dict[str, int], moment: int
) -> None:
    calls = Calls()
    calls.over = {call_id: float(end) for call_id, end in over.items()}
    for ts, call_id, end in announced:
        calls.call(call_id, ts, end)
    turns = calls.index.turns(ENDS[0], ENDS[1], at(-5), at(100))
    then = [turn.call_id for turn in turns if turn.since <= at(moment)][-1]
    [now] = calls.index.turns(ENDS[0], ENDS[1], at(moment), at(moment))
    assert then == now.call_id

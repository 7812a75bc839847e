"""Which way media goes."""

from __future__ import annotations

from typing import Any

import pytest

from flask_sipvault.analysis.explain import Call
from flask_sipvault.analysis.explain import explain
from flask_sipvault.analysis.media.directions import Directions
from flask_sipvault.importing.importer import import_capture
from flask_sipvault.protocols.address import Endpoint
from flask_sipvault.protocols.capture import read_capture

ALICE, BOB = Endpoint("198.51.100.23", 4000), Endpoint("10.8.0.14", 17002)
NATTED = Endpoint("203.0.113.77", 31337)


def directions_of(call: Call) -> Directions:
    return Directions(call.messages, call.setup)


@pytest.fixture
def answered(story: Any) -> Any:
    story.invite(0, sdp=f"PCMU {ALICE}\na=ssrc:7 cname:a")
    return story.reply(1, "200 OK", sdp=f"PCMU {BOB}")


def test_what_goes_to_the_called_side_is_the_caller_s(answered: Any) -> None:
    directions = directions_of(answered.call())
    assert directions.of(ALICE, BOB) == "uac"
    assert directions.of(BOB, ALICE) == "uas"


def test_one_end_is_enough(answered: Any) -> None:
    directions = directions_of(answered.call())
    assert directions.of(NATTED, BOB) == "uac"
    assert directions.of(NATTED, ALICE) == "uas"
    assert directions.of(BOB, NATTED) == "uas"
    assert directions.of(None, BOB) == "uac"


def test_an_ssrc_tells_where_no_address_does(answered: Any) -> None:
    directions = directions_of(answered.call())
    assert directions.of(None, None, 7) == "uac"
    assert directions.of(NATTED, None, 8) is None


def test_rtcp_is_known_by_its_own_port(answered: Any) -> None:
    directions = directions_of(answered.call())
    up = ALICE._replace(port=4001), BOB._replace(port=17003)
    assert directions.of(*up) == "uac"
    assert directions.of(*reversed(up)) == "uas"


def test_through_a_relay_each_leg_goes_the_same_way(story: Any) -> None:
    inner, outer = Endpoint("203.0.113.9", 30000), Endpoint("203.0.113.9", 30002)
    story.invite(0, "alice > proxy", sdp=f"PCMU {ALICE}")
    story.invite(0.1, "proxy > bob", branch="z9hG4bKb", sdp=f"PCMU {inner}")
    story.reply(1, "200 OK", "bob > proxy", branch="z9hG4bKb", sdp=f"PCMU {BOB}")
    story.reply(1.1, "200 OK", "proxy > alice", sdp=f"PCMU {outer}")
    directions = directions_of(story.call())
    assert directions.of(ALICE, outer) == directions.of(inner, BOB) == "uac"
    assert directions.of(BOB, inner) == directions.of(outer, ALICE) == "uas"


def test_a_new_offer_of_the_called_side_is_still_his(story: Any) -> None:
    story.invite(0, sdp=f"PCMU {ALICE}")
    story.reply(1, "200 OK", sdp=f"PCMU {BOB}")
    moved = BOB._replace(port=18000)
    story.message(
        5,
        "bob > alice",
        "INVITE",
        cseq="7 INVITE",
        branch="z9hG4bK7",
        tags="b a",
        sdp=f"PCMU {moved}",
    )
    answer = {"cseq": "7 INVITE", "branch": "z9hG4bK7", "tags": "b a"}
    story.message(6, "alice > bob", "200 OK", sdp=f"PCMU {NATTED}", **answer)
    directions = directions_of(story.call())
    assert directions.of(None, moved) == "uac"
    assert directions.of(None, NATTED) == "uas"


def test_an_address_that_both_sides_describe_tells_nothing(story: Any) -> None:
    story.invite(0, sdp=f"PCMU {ALICE}")
    story.reply(1, "200 OK", sdp=f"PCMU {ALICE}")
    assert directions_of(story.call()).of(None, ALICE) is None


def test_without_a_description_nothing_is_told(story: Any) -> None:
    assert directions_of(story.invite(0).call()).of(ALICE, BOB, 7) is None


@pytest.mark.parametrize(
    ("recording", "ways"),
    [
        ("answered_rtcp", {"127.0.0.2": "uac", "127.0.0.3": "uas"}),
        ("answered_rtp", {"127.0.0.2": "uac", "127.0.0.3": "uas"}),
        ("oneway_rtcp_rr", {"127.0.0.2": "uac"}),
    ],
)
def test_recorded_streams_go_from_the_address_of_their_sender(
    agent_corpus: Any, recording: str, ways: dict[str, str]
) -> None:
    with (agent_corpus / f"{recording}.pcap").open("rb") as file:
        [evidence] = import_capture(read_capture(file), customer_id="acme", source="x")
    directions = directions_of(explain(evidence))
    found = {}
    for figures in evidence.media:
        assert figures.src is not None
        found[figures.src.ip] = directions.of(figures.src, figures.dst, figures.ssrc)
    assert found == ways

from __future__ import annotations

from typing import Any

from flask_sipvault.analysis.ladder.aliases import Aliases
from flask_sipvault.analysis.ladder.ladder import ladder


def addresses(drawn: Any) -> list[str]:
    return [line.address for line in drawn.lifelines]


def proxied(story: Any) -> Any:
    """A call through a proxy that listens on one port and sends from another."""
    story.invite(0, "alice > proxy")
    story.invite(0.1, "proxy > bob", branch="z9hG4bKb", ports=(5070, 5060))
    story.reply(1, "200 OK", "bob > proxy", branch="z9hG4bKb", ports=(5060, 5070))
    story.reply(1.1, "200 OK", "proxy > alice")
    return story.call()


def test_a_host_is_one_lifeline_whatever_its_ports(story: Any) -> None:
    drawn = ladder(proxied(story))
    assert addresses(drawn) == ["198.51.100.23:5060", "203.0.113.9", "10.8.0.14:5060"]
    assert [(row.source, row.target) for row in drawn.rows] == [
        *[(0, 1), (1, 2), (2, 1), (1, 0)]
    ]


def test_or_every_port_is(story: Any) -> None:
    drawn = ladder(proxied(story), ports="split")
    assert addresses(drawn) == [
        "198.51.100.23:5060",
        "203.0.113.9:5060",
        "203.0.113.9:5070",
        "10.8.0.14:5060",
    ]
    assert [line.role for line in drawn.lifelines] == ["caller", "", "", "callee"]


def test_a_host_that_speaks_to_itself_keeps_its_ports(story: Any) -> None:
    story.invite(0, "bob > bob", ports=(5060, 5080))
    assert addresses(ladder(story.call())) == ["10.8.0.14:5060", "10.8.0.14:5080"]


def test_two_phones_behind_one_address_are_two(story: Any) -> None:
    story.hosts = {**story.hosts, "bob": story.hosts["alice"]._replace(port=5062)}
    story.invite(0, "alice > proxy")
    story.invite(0.1, "proxy > bob", branch="z9hG4bKb")
    story.reply(1, "200 OK", "bob > proxy", branch="z9hG4bKb")
    story.reply(1.1, "200 OK", "proxy > alice")
    assert addresses(ladder(story.call())) == [
        "198.51.100.23:5060",
        "203.0.113.9:5060",
        "198.51.100.23:5062",
    ]


def test_connections_of_a_tcp_client_are_lifelines_only_when_split(
    explained: Any,
) -> None:
    call = explained("sip_tcp")
    merged, split = ladder(call), ladder(call, ports="split")
    assert len(merged.lifelines) <= len(split.lifelines)
    ends = {str(end) for message in call.messages for end in (message.src, message.dst)}
    assert set(addresses(split)) == ends


def test_an_alias_comes_before_what_the_signalling_tells(story: Any) -> None:
    aliases = Aliases({"198.51.100.0/24": "branch", "203.0.113.9": "SBC-1"})
    drawn = ladder(proxied(story), aliases=aliases)
    assert [line.label for line in drawn.lifelines] == ["branch", "SBC-1", "bob"]


def test_of_a_port_only_when_split(story: Any) -> None:
    aliases = Aliases({"203.0.113.9": "SBC", "203.0.113.9:5070": "SBC inside"})
    call = proxied(story)
    assert ladder(call, aliases=aliases).lifelines[1].label == "SBC"
    split = ladder(call, aliases=aliases, ports="split")
    assert [line.label for line in split.lifelines][1:3] == ["SBC", "SBC inside"]


def test_transactions_are_numbered_as_they_begin(explained: Any) -> None:
    rows = ladder(explained("proxy_sipp", 1)).rows
    numbers = [row.transaction for row in rows]
    assert numbers[0] == 1
    assert sorted({number for number in numbers if number}) == list(
        range(1, max(filter(None, numbers)) + 1)
    )
    # The 100 and whatever else answers the first INVITE is of its transaction.
    assert numbers[1] == 1


def test_a_first_sending_knows_how_often_it_was_repeated(explained: Any) -> None:
    rows = ladder(explained("quality_twice")).rows
    bye = next(row for row in rows if row.label == "BYE")
    again = [row for row in rows if row.first == bye.n]
    assert bye.sendings == 1 + len(again)
    assert bye.last_sending_ns == again[-1].ts - bye.ts
    assert {row.sendings for row in again} == {1}


def test_media_lasts_from_the_answer_to_the_bye(story: Any) -> None:
    story.invite(0, sdp="PCMU+G729 198.51.100.23:4000")
    story.reply(1, "180 Ringing")
    story.reply(2, "200 OK", sdp="G729 10.8.0.14:17002")
    story.message(2.1, "alice > bob", "ACK", cseq="1 ACK").bye(62)
    span = ladder(story.call()).media
    assert (span.first, span.last, span.ended) == (3, 5, True)
    assert (span.start_ns, span.end_ns) == (2_000_000_000, 62_000_000_000)
    assert (span.source, span.target, span.codecs) == (0, 1, "G729")


def test_without_a_bye_it_lasts_as_long_as_anything_was_seen(story: Any) -> None:
    story.invite(0).reply(2, "200 OK").message(9, "alice > bob", "INFO")
    span = ladder(story.call()).media
    assert (span.last, span.ended) == (3, False)


def test_a_call_that_was_refused_has_no_media(explained: Any) -> None:
    assert ladder(explained("busy_486")).media is None

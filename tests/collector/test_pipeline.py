"""From items to calls in the vault, through restarts and outages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import pytest

from flask_sipvault.collector.items import Item
from flask_sipvault.collector.pipeline import Pipeline
from flask_sipvault.config.collector import CollectorSettings
from flask_sipvault.protocols.address import Endpoint

from .conftest import bye
from .conftest import bye_ok
from .conftest import Collector
from .conftest import invite
from .conftest import items_of
from .conftest import log
from .conftest import ok
from .conftest import other
from .conftest import refusal
from .conftest import sip_item
from .conftest import TS
from .live import wait_until
from .test_call_tracker import rtcp
from .test_call_tracker import sdp

CALL = [invite(), ok(), bye(), bye_ok()]


def payloads(items: list[Item]) -> Counter[bytes]:
    return Counter(item.payload for item in items)


def sip_of(collector: Collector, call_id: str = "a@b") -> Counter[bytes]:
    return Counter(packet.payload for packet in collector.call(call_id).sip)


def test_a_call_is_in_the_vault_when_it_is_over_and_nothing_is_left_behind(
    collector: Collector,
) -> None:
    collector.take(*CALL, log("a@b ended"))
    collector.wait(29)
    assert collector.find("a@b") is None

    collector.wait(1)
    call = collector.call("a@b")
    assert call.state == "COMPLETE"
    assert sip_of(collector) == payloads(CALL)
    assert [line.line for line in call.logs] == ["a@b ended"]
    assert collector.spooled() == 0


def test_a_long_call_can_be_opened_while_it_is_up(collector: Collector) -> None:
    collector.take(invite(), ok())
    collector.wait(300)
    assert collector.call("a@b").state == "PARTIAL"

    collector.take(log("a@b held"))
    collector.wait(300)
    collector.take(bye(), bye_ok())
    collector.wait(30)

    call = collector.call("a@b")
    assert call.state == "COMPLETE"
    assert sip_of(collector) == payloads(CALL)
    assert len(call.logs) == 1
    parts = collector.parts("a@b")
    assert [part.state for part in parts] == ["PARTIAL", "PARTIAL", "COMPLETE"]
    assert [(len(part.sip), len(part.logs)) for part in parts] == [
        (2, 0),
        (0, 1),
        (2, 0),
    ]
    assert collector.spooled() == 0


def test_a_call_that_fell_silent_after_its_last_part_is_expired_all_the_same(
    collector: Collector,
) -> None:
    collector.take(invite(), ok())
    collector.wait(300)
    assert collector.spooled() == 3

    collector.now += 4 * 3600
    collector.wait(1)

    call = collector.call("a@b")
    assert call.state == "EXPIRED"
    assert sip_of(collector) == payloads([invite(), ok()])
    assert collector.spooled() == 0


def test_a_restarted_collector_knows_the_calls_that_are_up(
    collector: Collector,
) -> None:
    collector.take(invite(sdp=sdp()), ok())
    collector.wait(300)
    collector.kill()
    collector.restart()

    collector.take(rtcp(9), log("b call a@b", call_id="b", of_call=False))
    collector.take(bye(tags=("callee", "caller")))
    collector.take(bye_ok(tags=("callee", "caller")))
    collector.wait(36)

    call = collector.call("a@b")
    assert call.state == "COMPLETE"
    assert (len(call.sip), len(call.rtcp), len(call.logs)) == (4, 1, 1)
    assert collector.spooled() == 0


@pytest.mark.parametrize("end", ["kill", "close"])
def test_what_comes_of_a_call_after_a_restart_is_written_though_the_spool_was_empty(
    end: str, collector: Collector
) -> None:
    """The rows that were confirmed are gone. Their numbers must not be given again."""
    began = [invite(sdp=sdp()), ok(), *(log(f"a@b {n}") for n in range(20))]
    collector.take(*began)
    collector.wait(300)
    assert collector.call("a@b").state == "PARTIAL"
    getattr(collector, end)()
    collector.restart()

    later = [sip_item("UPDATE sip:b SIP/2.0", "2 UPDATE", ts=400), bye(), bye_ok()]
    collector.take(*later, rtcp(9))
    collector.wait(300)

    call = collector.call("a@b")
    assert call.state == "COMPLETE"
    assert sip_of(collector) == payloads([*began[:2], *later])
    assert (len(call.logs), len(call.rtcp)) == (20, 1)
    assert collector.spooled() == 0


def test_a_restarted_collector_knows_every_port_that_a_call_announced(
    collector: Collector,
) -> None:
    """Though the messages that say so are in the vault already."""
    moved = sip_item(
        "INVITE sip:b SIP/2.0", "3 INVITE", ts=5, tags=("caller", "c"), sdp=sdp(port=42)
    )
    collector.take(invite(sdp=sdp()), ok(), moved)
    collector.wait(300)
    collector.kill()
    collector.restart()

    collector.take(rtcp(9, src=Endpoint("192.0.2.50", 43)), rtcp(10))
    collector.wait(300)

    assert len(collector.call("a@b").rtcp) == 2
    assert collector.pipeline.sessions.left_out == {}


def test_a_restarted_collector_knows_which_of_two_dialogs_is_over(
    collector: Collector,
) -> None:
    """A call that forked: what ended the first is in the vault already."""
    first, second = ("caller", "one"), ("caller", "two")
    collector.take(invite(), ok(1, tags=first), ok(2, tags=second))
    collector.take(bye(3, tags=first), bye_ok(3.1, tags=first), ok(4, tags=first))
    collector.wait(300)
    collector.kill()
    collector.restart()

    collector.take(bye(400, tags=second), bye_ok(400.1, tags=second))
    collector.wait(31)

    assert collector.call("a@b").state == "COMPLETE"


def test_a_restart_does_not_begin_the_waiting_anew(collector: Collector) -> None:
    collector.take(invite(), ok())
    collector.wait(200)
    collector.kill()
    collector.restart()
    collector.wait(100)
    assert collector.call("a@b").state == "PARTIAL"

    collector.wait(7200)
    collector.take(log("a@b held"))
    collector.wait(7200)
    collector.close()
    collector.restart()
    collector.wait(14400 - 7200 - 1)
    assert collector.call("a@b").state == "PARTIAL"
    collector.wait(1)
    assert collector.call("a@b").state == "EXPIRED"


def test_a_restarted_collector_lets_a_silent_call_expire(collector: Collector) -> None:
    collector.take(invite(), ok())
    collector.wait(300)
    collector.close()
    collector.restart()
    collector.now += 4 * 3600
    collector.wait(1)

    assert collector.call("a@b").state == "EXPIRED"


def test_a_call_that_lingers_is_written_after_a_restart(collector: Collector) -> None:
    collector.take(*CALL)
    collector.wait(20)
    collector.kill()
    collector.restart()
    collector.take(log("a@b late"))
    collector.wait(30)

    assert sip_of(collector) == payloads(CALL)
    assert len(collector.parts("a@b")) == 1


def test_a_line_that_waits_for_its_call_waits_through_a_restart(
    collector: Collector,
) -> None:
    collector.take(invite(call_id="1-2@h"), log("call 11-2@h", call_id="1-2@h"))
    assert collector.pipeline.spool.flush(5)
    collector.kill()
    collector.restart()
    collector.take(invite(call_id="11-2@h"))
    collector.wait(70)

    assert len(collector.call("11-2@h").logs) == 1
    assert collector.call("1-2@h").logs == []
    assert collector.spooled() == 0


def test_a_part_that_was_put_but_not_confirmed_is_put_again_as_the_same_object(
    collector: Collector,
) -> None:
    collector.take(*CALL)
    assert collector.pipeline.spool.flush(5)
    collector.pipeline.spool.confirm = lambda part_id: None  # type: ignore[method-assign]
    collector.wait(30)
    assert len(collector.store().puts) == 1
    collector.kill()
    collector.restart()
    collector.take(log("a@b late"))
    collector.write()

    first, second = collector.store().puts
    assert first == second
    collector.wait(30)
    assert len(collector.call("a@b").logs) == 1
    assert sip_of(collector) == payloads(CALL)
    assert collector.spooled() == 0


def test_frames_that_an_agent_replays_late_join_their_call(
    collector: Collector,
) -> None:
    collector.take(*CALL)
    collector.wait(600)
    late = sip_item("SIP/2.0 180 Ringing", "1 INVITE", ts=0.5)
    collector.take(late, log("a@b late"))
    collector.wait(20000)

    call = collector.call("a@b")
    assert call.state == "COMPLETE"
    assert sip_of(collector) == payloads([*CALL, late])
    assert len(call.logs) == 1
    assert collector.spooled() == 0


def test_calls_of_one_name_but_two_customers_are_two(collector: Collector) -> None:
    collector.take(*CALL)
    collector.take(*(replace(item, customer_id="globex") for item in CALL[:2]))
    collector.take(refusal(486, customer_id="globex", call_id="x"))
    collector.wait(400)

    assert len(collector.call("a@b").sip) == 4
    assert len(collector.call("a@b", "globex").sip) == 2
    assert collector.find("x") is None


def test_of_two_collectors_each_with_half_of_a_call_the_vault_makes_one(
    start: Callable[..., Collector],
) -> None:
    one, other_one = start(), start()
    other_one.stores = {"acme": one.store()}
    one.take(invite(), bye(), log("a@b here"))
    other_one.take(ok(), bye(), bye_ok(), log("a@b there"))
    one.wait(62)
    other_one.wait(62)

    call = one.call("a@b")
    assert sip_of(one) == payloads(CALL)
    assert sorted(line.line for line in call.logs) == ["a@b here", "a@b there"]
    assert call.state == "COMPLETE"
    assert len(call.parts) == 2


def reports(count: int) -> list[Item]:
    """RTCP of the call that names it, from a relay that knows nothing of its SIP."""
    return [
        other("rtcp", b"\x80\xc9\0\1\0\0\0" + bytes([n]), ts=TS + n, of_call=False)
        for n in range(count)
    ]


@pytest.mark.parametrize("sip_first", [True, False])
def test_of_two_collectors_one_with_the_sip_and_one_with_the_rtcp_too(
    start: Callable[..., Collector], sip_first: bool
) -> None:
    one, other_one = start(), start()
    other_one.stores = {"acme": one.store()}
    one.take(*CALL)
    other_one.take(*reports(5))
    for each in (one, other_one) if sip_first else (other_one, one):
        each.wait(62)

    call = one.call("a@b")
    assert (len(call.sip), len(call.rtcp), len(call.parts)) == (4, 5, 2)
    assert call.state == "COMPLETE"
    assert other_one.pipeline.sessions.left_out == {}
    assert other_one.spooled() == 0


@pytest.mark.parametrize("later", [1, 20, 40, 200])
def test_when_the_sip_comes_later_it_is_still_one_call(
    collector: Collector, later: int
) -> None:
    collector.take(*reports(3))
    collector.wait(later)
    collector.take(*CALL, *reports(5)[3:])
    collector.wait(400)

    call = collector.call("a@b")
    assert (len(call.sip), len(call.rtcp)) == (4, 5)
    assert call.state == "COMPLETE"
    assert collector.spooled() == 0


@pytest.mark.parametrize("before", [1, 10, 40])
def test_what_came_without_sip_survives_a_restart(
    collector: Collector, before: int
) -> None:
    collector.take(*reports(3))
    collector.wait(before)
    collector.kill()
    collector.restart()
    collector.take(*reports(5)[3:])
    collector.wait(400)

    call = collector.call("a@b")
    assert (len(call.rtcp), call.state) == (5, "PARTIAL")
    assert collector.spooled() == 0


def test_while_the_store_is_away_calls_wait_in_the_spool_even_through_a_restart(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flask_sipvault.collector.part_writer.FIRST_PAUSE", 0.01)
    monkeypatch.setattr("flask_sipvault.collector.part_writer.LONGEST_PAUSE", 0.05)
    collector.store().away = True
    items = items_of("many_20.svwire")
    collector.take(*items)
    for _ in range(40):
        collector.now += 1
        collector.pipeline.tick()
    assert collector.pipeline.spool.flush(5)
    assert collector.pipeline.writer.waiting == 20
    collector.kill()
    collector.restart()
    assert collector.pipeline.writer.waiting == 20

    collector.store().away = False
    collector.write()

    assert len(collector.store().puts) == 20
    assert (
        sum(len(collector.call(f"{n}-335@127.0.0.2").sip) for n in range(1, 21)) == 140
    )
    assert collector.spooled() == 0


def test_a_spool_full_of_calls_that_are_up_is_emptied_before_their_end(
    start: Callable[..., Collector],
) -> None:
    collector = start(spool_max_bytes=1 << 20)
    collector.take(invite(), ok())
    for _ in range(110):
        collector.take(log("a@b " + "x" * 10_000))
    assert collector.pipeline.full
    assert collector.pipeline.spool.flush(5)

    collector.wait(1)

    assert not collector.pipeline.full
    assert collector.call("a@b").state == "PARTIAL"
    assert len(collector.call("a@b").logs) == 110


def test_what_is_kept_and_left_out_is_counted(collector: Collector) -> None:
    collector.take(*CALL, log("a@b"), sip_item("OPTIONS sip:b SIP/2.0", "1 OPTIONS"))
    collector.take(sip_item("OPTIONS sip:b SIP/2.0", "1 OPTIONS", call_id="o@p"))

    assert collector.pipeline.kept == {"sip": 5, "log": 1}
    assert collector.pipeline.sessions.left_out == {"sip": 1}


def test_an_item_that_the_disk_is_too_small_for_is_counted(
    start: Callable[..., Collector], caplog: pytest.LogCaptureFixture
) -> None:
    collector = start(spool_max_bytes=32 << 20)
    line = log("a@b " + "x" * (2 << 20))
    collector.take(invite(), line, line)
    collector.wait(300)

    assert collector.pipeline.too_large == 2
    assert collector.call("a@b").logs == []
    assert caplog.text.count("the disk under the spool is too small") == 1


def test_a_spool_full_of_what_is_kept_of_calls_that_are_up_makes_room(
    start: Callable[..., Collector],
) -> None:
    collector = start(spool_max_bytes=1 << 20)
    for n in range(2000):
        collector.take(invite(call_id=f"{n}@h", sdp=sdp()), ok(call_id=f"{n}@h"))
    wait_until(lambda: collector.pipeline.spool.flush(5) and collector.pipeline.full)

    for _ in range(100):
        collector.pipeline.tick()
        collector.write()
    assert not collector.pipeline.full
    assert 0 < collector.pipeline.sessions.up < 2000
    for n in range(2000):
        collector.take(bye(call_id=f"{n}@h"), bye_ok(call_id=f"{n}@h"))
    collector.wait(31)

    for n in (0, 1000, 1999):
        assert collector.call(f"{n}@h").state == "COMPLETE"
        assert len(collector.call(f"{n}@h").sip) == 4


def test_wishes_for_a_media_watch_are_given_once(collector: Collector) -> None:
    collector.agents.add(("acme", "192.0.2.50"))
    collector.take(invite(sdp=sdp()), invite(0.5, sdp=sdp()))

    (watch,) = collector.pipeline.tick()
    assert watch.frame.media == Endpoint("192.0.2.50", 16000)
    assert collector.pipeline.tick() == []


def test_there_is_no_pipeline_without_a_spool() -> None:
    with pytest.raises(ValueError, match="no spool"):
        Pipeline(CollectorSettings(), lambda customer_id: pytest.fail())

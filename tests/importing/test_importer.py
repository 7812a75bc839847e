from __future__ import annotations

import json
from collections.abc import Callable
from collections.abc import Iterable
from io import BytesIO
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
BEGIN = 1_795_439_806 * SECOND
ALICE = Endpoint("192.0.2.1", 5060)
BOB = Endpoint("192.0.2.2", 5060)

#: The methods that make a Call-ID a call, as tshark's cseq_methods name them.
CALL_METHODS = {"INVITE", "ACK", "BYE", "CANCEL", "PRACK", "UPDATE", "INFO"}


def sdp(ip: str, port: int, *lines: str) -> str:
    head = f"v=0\r\no=- 1 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\n"
    media = f"m=audio {port} RTP/AVP 0\r\n"
    return head + media + "".join(f"{line}\r\n" for line in lines)


def message(
    start: str, call_id: str, method: str, body: str = "", ts: float = 0
) -> Captured:
    payload = (
        f"{start}\r\nCall-ID: {call_id}\r\nCSeq: 1 {method}\r\n"
        f"Content-Type: application/sdp\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    ).encode()
    return captured("sip", payload, ts, call_id=call_id, cseq_method=method)


def captured(
    kind: Any,
    payload: bytes,
    ts: float = 0,
    *,
    src: Endpoint | None = ALICE,
    dst: Endpoint | None = BOB,
    call_id: str | None = None,
    cseq_method: str = "",
    agent: str = "",
) -> Captured:
    return Captured(
        kind=kind,
        ts=BEGIN + int(ts * SECOND),
        src=src,
        dst=dst,
        transport="udp",
        payload=payload,
        call_id=call_id,
        cseq_method=cseq_method,
        agent=agent,
    )


def invite(call_id: str = "a@h", body: str = "", ts: float = 0) -> Captured:
    return message("INVITE sip:bob@h SIP/2.0", call_id, "INVITE", body, ts)


def bye(call_id: str = "a@h", ts: float = 1) -> Captured:
    return message("BYE sip:bob@h SIP/2.0", call_id, "BYE", ts=ts)


def response(code: int, method: str = "INVITE", ts: float = 0.5) -> Captured:
    return message(f"SIP/2.0 {code} X", "a@h", method, ts=ts)


def rtcp(ssrc: int, ts: float, src: Endpoint | None, dst: Endpoint | None) -> Captured:
    """An empty receiver report."""
    payload = b"\x80\xc9\x00\x01" + ssrc.to_bytes(4, "big")
    return captured("rtcp", payload, ts, src=src, dst=dst)


def calls(items: Iterable[Captured], *, keep_all: bool = False) -> dict[str, Evidence]:
    found = import_capture(
        items, customer_id="acme", source="x.pcap", keep_all=keep_all
    )
    return {evidence.call_id: evidence for evidence in found}


def test_messages_come_together_by_call_id() -> None:
    found = calls([invite("a@h"), invite("b@h"), bye("a@h")])
    assert {name: len(call.sip) for name, call in found.items()} == {"a@h": 2, "b@h": 1}
    assert found["a@h"].customer_id == "acme"
    assert found["a@h"].agents == ["x.pcap"]


def test_a_message_is_kept_as_it_was_captured() -> None:
    item = invite()
    (packet,) = calls([item])["a@h"].sip
    assert (packet.ts, packet.src, packet.dst) == (item.ts, item.src, item.dst)
    assert (packet.transport, packet.payload) == ("udp", item.payload)


def test_a_registration_is_no_call() -> None:
    register = message("REGISTER sip:h SIP/2.0", "r@h", "REGISTER")
    gatherer = CaptureImporter("acme")
    assert list(gatherer.feed([register], "x.pcap")) == []
    assert list(gatherer.finish()) == []
    assert gatherer.left_out == 1


def test_everything_with_a_call_id_is_kept_on_demand() -> None:
    register = message("REGISTER sip:h SIP/2.0", "r@h", "REGISTER")
    nameless = message("REGISTER sip:h SIP/2.0", "", "REGISTER")
    assert set(calls([register, nameless], keep_all=True)) == {"r@h"}


@pytest.mark.parametrize("method", sorted(CALL_METHODS))
def test_a_dialog_whose_invite_was_not_captured_is_a_call(method: str) -> None:
    assert set(calls([message(f"{method} sip:h SIP/2.0", "a@h", method)])) == {"a@h"}


def test_what_comes_before_it_is_known_to_be_a_call_is_kept() -> None:
    options = message("OPTIONS sip:h SIP/2.0", "a@h", "OPTIONS")
    assert len(calls([options, bye()])["a@h"].sip) == 2


@pytest.mark.parametrize(
    ("items", "state"),
    [
        ([invite(), response(200), bye()], "COMPLETE"),
        ([bye()], "COMPLETE"),
        ([invite(), response(486)], "COMPLETE"),
        ([invite(), response(603)], "COMPLETE"),
        ([invite(), response(200)], "EXPIRED"),
        ([invite(), response(200), response(491, ts=2)], "EXPIRED"),
        ([invite(), response(407)], "COMPLETE"),
        ([invite(), response(180)], "EXPIRED"),
        ([invite(), invite(), invite()], "EXPIRED"),
        ([invite(), response(481, "UPDATE")], "EXPIRED"),
    ],
)
def test_a_call_is_complete_where_its_end_was_captured(
    items: list[Captured], state: str
) -> None:
    assert calls(items)["a@h"].state == state


class TestRtcp:
    offer = sdp("192.0.2.1", 4000)

    def place(self, *items: Captured) -> dict[str, int]:
        return {name: len(call.rtcp) for name, call in calls(items).items()}

    @pytest.mark.parametrize(
        ("lines", "port"),
        [
            ([], 4001),
            (["a=rtcp:4999"], 4999),
            (["a=rtcp-mux"], 4000),
            (["a=rtcp:0"], 4001),
        ],
    )
    def test_goes_to_the_call_whose_sdp_names_its_port(
        self, lines: list[str], port: int
    ) -> None:
        call = invite(body=sdp("192.0.2.1", 4000, *lines))
        alice = Endpoint("192.0.2.1", port)
        elsewhere = Endpoint("198.51.100.9", 9)
        to_alice = rtcp(7, 1, elsewhere, alice)
        from_alice = rtcp(8, 1, alice, elsewhere)
        assert self.place(call, to_alice, from_alice) == {"a@h": 2}

    def test_goes_to_the_call_that_had_the_port_last(self) -> None:
        end = Endpoint("192.0.2.1", 4001)
        items = [
            invite("a@h", self.offer, 0),
            rtcp(7, 1, None, end),
            invite("b@h", self.offer, 10),
            rtcp(7, 11, None, end),
            rtcp(7, 12, None, end),
        ]
        assert self.place(*items) == {"a@h": 1, "b@h": 2}

    def test_may_come_before_its_call_in_the_file(self) -> None:
        early = rtcp(7, 1, None, Endpoint("192.0.2.1", 4001))
        assert self.place(early, invite(body=self.offer, ts=0)) == {"a@h": 1}

    def test_sent_before_any_offer_is_not_of_the_call(self) -> None:
        earlier = rtcp(7, 0, None, Endpoint("192.0.2.1", 4001))
        assert self.place(invite(body=self.offer, ts=10), earlier) == {"a@h": 0}

    def test_long_after_the_end_is_not_of_the_call(self) -> None:
        end = Endpoint("192.0.2.1", 4001)
        items = [invite(body=self.offer), bye(ts=5), rtcp(7, 6, None, end)]
        assert self.place(*items, rtcp(7, 60, None, end)) == {"a@h": 1}

    def test_does_not_go_to_what_is_no_call(self) -> None:
        end = Endpoint("192.0.2.1", 4001)
        capable = message("SIP/2.0 200 OK", "o@h", "OPTIONS", self.offer, 1)
        items = [invite(body=self.offer), capable, rtcp(7, 2, None, end)]
        assert self.place(*items) == {"a@h": 1}

    def test_from_behind_nat_is_known_by_its_ssrc(self) -> None:
        call = invite(body=sdp("10.0.0.1", 4000, "a=ssrc:305419896 cname:x"))
        natted = rtcp(0x12345678, 1, Endpoint("203.0.113.5", 1), Endpoint("1.1.1.1", 2))
        assert self.place(call, natted) == {"a@h": 1}

    def test_goes_to_the_call_its_agent_names(self) -> None:
        named = captured("rtcp", b"{}", 1, src=None, dst=None, call_id="a@h")
        assert self.place(named, invite()) == {"a@h": 1}

    def test_of_no_call_is_counted(self) -> None:
        gatherer = CaptureImporter("acme")
        stray = rtcp(7, 1, ALICE, BOB)
        assert list(gatherer.feed([invite(), stray], "x.pcap")) == []
        assert len(list(gatherer.finish())) == 1
        assert gatherer.unplaced == 1


def test_a_log_line_out_of_hep_goes_to_the_longest_whole_call_id() -> None:
    line = captured("log", b"call 11@h ended\n", call_id="1@h", agent="2001")
    found = calls([invite("1@h"), line, invite("11@h")])
    assert found["1@h"].logs == []
    (kept,) = found["11@h"].logs
    assert (kept.source, kept.line) == ("2001", "call 11@h ended")


def test_a_log_line_that_names_no_call_goes_to_the_one_its_agent_named() -> None:
    line = captured("log", b"caf\xe9 closed", call_id="a@h")
    (kept,) = calls([invite(), line])["a@h"].logs
    assert kept.line.encode("utf-8", "surrogateescape") == b"caf\xe9 closed"


def test_a_quality_report_is_kept() -> None:
    good = captured("quality", b'{"verdict": "good"}', call_id="a@h")
    broken = captured("quality", b'{"verdict', call_id="a@h")
    deep = captured("quality", b"[" * 100_000, call_id="a@h")
    (report,) = calls([invite(), good, broken, deep])["a@h"].reports
    assert report.report == {"verdict": "good"}


def test_a_call_over_two_files_is_one() -> None:
    gatherer = CaptureImporter("acme")
    parts = list(gatherer.feed([invite()], "1.pcap"))
    parts += gatherer.feed([bye()], "2.pcap")
    parts += gatherer.finish()
    (whole,) = parts
    assert len(whole.sip) == 2
    assert whole.agents == ["1.pcap", "2.pcap"]


def test_a_packet_in_two_overlapping_files_is_kept_once() -> None:
    gatherer = CaptureImporter("acme")
    for folder in (1, 2):
        assert list(gatherer.feed([invite(ts=folder / 1000)], "same.pcap")) == []
    (whole,) = gatherer.finish()
    assert len(whole.sip) == 1


def test_a_large_capture_comes_out_in_parts_that_add_up() -> None:
    items = [invite(ts=n) for n in range(100)] + [bye(ts=100)]
    gatherer = CaptureImporter("acme", budget=8_000)
    parts = list(gatherer.feed(items, "x.pcap"))
    assert len(parts) > 2
    parts += gatherer.finish()
    assert merge(parts) == calls(items)["a@h"]


def test_the_same_capture_gives_the_same_parts_again() -> None:
    def parts() -> list[Evidence]:
        gatherer = CaptureImporter("acme", budget=8_000)
        items = [invite(f"{n}@h", ts=n) for n in range(100)]
        return [*gatherer.feed(items, "x.pcap"), *gatherer.finish()]

    assert parts() == parts()


class TestLogs:
    def slice_log(self, text: bytes, *items: Captured) -> list[tuple[float, str]]:
        gatherer = CaptureImporter("acme")
        assert list(gatherer.feed(items or [invite()], "x.pcap")) == []
        assert list(gatherer.feed_log(BytesIO(text), "proxy.log")) == []
        (call,) = gatherer.finish()
        assert all(line.source == "proxy.log" for line in call.logs)
        return [((line.ts - BEGIN) / SECOND, line.line) for line in call.logs]

    def test_lines_that_name_no_call_are_left_out(self) -> None:
        log = b"Nov 23 13:16:46 p: call a@h\nNov 23 13:16:47 p: housekeeping\n"
        assert self.slice_log(log) == [(0, "Nov 23 13:16:46 p: call a@h")]

    def test_a_log_in_local_time_is_put_beside_its_calls(self) -> None:
        log = b"Nov 23 10:16:46 p: call a@h\nNov 23 10:16:48 p: a@h ended\n"
        assert [ts for ts, _ in self.slice_log(log, invite(), bye(ts=2))] == [0, 2]

    def test_lines_without_a_time_take_that_of_their_neighbours(self) -> None:
        log = b"a@h one\n2026-11-23T13:16:49Z x\na@h two\n"
        assert self.slice_log(log) == [(3, "a@h one"), (3, "a@h two")]

    def test_a_log_without_any_time_is_put_at_the_call_s_beginning(self) -> None:
        assert self.slice_log(b"a@h one\na@h two\n") == [(0, "a@h one"), (0, "a@h two")]

    def test_a_day_of_the_month_is_no_call_id(self) -> None:
        log = b"Nov  1 13:16:46 p: x\n"
        assert self.slice_log(log, invite("1")) == []


def recorded(path: Path, *, keep_all: bool = False) -> dict[str, Evidence]:
    with path.open("rb") as file:
        return calls(read_capture(file), keep_all=keep_all)


def tshark_calls(expected: dict[str, Any]) -> dict[str, tuple[int, int]]:
    """SIP and RTCP of each Call-ID, as tshark counts them."""
    found = {}
    for call_id, call in expected.items():
        counts = call.get("pcap", call)
        found[call_id] = (counts["messages"], counts["rtcp"])
    return found


def test_every_recording_of_the_agent_is_gathered_as_tshark_reads_it(
    agent_corpus: Path, expected: Callable[[Path], dict[str, Any]]
) -> None:
    paths = sorted(agent_corpus.glob("*.pcap"))
    assert len(paths) >= 28
    for path in paths:
        found = recorded(path, keep_all=True)
        counts = {name: (len(e.sip), len(e.rtcp)) for name, e in found.items()}
        assert counts == tshark_calls(expected(path)["calls"]), path.name


def test_calls_alone_are_kept_of_a_recording(
    agent_corpus: Path, expected: Callable[[Path], dict[str, Any]]
) -> None:
    for name in ("non_calls", "proxy_baresip", "many_20"):
        path = agent_corpus / f"{name}.pcap"
        wanted = {
            call_id
            for call_id, call in expected(path)["calls"].items()
            if CALL_METHODS & set(call["pcap"]["cseq_methods"])
        }
        assert set(recorded(path)) == wanted


@pytest.mark.parametrize("scenario", ["many_150", "many_20", "strange_callid"])
def test_every_line_of_a_recorded_log_lands_on_its_call(
    agent_corpus: Path, expected: Callable[[Path], dict[str, Any]], scenario: str
) -> None:
    path = agent_corpus / f"{scenario}.pcap"
    gatherer = CaptureImporter("acme")
    with path.open("rb") as file:
        assert list(gatherer.feed(read_capture(file), path.name)) == []
    with path.with_suffix(".log").open("rb") as file:
        assert list(gatherer.feed_log(file, "proxy.log")) == []
    for call in gatherer.finish():
        wanted = expected(path)["calls"][call.call_id]["log_lines_in_file"]
        assert len(call.logs) == wanted, call.call_id
        assert call.sip
        # The log's clock shows whole seconds.
        begin, end = call.sip[0].ts - 2 * SECOND, call.sip[-1].ts + 2 * SECOND
        assert all(begin <= line.ts <= end for line in call.logs)


def test_hep_is_gathered_as_others_unwrap_it(public_corpus: Path) -> None:
    for path in sorted((public_corpus / "hep").glob("*.pcap*")):
        beside = path.with_name(path.name.split(".")[0] + ".expected.json")
        if ".sip." in path.name:
            continue  # what the HEP of the same name was made of
        wanted: dict[str, dict[int, int]] = {}
        for packet in json.loads(beside.read_text())["detail"]:
            name = packet["call_id"] or packet["correlation_id"]
            kinds = wanted.setdefault(name, {1: 0, 5: 0, 100: 0})
            kinds[packet["protocol_type"]] += 1
        found = recorded(path, keep_all=True)
        counts = {
            name: {1: len(e.sip), 5: len(e.rtcp), 100: len(e.logs)}
            for name, e in found.items()
        }
        assert counts == wanted, path.name


def test_public_captures_are_gathered_as_tshark_reads_them(
    public_corpus: Path,
) -> None:
    for path in sorted(public_corpus.glob("*.pcap*")):
        beside = path.with_name(path.name.rsplit(".", 1)[0] + ".expected.json")
        wanted = tshark_calls(json.loads(beside.read_text()))
        wanted.pop("", None)
        found = recorded(path, keep_all=True)
        counts = {name: (len(e.sip), len(e.rtcp)) for name, e in found.items()}
        assert counts == wanted, path.name

"""Whoever may send is heard; whoever may not is refused, and harms nobody."""

from __future__ import annotations

import logging
import socket
import ssl
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import HealthCheck
from hypothesis import settings
from hypothesis import strategies as st

from flask_sipvault.collector import acceptor as doorman
from flask_sipvault.collector import connection as connection_module
from flask_sipvault.collector import connections as roster
from flask_sipvault.collector import ingress as gate
from flask_sipvault.collector import logins
from flask_sipvault.collector.acceptor import tls_context
from flask_sipvault.collector.acceptor import TlsError
from flask_sipvault.collector.items import Item
from flask_sipvault.collector.listeners import ListenError
from flask_sipvault.collector.pipeline import Pipeline
from flask_sipvault.config.converters import ListenAddress
from flask_sipvault.protocols import agent
from flask_sipvault.protocols import hep
from flask_sipvault.protocols.address import Endpoint

from .conftest import bye
from .conftest import bye_ok
from .conftest import invite
from .conftest import ok
from .conftest import sip_item
from .live import handshake
from .live import hung_up
from .live import Live
from .live import receive
from .live import wait_until

StartLive = Callable[..., Live]


def frame_of(item: Item) -> bytes:
    assert item.src is not None and item.dst is not None
    return agent.build(
        agent.SipFrame(item.ts, item.call_id, item.src, item.dst, item.payload)
    )


def call(call_id: str, **changes: Any) -> bytes:
    """An answered call, as an agent sends it."""
    messages = [make(call_id=call_id, **changes) for make in (invite, ok, bye, bye_ok)]
    return b"".join(map(frame_of, messages))


def hep_call(call_id: str, **changes: Any) -> list[bytes]:
    """The same in HEP."""
    return [
        hep.build(
            hep.HepPacket(
                hep.SIP,
                item.payload,
                item.ts,
                item.src,
                item.dst,
                correlation_id=call_id,
                **changes,
            )
        )
        for item in (make(call_id=call_id) for make in (invite, ok, bye, bye_ok))
    ]


def written(live: Live, call_id: str, customer_id: str = "acme") -> int:
    """How many messages of a call the vault has, once it is over."""
    live.pass_time(40)
    found = live.find(call_id, customer_id)
    return 0 if found is None else len(found.sip)


# Agents


def test_an_agent_is_greeted_and_its_call_is_kept(live: Live) -> None:
    answer = live.deliver(handshake() + call("1@h"))

    assert answer == agent.build(agent.HandshakeAck(agent.ACCEPTED, "ok"))
    assert written(live, "1@h") == 4


@pytest.mark.parametrize(
    ("customer_id", "token"),
    [
        ("acme", "tok-globex"),
        ("acme", ""),
        ("acme", "tok-acme "),
        ("nobody", "tok-acme"),
        ("", ""),
    ],
)
def test_whoever_shows_no_token_of_the_customer_is_refused(
    customer_id: str, token: str, live: Live
) -> None:
    connection = live.connect()
    connection.sendall(handshake(customer_id, token) + call("1@h"))

    answer = receive(connection)
    assert isinstance(answer, agent.HandshakeAck)
    assert answer.status == agent.AUTH_FAILED
    assert hung_up(connection)
    assert live.server.gate.refusals.counts == {"credentials": 1}
    assert live.server.gate.items.total() == 0
    assert written(live, "1@h") == written(live, "1@h", "globex") == 0


def test_refusals_are_logged_once_a_minute_without_the_token(
    live: Live, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        live.deliver(handshake("acme\n\u202e", "not-the-token"))
        wait_until(lambda: caplog.records)
        for _ in range(8):
            live.deliver(handshake("acme", "not-the-token"))
        live.pass_time(1)

    told = [r for r in caplog.records if r.getMessage() == "senders refused"]
    assert len(told) == 1
    assert live.server.gate.refusals.counts["credentials"] == 9
    assert "not-the-token" not in caplog.text
    assert "not-the-token" not in repr(vars(told[0]))
    among = vars(told[0])["among_them"]
    assert among.startswith('127.0.0.1 by agent for "acme')
    assert among.isprintable()


class TestGuessing:
    """Whoever shows wrong credentials again and again has to wait for the next."""

    @pytest.fixture(autouse=True)
    def long_turns(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A turn comes in minutes, and all may wait for it."""
        monkeypatch.setattr(logins, "SECONDS_EACH", 100.0)
        monkeypatch.setattr(connection_module, "LONGEST_WAIT", 1e6)
        monkeypatch.setattr(logins, "LONGEST_WAIT", 1e6)

    def fail_too_often(self, live: Live) -> None:
        for _ in range(logins.FREE_FAILURES + 1):
            live.deliver(handshake("acme", "wrong"))

    def waiting(self, live: Live) -> list[connection_module.Connection]:
        return [each for each in live.server.roster.connections if each._waiting]

    @pytest.mark.parametrize("token", ["wrong", "tok-acme"])
    def test_neither_a_wrong_nor_a_right_token_is_looked_at(
        self, token: str, live: Live
    ) -> None:
        self.fail_too_often(live)
        live.connect().sendall(handshake("acme", token))
        wait_until(lambda: self.waiting(live))
        refused = live.server.gate.refusals.counts["credentials"]
        assert refused == logins.FREE_FAILURES + 1
        assert not live.server.roster.has_agent("acme", "127.0.0.1")

    def test_nobody_elsewhere_waits(self, live: Live) -> None:
        self.fail_too_often(live)
        live.log_in(source="127.0.0.2")

    def test_in_its_turn_a_right_token_is_let_in_with_all_that_came_meanwhile(
        self, live: Live
    ) -> None:
        self.fail_too_often(live)
        connection = live.connect()
        connection.sendall(handshake("acme", "tok-acme"))
        wait_until(lambda: self.waiting(live))
        connection.sendall(call("1@h"))
        (waiting,) = self.waiting(live)
        live._loop.call_soon_threadsafe(waiting._go_on)
        assert receive(connection) == agent.HandshakeAck(agent.ACCEPTED, "ok")
        wait_until(lambda: live.server.gate.items.total() == 4)
        assert written(live, "1@h") == 4

    def test_a_takeover_looks_at_it_at_once(self, live: Live) -> None:
        self.fail_too_often(live)
        connection = live.connect()
        connection.sendall(handshake("acme", "tok-acme"))
        wait_until(lambda: self.waiting(live))
        (waiting,) = self.waiting(live)
        live._loop.call_soon_threadsafe(waiting.hold, "takeover")
        assert receive(connection) == agent.HandshakeAck(agent.ACCEPTED, "ok")

    def test_whoever_would_wait_too_long_is_hung_up_on(
        self, live: Live, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(connection_module, "LONGEST_WAIT", 8.0)
        self.fail_too_often(live)
        connection = live.connect()
        connection.sendall(handshake("acme", "tok-acme"))
        assert hung_up(connection)
        assert live.server.gate.refusals.counts["slowed"] == 1

    def test_wrong_keys_of_hep_by_tcp_count_too(self, live: Live) -> None:
        packet = hep_call("1@h", auth_key="nobody's")[0]
        for _ in range(logins.FREE_FAILURES + 1):
            live.deliver(packet)
        live.connect().sendall(packet)
        wait_until(lambda: self.waiting(live))


def test_hep_with_a_wrong_key_from_an_allowed_address_is_kept_counted_and_told(
    live: Live, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        connection = live.connect(source="127.9.9.1")
        for packet in hep_call("1@h", auth_key="an older key"):
            connection.sendall(packet)
        wait_until(lambda: live.server.gate.wrong_keys.counts["hep-tcp"] == 4)
        wait_until(lambda: caplog.records)
    told = caplog.records[0]
    assert told.getMessage() == "HEP with a wrong key from an allowed address"
    assert vars(told)["among_them"] == "127.9.9.1"
    assert "an older key" not in repr(vars(told))
    assert written(live, "1@h") == 4


def test_an_agent_of_another_version_is_told_so(live: Live) -> None:
    connection = live.connect()
    stranger = bytearray(handshake())
    stranger[2] = 2
    connection.sendall(stranger)

    answer = receive(connection)
    assert isinstance(answer, agent.HandshakeAck)
    assert answer.status == agent.VERSION_MISMATCH
    assert hung_up(connection)


@pytest.mark.parametrize(
    "beginning",
    [call("1@h"), b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc"],
    ids=["no handshake", "HTTP", "TLS"],
)
def test_whoever_begins_with_something_else_is_refused(
    beginning: bytes, live: Live
) -> None:
    connection = live.connect()
    connection.sendall(beginning + bytes(20))

    assert hung_up(connection)
    assert live.server.gate.refusals.counts == {"protocol": 1}
    assert written(live, "1@h") == 0


def test_a_heartbeat_is_answered(live: Live) -> None:
    connection = live.log_in()
    connection.sendall(agent.build(agent.Heartbeat(1234567890123456789)))

    assert receive(connection) == agent.HeartbeatAck(1234567890123456789)


def test_an_agent_that_has_logged_in_may_be_silent(start_live: StartLive) -> None:
    live = start_live(handshake_seconds=0.2)
    connection = live.log_in()
    time.sleep(0.6)

    connection.sendall(call("1@h"))
    wait_until(lambda: live.server.gate.items.total() == 4)
    assert written(live, "1@h") == 4


def test_the_kernel_looks_whether_silent_agents_are_still_there(live: Live) -> None:
    live.log_in()
    (kept,) = live.server.roster.connections
    keeping = kept.transport.get_extra_info("socket")

    assert keeping.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
    assert keeping.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 60


def test_a_frame_that_makes_no_sense_costs_itself_only(live: Live) -> None:
    long_name = agent.build(agent.LogFrame(1, "n" * 512, b"line"))
    too_long = bytearray(long_name)
    too_long[12 + 8 : 12 + 10] = (513).to_bytes(2, "big")
    unknown = bytes([*b"SV", 1, 99, 0, 0, 0, 1, 0, 0, 0, 0, 7])

    live.deliver(handshake() + bytes(too_long) + unknown + call("1@h"))

    assert live.server.gate.bad["agent"] == 2
    assert written(live, "1@h") == 4


def test_a_frame_that_is_too_long_ends_the_connection(live: Live) -> None:
    connection = live.log_in()
    connection.sendall(bytes([*b"SV", 1, 3, 0, 0x10, 0, 1, 0, 0, 0, 0]))

    assert hung_up(connection)


# Slow and many strangers


@pytest.mark.parametrize("sent", [b"", b"S", handshake()[:-1], b"HEP3\x01"])
def test_a_stranger_has_to_show_whose_it_is_in_time(
    sent: bytes, start_live: StartLive
) -> None:
    live = start_live(handshake_seconds=0.3)
    slow = live.connect()
    slow.sendall(sent)
    good = live.log_in()

    assert hung_up(slow)
    assert live.server.gate.refusals.counts == {"time": 1}
    good.sendall(call("1@h"))
    wait_until(lambda: live.server.gate.items.total() == 4)


def test_a_byte_now_and_then_wins_no_time(start_live: StartLive) -> None:
    live = start_live(handshake_seconds=0.3)
    slow = live.connect()
    began = time.monotonic()

    with pytest.raises(OSError):
        for byte in handshake() * 100:
            slow.sendall(bytes([byte]))
            time.sleep(0.02)
    assert time.monotonic() - began < 2


def test_by_tls_and_from_allowed_sources_there_may_be_nothing_to_say_yet(
    start_live: StartLive, certificate: tuple[Path, Path], trusting: ssl.SSLContext
) -> None:
    """HEP has no handshake, and the first call may be hours away."""
    live = start_live(
        handshake_seconds=0.2, tls_cert=certificate[0], tls_key=certificate[1]
    )
    by_tls = live.connect(trusting)
    allowed = live.connect(source="127.9.9.1")
    time.sleep(0.6)

    vendor = {hep.SIPPULSE_CUSTOMER: b"acme", hep.SIPPULSE_TOKEN: b"tok-acme"}
    by_tls.sendall(b"".join(hep_call("1@h", vendor_chunks=vendor)))
    allowed.sendall(b"".join(hep_call("2@h")))
    wait_until(lambda: live.server.gate.items.total() == 8)
    assert live.server.gate.refusals.counts == {}


def test_a_crowd_of_strangers_has_to_make_room_and_the_quiet_ones_stay(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(roster, "MAX_STRANGERS", 5)
    quiet = live.connect(source="127.0.0.77")
    wait_until(lambda: live.server.roster.strangers == 1)
    crowd = [live.connect() for _ in range(20)]
    wait_until(lambda: live.server.gate.refusals.counts["crowd"] == 16)

    assert live.server.roster.strangers == 5
    quiet.sendall(handshake())
    assert receive(quiet) == agent.HandshakeAck(agent.ACCEPTED, "ok")
    assert sum(hung_up(stranger) for stranger in crowd[:16]) == 16


# HEP


@pytest.mark.parametrize(
    "shown",
    [
        {},
        {"auth_key": "another key"},
        {"vendor_chunks": {hep.SIPPULSE_CUSTOMER: b"acme"}},
        {
            "vendor_chunks": {
                hep.SIPPULSE_CUSTOMER: b"acme",
                hep.SIPPULSE_TOKEN: b"tok-globex",
            }
        },
    ],
    ids=["nothing", "wrong key", "no token", "wrong token"],
)
@pytest.mark.parametrize("way", ["tcp", "udp"])
def test_hep_that_is_nobodys_is_refused(
    way: str, shown: dict[str, Any], live: Live
) -> None:
    packets = hep_call("1@h", **shown)
    if way == "tcp":
        connection = live.connect()
        connection.sendall(packets[0])
        assert hung_up(connection)
    else:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            for packet in packets:
                sender.sendto(packet, live.udp)
        wait_until(lambda: live.server.gate.refusals.counts["credentials"] == 4)

    assert live.server.gate.items.total() == 0
    assert written(live, "1@h") == 0


def test_hep_with_the_customers_key_is_kept(live: Live) -> None:
    live.deliver(b"".join(hep_call("1@h", auth_key="acme's key")))

    assert written(live, "1@h") == 4


def test_a_packet_that_is_refused_costs_no_connection_that_was_good(
    live: Live,
) -> None:
    """A relay may pass on what several senders send, one of them set up wrongly."""
    good, bad = hep_call("1@h", auth_key="acme's key"), hep_call("2@h")

    live.deliver(b"".join([good[0], *bad, *good[1:]]))

    assert live.server.gate.refusals.counts == {"credentials": 4}
    assert written(live, "1@h") == 4
    assert written(live, "2@h") == 0


# TLS


def test_nothing_older_than_tls_1_2_is_spoken(certificate: tuple[Path, Path]) -> None:
    context = tls_context(*certificate)

    assert context.minimum_version == ssl.TLSVersion.TLSv1_2


def test_a_certificate_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    with pytest.raises(TlsError, match="SIPVAULT_TLS_CERT"):
        tls_context(tmp_path / "missing.pem", None)
    (tmp_path / "wrong.pem").write_text("no certificate")
    with pytest.raises(TlsError, match="SIPVAULT_TLS_KEY"):
        tls_context(tmp_path / "wrong.pem", None)


def test_a_broken_tls_handshake_is_refused(live_with_tls: Live) -> None:
    connection = live_with_tls.connect()
    connection.sendall(b"\x16\x03\x01\x00\x05hello")

    while connection.recv(4096):
        pass  # an alert
    wait_until(lambda: live_with_tls.server.gate.refusals.counts["tls"] == 1)


def test_many_tls_handshakes_that_are_never_finished_are_refused(
    live_with_tls: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doorman, "MAX_HANDSHAKES", 3)
    for _ in range(5):
        live_with_tls.connect().sendall(b"\x16")
    wait_until(lambda: live_with_tls.server.gate.refusals.counts["crowd"] == 2)

    live_with_tls.log_in()


# Nobody harms anybody else


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    noise=st.binary(min_size=1, max_size=300),
    beginning=st.sampled_from(
        [b"", handshake(), b"HEP3", call("9@h")[:40], b"SV\x01\x03\x00\x00\x00\x40"]
    ),
)
def test_noise_costs_nobody_elses_data(
    beginning: bytes, noise: bytes, live: Live
) -> None:
    good = live.log_in()
    message = frame_of(invite(call_id="1@h"))
    before = live.server.gate.items["agent", "sip"]
    good.sendall(message[:30])
    with live.connect() as bad, socket.socket(type=socket.SOCK_DGRAM) as sender:
        bad.sendall(beginning + noise)
        sender.sendto(beginning + noise, live.udp)
    good.sendall(message[30:])
    good.sendall(agent.build(agent.Heartbeat(7)))

    assert receive(good) == agent.HeartbeatAck(7)
    assert live.server.gate.items["agent", "sip"] >= before + 1
    assert live.server.gate.errors == 0
    good.close()


def test_an_error_of_ours_costs_one_item(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    accept = live.pipeline.accept

    def fail_once(item: Item) -> None:
        if live.server.gate.errors == 0:
            raise RuntimeError(item.payload)
        accept(item)

    monkeypatch.setattr(live.pipeline, "accept", fail_once)
    live.deliver(handshake() + call("1@h"))

    assert live.server.gate.errors == 1
    assert written(live, "1@h") == 3


def test_customers_do_not_see_each_others_calls(live: Live) -> None:
    live.deliver(handshake() + call("1@h"))
    live.deliver(handshake("globex", "tok-globex") + frame_of(invite(call_id="1@h")))

    assert written(live, "1@h") == 4
    live.pass_time(5 * 3600)
    assert written(live, "1@h", "globex") == 1


# Watches


def test_the_agent_at_the_media_is_asked_to_watch(live: Live) -> None:
    proxy = live.log_in(source="127.0.0.1")
    media = live.log_in(source="127.0.0.5")
    other = live.log_in("globex", "tok-globex", source="127.0.0.5")
    sdp = "v=0\r\nc=IN IP4 127.0.0.5\r\nm=audio 4000 RTP/AVP 8\r\n"

    proxy.sendall(frame_of(invite(call_id="1@h", sdp=sdp)))

    watch = agent.MediaWatch("1@h", Endpoint("127.0.0.5", 4000), "PCMA/8000")
    assert receive(media) == watch
    other.sendall(agent.build(agent.Heartbeat(1)))
    assert receive(other) == agent.HeartbeatAck(1)


def test_an_agent_that_reads_nothing_is_no_burden(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection_module, "_MAX_UNREAD", 1000)
    deaf = live.log_in()
    beats = agent.build(agent.Heartbeat(1)) * 10_000
    for _ in range(60):
        deaf.sendall(beats)
    deaf.sendall(call("1@h"))
    wait_until(lambda: live.server.gate.items.total() == 4)

    (kept,) = live.server.roster.connections
    assert kept.transport.get_write_buffer_size() < 2000


# Too much


def many_calls(count: int, size: int = 2000) -> list[bytes]:
    padding = "x" * size
    return [
        frame_of(sip_item("INVITE sip:b SIP/2.0", "1 INVITE", call_id=f"{n}@h"))
        + frame_of(
            sip_item("INFO sip:b SIP/2.0", "2 INFO", call_id=f"{n}@h", sdp=padding)
        )
        + frame_of(bye(call_id=f"{n}@h"))
        + frame_of(bye_ok(call_id=f"{n}@h"))
        for n in range(count)
    ]


def test_senders_wait_while_the_spool_is_full_and_nothing_is_lost(
    start_live: StartLive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flask_sipvault.collector.part_writer.FIRST_PAUSE", 0.05)
    monkeypatch.setattr("flask_sipvault.collector.part_writer.LONGEST_PAUSE", 0.05)
    live = start_live(spool_max_bytes=1 << 20)
    live.store().away = True
    calls = many_calls(1000, size=20_000)
    connection = live.log_in()
    sender = threading.Thread(target=connection.sendall, args=(b"".join(calls),))
    sender.start()
    wait_until(lambda: live.pipeline.full)
    live.put_forward += 100
    time.sleep(0.5)
    taken = live.server.gate.items.total()
    time.sleep(0.5)

    assert live.server.gate.items.total() == taken < 4000
    assert sender.is_alive()
    assert live.pipeline.spool.used_bytes < 16 << 20

    live.store().away = False
    deadline = time.monotonic() + 60
    while sender.is_alive() or live.server.gate.items.total() < 4000:
        assert time.monotonic() < deadline
        live.put_forward += 40
        time.sleep(0.05)
    live.pass_time(40)
    live.pass_time(40)
    assert all(len(live.call(f"{n}@h").sip) == 4 for n in range(1000))


def test_a_customer_that_sends_too_fast_is_slowed_down(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate, "MAX_RATE", 1000)
    began = time.monotonic()

    live.deliver([handshake(), *many_calls(500, size=2)])

    assert time.monotonic() - began > 0.9
    assert live.server.gate.items.total() == 2000


def test_datagrams_that_come_too_fast_are_dropped_and_counted(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate, "MAX_RATE", 10)
    packet = hep_call("1@h", auth_key="acme's key")[0]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for _ in range(100):
            sender.sendto(packet, live.udp)
    dropped = live.server.datagrams.dropped
    wait_until(lambda: dropped["rate"] + live.server.gate.items.total() == 100)

    assert 10 <= live.server.gate.items.total() <= 20


def test_what_the_kernel_drops_of_datagrams_is_counted(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    packet = hep_call("1@h", auth_key="acme's key")[0]
    datagrams = live.server.datagrams
    datagrams.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    with monkeypatch.context() as patched:
        patched.setattr(Pipeline, "full", True)
        live.pass_time(0)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            for _ in range(1000):
                sender.sendto(packet, live.udp)
    wait_until(lambda: live.server.gate.items.total() > 0)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(packet, live.udp)  # the kernel tells with the next one
    wait_until(lambda: datagrams.dropped["buffer"] > 0)

    dropped = datagrams.dropped["buffer"]
    wait_until(lambda: live.server.gate.items.total() == 1001 - dropped)


# Beginning and end


def test_a_place_that_is_taken_is_named(start_live: StartLive, live: Live) -> None:
    taken = ListenAddress(*live.tcp)

    with pytest.raises(ListenError, match="SIPVAULT_LISTEN_TCP"):
        start_live(listen_tcp=taken)


def test_an_ipv4_sender_at_an_ipv6_socket_is_an_ipv4_sender(
    start_live: StartLive,
) -> None:
    live = start_live(listen_tcp=ListenAddress("", 0), listen_hep=ListenAddress("", 0))
    with socket.create_connection(("127.0.0.1", live.tcp[1]), 20) as connection:
        connection.sendall(handshake())
        receive(connection)

        (agent_of,) = live.server.roster.connections
        assert agent_of.sender == "127.0.0.1"


def test_stopping_reads_what_is_on_the_way_and_leaves_it_to_the_next(
    live: Live,
) -> None:
    connection = live.log_in()
    connection.sendall(call("1@h"))
    began = time.monotonic()

    live.restart()

    assert time.monotonic() - began < 10
    assert hung_up(connection)
    assert written(live, "1@h") == 4

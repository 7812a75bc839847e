"""What Prometheus and a health check are told."""

from __future__ import annotations

import json
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Callable

import pytest
from prometheus_client.parser import text_string_to_metric_families

from flask_sipvault.collector import call_tracker as sessions
from flask_sipvault.collector import metrics
from flask_sipvault.collector import spool_room as room
from flask_sipvault.protocols import agent

from .conftest import TS
from .live import handshake
from .live import Live
from .live import recording
from .live import wait_until


def get(live: Live, path: str) -> tuple[int, str, str]:
    """Status, type and text of an answer."""
    assert live.server._metrics is not None
    address = f"http://{live.server._metrics.place}{path}"
    try:
        with urllib.request.urlopen(address, timeout=10) as answer:
            return answer.status, answer.headers["Content-Type"], answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers["Content-Type"], error.read().decode()


def figures(live: Live) -> dict[tuple[str, tuple[str, ...]], float]:
    """Every sample by its name and the values of its labels."""
    status, kind, text = get(live, "/metrics")
    assert (status, kind.partition(";")[0]) == (200, "text/plain")
    return {
        (sample.name, tuple(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_what_came_and_what_became_of_it_is_counted(live: Live) -> None:
    live.deliver(recording("answered_rtcp.svwire"))
    live.deliver(handshake("acme", "wrong"))
    wait_until(lambda: not live.server.roster.connections)
    live.pass_time(40)

    told = figures(live)

    assert told["sipvault_items_total", ("sip", "agent")] == 7
    assert told["sipvault_items_total", ("rtcp", "agent")] == 5
    assert told["sipvault_kept_total", ("log",)] == 6
    assert told["sipvault_refused_total", ("credentials",)] == 1
    assert told["sipvault_parts_total", ("written",)] == 1
    assert told["sipvault_accepted_total", ()] == 2
    assert told["sipvault_calls", ()] == 0
    assert told["sipvault_errors_total", ()] == 0
    assert told["sipvault_spool_limit_bytes", ()] == 1 << 30
    assert told["sipvault_spool_full", ()] == 0
    assert told["process_resident_memory_bytes", ()] > 1 << 20


def test_what_is_beyond_the_limits_of_calls_without_sip_is_counted(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "MAX_ITEMS_WITHOUT_SIP", 2)
    report = agent.build(agent.RtcpFrame(TS, "a@b", 1, b"\x80\xc9\0\1\0\0\0\1"))
    live.deliver(handshake() + 5 * report)
    wait_until(lambda: live.server.gate.items["agent", "rtcp"] == 5)

    told = figures(live)

    assert told["sipvault_over_limit_total", ("items",)] == 3
    assert told["sipvault_left_out_total", ("rtcp",)] == 3
    assert told["sipvault_kept_total", ("rtcp",)] == 2


def test_connections_are_counted_by_their_protocol(live: Live) -> None:
    live.log_in()
    live.connect(source="127.9.9.1").sendall(b"HEP3")
    wait_until(lambda: figures(live).get(("sipvault_connections", ("hep-tcp",))) == 1)

    assert figures(live)["sipvault_connections", ("agent",)] == 1
    assert figures(live)["sipvault_strangers", ()] == 1


def test_no_figure_names_a_customer_or_a_token(live: Live) -> None:
    """They are for whoever may see the machine, not the customers."""
    live.deliver(recording("answered_rtcp.svwire"))

    text = get(live, "/metrics")[2]
    assert "acme" not in text
    assert "127.0.0" not in text


def test_a_collector_that_works_is_healthy(live: Live) -> None:
    live.log_in()

    status, kind, text = get(live, "/health")

    assert (status, kind) == (200, "application/json")
    state = json.loads(text)
    assert state["status"] == "ok"
    assert state["connections"] == 1


def test_a_store_that_is_away_is_told_and_no_illness(live: Live) -> None:
    live.store().away = True
    live.deliver(recording("answered_rtcp.svwire"))
    live.put_forward += 40
    wait_until(lambda: live.pipeline.writer.failing)

    status, _, text = get(live, "/health")

    assert status == 200
    assert json.loads(text)["stores_failing"] == 1
    assert json.loads(text)["parts_waiting"] == 1


def test_a_full_disk_is_told_and_no_illness_and_the_waiting_is_counted(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A restart would not make room."""
    monkeypatch.setattr(room, "free_bytes", lambda folder: 0)
    wait_until(lambda: live.pipeline.spool.short)

    status, _, text = get(live, "/health")
    assert status == 200
    assert json.loads(text)["status"] == "ok"
    assert json.loads(text)["spool"] == "disk full"
    wait_until(lambda: figures(live)["sipvault_held_seconds_total", ()] > 0)
    assert figures(live)["sipvault_spool_short", ()] == 1
    monkeypatch.undo()
    wait_until(lambda: json.loads(get(live, "/health")[2])["spool"] == "ok")
    assert figures(live)["sipvault_spool_short", ()] == 0


@pytest.mark.parametrize(
    ("what", "told"), [("stuck", "stuck"), ("failing", "disk refuses")]
)
def test_a_collector_that_does_not_work_is_not_healthy(
    what: str, told: str, live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    if what == "stuck":
        monkeypatch.setattr(metrics, "STUCK_SECONDS", -1.0)
    else:
        monkeypatch.setattr(live.pipeline.spool._disk, "failing", True)

    status, _, text = get(live, "/health")

    assert status == 503
    assert json.loads(text)["status"] == told


def test_health_is_told_though_the_loop_is_stuck(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metrics, "STUCK_SECONDS", 0.2)
    live._loop.call_soon_threadsafe(time.sleep, 1.0)
    time.sleep(0.6)

    assert get(live, "/health")[0] == 503


def test_without_prometheus_there_is_health_and_a_remedy(
    start_live: Callable[..., Live], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metrics, "prometheus_client", None)
    live = start_live()

    assert get(live, "/health")[0] == 200
    status, _, text = get(live, "/metrics")
    assert status == 501
    assert "flask-sipvault[collector]" in text


def test_nothing_else_is_there(live: Live) -> None:
    assert get(live, "/")[0] == 404


def test_whoever_connects_and_says_nothing_holds_up_nobody(live: Live) -> None:
    assert live.server._metrics is not None
    host, port = live.server._metrics.place.split(":")
    with socket.create_connection((host, int(port)), timeout=10) as silent:
        assert get(live, "/health")[0] == 200
        silent.settimeout(10)
        assert silent.recv(10) == b""

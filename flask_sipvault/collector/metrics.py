"""What the collector does, in figures: ``/metrics`` for Prometheus, ``/health``.

Nothing is counted here: what others count is read when somebody asks. Prometheus's
client library writes the figures down; where it is not installed there are none, and
the collector does its work all the same.
"""

from __future__ import annotations

import json
import logging
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler
from http.server import ThreadingHTTPServer
from typing import Any
from typing import TYPE_CHECKING

from ..config.converters import ListenAddress
from .listeners import listen_tcp
from .listeners import place_of

if TYPE_CHECKING:
    from .server import Collector

try:
    import prometheus_client
    from prometheus_client.core import CounterMetricFamily
    from prometheus_client.core import GaugeMetricFamily
except ImportError:
    prometheus_client = None  # type: ignore[assignment]

logger = logging.getLogger(__name__)

#: The event loop is stuck if it has not done what is due for so long, in seconds.
STUCK_SECONDS = 10.0

_REMEDY = "install flask-sipvault[collector] to have metrics\n"


def health(collector: Collector) -> tuple[bool, dict[str, Any]]:
    """Whether the collector does its work, and how it is.

    A store or a Redis server that is away, or a full spool or disk, is no illness: a
    restart would cure none of them, and cost agents their connection.
    """
    spool, writer = collector.pipeline.spool, collector.pipeline.writer
    shared = collector.pipeline.correlation
    stuck = time.monotonic() - collector.ticked_at > STUCK_SECONDS
    return not (stuck or spool.failing), {
        "status": "stuck" if stuck else "disk refuses" if spool.failing else "ok",
        "spool": "disk full" if spool.short else "full" if spool.full else "ok",
        "spool_bytes": spool.used_bytes,
        "parts_waiting": writer.waiting,
        "stores_failing": len(writer.failing),
        **({} if shared is None else {"correlation": "ok" if shared.up else "away"}),
        "connections": len(collector.roster.connections),
        "calls": collector.pipeline.sessions.up,
    }


class Figures:
    """The collector's figures in Prometheus's words."""

    def __init__(self, collector: Collector) -> None:
        self._collector = collector

    def collect(self) -> Iterator[Any]:
        """See ``prometheus_client.registry.Collector``."""
        collector = self._collector
        gate, pipeline = collector.gate, collector.pipeline
        spool, writer = pipeline.spool, pipeline.writer
        roster = collector.roster
        yield _counter("items", "Items let in.", dict(gate.items), ("protocol", "kind"))
        yield _counter("bytes", "Bytes read.", _by(gate.bytes), ("protocol",))
        yield _counter(
            "bad_frames",
            "Frames and packets that make no sense.",
            _by(gate.bad),
            ("protocol",),
        )
        yield _counter(
            "ignored",
            "HEP packets of nothing that belongs to a call.",
            _by(gate.ignored),
            ("protocol",),
        )
        yield _counter(
            "refused",
            "Senders and packets refused.",
            _by(gate.refusals.counts),
            ("reason",),
        )
        yield _counter(
            "wrong_keys",
            "HEP packets with a wrong key from an address that needs none.",
            _by(gate.wrong_keys.counts),
            ("protocol",),
        )
        yield _counter("kept", "Items kept.", _by(pipeline.kept), ("kind",))
        yield _counter(
            "left_out",
            "Items of no call.",
            _by(pipeline.sessions.left_out),
            ("kind",),
        )
        yield _counter(
            "over_limit",
            "Of these, items beyond what is kept without SIP.",
            _by(pipeline.sessions.over_limit),
            ("limit",),
        )
        too_large = {(): pipeline.too_large}
        yield _counter(
            "too_large", "Items lost: too large for the disk.", too_large, ()
        )
        yield _counter("errors", "Items lost by an error.", {(): gate.errors}, ())
        dropped = Counter(collector.datagrams.dropped)
        yield _counter(
            "udp_dropped",
            "Datagrams dropped: the kernel's buffer or the rate was exceeded.",
            _by(dropped),
            ("reason",),
        )
        held = {(): collector.held_seconds}
        yield _counter("held_seconds", "Time in which senders had to wait.", held, ())
        yield _counter(
            "parts",
            "Parts of calls written, tries that failed, parts that no vault takes.",
            _by(writer.counts),
            ("result",),
        )
        if pipeline.correlation is not None:
            yield _counter(
                "correlation",
                "Calls shared with other collectors, and those that were not.",
                _by(pipeline.correlation.counts),
                ("result",),
            )
            yield _gauge(
                "correlation_up",
                "Whether Redis answers.",
                {(): pipeline.correlation.up},
                (),
            )
        accepted = {(): collector.doorman.accepted}
        yield _counter("accepted", "Connections accepted.", accepted, ())
        connections = Counter(c.protocol for c in list(roster.connections))
        yield _gauge("connections", "Connections.", _by(connections), ("protocol",))
        for name, text, value in (
            (
                "strangers",
                "Connections that are nobody's yet.",
                roster.strangers,
            ),
            ("calls", "Calls in progress, or just over.", pipeline.sessions.up),
            ("parts_waiting", "Parts not written yet.", writer.waiting),
            ("stores_failing", "Stores that do not answer.", len(writer.failing)),
            ("spool_bytes", "Size of the spool.", spool.used_bytes),
            ("spool_limit_bytes", "How large it may grow.", spool.max_bytes),
            ("spool_full", "Whether senders have to wait.", spool.full),
            ("spool_short", "Whether the disk has no room.", spool.short),
            ("spool_failing", "Whether the disk refuses.", spool.failing),
        ):
            yield _gauge(name, text, {(): value}, ())


class MetricsServer:
    """Answers at an address, in threads of its own.

    :raises flask_sipvault.collector.listeners.ListenError: if it cannot listen there.
    """

    def __init__(self, address: ListenAddress, collector: Collector) -> None:
        listener = listen_tcp(address, "SIPVAULT_METRICS_LISTEN")
        listener.setblocking(True)
        self._server = _Server(listener, collector)
        self.place = place_of(listener)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.1,), name="metrics", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Answer no more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    """On a socket that listens already."""

    daemon_threads = True

    def __init__(self, listener: socket.socket, collector: Collector) -> None:
        self.address_family = listener.family
        super().__init__(listener.getsockname(), _Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = listener
        self.collector = collector
        if prometheus_client is not None:
            self.registry = prometheus_client.CollectorRegistry(auto_describe=False)
            self.registry.register(Figures(collector))
            prometheus_client.ProcessCollector(registry=self.registry)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Whoever asks may go away in the middle of the answer."""
        logger.debug("an answer to /metrics failed", exc_info=True)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = 5
    server_version = "flask_sipvault"
    sys_version = ""

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path == "/health":
            well, state = health(self.server.collector)
            body = json.dumps(state).encode() + b"\n"
            self._answer(200 if well else 503, "application/json", body)
        elif path != "/metrics":
            self._answer(404, "text/plain", b"/metrics and /health are here\n")
        elif prometheus_client is None:
            self._answer(501, "text/plain", _REMEDY.encode())
        else:
            body = prometheus_client.generate_latest(self.server.registry)
            self._answer(200, prometheus_client.CONTENT_TYPE_LATEST, body)

    def _answer(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nobody wants a line for each scrape."""


def _by(counts: Counter[str]) -> dict[tuple[str, ...], float]:
    return {(name,): count for name, count in dict(counts).items()}


def _counter(
    name: str,
    text: str,
    values: Mapping[Any, float],
    labels: tuple[str, ...],
) -> Any:
    return _filled(CounterMetricFamily(f"sipvault_{name}", text, labels=labels), values)


def _gauge(
    name: str, text: str, values: Mapping[Any, float], labels: tuple[str, ...]
) -> Any:
    return _filled(GaugeMetricFamily(f"sipvault_{name}", text, labels=labels), values)


def _filled(family: Any, values: Mapping[Any, float]) -> Any:
    for label_values, value in values.items():
        family.add_metric(label_values, value)
    return family

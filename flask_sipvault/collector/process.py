"""The collector as a process: signals, log, limits, its successor."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from ..config.collector import CollectorSettings
from ..services import Services
from .acceptor import TlsError
from .listeners import ListenError
from .logs import log_to_stderr
from .pipeline import Pipeline
from .redis_correlation import Correlation
from .restart.systemd import notify
from .restart.takeover import Inheritance
from .restart.takeover import knock
from .restart.takeover import TakeoverError
from .server import Collector
from .spool import SpoolError

logger = logging.getLogger(__name__)

#: How long one thread may keep the interpreter from another, in seconds. The event loop
#: gives it away with each read from a socket, and would wait for Python's usual 5 ms
#: for every thread that packs a part just then.
SWITCH_SECONDS = 0.0002

#: After how many new objects the interpreter looks for such as refer to each other in
#: circles. Ours hardly do, and Python's usual 700 would have it walk through all calls
#: that are up again and again.
GC_OBJECTS = 100_000

#: How much longer than a silent call its facts are shared, in seconds: until what waits
#: for the store is written.
_MORE_SECONDS = 3600

#: What keeps a collector from starting; the message says what to do.
FAILURES = (ListenError, SpoolError, TakeoverError, TlsError)


def run(installation: Services, spool: Path, *, takeover: bool) -> None:
    """Collect until the process is told to stop.

    SIGTERM and SIGINT stop it. SIGHUP starts another process like this one, as code and
    settings are by then, which takes over.

    :param takeover: take over from the collector that has the spool, if one runs.
    :raises Exception: one of :data:`FAILURES`.
    """
    log_to_stderr()
    _allow_many_connections()
    tune_interpreter()
    asyncio.run(_run(installation, spool, takeover))


def tune_interpreter() -> None:
    """Set Python up for a few threads and very many objects that live for long."""
    sys.setswitchinterval(SWITCH_SECONDS)
    gc.freeze()
    gc.set_threshold(GC_OBJECTS, 50, 100)


async def _run(installation: Services, spool: Path, takeover: bool) -> None:
    settings = installation.settings.collector
    correlation = _correlation(settings)

    def open_pipeline(
        has_agent: Callable[[str, str], bool], wait_seconds: float
    ) -> Pipeline:
        return Pipeline(
            settings,
            installation.vault,
            has_agent=has_agent,
            wait_seconds=wait_seconds,
            leg_headers=installation.settings.leg_headers,
            correlation=correlation,
        )

    collector = Collector(
        settings, installation.settings.customers.values(), open_pipeline
    )
    inheritance = _inheritance(spool) if takeover else None
    try:
        collector.open(inheritance)
    except BaseException:
        if inheritance is not None:
            inheritance.give_back()
        raise
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, collector.stop)
    loop.add_signal_handler(signal.SIGHUP, Successor().start)
    # systemd follows the process that has the connections now.
    await collector.run(lambda: notify("READY=1", f"MAINPID={os.getpid()}"))


def _correlation(settings: CollectorSettings) -> Correlation | None:
    if settings.correlation is None:
        return None
    # The last part of a call may come so late.
    keep_seconds = settings.call_timeout + _MORE_SECONDS
    correlation = Correlation(settings.correlation, keep_seconds=keep_seconds)
    correlation.look()
    return correlation


def _inheritance(spool: Path) -> Inheritance | None:
    inheritance = knock(spool)
    if inheritance is None:
        logger.warning("no collector runs with this spool: starting anew")
    return inheritance


class Successor:
    """Another process like this one."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Let it take over; one at a time."""
        if self._process is not None and self._process.poll() is None:
            return
        words = [sys.executable, *sys.orig_argv[1:]]
        if "--takeover" not in words:
            words.append("--takeover")
        logger.info("starting a successor")
        self._process = subprocess.Popen(words)  # noqa: S603 - as we were started


def _allow_many_connections() -> None:
    """Each is an open file, and few are allowed to whoever does not ask."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    # Some systems do not take their own word for it that there is no limit.
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))

"""What the page of a call of 5,000 messages costs: bytes, server time, smoothness."""

from __future__ import annotations

import gzip
import logging
import random
import shutil
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from pathlib import Path

from flask import Flask
from werkzeug.serving import make_server

from flask_sipvault import SIPVault
from flask_sipvault.evidence import Evidence
from flask_sipvault.evidence import LogLine
from flask_sipvault.evidence import SipPacket
from flask_sipvault.protocols.address import Endpoint

CALL_ID = "bench-large@198.51.100.23"
MESSAGES = 5000
CALLER = Endpoint("198.51.100.23", 5060)
PROXY = Endpoint("203.0.113.9", 5060)
CALLED = Endpoint("10.8.0.14", 5060)

#: What issue D asks for: the page, compressed.
PAGE_LIMIT = 2_000_000

#: Between two frames of a scroll that looks smooth on most screens: 30 a second.
SMOOTH_MS = 33.4

SDP = (
    "v=0\r\no=- 1 1 IN IP4 198.51.100.23\r\ns=-\r\nc=IN IP4 198.51.100.23\r\nt=0 0\r\n"
    "m=audio 17002 RTP/AVP 8 101\r\na=rtpmap:8 PCMA/8000\r\n"
    "a=rtpmap:101 telephone-event/8000\r\na=sendrecv\r\n"
)

#: One re-INVITE through the proxy: from, to, what.
ROUND = (
    (CALLER, PROXY, "INVITE"),
    (PROXY, CALLER, "100 Trying"),
    (PROXY, CALLED, "INVITE"),
    (CALLED, PROXY, "200 OK"),
    (PROXY, CALLER, "200 OK"),
    (CALLER, PROXY, "ACK"),
    (PROXY, CALLED, "ACK"),
)


def call(customer_id: str) -> Evidence:
    """A call of five hours whose session is refreshed every 25 s, with as many log
    lines as messages.
    """
    evidence = Evidence(customer_id, CALL_ID)
    dice = random.Random(1)
    branches: dict[object, int] = defaultdict(lambda: dice.getrandbits(48))
    start = time.time_ns() - 6 * 3600 * 10**9
    for n in range(MESSAGES):
        cseq, step = divmod(n, len(ROUND))
        src, dst, what = ROUND[step]
        ts = start + cseq * 25 * 10**9 + step * 4_000_000
        inside = CALLED in (src, dst)
        method = "ACK" if what == "ACK" else "INVITE"
        # No two of a real call's messages are alike, or they would pack too well.
        branch = f"z9hG4bK{branches[cseq, inside, method]:012x}"
        request = not what[0].isdigit()
        body = SDP if what in ("INVITE", "200 OK") else ""
        text = (
            f"{f'{what} sip:bob@10.8.0.14 SIP/2.0' if request else f'SIP/2.0 {what}'}"
            f"\r\nVia: SIP/2.0/UDP {src.ip}:5060;branch={branch}\r\n"
            "Max-Forwards: 70\r\n"
            'From: "Alice" <sip:alice@198.51.100.23>;tag=a1b2c3\r\n'
            "To: <sip:bob@10.8.0.14>;tag=d4e5f6\r\n"
            f"Call-ID: {CALL_ID}\r\nCSeq: {cseq + 1} {method}\r\n"
            f"Contact: <sip:alice@{src.ip}:5060>\r\nUser-Agent: bench 1.0\r\n"
            "Session-Expires: 50;refresher=uac\r\nSupported: timer, replaces\r\n"
            f"Content-Length: {len(body)}\r\n\r\n{body}"
        )
        evidence.sip.append(SipPacket(ts, src, dst, "udp", text.encode()))
        line = f"DBG:tm:t_reply: {branch} {what} from {src}"
        evidence.logs.append(LogLine(ts + 1_000_000, "proxy-1", line))
    return evidence


def row(name: str, ours: float, limit: float, unit: str) -> None:
    """Print one figure beside what it must not exceed."""
    print(f"{name:<44}{ours:>12,.1f} {unit:<3}{limit:>12,.1f} {unit:<3}", end="")
    print(f"{ours / limit:>8.2f}x")


def spent(work: Callable[[], object]) -> float:
    """Milliseconds of wall time; the best of three."""
    best = float("inf")
    for _ in range(3):
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
    return best * 1000


#: Scrolls 2,000 rows of the ladder, at 6,000 pixels a second, which is a hard flick of
#: the wheel, and gives back how long each of the 600 frames took.
SCROLL = """() => new Promise((done) => {
  const box = document.querySelector(".sv-drawing");
  const frames = [];
  let last = performance.now();
  box.scrollTop = 0;
  const frame = (now) => {
    frames.push(now - last);
    last = now;
    box.scrollTop += 100;
    if (frames.length < 600) requestAnimationFrame(frame);
    else done(frames.sort((a, b) => a - b));
  };
  requestAnimationFrame(frame);
})"""


def scroll(address: str, browser_path: str) -> None:
    """Scroll through the whole ladder in a browser and print how it went: once while
    its parts are fetched, from a server on the same two cores, and once more.
    """
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=browser_path, args=["--no-sandbox"]
        )
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(address)
        page.wait_for_selector(".sv-work.sv-one")
        for when in ("the first time", "again"):
            frames = page.evaluate(SCROLL)
            row(f"a frame while scrolling {when}, median", frames[300], SMOOTH_MS, "ms")
            row(f"a frame while scrolling {when}, 95 %", frames[570], SMOOTH_MS, "ms")
        elements = page.evaluate("document.querySelectorAll('*').length")
        browser.close()
    print(f"  elements on the page after that: {elements:,}")


def main() -> None:
    """Print the rows."""
    with tempfile.TemporaryDirectory() as folder:
        app = Flask("bench", instance_path=str(Path(folder).resolve()))
        app.config["SIPVAULT_HMAC_SECRET"] = "a secret of the benchmarks"
        app.config["SIPVAULT_STORE"] = f"folder:{folder}/vault"
        SIPVault(app)
        state = app.extensions["sipvault"]
        with app.test_request_context():
            customer_id = state.customer_of_request()
            state.vault(customer_id).put(call(customer_id))
            address = state.url_for_call(CALL_ID, customer_id)
        client = app.test_client()

        print(f"{MESSAGES:,} messages and log lines")
        start = time.perf_counter()
        page = client.get(address)
        first = (time.perf_counter() - start) * 1000
        assert page.status_code == 200, page.text
        print(f"{'':<44}{'ours':>16}{'limit':>16}{'ratio':>9}")
        row("page, compressed", len(gzip.compress(page.data)), PAGE_LIMIT, "B")
        # From here on with every round of it, of which the page shows but the first.
        address += "&repeats=shown"
        page = client.get(address)
        row(
            "page of all rounds, compressed",
            len(gzip.compress(page.data)),
            PAGE_LIMIT,
            "B",
        )
        row("page of all rounds, as it is", len(page.data), PAGE_LIMIT, "B")
        row("server, the first time", first, 3000, "ms")
        row("server, again", spent(partial(client.get, address)), 1000, "ms")
        for piece in ("ladder", "messages", "logs"):
            of_piece = address.replace("?", f"/{piece}?", 1) + "&from=2401&line=2501"
            took = spent(partial(client.get, of_piece))
            row(f"server, a piece of the {piece}", took, 500, "ms")

        browser_path = shutil.which("chromium")
        if browser_path is None:
            print("  no Chromium here: scrolling not measured")
            return
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        server = make_server("127.0.0.1", 0, app, threaded=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            scroll(f"http://127.0.0.1:{server.server_port}{address}", browser_path)
        finally:
            server.shutdown()
            thread.join()


if __name__ == "__main__":
    main()

"""What the dashboard costs the host: CPU of a call page, and of a list of buttons."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from flask import Flask

from flask_sipvault import SIPVault
from flask_sipvault.evidence import Evidence
from flask_sipvault.evidence import SipPacket
from flask_sipvault.protocols.address import Endpoint

CALL_ID = "bench-1@198.51.100.23"
CALLER = Endpoint("198.51.100.23", 5060)
CALLED = Endpoint("203.0.113.9", 5060)

#: Twenty messages: a call with three re-INVITEs.
FLOW = [
    (1, "INVITE"), (1, "100 Trying"), (1, "180 Ringing"), (1, "200 OK"), (1, "ACK"),
    (2, "INVITE"), (2, "100 Trying"), (2, "200 OK"), (2, "ACK"),
    (3, "INVITE"), (3, "100 Trying"), (3, "200 OK"), (3, "ACK"),
    (4, "INVITE"), (4, "100 Trying"), (4, "200 OK"), (4, "ACK"),
    (5, "INFO"), (6, "BYE"), (6, "200 OK"),
]  # fmt: skip

SDP = (
    "v=0\r\no=- 1 1 IN IP4 198.51.100.23\r\ns=-\r\nc=IN IP4 198.51.100.23\r\nt=0 0\r\n"
    "m=audio 17002 RTP/AVP 8 101\r\na=rtpmap:8 PCMA/8000\r\n"
    "a=rtpmap:101 telephone-event/8000\r\na=sendrecv\r\n"
)


def message(number: int, cseq: int, what: str, method: str) -> SipPacket:
    """The message of that place in the flow."""
    request = not what[0].isdigit()
    start = f"{what} sip:bob@203.0.113.9 SIP/2.0" if request else f"SIP/2.0 {what}"
    body = SDP if what in ("INVITE", "200 OK") and method == "INVITE" else ""
    kind = "Content-Type: application/sdp\r\n" if body else ""
    text = (
        f"{start}\r\n"
        f"Via: SIP/2.0/UDP 198.51.100.23:5060;branch=z9hG4bK-{cseq}\r\n"
        "Max-Forwards: 70\r\n"
        'From: "Alice" <sip:alice@198.51.100.23>;tag=a1\r\n'
        f"To: <sip:bob@203.0.113.9>{'' if number == 0 else ';tag=b1'}\r\n"
        f"Call-ID: {CALL_ID}\r\n"
        f"CSeq: {cseq} {method}\r\n"
        "Contact: <sip:alice@198.51.100.23:5060>\r\n"
        "User-Agent: bench 1.0\r\n"
        f"{kind}Content-Length: {len(body)}\r\n\r\n{body}"
    )
    src, dst = (CALLER, CALLED) if request else (CALLED, CALLER)
    start_ns = time.time_ns() - 60 * 10**9
    return SipPacket(start_ns + number * 10**9, src, dst, "udp", text.encode())


def call(customer_id: str) -> Evidence:
    """A call of twenty messages."""
    packets = []
    method = ""
    for number, (cseq, what) in enumerate(FLOW):
        if not what[0].isdigit():
            method = what
        packets.append(message(number, cseq, what, method))
    return Evidence(customer_id, CALL_ID, sip=packets)


def cpu_ms(work: Callable[[], object], rounds: int) -> float:
    """CPU milliseconds of one round; the best of three runs."""
    best = float("inf")
    for _ in range(3):
        start = time.process_time()
        for _ in range(rounds):
            work()
        best = min(best, time.process_time() - start)
    return best / rounds * 1000


def row(name: str, ours: float, yardstick: float) -> None:
    """Print one comparison, in milliseconds."""
    ratio = ours / yardstick
    print(f"{name:<44}{ours:>10.2f} ms{yardstick:>10.2f} ms{ratio:>9.1f}x")


ROWS = "{% for call_id in call_ids %}<tr><td>{{ call_id }}</td></tr>{% endfor %}"
BUTTONS = ROWS.replace("</td>", "</td><td>{{ sipvault_button(call_id) }}</td>")


def main() -> None:
    """Print the rows."""
    with tempfile.TemporaryDirectory() as folder:
        app = Flask("bench", instance_path=str(Path(folder).resolve()))
        app.config["SIPVAULT_HMAC_SECRET"] = "a secret of the benchmarks"
        app.config["SIPVAULT_STORE"] = f"folder:{folder}/vault"
        SIPVault(app)
        app.add_url_rule("/bare", view_func=lambda: "<p>bare</p>", endpoint="bare")
        state = app.extensions["sipvault"]
        with app.test_request_context():
            customer_id = state.customer_of_request()
            state.vault(customer_id).put(call(customer_id))
            address = state.url_for_call(CALL_ID, customer_id)
        client = app.test_client()
        answer = client.get(address)
        assert answer.status_code == 200, answer.text

        print(f"{'':<44}{'ours':>13}{'yardstick':>13}{'ratio':>10}")
        row(
            "call page, 20 messages : a bare Flask page",
            cpu_ms(lambda: client.get(address), 20),
            cpu_ms(lambda: client.get("/bare"), 200),
        )
        call_ids = [f"{number}@198.51.100.23" for number in range(1000)]
        templates = [app.jinja_env.from_string(text) for text in (BUTTONS, ROWS)]
        with app.test_request_context():
            with_buttons, without = (
                cpu_ms(lambda page=page: page.render(call_ids=call_ids), 5)
                for page in templates
            )
        row("1,000 rows with buttons : without", with_buttons, without)
        print(f"  the buttons alone: {with_buttons - without:.1f} ms")


if __name__ == "__main__":
    main()

"""How long one link takes, beside the guide's algorithm written plainly.

    python benchmarks/bench_links.py

A CDR list of 100 rows makes 100 links or click tokens while its page is drawn.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Callable
from timeit import repeat
from urllib.parse import quote

from flask_sipvault.access.click import ClickTokens
from flask_sipvault.access.links import LinkSigner
from flask_sipvault.access.links import parse_url

SECRET = "demo-secret-not-for-production"
CUSTOMER = "sippulse"
BASE = "https://vault.example.com"
CALL_IDS = {
    "hex": "a7a186b1ff8c4cfeaa90a9144ba9cb24",
    "with host": "f81d4fae-7dec-11d0-a765-00a0c91e6bf6@foo.bar.com",
    "Japanese": "日本-通話@例え.jp",
    "512 bytes": "x@" * 256,
}
NUMBER, REPEAT = 2000, 15


def plain(call_id: str) -> str:
    """The algorithm of the wire format, with nothing prepared."""
    digest = hashlib.sha256(call_id.encode()).hexdigest()[:16]
    ts = int(time.time()) // 3600
    sig = hmac.new(SECRET.encode(), f"{call_id}:{ts}".encode(), hashlib.sha256)
    cid, callid = quote(CUSTOMER), quote(call_id)
    return (
        f"{BASE}/call/{digest}?cid={cid}&callid={callid}"
        f"&ts={ts}&sig={sig.hexdigest()[:32]}"
    )


def microseconds(work: Callable[[], object]) -> float:
    """The best of several runs: the others measure the rest of the machine."""
    return min(repeat(work, number=NUMBER, repeat=REPEAT)) / NUMBER * 1e6


def main() -> None:
    signer = LinkSigner(SECRET, customer_id=CUSTOMER, base_url=BASE)
    tokens = ClickTokens({CUSTOMER: [SECRET]})
    columns = ("link", "plain", "ratio", "verify", "click", "open")
    print(f"{'µs each':12}" + "".join(f"{column:>8}" for column in columns))
    for name, call_id in CALL_IDS.items():
        assert signer.url(call_id) == plain(call_id)
        call_hash, query = parse_url(signer.url(call_id))
        token = tokens.make(CUSTOMER, call_id)
        ours = microseconds(lambda c=call_id: signer.url(c))
        yardstick = microseconds(lambda c=call_id: plain(c))
        figures = [
            ours,
            yardstick,
            ours / yardstick,
            microseconds(lambda h=call_hash, q=query: signer.verify(h, q)),
            microseconds(lambda c=call_id: tokens.make(CUSTOMER, c)),
            microseconds(lambda t=token: tokens.open(t)),
        ]
        print(f"{name:12}" + "".join(f"{figure:8.2f}" for figure in figures))


if __name__ == "__main__":
    main()

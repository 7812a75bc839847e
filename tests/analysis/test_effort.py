"""Explaining a call takes time in proportion to its messages, whatever they are."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable

import pytest

from flask_sipvault.analysis.explain import explain
from flask_sipvault.evidence import Evidence
from flask_sipvault.evidence import SipPacket
from flask_sipvault.protocols.address import Endpoint

_A, _B = Endpoint("192.0.2.1", 5060), Endpoint("192.0.2.2", 5060)
_SDP = "\r\n".join(
    ["v=0", "c=IN IP4 192.0.2.1", "m=audio 4000 RTP/AVP 0", "a=sendrecv", ""]
)

#: Four times the messages may take so many times as long: four times, and what else the
#: machine does meanwhile. Sixteen times is what work in the square takes.
_AT_MOST = 7.5
_MESSAGES = 1000


def message(
    n: int,
    start: str,
    method: str,
    *,
    branch: str = "",
    cseq: int = 1,
    to_tag: str = "b",
    from_tag: str = "a",
    more: str = "",
    back: bool = False,
) -> SipPacket:
    lines = [
        f"SIP/2.0 {start}" if start[0].isdigit() else f"{start} sip:b@h SIP/2.0",
        f"Via: SIP/2.0/UDP h;branch=z9hG4bK{branch or n}",
        f"From: <sip:a@h>;tag={from_tag}",
        "To: <sip:b@h>" + (f";tag={to_tag}" if to_tag else ""),
        f"CSeq: {cseq} {method}",
        "Contact: <sip:a@192.0.2.1>",
        *([more] if more else []),
        "Content-Type: application/sdp",
        "",
        _SDP,
    ]
    ends = (_B, _A) if back else (_A, _B)
    return SipPacket(n * 10**7, *ends, "udp", "\r\n".join(lines).encode())


def refreshes(n: int) -> SipPacket:
    cseq = n // 2 + 2
    if n % 2:
        return message(n, "200 OK", "INVITE", branch=str(cseq), cseq=cseq, back=True)
    return message(n, "INVITE", "INVITE", branch=str(cseq), cseq=cseq)


def forks(n: int) -> SipPacket:
    if n == 0:
        return message(n, "INVITE", "INVITE", branch="i", to_tag="")
    if n % 2:
        return message(n, "200 OK", "INVITE", branch="i", to_tag=f"t{n}", back=True)
    return message(n, "ACK", "ACK", to_tag=f"t{n - 1}")


def one_cseq(n: int) -> SipPacket:
    return message(n, "INVITE", "INVITE", to_tag="")


def retransmissions(n: int) -> SipPacket:
    return message(n, "INVITE", "INVITE", branch="i", to_tag="")


def reliable(n: int) -> SipPacket:
    if n == 0:
        return message(n, "INVITE", "INVITE", branch="i", to_tag="")
    if n % 2:
        more = f"Require: 100rel\r\nRSeq: {n}"
        return message(n, "183 P", "INVITE", branch="i", more=more, back=True)
    return message(n, "PRACK", "PRACK", cseq=n, more=f"RAck: {n - 1} 1 INVITE")


def byes(n: int) -> SipPacket:
    return message(n, "BYE", "BYE", cseq=n, from_tag=f"x{n}", to_tag=f"y{n}")


def responses_alone(n: int) -> SipPacket:
    return message(n, "180 R", "INVITE", to_tag=f"t{n}", back=True)


def infos(n: int) -> SipPacket:
    return message(n, "INFO", "INFO", cseq=n)


def transfers(n: int) -> SipPacket:
    return message(n, "REFER", "REFER", cseq=n, more="Refer-To: <sip:c@h>")


def through_hosts_that_hide(n: int) -> SipPacket:
    packet = message(n, "INVITE", "INVITE", to_tag="")
    packet.src, packet.dst = (
        Endpoint(f"10.0.{at // 250}.{at % 250 + 1}", 5060) for at in (n, n + 1)
    )
    return packet


@pytest.mark.parametrize(
    "shape",
    [
        refreshes,
        forks,
        one_cseq,
        retransmissions,
        reliable,
        byes,
        responses_alone,
        infos,
        transfers,
        through_hosts_that_hide,
    ],
)
def test_four_times_the_messages_take_four_times_as_long(
    shape: Callable[[int], SipPacket],
) -> None:
    def effort(messages: int) -> float:
        evidence = Evidence("acme", "1@h", sip=[shape(n) for n in range(messages)])
        best = float("inf")
        for _ in range(2):
            gc.collect()
            gc.disable()
            try:
                start = time.process_time()
                explain(evidence)
                best = min(best, time.process_time() - start)
            finally:
                gc.enable()
        return best

    few = effort(_MESSAGES)
    assert effort(4 * _MESSAGES) / few < _AT_MOST

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
_FAX = "\r\n".join(
    ["v=0", "c=IN IP4 192.0.2.1", "m=image 4000 udptl t38", "a=T38FaxVersion:0", ""]
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
    body: str = _SDP,
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
        body,
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


def answered(n: int, refusal: str, *, body: str = _SDP, answer: str = "") -> SipPacket:
    """Changes in a call that is up, each with its response."""
    if n < 2:
        made = ("200 OK", "INVITE") if n else ("INVITE", "INVITE")
        return message(n, *made, branch="i", to_tag="b" if n else "", back=bool(n))
    cseq = n // 2 + 2
    if n % 2:
        back = message(n, refusal, "INVITE", branch=str(cseq), cseq=cseq, back=True)
        back.payload = back.payload.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
        back.payload += answer.encode()
        return back
    return message(n, "INVITE", "INVITE", branch=str(cseq), cseq=cseq, body=body)


def refused(n: int) -> SipPacket:
    return answered(n, "488 No")


def glare(n: int) -> SipPacket:
    return answered(n, "491 Request Pending")


def fax_refused(n: int) -> SipPacket:
    return answered(n, "488 No", body=_FAX)


def fax_answered_with_nothing(n: int) -> SipPacket:
    return answered(n, "200 OK", body=_FAX, answer=_FAX.replace("4000", "0"))


def unanswered(n: int) -> SipPacket:
    return answered(n, "200 OK")


def audio_refused(n: int) -> SipPacket:
    return answered(n, "200 OK", answer=_SDP.replace("4000", "0"))


def held(n: int) -> SipPacket:
    direction = ("sendonly", "sendrecv")[n // 2 % 2]
    offer = _SDP.replace("sendrecv", direction)
    return answered(n, "200 OK", body=offer, answer=_SDP)


def forks_without_an_answer(n: int) -> SipPacket:
    packet = forks(n)
    if n % 2:
        packet.payload = packet.payload.partition(b"Content-Type")[0] + b"\r\n"
    return packet


def transfers_taken(n: int) -> SipPacket:
    cseq = n // 2 + 2
    if n % 2:
        return message(n, "202 OK", "REFER", branch=str(cseq), cseq=cseq, back=True)
    more = f"Refer-To: <sip:c{n}@h>"
    return message(n, "REFER", "REFER", branch=str(cseq), cseq=cseq, more=more)


def signed(n: int) -> SipPacket:
    more = f"Identity: e30.e30.{n:04}"
    return message(n, "INVITE", "INVITE", to_tag="", cseq=n, more=more)


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
        refused,
        glare,
        fax_refused,
        fax_answered_with_nothing,
        unanswered,
        audio_refused,
        held,
        forks_without_an_answer,
        transfers_taken,
        signed,
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

"""Calls whose media is changed, told in a few words: offers with lines of any kind."""

from __future__ import annotations

from typing import Any

from flask_sipvault.analysis.call import Call
from flask_sipvault.analysis.findings.model import Finding

from ..conftest import MADE_UP_ID

ALICE_AT, BOB_AT = "198.51.100.23", "10.8.0.14"

#: The usual line of speech, with G.711.
PCMU = "m=audio 17002 RTP/AVP 0 101\na=rtpmap:101 telephone-event/8000"
G729 = "m=audio 17002 RTP/AVP 18 101\na=rtpmap:101 telephone-event/8000"
OPUS = "m=audio 17002 RTP/AVP 96\na=rtpmap:96 opus/48000/2"
T38 = "m=image 17004 udptl t38\na=T38FaxVersion:0"
KEY = "inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz"
SRTP = f"m=audio 17002 RTP/SAVP 0\na=crypto:1 AES_CM_128_HMAC_SHA1_80 {KEY}"


class Talk:
    """A call from Alice to Bob, in dialog ``a``, ``b``.

    :param way: through which hosts a message passes: ``("alice", "bob")``.
    """

    def __init__(self, story: Any, way: tuple[str, ...] = ("alice", "bob")) -> None:
        self.story = story
        self.way = way
        self._last = {way[0]: 0, way[-1]: 0}

    def request(
        self,
        at: float,
        method: str,
        *,
        cseq: int,
        by: str = "alice",
        body: str = "",
        tags: str = "",
        headers: tuple[str, ...] = (),
        content_type: str = "application/sdp",
    ) -> Talk:
        """A request within the dialog; the INVITE that makes it has ``tags="a"``."""
        tags = tags or ("a b" if by == self.way[0] else "b a")
        self._last[by] = max(self._last[by], cseq)
        return self._passed(
            at,
            f"{method} sip:x@h SIP/2.0",
            method,
            cseq,
            by,
            tags,
            body,
            headers,
            content_type,
        )

    def response(
        self,
        at: float,
        start: str,
        method: str,
        *,
        cseq: int,
        by: str = "alice",
        body: str = "",
        tags: str = "",
        headers: tuple[str, ...] = (),
    ) -> Talk:
        """A response.

        :param by: who sent the request.
        """
        tags = tags or ("a b" if by == self.way[0] else "b a")
        other = self.way[-1] if by == self.way[0] else self.way[0]
        return self._passed(
            at,
            f"SIP/2.0 {start}",
            method,
            cseq,
            other,
            tags,
            body,
            headers,
            "application/sdp",
        )

    def answered(self, offer: str = PCMU, answer: str = PCMU, ack: str = "") -> Talk:
        """Alice calls and Bob takes the call after a second."""
        self.request(0, "INVITE", cseq=1, body=offer, tags="a")
        self.response(0.1, "180 Ringing", "INVITE", cseq=1)
        self.response(1, "200 OK", "INVITE", cseq=1, body=answer)
        return self.request(1.1, "ACK", cseq=1, body=ack)

    def changed(
        self,
        at: float,
        offer: str,
        start: str = "200 OK",
        answer: str = "",
        *,
        cseq: int = 2,
        by: str = "alice",
        method: str = "INVITE",
        headers: tuple[str, ...] = (),
    ) -> Talk:
        """A change of the call, and the response to it."""
        self.request(at, method, cseq=cseq, by=by, body=offer)
        self.response(
            at + 0.1, start, method, cseq=cseq, by=by, body=answer, headers=headers
        )
        if method == "INVITE":
            self.request(at + 0.2, "ACK", cseq=cseq, by=by)
        return self

    def hung_up(self, at: float, by: str = "alice", *, reason: str = "") -> Call:
        """The BYE and the call."""
        headers = (f"Reason: {reason}",) if reason else ()
        cseq = self._last[by] + 1
        self.request(at, "BYE", cseq=cseq, by=by, headers=headers)
        self.response(at + 0.1, "200 OK", "BYE", cseq=cseq, by=by)
        return self.story.call()  # type: ignore[no-any-return]

    def _passed(
        self,
        at: float,
        start: str,
        method: str,
        cseq: int,
        by: str,
        tags: str,
        body: str,
        headers: tuple[str, ...],
        content_type: str,
    ) -> Talk:
        way = self.way if by == self.way[0] else self.way[::-1]
        request = not start.startswith("SIP/")
        from_tag, _, to_tag = tags.partition(" ")
        shown = method if method != "ACK" else "INVITE"
        names = [f"z9hG4bK{shown}{cseq}{from_tag}{hop}" for hop in range(len(way) - 1)]
        if method == "ACK":
            names = [f"{name}ack" for name in names]
        sdp = ""
        if body:
            place = ALICE_AT if by == self.way[0] else BOB_AT
            text = (
                f"v=0\no=- 1 1 IN IP4 {place}\ns=-\nc=IN IP4 {place}\nt=0 0\n{body}\n"
            )
            sdp = text.replace("\n", "\r\n")
        for hop in range(len(way) - 1):
            # Responses carry the Vias that their request had on that hop.
            depth = hop + 1 if request else len(way) - 1 - hop
            vias = [f"Via: SIP/2.0/UDP h{n};branch={names[n]}" for n in range(depth)]
            lines = [
                start,
                *vias[::-1],
                f"From: <sip:+551140028922@example.com>;tag={from_tag}",
                "To: <sip:bob@example.com>" + (f";tag={to_tag}" if to_tag else ""),
                f"Call-ID: {MADE_UP_ID}",
                f"CSeq: {cseq} {method}",
                *headers,
                *([f"Content-Type: {content_type}"] if body else []),
                f"Content-Length: {len(sdp)}",
            ]
            payload = "\r\n".join([*lines, "", sdp]).encode()
            self.story.packet(at + hop * 0.001, f"{way[hop]} > {way[hop + 1]}", payload)
        return self


def of(call: Call, finding_id: str) -> Finding | None:
    """The finding of a call, folded or not."""
    everything = [*call.findings, *(c for f in call.findings for c in f.consequences)]
    return next((each for each in everything if each.id == finding_id), None)


def alarms(call: Call) -> list[str]:
    return [each.id for each in call.findings if each.severity != "info"]


def numbers(finding: Finding | None) -> list[int | None]:
    assert finding is not None
    return [each.n for each in finding.evidence]

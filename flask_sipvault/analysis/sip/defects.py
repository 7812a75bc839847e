"""What is wrong with a SIP message by the rules of RFC 3261, as far as it breaks calls.

The parser forgives; others do not. What is only unusual (a missing Max-Forwards, a
phrase, an unknown header) is no defect here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from .messages import Message

#: ``unreadable``: no start line. ``missing``: a header that each message must have.
#: ``twice``: a header that may be there once. ``cseq``: number or method that does not
#: fit. ``too-long``: the body is longer than Content-Length. ``too-short``: it is
#: shorter. ``via``, ``uri``: cannot be read. ``sdp``: the description cannot be read.
#: ``unfinished``: the description ends within a line; some phones always end so.
DefectKind = Literal[
    "unreadable",
    "missing",
    "twice",
    "cseq",
    "too-long",
    "too-short",
    "via",
    "uri",
    "sdp",
    "unfinished",
]

#: In each request and response (RFC 3261 sections 8.1.1 and 8.2.6.2).
_MANDATORY = ("Via", "From", "To", "Call-ID", "CSeq")

#: Header fields of one value each; those that servers act on.
_ONCE = ("From", "To", "Call-ID", "CSeq", "Content-Length", "Content-Type")

#: RFC 3261 section 8.1.1.5.
_MAX_CSEQ = 2**31


@dataclass(frozen=True, slots=True)
class Defect:
    """One thing that is wrong.

    :param what: the header concerned, or what is wrong in the words of the parser; of a
        length, what Content-Length says.
    :param bytes: of a length, by how much it is wrong.
    """

    kind: DefectKind
    what: str = ""
    bytes: int = 0


def find_defects(message: Message) -> Iterator[Defect]:
    """The defects of a message, the most telling first; none of one that was not
    captured whole.
    """
    if message.incomplete:
        return
    parsed = message.sip
    if parsed is None:
        yield Defect("unreadable", message.problem)
        return
    for name in _MANDATORY:
        if not (parsed.get(name) or "").strip():
            yield Defect("missing", name)
    yield from _length(message)
    for name in _ONCE:
        if len(set(parsed.get_all(name))) > 1:
            yield Defect("twice", name)
    yield from _cseq(message)
    for via in message.vias[:1]:
        if parsed.get("Via") and (not via.transport or not via.host):
            yield Defect("via", parsed.get("Via") or "")
    for name, address in (("From", parsed.from_), ("To", parsed.to)):
        value = parsed.get(name) or ""
        if value and not re.match(r"[A-Za-z][A-Za-z0-9+.-]*:.", address.uri):
            yield Defect("uri", f"{name}: {value}")
    if message.problem:
        yield Defect("sdp", message.problem)
    elif message.sdp is not None and not parsed.body.endswith((b"\n", b"\r")):
        yield Defect("unfinished", "SDP")


def _cseq(message: Message) -> Iterator[Defect]:
    parsed = message.sip
    value = (parsed.get("CSeq") or "") if parsed is not None else ""
    if not value:
        return
    number, method = message.cseq_number, message.cseq_method
    differs = message.kind == "request" and method != message.method
    if number is None or number >= _MAX_CSEQ or not method or differs:
        yield Defect("cseq", f"CSeq: {value}")


def _length(message: Message) -> Iterator[Defect]:
    """Where the body is not as long as Content-Length says. Over a stream the length
    is what parts one message from the next, so that only a datagram can show it.
    """
    surplus = message.sip.surplus if message.sip is not None else 0
    stated = message.header("Content-Length").strip()
    if surplus > 0:
        yield Defect("too-long", stated, surplus)
    elif surplus < 0 and message.transport == "udp":
        yield Defect("too-short", stated, -surplus)

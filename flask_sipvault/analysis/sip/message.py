"""One SIP message of a call, read."""

from __future__ import annotations

import re
from dataclasses import dataclass
from dataclasses import field
from typing import Literal

from ...protocols import sdp
from ...protocols import sip
from ...protocols.address import Endpoint
from ...protocols.address import Transport
from ...protocols.capture import Incomplete
from ...protocols.mime import END_OF_HEAD
from ...protocols.sip_fields import Via

#: What a Via branch begins with if it names one transaction only (RFC 3261 section
#: 8.1.1.7). Without it, or with nothing behind it, a branch tells nothing.
MAGIC_COOKIE = "z9hG4bK"


@dataclass(slots=True)
class Message:
    """One SIP message as it passed one point of the network.

    Through a proxy the same message is seen once on each side of it; these are two
    messages, with other addresses and another branch, and no retransmissions.

    :param n: its number in the call, from 1, in the order of :mod:`.order`.
    :param ts: nanoseconds since the epoch, as it was stamped: within the clocks' error
        it may be before that of an earlier message.
    :param size: how many bytes it had on the wire, also where it is masked here.
    :param sip: None where it could not be read; ``problem`` then says why. It also
        says what was left unread for there is too much of it.
    :param summary: ``INVITE``, ``180 Ringing``.
    :param origin: the host it came from, see :class:`.hosts.Hosts`.
    :param target: the host it went to.
    :param transaction: the ``n`` of the request that opened its transaction, see
        :mod:`.transactions`; None where that request was not captured. The ACK to a
        refusal belongs to the INVITE (RFC 3261 section 17.1.1.3), the ACK to a 2xx and
        a CANCEL stand alone.
    :param retransmission_of: the ``n`` of the first sending; None for that one itself.
    :param sending: which transmission of it this is, 1 for the original.
    :param copy_of: the ``n`` of the same datagram, which was captured twice (a mirror
        port, two interfaces); None for what was captured once. A copy is neither a
        retransmission nor a message of its own.
    :param vias: the topmost first; ``branches`` of each of them, "" for none.
    :param from_tag: the tag of From, ``to_tag`` that of To; "" where there is none.
    :param incomplete: why its end is missing, as in
        :class:`~flask_sipvault.evidence.SipPacket`; ``missing`` how many bytes;
        ``fragments`` in how many IP fragments it came.
    :param leg: the letter of its leg where several are shown as one call, see
        :mod:`.joined`; "" otherwise.
    """

    n: int
    ts: int
    src: Endpoint
    dst: Endpoint
    transport: Transport
    raw: bytes
    size: int
    sip: sip.SipMessage | None
    problem: str
    kind: Literal["request", "response"]
    summary: str
    sdp: sdp.Sdp | None
    origin: Endpoint
    target: Endpoint
    branch: str = ""
    cseq_number: int | None = None
    cseq_method: str = ""
    from_tag: str = ""
    to_tag: str = ""
    transaction: int | None = None
    retransmission_of: int | None = None
    sending: int = 1
    incomplete: Incomplete = ""
    missing: int = 0
    fragments: int = 0
    leg: str = ""
    copy_of: int | None = None
    vias: list[Via] = field(default_factory=list)
    branches: tuple[str, ...] = ()

    @property
    def method(self) -> str:
        """A request's method; "" for a response."""
        return (self.sip.method or "") if self.sip else ""

    @property
    def code(self) -> int:
        """A response's status code; 0 for a request."""
        return (self.sip.code or 0) if self.sip else 0

    @property
    def may_hide_sdp(self) -> bool:
        """Whether it may hold a session description that cannot be read: bytes of its
        body are missing, or are compressed or encrypted.
        """
        if self.sip is None or self.problem or self.incomplete:
            return True
        if self.sdp is not None:
            return False
        body = self.sip.body
        if not END_OF_HEAD.search(self.raw):
            return True
        length = self.header("Content-Length")
        if length and (
            not re.fullmatch("[0-9]{1,10}", length) or int(length) > len(body)
        ):
            return True
        if not body:
            return False
        if self.header("Content-Encoding").lower() not in ("", "identity"):
            return True
        return any(_is_opaque(part.content_type) for part in self.sip.bodies())

    def header(self, name: str) -> str:
        """The first value of a header field; "" where there is none."""
        return (self.sip.get(name) or "") if self.sip else ""


def _is_opaque(content_type: str) -> bool:
    """Whether a body part may hold others: S/MIME (RFC 3261 section 23), a multipart
    that could not be taken apart.
    """
    return content_type.startswith(
        ("application/pkcs7", "application/cms", "multipart/")
    )


def names_a_transaction(branch: str) -> bool:
    """Whether a Via branch names one transaction alone."""
    return branch.startswith(MAGIC_COOKIE) and branch != MAGIC_COOKIE

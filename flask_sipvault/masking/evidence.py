"""Masking of all that was captured of a call."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from ..evidence import Evidence
from ..evidence import LogLine
from ..evidence import NetworkEvent
from ..evidence import QualityReport
from ..evidence import RtcpDatagram
from ..evidence import SipPacket
from ..protocols.address import Endpoint
from ..protocols.network_error import build
from ..protocols.rtp_figures import StreamFigures
from ..protocols.sip import MAX_FIELDS
from .messages import MessageMask
from .pseudonyms import Pseudonyms
from .rtcp import masked_rtcp
from .texts import MASKED

_KEY = re.compile(r"(?!.*[0-9]{5})[\w.-]{1,64}")

#: What tells one pseudonym from another of its kind: the number at its end; of an IPv4
#: address two of them.
_COUNT_HERE = re.compile(r"[0-9]{1,3}\.[0-9]{1,3}|[0-9A-Fa-f]{1,4}(?:\.example)?")
_COUNT = re.compile(rf"(?:{_COUNT_HERE.pattern})\Z")

_SSRC = re.compile(r"0x[0-9a-fA-F]{8}")

#: JSON that others sent is masked no deeper than this; below, it is left out.
_MAX_DEPTH = 8


def mask(evidence: Evidence) -> Evidence:
    """The same call between nobodies.

    Times, ports, codecs, SSRCs and figures stay, as does the order of things: the call
    explains to the same outcome. Numbers, names, hosts, addresses, credentials and keys
    do not. A value has the same pseudonym throughout.
    """
    return mask_legs([evidence])[0]


def mask_legs(legs: Sequence[Evidence]) -> list[Evidence]:
    """Several legs of a call, masked as :func:`mask` does it: a value has the same
    pseudonym in all of them.
    """
    return _Masking(legs).run()


class _Masking:
    def __init__(self, legs: Sequence[Evidence]) -> None:
        self._legs = legs
        self._pseudonyms = Pseudonyms(_occurrence(legs))
        self._messages = MessageMask(self._pseudonyms)

    def run(self) -> list[Evidence]:
        # A log line may name whom only a later message introduces: the first round is
        # for getting to know everybody.
        for leg in self._legs:
            self._once(leg)
        self._messages = MessageMask(self._pseudonyms)
        return [self._once(leg) for leg in self._legs]

    def _once(self, evidence: Evidence) -> Evidence:
        masks = self._pseudonyms
        texts = self._messages.texts
        return Evidence(
            customer_id=MASKED,
            call_id=masks.call_id(evidence.call_id),
            state=evidence.state,
            sip=[self._packet(packet) for packet in evidence.sip],
            rtcp=[
                RtcpDatagram(
                    item.ts,
                    self._endpoint(item.src),
                    self._endpoint(item.dst),
                    masked_rtcp(item.payload, masks),
                )
                for item in evidence.rtcp
            ],
            logs=[
                LogLine(
                    line.ts,
                    masks.token("source", line.source),
                    texts.log_line(line.text),
                )
                for line in evidence.logs
            ],
            reports=[
                QualityReport(report.ts, self._json(report.report))
                for report in evidence.reports
            ],
            media=[self._stream(stream) for stream in evidence.media],
            other_media=[self._json(stream) for stream in evidence.other_media],
            network=[self._network_event(event) for event in evidence.network],
            capture=replace(evidence.capture),
            legs=[
                (texts.text(why), masks.call_id(other)) for why, other in evidence.legs
            ],
            agents=[masks.token("source", agent) for agent in evidence.agents],
            parts=[masks.token("part", part) for part in evidence.parts],
            damage=[*map(texts.text, evidence.damage), *self._cut()],
        )

    def _cut(self) -> list[str]:
        """What a masked message does not have, for nobody read it."""
        if not self._messages.cut:
            return []
        return [
            f"of {self._messages.cut:,} messages the header fields after the first"
            f" {MAX_FIELDS:,} are left out"
        ]

    def _packet(self, packet: SipPacket) -> SipPacket:
        # Half a line may hold half a number, which nothing recognises.
        readable = packet.readable
        return SipPacket(
            packet.ts,
            self._address(packet.src),
            self._address(packet.dst),
            packet.transport,
            self._messages.message(readable),
            packet.missing + len(packet.payload) - len(readable),
            packet.incomplete,
            packet.fragments,
            packet.size,
        )

    def _network_event(self, event: NetworkEvent) -> NetworkEvent:
        """The event without what it quotes of a message."""
        error = replace(
            event.error,
            src=self._address(event.error.src),
            dst=self._address(event.error.dst),
            lost_src=self._address(event.error.lost_src),
            lost_dst=self._address(event.error.lost_dst),
            quoted=b"",
        )
        return NetworkEvent(event.ts, build(error), error)

    def _stream(self, stream: StreamFigures) -> StreamFigures:
        """What was measured; which keys were pressed may be a PIN."""
        return replace(
            stream,
            src=self._endpoint(stream.src),
            dst=self._endpoint(stream.dst),
            payloads=[
                replace(it, codec=it.codec and self._messages.texts.text(it.codec))
                for it in stream.payloads
            ],
            telephone_events=[
                replace(it, event=None) for it in stream.telephone_events
            ],
        )

    def _endpoint(self, end: Endpoint | None) -> Endpoint | None:
        return None if end is None else self._address(end)

    def _address(self, end: Endpoint) -> Endpoint:
        return Endpoint(self._pseudonyms.address(end.ip), end.port)

    def _json(self, value: Any, depth: int = 0) -> Any:
        """JSON that others made, of which nobody here knows all the fields."""
        if isinstance(value, Mapping):
            return {
                self._key(str(key)): self._field(str(key), item, depth)
                for key, item in value.items()
            }
        if isinstance(value, list | tuple):
            return [self._json(item, depth + 1) for item in value if depth < _MAX_DEPTH]
        if isinstance(value, str) and not _SSRC.fullmatch(value):
            return self._messages.texts.text(value)
        return value

    def _key(self, key: str) -> str:
        plain = _KEY.fullmatch(key) and not self._pseudonyms.is_known(key)
        return key if plain else self._pseudonyms.token("key", key)

    def _field(self, key: str, value: Any, depth: int) -> Any:
        if depth >= _MAX_DEPTH:
            return None
        if key == "call_id" and isinstance(value, str):
            return self._pseudonyms.call_id(value)
        return self._json(value, depth + 1)


def _occurrence(legs: Sequence[Evidence]) -> Callable[[str], bool]:
    """Tells whether a text occurs anywhere in the evidence."""
    texts = []
    for evidence in legs:
        texts += [packet.payload.decode("utf-8", "replace") for packet in evidence.sip]
        texts += [line.text for line in evidence.logs]
        ends = [(item.src, item.dst) for item in evidence.sip]
        texts += [str(end) for pair in ends for end in pair]
        texts += [evidence.call_id, *(other for _, other in evidence.legs)]
    return occurrence("\n".join(texts))


def occurrence(corpus: str) -> Callable[[str], bool]:
    """Tells whether a text occurs in this one, at the cost of one search for all the
    pseudonyms that differ in their count alone.
    """

    @cache
    def counts(stem: str) -> list[str]:
        """The counts behind a stem wherever it occurs, sorted."""
        found = set()
        at = corpus.find(stem)
        while at >= 0:
            if count := _COUNT_HERE.match(corpus, at + len(stem)):
                found.add(count[0])
            at = corpus.find(stem, at + 1)
        return sorted(found)

    def occurs(text: str) -> bool:
        count = _COUNT.search(text)
        if count is None:
            return text in corpus
        behind = counts(text[: count.start()])
        place = bisect_left(behind, count[0])
        return place < len(behind) and behind[place].startswith(count[0])

    return occurs

"""Calls to explain: recorded ones, and made-up ones in a few words."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flask_sipvault.analysis.explain import Call
from flask_sipvault.analysis.explain import explain
from flask_sipvault.evidence import Evidence
from flask_sipvault.evidence import RtcpDatagram
from flask_sipvault.evidence import SipPacket
from flask_sipvault.evidence import State
from flask_sipvault.evidence import Transport
from flask_sipvault.importing.importer import import_capture
from flask_sipvault.protocols.address import Endpoint
from flask_sipvault.protocols.capture import read_capture

REPOSITORY = Path(__file__).parents[2]
LABELLED = REPOSITORY / "tests" / "data" / "labelled"

#: Monday, 23 November 2026, 14:02:11 UTC.
NOON = 1_795_442_531_000_000_000

MADE_UP_ID = "a84b4c76e66710@198.51.100.23"


class Story:
    """A call told packet by packet, between hosts that are just named.

    The dialog is A's (tag ``a``) with B (tag ``b``); time is in seconds.
    """

    hosts: dict[str, Endpoint] = {  # noqa: RUF012
        "alice": Endpoint("198.51.100.23", 5060),
        "proxy": Endpoint("203.0.113.9", 5060),
        "bob": Endpoint("10.8.0.14", 5060),
        "carol": Endpoint("10.8.0.15", 5060),
    }

    def __init__(self) -> None:
        self.evidence = Evidence("acme", MADE_UP_ID)

    def packet(
        self,
        at: float,
        way: str,
        payload: bytes,
        *,
        transport: Transport = "udp",
        ports: tuple[int, int] | None = None,
    ) -> None:
        src, dst = (self.hosts[name] for name in way.split(" > "))
        if ports:
            src, dst = src._replace(port=ports[0]), dst._replace(port=ports[1])
        ts = NOON + round(at * 1e9)
        self.evidence.sip.append(SipPacket(ts, src, dst, transport, payload))

    def message(
        self,
        at: float,
        way: str,
        start: str,
        *,
        cseq: str | None = None,
        branch: str | None = "z9hG4bK1",
        tags: str = "a b",
        headers: tuple[str, ...] = (),
        sdp: str = "",
        uri: str = "sip:bob@example.com",
        **where: Any,
    ) -> Story:
        """One message. Its start line may be ``INVITE`` or ``180 Ringing``.

        :param tags: of From and To; ``a`` alone for a To without a tag.
        :param uri: the Request-URI of a request.
        :param sdp: ``PCMU 10.8.0.14:17002`` describes one stream of audio.
        """
        word = start.split()[0]
        is_code = word.isdigit()
        first_line = f"SIP/2.0 {start}" if is_code else f"{start} {uri} SIP/2.0"
        from_tag, _, to_tag = tags.partition(" ")
        lines = [first_line]
        if branch is not None:
            lines.append(f"Via: SIP/2.0/UDP 198.51.100.23;branch={branch}")
        lines += [
            f'From: "Alice" <sip:+551140028922@example.com>;tag={from_tag}',
            "To: <sip:bob@example.com>" + (f";tag={to_tag}" if to_tag else ""),
            f"Call-ID: {MADE_UP_ID}",
            f"CSeq: {cseq or f'1 {word}'}",
            *headers,
        ]
        body = described(sdp) if sdp else ""
        if body:
            lines.append("Content-Type: application/sdp")
        lines.append(f"Content-Length: {len(body)}")
        self.packet(at, way, "\r\n".join([*lines, "", body]).encode(), **where)
        return self

    def invite(self, at: float = 0, way: str = "alice > bob", **more: Any) -> Story:
        return self.message(at, way, "INVITE", **{"tags": "a", **more})

    def reply(
        self, at: float, start: str, way: str = "bob > alice", **more: Any
    ) -> Story:
        """A response to the INVITE."""
        return self.message(at, way, start, **{"cseq": "1 INVITE", **more})

    def bye(self, at: float, way: str = "alice > bob", **more: Any) -> Story:
        tags = "a b" if way.startswith("alice") else "b a"
        return self.message(
            at,
            way,
            "BYE",
            **{"cseq": "2 BYE", "branch": "z9hG4bK2", "tags": tags} | more,
        )

    def call(self, state: State = "COMPLETE") -> Call:
        self.evidence.state = state
        return explain(self.evidence)


def described(stream: str) -> str:
    """A session description of one stream: ``PCMU 10.8.0.14:17002``, and more lines."""
    codecs, _, rest = stream.partition(" ")
    address, *attributes = rest.split("\n")
    ip, _, port = address.rpartition(":")
    numbers = {"PCMU": "0", "PCMA": "8", "G722": "9", "G729": "18", "opus": "96"}
    formats = " ".join(numbers[name] for name in codecs.split("+"))
    lines = [
        "v=0",
        f"c=IN IP4 {ip}",
        f"m=audio {port} RTP/AVP {formats} 101",
        "a=rtpmap:96 opus/48000/2",
        "a=rtpmap:101 telephone-event/8000",
        *attributes,
    ]
    return "\r\n".join([*lines, ""])


@pytest.fixture
def story() -> Story:
    """An empty call to tell."""
    return Story()


@pytest.fixture(scope="session")
def imported() -> Callable[[Path], list[Evidence]]:
    """The calls in a capture file as an import makes them, with their media."""

    def load(capture: Path) -> list[Evidence]:
        with capture.open("rb") as file:
            found = import_capture(
                read_capture(file),
                customer_id="acme",
                source=capture.name,
                keep_all=True,
            )
            return list(found)

    return load


@pytest.fixture(scope="session")
def labelled(imported: Callable[[Path], list[Evidence]]) -> Callable[[str], Call]:
    """A labelled call, explained, by its name."""

    def load(name: str) -> Call:
        (evidence,) = imported(LABELLED / f"{name}.pcap")
        return explain(evidence)

    return load


@pytest.fixture(scope="session")
def field(imported: Callable[[Path], list[Evidence]]) -> Callable[..., Call]:
    """A call of a capture of the field, explained; these are not in the repository."""

    def load(name: str, index: int = 0, folder: str = "field") -> Call:
        path = REPOSITORY.parent / "shared" / "corpus" / folder / name
        if not path.is_file():
            pytest.skip(f"{folder}/{name} is not beside this checkout")
        return explain(imported(path)[index])

    return load


@pytest.fixture(scope="session")
def captured() -> Callable[..., list[Evidence]]:
    """The calls in a capture file, in the order of their first message.

    RTCP is given to the call with an INVITE if there is just one.

    :param addresses: False for RTCP as the agent sends it, without any.
    """

    def load(capture: Path, *, addresses: bool = True) -> list[Evidence]:
        calls: dict[str, Evidence] = {}
        rtcp = []
        with capture.open("rb") as file:
            for item in read_capture(file):
                src, dst = item.src, item.dst
                if item.kind == "sip" and src and dst:
                    call_id = item.call_id or ""
                    call = calls.setdefault(call_id, Evidence("acme", call_id))
                    call.sip.append(
                        SipPacket(item.ts, src, dst, item.transport, item.payload)
                    )
                elif item.kind == "rtcp":
                    ends = (src, dst) if addresses else (None, None)
                    rtcp.append(RtcpDatagram(item.ts, *ends, item.payload))
        invited = [c for c in calls.values() if c.sip[0].payload[:6] == b"INVITE"]
        if len(invited) == 1:
            invited[0].rtcp = rtcp
        return list(calls.values())

    return load


@pytest.fixture(scope="session")
def recorded(
    agent_corpus: Path, captured: Callable[..., list[Evidence]]
) -> Callable[..., list[Evidence]]:
    """The calls of a recording of the agent, by its name."""

    def load(name: str, **more: Any) -> list[Evidence]:
        return captured(agent_corpus / f"{name}.pcap", **more)

    return load


@pytest.fixture(scope="session")
def explained(recorded: Callable[..., list[Evidence]]) -> Callable[..., Call]:
    """One call of a recording, explained."""

    def load(name: str, index: int = 0, **more: Any) -> Call:
        return explain(recorded(name, **more)[index])

    return load

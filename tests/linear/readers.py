"""Everything in the package that reads text off the wire, by name.

A function that is not in :data:`READERS`, is not reached by what is, and has no reason
in :data:`EXEMPT` fails the tests: see :mod:`test_linear`.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

from flask_sipvault import sanitize
from flask_sipvault.analysis import logs
from flask_sipvault.analysis.explain import explain
from flask_sipvault.analysis.findings.addresses import is_private
from flask_sipvault.analysis.findings.rules.redirect_loop import target_of
from flask_sipvault.analysis.findings.stir_responses import stir_cause
from flask_sipvault.analysis.joined_call import joined
from flask_sipvault.analysis.ladder.ladder import ladder
from flask_sipvault.analysis.sip import comparison
from flask_sipvault.analysis.sip.alignment import aligned
from flask_sipvault.analysis.sip.messages import read_messages
from flask_sipvault.analysis.sip.phrases import own_phrase
from flask_sipvault.analysis.sip.repeats import find_repeats
from flask_sipvault.analysis.words import text as words
from flask_sipvault.analysis.words.catalogue import code_lines
from flask_sipvault.collector import items
from flask_sipvault.correlation import media_index
from flask_sipvault.correlation.call_ids import CallIdMatcher
from flask_sipvault.correlation.call_state import CallState
from flask_sipvault.correlation.legs import LegCorrelator
from flask_sipvault.dashboard.exports import files
from flask_sipvault.dashboard.panels.ladder.svg import draw
from flask_sipvault.dashboard.panels.messages import filter as message_filter
from flask_sipvault.dashboard.panels.messages import highlight
from flask_sipvault.evidence import NetworkEvent
from flask_sipvault.evidence import SipPacket
from flask_sipvault.importing import twice
from flask_sipvault.importing.importer import CaptureImporter
from flask_sipvault.importing.importer import import_capture
from flask_sipvault.importing.log_file import read_lines
from flask_sipvault.masking import mask
from flask_sipvault.masking.domains import Domains
from flask_sipvault.masking.evidence import occurrence
from flask_sipvault.masking.messages import MessageMask
from flask_sipvault.masking.names import Names
from flask_sipvault.masking.passport import PassportMask
from flask_sipvault.masking.pseudonyms import Pseudonyms
from flask_sipvault.masking.rtcp import masked_rtcp
from flask_sipvault.masking.uris import bracketed
from flask_sipvault.masking.uris import is_plain
from flask_sipvault.masking.uris import UriMask
from flask_sipvault.protocols import agent
from flask_sipvault.protocols import hep
from flask_sipvault.protocols import mime
from flask_sipvault.protocols import network
from flask_sipvault.protocols import network_error
from flask_sipvault.protocols import packets
from flask_sipvault.protocols import pcapwriter
from flask_sipvault.protocols import rtcp
from flask_sipvault.protocols import rtcp_json
from flask_sipvault.protocols import rtp
from flask_sipvault.protocols import sdp
from flask_sipvault.protocols import sip
from flask_sipvault.protocols import sip_fields
from flask_sipvault.protocols import tcp
from flask_sipvault.protocols import websocket
from flask_sipvault.protocols.address import Endpoint
from flask_sipvault.protocols.capture import read_capture
from flask_sipvault.protocols.fragments import Reassembler
from flask_sipvault.protocols.framing import MessageFramer
from flask_sipvault.protocols.hep_stream import HepReader
from flask_sipvault.protocols.passport import canonical_number
from flask_sipvault.protocols.passport import read_identity
from flask_sipvault.protocols.pieces import find_beginning
from flask_sipvault.protocols.rtcp_xr import xr_blocks
from flask_sipvault.protocols.sctp import Associations
from flask_sipvault.sipp import bodies
from flask_sipvault.sipp import scenario
from flask_sipvault.sipp import sides
from flask_sipvault.vault import bundle

from .messages import ALICE
from .messages import BOB
from .messages import call
from .messages import packet
from .messages import START

#: Reads a text, or fails with a ValueError.
Reader = Callable[[str], object]


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "replace")


def _of_bytes(read: Callable[[bytes], object]) -> Reader:
    return lambda text: read(_bytes(text))


def _pieces(text: str) -> list[str]:
    return [piece for piece in text.replace(";", "\n").split("\n") if piece]


def _masks() -> Pseudonyms:
    return Pseudonyms(occurrence("user-1"))


def _twice(payload: bytes) -> None:
    stored, more = call(payload), call(payload)
    more.shift(90_000_000_000)
    twice.offset_to(stored, more, moved=True)
    twice.adds_to(stored, more)


def _each(method: str) -> Reader:
    """One after the other gets a pseudonym, then all are looked for."""

    def read(text: str) -> None:
        masks = Pseudonyms(occurrence(text))
        for piece in (text, *_pieces(text)):
            getattr(masks, method)(piece)
        masks.is_known(text)

    return read


def _names(text: str) -> None:
    names = Names()
    for piece in (text[: len(text) // 2] + "x", *_pieces(text)):
        names.add(piece, "?")
    names.is_in(text)
    list(names.find(text))


def _domains(text: str) -> None:
    domains, at = Domains(text), 0
    while (found := domains.next(at)) is not None:
        at = found.end


def _owner(text: str) -> None:
    matcher = CallIdMatcher(_pieces(text))
    matcher.add(text)
    for line in text.split("\n")[:50]:
        matcher.owner(line)
    matcher.owner(text.replace("\n", " "))
    matcher.discard(text)


def _by_the_byte(feed: Callable[[bytes], object]) -> Reader:
    def read(text: str) -> None:
        data = _bytes(text)
        for at in range(len(data)):
            feed(data[at : at + 1])

    return read


def _framed_by_the_byte(beginning: bytes, most: int = 1 << 20) -> Reader:
    """
    :param most: what is longer is given up, and reads as something else.
    """

    def read(text: str) -> None:
        framer = MessageFramer()
        framer.feed(beginning)
        _by_the_byte(framer.feed)(text[:most])

    return read


def _framed(text: str) -> None:
    framer = MessageFramer()
    framer.feed(b"INVITE sip:b SIP/2.0\r\n\r\n")
    framer.feed(_bytes(text))
    framer.cut(9)


def _websocket(text: str) -> None:
    reader = websocket.FrameReader()
    reader.feed(b"\x82\x7f" + (200_000).to_bytes(8, "big"))
    _by_the_byte(reader.feed)(text)


def _segments(text: str) -> None:
    """A connection of one-byte segments, a second one with gaps, all sent twice."""
    connections = tcp.Connections()
    data = b"INVITE sip:b SIP/2.0\r\n" + _bytes(text)
    for at in range(len(data)):
        whole = bytes(10) + (at + 1).to_bytes(2, "big")
        head = (
            b"\x13\xc4\x13\xc4" + (at + 1).to_bytes(4, "big") + bytes(4) + b"\x50\x10"
        )
        segment = tcp.Segment.parse(head + whole[:6] + data[at : at + 1])
        if segment is not None:
            connections.add(START + at, b"\1\2\3\4", b"\5\6\7\x08", segment)
            if at % 3:
                connections.add(START + at, b"\1\2\3\5", b"\5\6\7\x08", segment)
            connections.add(START + at, b"\1\2\3\4", b"\5\6\7\x08", segment)
    connections.flush()


def _fragments(text: str) -> None:
    reassembler = Reassembler()
    data = _bytes(text)
    for at in range(0, len(data), 8):
        reassembler.add(START, at >> 15, at % 0x8000, data[at : at + 8], True)
        reassembler.add(START, "the same", 0, data[:at], True)


def _chunks(text: str) -> None:
    """SCTP packets of many DATA chunks, each of them a piece of a message."""
    associations = Associations()
    data = _bytes(text)
    chunks = b"".join(
        b"\0\0\0\x14" + (at // 4).to_bytes(4, "big") + bytes(8) + data[at : at + 4]
        for at in range(0, len(data) - 3, 4)
    )
    associations.add(b"\1\2\3\4", b"\5\6\7\x08", bytes(12) + chunks)


def _frame_stream(text: str) -> None:
    reader = agent.FrameReader()
    data = _bytes(text)
    stream = b"".join(
        agent.build(agent.LogFrame(START, "a", data[at : at + 100]))
        for at in range(0, len(data), 100)
    )
    for at in range(0, len(stream), 7):
        for frame in reader.feed(stream[at : at + 7]):
            items.from_frame(frame, "a")


def _hep_packet(data: bytes, **fields: Any) -> bytes:
    return hep.build(hep.HepPacket(hep.SIP, data[:60_000], START, ALICE, BOB, **fields))


def _hep_stream(text: str) -> None:
    data = _bytes(text)
    reader = HepReader()
    stream = b"".join(
        _hep_packet(data[at : at + 100], correlation_id="a")
        for at in range(0, len(data), 100)
    )
    for at in range(0, len(stream), 7):
        for read in reader.feed(stream[at : at + 7]):
            items.from_hep(read, "a", START)


def _old_hep(text: str) -> None:
    data = b"\x02\x10\x02\x11" + _bytes(text)
    hep.looks_like_hep(data)
    hep.parse(data)


def _hep_chunks(text: str) -> None:
    data = _bytes(text)[:60_000]
    body = b"".join(
        b"\0\7\0\1\0\7" + data[at : at + 1] for at in range(min(len(data), 8_000))
    )
    hep.parse(b"HEP3" + (len(body) + 6).to_bytes(2, "big") + body)


def _capture(text: str) -> None:
    _imported(b"".join(_pcap(text)))


def _pcap(text: str) -> Iterator[bytes]:
    data = _bytes(text)
    yield from pcapwriter.pcap(
        [
            packets.Message(START, ALICE, BOB, "udp", data),
            packets.Message(START, ALICE, BOB, "tcp", data),
            packets.Message(START, ALICE, BOB, "sctp", data),
            packets.Message(START, ALICE, BOB, "udp", _hep_packet(data)),
        ]
    )


def _imported(data: bytes) -> None:
    captured = read_capture(io.BytesIO(data), on_damage=str)
    for evidence in import_capture(
        captured, customer_id="acme", source="file", keep_all=True
    ):
        bundle.unpack(
            bundle.pack(evidence), customer_id="acme", call_id=evidence.call_id
        )


def _raw_capture(text: str) -> None:
    list(
        read_capture(
            io.BytesIO(b"\xd4\xc3\xb2\xa1" + bytes(20) + _bytes(text)), on_damage=str
        )
    )
    list(read_capture(io.BytesIO(b"\x0a\x0d\x0d\x0a" + _bytes(text)), on_damage=str))


def _frames(text: str) -> None:
    data = _bytes(text)
    for link in (0, 1, 101, 113, 276):
        network.unwrap(link, START, b"\x45" + data, Reassembler())
        network.unwrap(link, START, bytes(12) + b"\x08\x00\x45" + data, Reassembler())


def _network_errors(text: str) -> None:
    """An ICMP error that quotes a datagram, and a segment that refuses a connection."""
    src, dst = b"\xc0\0\2\1", b"\xc0\0\2\2"
    data = _bytes(text)[:60_000]
    quoted = packets.ip_packet(src, dst, 17, b"\x13\xc4\x13\xc4\0\0\0\0" + data)
    packets.checksum(src, dst, 17, data)
    packets.ones_complement(data)
    for protocol, body in (
        (1, b"\x03\x03\0\0\0\0\0\0" + quoted),
        (6, b"\x13\xc4\x13\xc4" + bytes(8) + b"\x50\x14" + bytes(6) + data),
    ):
        packet_ = packets.ip_packet(src, dst, protocol, body)
        packets.length_on_wire(packet_)
        network.ip_payload(packet_)
        network_error.read(packet_)
        NetworkEvent.read(START, packet_)


def _log_file(text: str) -> None:
    importer = CaptureImporter("acme", keep_all=True)
    captured = read_capture(io.BytesIO(b"".join(_pcap(text[:200]))), on_damage=str)
    list(importer.feed(captured, "file"))
    list(importer.feed_log(io.BytesIO(_bytes(text)), "log"))
    list(importer.finish())


def _extended_report(text: str) -> None:
    with suppress(struct.error):
        list(xr_blocks(_bytes(text)))


def _message_facts(message: sip.SipMessage) -> None:
    """All that is asked of a message that was read."""
    for address in (message.from_, message.to, message.contact):
        if address is not None:
            assert address.tag is not None
            assert address.user is not None
            assert address.host is not None
    assert message.vias is not None
    assert message.branch is not None
    assert message.cseq_method is not None
    assert message.user_agent is not None
    for name in ("Reason", "Route", "Contact", "X-Other"):
        message.get(name)
        message.get_all(name)
        message.values(name)
        message.addresses(name)
    for part in message.bodies():
        with suppress(sdp.SdpError):
            described = sdp.parse(part.data)
            for media in described.media:
                assert media.on_hold in (True, False)
                assert media.rtp != ""
                assert media.rtcp != ""


def _message(payload: bytes) -> None:
    sip.peek(payload)
    sip.looks_like_sip(payload)
    with suppress(sip.SipError):
        sip.frame_length(payload)
    with suppress(sip.SipError):
        _message_facts(sip.parse(payload))


def _followed(payload: bytes) -> None:
    state = CallState()
    for method in ("INVITE", "BYE", "CANCEL"):
        state.follow(START, method, payload)
        state.follow(START, method, payload.replace(b"INVITE", b"SIP/2.0 200"))
    description = media_index.description_in(payload)
    if description is not None:
        media_index.streams(description)
    media = media_index.MediaIndex()
    media.announce(START, "a", payload)
    media.owner(START, ALICE, BOB)
    media.owner_of_report(START, payload)
    media.forget("a")


def _correlated(payload: bytes) -> None:
    LegCorrelator(["X-Other"]).add(call(payload))


def _masked(payload: bytes) -> None:
    MessageMask(_masks()).message(payload)


def _shown(payload: bytes) -> None:
    head, body = highlight.split(payload)
    highlight.head(head)
    highlight.body(body, "application/sdp")
    highlight.body(body, "text/plain")
    highlight.is_text(body)
    highlight.hexdump(body)
    files.message_text(payload)


def _compared(payload: bytes) -> None:
    other = payload[: len(payload) // 2] + b"x" + payload[len(payload) // 2 :]
    left, right = read_messages([packet(payload), packet(other, after_ms=900)])
    for line in comparison.compare(left, right):
        line.marked()


def _explained(payload: bytes) -> None:
    """A call, its parts without an INVITE or without a refusal, and two legs of one."""
    whole = call(payload)
    explained = explain(whole)
    joined(explained, [explain(call(payload.replace(b"call@host", b"other@host")))])
    drawn = ladder(explained)
    find_repeats(drawn.rows)
    draw(drawn)
    begun_late = replace(whole, sip=whole.sip[3:], rtcp=[], media=[], reports=[])
    refused = [*whole.sip[:1], packet(payload.replace(b"INVITE", b"SIP/2.0 486"))]
    # The other way, as a refusal really goes: what it says is read, and the request.
    malformed = [
        packet(payload),
        packet(payload.replace(b"INVITE ", b"SIP/2.0 400 ", 1), after_ms=5, back=True),
    ]
    more = (*_changes(payload), whole.sip[1:2])
    for sip_packets in (begun_late.sip, refused, malformed, *more):
        explain(replace(begun_late, sip=sip_packets))


def _changes(payload: bytes) -> Iterator[list[SipPacket]]:
    """An offer that is refused, one that is answered in other media, and a change of
    the call that is refused before it is hung up.
    """
    offer = _with_media(payload, b"m=audio 4000 RTP/SAVP 18")
    final = payload.replace(b"INVITE ", b"SIP/2.0 488 ", 1)
    yield [packet(offer), packet(final, after_ms=5, back=True)]
    known = payload.replace(b"<sip:bob@b.example>", b"<sip:bob@b.example>;tag=b", 1)
    accepted = known.replace(b"INVITE ", b"SIP/2.0 200 ", 1)
    again = _with_media(known, b"m=audio 4000 RTP/AVP 0").replace(b"1 INV", b"2 INV")
    again = again.replace(b"z9hG4bK1", b"z9hG4bK2")
    not_again = again.replace(b"INVITE ", b"SIP/2.0 488 ", 1)
    bye = known.replace(b"INVITE", b"BYE").replace(b"1 BYE", b"3 BYE")
    yield [
        packet(offer),
        packet(_with_media(accepted, b"m=audio 4000 RTP/AVP 0"), after_ms=5, back=True),
        packet(again, after_ms=9),
        packet(not_again, after_ms=12, back=True),
        packet(bye.replace(b"z9hG4bK1", b"z9hG4bK3"), after_ms=15),
    ]


def _with_media(payload: bytes, line: bytes) -> bytes:
    head, _, body = payload.partition(b"\r\n\r\n")
    described = b"v=0\r\nc=IN IP4 192.0.2.1\r\n" + line + b"\r\n" + body
    return head + b"\r\nContent-Type: application/sdp\r\n\r\n" + described


def _replayed(payload: bytes) -> None:
    explained = explain(call(payload))
    for side in sides(explained):
        scenario(explained, side)


def _described(text: str) -> None:
    data = _bytes(text)
    _masked(
        b"INVITE sip:b SIP/2.0\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n" + data
    )
    sdp.parse(b"v=0\r\n" + data)


def _filtered(text: str) -> None:
    wanted = message_filter.MessageFilter(text)
    [message] = read_messages([packet(_bytes(text))])
    wanted.fits(message, text)


def _in_two(text: str) -> tuple[list[str], list[str]]:
    pieces = _pieces(text) if "\n" in text else list(text)
    return pieces, pieces[::-1] + pieces[::2]


#: What reads a text as it is, of 600 and of 4,800 characters.
READERS: dict[str, Reader] = {
    "analysis.logs.level": logs.level,
    "analysis.sip.alignment.aligned": lambda text: aligned(*_in_two(text)),
    "analysis.words.text.printable": words.printable,
    "analysis.words.text.quoted": words.quoted,
    "correlation.call_ids.CallIdMatcher.__init__": _owner,
    "correlation.call_ids.CallIdMatcher.add": _owner,
    "correlation.call_ids.CallIdMatcher.discard": _owner,
    "correlation.call_ids.CallIdMatcher.owner": _owner,
    "dashboard.panels.messages.filter.MessageFilter.__init__": _filtered,
    "dashboard.panels.messages.filter.MessageFilter.fits": _filtered,
    "analysis.findings.addresses.is_private": is_private,
    "analysis.findings.rules.redirect_loop.target_of": target_of,
    "analysis.findings.stir_responses.stir_cause": lambda text: stir_cause(
        read_messages([packet(b"SIP/2.0 403 No\r\nReason: " + _bytes(text))])[0], text
    ),
    "analysis.sip.phrases.own_phrase": lambda text: own_phrase(486, text),
    "analysis.words.catalogue.code_lines": code_lines,
    "protocols.passport.canonical_number": canonical_number,
    "protocols.passport.read_identity": read_identity,
    "sanitize.escaped": lambda text: sanitize.escaped(text, ascii),
    "sanitize.is_seen": sanitize.is_seen,
    "sanitize.on_one_line": sanitize.on_one_line,
    "sanitize.visible": sanitize.visible,
    "evidence.NetworkEvent.read": _network_errors,
    "importing.importer.CaptureImporter.feed": _capture,
    "importing.importer.import_capture": _capture,
    "importing.importer.CaptureImporter.feed_log": _log_file,
    "importing.log_file.find_stamp": lambda text: list(
        read_lines(io.BytesIO(_bytes(text)))
    ),
    "importing.log_file.read_lines": lambda text: list(
        read_lines(io.BytesIO(_bytes(text)))
    ),
    "masking.domains.Domains.__init__": _domains,
    "masking.evidence.occurrence": lambda text: occurrence(text)("user-1"),
    "masking.names.Names.add": _names,
    "masking.names.Names.find": _names,
    "masking.names.Names.is_in": _names,
    **{
        f"masking.pseudonyms.Pseudonyms.{name}": _each(name)
        for name in (
            *("user", "number", "name", "host", "address", "call_id", "is_known"),
        )
    },
    "masking.pseudonyms.Pseudonyms.branch": lambda text: _masks().branch(
        text, "z9hG4bK"
    ),
    "masking.pseudonyms.Pseudonyms.secret": lambda text: _masks().secret("a", text),
    "masking.pseudonyms.Pseudonyms.token": lambda text: _masks().token("a", text),
    "masking.passport.PassportMask.identities": lambda text: PassportMask(
        _masks(), UriMask(_masks())
    ).identities(text),
    "masking.rtcp.masked_rtcp": lambda text: masked_rtcp(
        b"{}" + _bytes(text), _masks()
    ),
    "masking.sdp.SdpMask.description": _described,
    "masking.texts.TextMask.log_line": lambda text: MessageMask(
        _masks()
    ).texts.log_line(text),
    "masking.texts.TextMask.phrase": lambda text: MessageMask(_masks()).texts.phrase(
        text
    ),
    "masking.texts.TextMask.text": lambda text: MessageMask(_masks()).texts.text(text),
    "masking.uris.bracketed": bracketed,
    "masking.uris.is_plain": is_plain,
    "masking.uris.UriMask.address": lambda text: UriMask(_masks()).address(text),
    "masking.uris.UriMask.addresses": lambda text: UriMask(_masks()).addresses(text),
    "masking.uris.UriMask.dialog": lambda text: UriMask(_masks()).dialog(text),
    "masking.uris.UriMask.fields": lambda text: UriMask(_masks()).fields({text: text}),
    "masking.uris.UriMask.uri": lambda text: UriMask(_masks()).uri(f"sip:{text}"),
    "masking.uris.UriMask.via": lambda text: UriMask(_masks()).via(text),
    "protocols.address.Endpoint.parse": Endpoint.parse,
    "protocols.capture.read_capture": _capture,
    "protocols.framing.MessageFramer.feed": _framed,
    "protocols.hep.frame_length": _of_bytes(hep.frame_length),
    "protocols.hep.looks_like_hep": _old_hep,
    "protocols.hep.parse": _old_hep,
    "protocols.hep.parse (many chunks)": _hep_chunks,
    "protocols.mime.body_parts": lambda text: mime.body_parts(
        "multipart/mixed;boundary=b", b"\r\n--b\r\n\r\n" + _bytes(text)
    ),
    "protocols.mime.body_parts (any boundary)": lambda text: mime.body_parts(
        f"multipart/mixed;boundary={text}", b"\r\n--" + _bytes(text)
    ),
    "protocols.mime.header_fields": mime.header_fields,
    "protocols.mime.unfolded": mime.unfolded,
    "protocols.network.ip_payload": _network_errors,
    "protocols.network.unwrap": _frames,
    "protocols.network_error.read": _network_errors,
    "protocols.packets.checksum": _network_errors,
    "protocols.packets.ip_packet": _network_errors,
    "protocols.packets.length_on_wire": _network_errors,
    "protocols.packets.ones_complement": _network_errors,
    "protocols.packets.messages": lambda text: list(
        packets.messages([(START, b"\x45" + _bytes(text))])
    ),
    "protocols.pcapfile.read_frames": _raw_capture,
    "protocols.pcapwriter.read_packets": lambda text: list(
        pcapwriter.read_packets(b"".join(_pcap(text)))
    ),
    "protocols.pcapwriter.read_pcap": lambda text: list(
        pcapwriter.read_pcap(b"".join(_pcap(text)))
    ),
    "protocols.pieces.find_beginning": lambda text: find_beginning(
        _bytes(text), b"HEP3", 6, lambda data, at: data[at + 5]
    ),
    "protocols.rtcp.looks_like_rtcp": _of_bytes(rtcp.looks_like_rtcp),
    "protocols.rtcp.parse": lambda text: rtcp.parse(
        b"\x81\xca" + (len(text) // 4).to_bytes(2, "big") + bytes(4) + _bytes(text)
    ),
    "protocols.rtcp_json.objects": lambda text: list(rtcp_json.objects(_bytes(text))),
    "protocols.rtcp_json.parse_json": lambda text: rtcp_json.parse_json(
        b'{"type":202,"sdes_information":[{}' + b",{}" * (len(text) // 3) + b"]}"
    ),
    "protocols.rtcp_xr.xr_blocks": _extended_report,
    "protocols.rtp.looks_like_rtp": _of_bytes(rtp.looks_like_rtp),
    "protocols.rtp.parse_header": _of_bytes(rtp.parse_header),
    "protocols.sctp.Associations.add": _chunks,
    "protocols.sdp.parse": _described,
    "protocols.sip.body_length": lambda text: sip.body_length(
        _bytes(text), 0, len(text)
    ),
    "protocols.sip_fields.canonical_name": sip_fields.canonical_name,
    "protocols.sip_fields.host_and_port": sip_fields.host_and_port,
    "protocols.sip_fields.NameAddr.parse": sip_fields.NameAddr.parse,
    "protocols.sip_fields.parameters": lambda text: sip_fields.parameters(
        text.split(";")
    ),
    "protocols.sip_fields.split_outside": lambda text: sip_fields.split_outside(
        text, ";"
    ),
    "protocols.sip_fields.unquoted": lambda text: sip_fields.unquoted(f'"{text}"'),
    "protocols.sip_fields.Via.parse": sip_fields.Via.parse,
    "protocols.websocket.is_upgrade": _of_bytes(websocket.is_upgrade),
    "sipp.bodies.literal": bodies.literal,
    "vault.bundle.unpack": _capture,
}

#: What reads a stream, in small pieces: much costs more than the reading of them, so
#: that only some of the families are tried, in 2,000 and 16,000 characters.
STREAM_READERS: dict[str, Reader] = {
    "collector.items.from_frame": _frame_stream,
    "collector.items.from_hep": _hep_stream,
    "protocols.agent.FrameReader.feed": _frame_stream,
    "protocols.fragments.Reassembler.add": _fragments,
    "protocols.framing.MessageFramer.feed (by the byte)": _framed_by_the_byte(b""),
    "protocols.framing.MessageFramer.feed (a message by the byte)": (
        _framed_by_the_byte(b"INVITE sip:b SIP/2.0\r\n")
    ),
    "protocols.framing.MessageFramer.feed (a start line by the byte)": (
        _framed_by_the_byte(b"INVITE sip:")
    ),
    "protocols.framing.MessageFramer.feed (a body by the byte)": (
        _framed_by_the_byte(b"INVITE sip:b SIP/2.0\r\nl: 200000\r\n\r\n")
    ),
    "protocols.framing.MessageFramer.feed (a handshake by the byte)": (
        _framed_by_the_byte(b"GET /", 5_000)
    ),
    "protocols.framing.MessageFramer.feed (HEP by the byte)": (
        _framed_by_the_byte(b"HEP3\xff\xff")
    ),
    "protocols.hep_stream.HepReader.feed": _hep_stream,
    "protocols.pieces.Pieces.join": _hep_stream,
    "protocols.pieces.Pieces.keep": _hep_stream,
    "protocols.tcp.Connections.add": _segments,
    "protocols.tcp.Segment.parse": _segments,
    "protocols.websocket.FrameReader.feed": _websocket,
}

#: What reads a SIP message, with a text of 400 and of 3,200 characters in each of
#: :data:`messages.PLACES`.
MESSAGE_READERS: dict[str, tuple[Callable[[bytes], object], tuple[str, ...]]] = {
    "reading": (
        _message,
        (
            *(
                "protocols.sip.parse",
                "protocols.sip.peek",
                "protocols.sip.frame_length",
            ),
            *("protocols.sip.looks_like_sip", "protocols.sip.SipMessage.get"),
            "protocols.sip.SipMessage.get_all",
            "protocols.sip.SipMessage.values",
            "protocols.sip.SipMessage.addresses",
        ),
    ),
    "following": (
        _followed,
        (
            "correlation.call_state.CallState.follow",
            "correlation.media_index.description_in",
            "correlation.media_index.streams",
            "correlation.media_index.MediaIndex.announce",
            "correlation.media_index.MediaIndex.forget",
            "correlation.media_index.MediaIndex.owner_of_report",
        ),
    ),
    "masking": (
        _masked,
        (
            "masking.messages.MessageMask.message",
            "masking.headers.HeaderMask.field",
            "masking.headers.HeaderMask.method",
            "masking.headers.HeaderMask.media_type",
        ),
    ),
    "showing": (
        _shown,
        (
            *(f"dashboard.panels.messages.highlight.{n}" for n in ("split", "head")),
            *(f"dashboard.panels.messages.highlight.{n}" for n in ("body", "is_text")),
            "dashboard.panels.messages.highlight.hexdump",
            "dashboard.exports.files.message_text",
        ),
    ),
}

#: The same, of fewer characters and in less variety: these do much with each call.
CALL_READERS: dict[str, tuple[Callable[[bytes], object], tuple[str, ...]]] = {
    "correlating": (
        _correlated,
        (
            "correlation.legs.LegCorrelator.__init__",
            "correlation.leg_features.LegFeatures.take",
        ),
    ),
    "comparing": (_compared, ()),
    "explaining": (
        _explained,
        (
            "analysis.findings.engine.find_findings",
            "analysis.sip.message.Message.header",
        ),
    ),
    "masking": (lambda payload: mask(call(payload)), ()),
    "replaying": (_replayed, ()),
    "importing twice": (_twice, ()),
}

#: What only whole pages are made by: see :mod:`whole_path`.
PAGE_READERS = (
    "dashboard.panels.findings.view.findings_view",
    "dashboard.panels.ladder.row.cut",
    "dashboard.panels.ladder.row.draw_row",
    "dashboard.panels.ladder.svg.LadderPen.__init__",
    "dashboard.panels.logs.view.logs_view",
    "dashboard.panels.messages.view.message_views",
    "dashboard.panels.timeline.svg.timeline_view",
)

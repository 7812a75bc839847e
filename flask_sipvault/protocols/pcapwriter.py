"""Capture files of what we hold: nanosecond pcap for the vault, pcapng for Wireshark.

Link type RAW (101): packets begin with the IP header, there is no Ethernet to invent.
In pcapng the log lines ride along as systemd journal entries, which Wireshark shows as
rows of their own in time order, and which sngrep and libpcap pass over.
"""

from __future__ import annotations

import heapq
import re
import struct
from collections.abc import Iterable
from collections.abc import Iterator
from typing import NamedTuple

from .packets import Framer
from .packets import length_on_wire
from .packets import Message
from .packets import messages
from .packets import PacketError

_MAGIC = 0xA1B23C4D
_RAW = 101
_SNAPLEN = 262144
_SECOND = 1_000_000_000

#: What precedes a packet: seconds, nanoseconds, its size here and on the wire.
_RECORD = struct.Struct("<IIII")

#: The last time that a pcap file can hold, in ns: in the year 2106. The first is 0.
MAX_TS = (1 << 32) * _SECOND - 1

# Blocks and options of pcapng (draft-ietf-opsawg-pcapng, section 4).
_SECTION, _INTERFACE, _PACKET, _JOURNAL = 0x0A0D0D0A, 1, 6, 9
_BYTE_ORDER = 0x1A2B3C4D
_IF_TSRESOL = 9
_UNKNOWN_LENGTH = -1

#: A journal entry is lines of text: its fields hold no line end or other control.
_CONTROLS = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


class Note(NamedTuple):
    """A log line that rides along in a pcapng file.

    :param ts: nanoseconds since the epoch; the file keeps microseconds.
    :param source: where the line comes from; empty where unknown.
    """

    ts: int
    source: str
    text: str


class RawPacket(NamedTuple):
    """An IP packet as it was captured, which is no message of a call.

    :param ts: nanoseconds since the epoch.
    :param data: from the IP header on; its end may be cut off.
    """

    ts: int
    data: bytes


def pcap(items: Iterable[Message | RawPacket]) -> Iterator[bytes]:
    """The pieces of a pcap file with these messages, in the order given.

    Of a message that is not whole the packet's headers count what is there, so that
    every reader of these files reads it; the record says how long it was.

    :raises ValueError: if a time is not in 0 … :data:`MAX_TS`, or an address is none.
    """
    yield struct.pack("<IHHiIII", _MAGIC, 2, 4, 0, 0, _SNAPLEN, _RAW)
    framer = Framer()
    for item in items:
        time = divmod(_checked(item.ts), _SECOND)
        if isinstance(item, RawPacket):
            size = len(item.data)
            yield _RECORD.pack(*time, size, length_on_wire(item.data)) + item.data
            continue
        missing = item.missing
        for frame in framer.frames(item._replace(missing=0) if missing else item):
            size = len(frame)
            yield _RECORD.pack(*time, size, size + missing) + frame


def read_packets(data: bytes) -> Iterator[RawPacket]:
    """The packets that :func:`pcap` was given, whatever they are.

    :raises PacketError: where the file is damaged, after all that comes before.
    """
    for ts, packet in _records(data):
        yield RawPacket(ts, packet)


def read_pcap(data: bytes) -> Iterator[Message]:
    """What :func:`pcap` wrote, message by message.

    :raises PacketError: where the file is damaged, after all that comes before.
    """
    return messages(_records(data))


def pcapng(*series: Iterable[Message | RawPacket | Note]) -> Iterator[bytes]:
    """The pieces of a pcapng file with messages, other packets and log lines.

    Of a message that is not whole the packet is cut off, so that Wireshark says so.

    :param series: each is kept in its order; between them, time decides.
    :raises ValueError: as :func:`pcap`.
    """
    section = struct.pack("<IHHq", _BYTE_ORDER, 1, 0, _UNKNOWN_LENGTH)
    yield _block(_SECTION, section)
    resolution = struct.pack("<HHB3xI", _IF_TSRESOL, 1, 9, 0)
    yield _block(_INTERFACE, struct.pack("<HHI", _RAW, 0, _SNAPLEN) + resolution)
    framer = Framer()
    for item in heapq.merge(*series, key=lambda item: item.ts):
        ts = _checked(item.ts)
        if isinstance(item, Note):
            yield _block(_JOURNAL, _journal_entry(item))
            continue
        for frame in _frames(framer, item):
            stamp = struct.pack("<III", 0, ts >> 32, ts & 0xFFFFFFFF)
            size = struct.pack("<II", len(frame), length_on_wire(frame))
            yield _block(_PACKET, stamp + size + frame)


def _frames(framer: Framer, item: Message | RawPacket) -> list[bytes]:
    return [item.data] if isinstance(item, RawPacket) else framer.frames(item)


def _checked(ts: int) -> int:
    if not 0 <= ts <= MAX_TS:
        raise ValueError(f"a capture file cannot hold the time {ts} ns")
    return ts


def _records(data: bytes) -> Iterator[tuple[int, bytes]]:
    if len(data) < 24 or data[:4] != struct.pack("<I", _MAGIC):
        raise PacketError("it does not begin as it was written")
    offset = 24
    while offset < len(data):
        head = data[offset : offset + 16]
        if len(head) < 16:
            raise PacketError("it is cut off")
        seconds, nanoseconds, size, _ = _RECORD.unpack(head)
        offset += 16
        if nanoseconds >= _SECOND:
            raise PacketError("a packet has an impossible time")
        if len(data) - offset < size:
            raise PacketError("it is cut off")
        yield seconds * _SECOND + nanoseconds, data[offset : offset + size]
        offset += size


def _block(kind: int, body: bytes) -> bytes:
    body += bytes(-len(body) % 4)
    size = 12 + len(body)
    return struct.pack("<II", kind, size) + body + struct.pack("<I", size)


def _journal_entry(note: Note) -> bytes:
    """The line in systemd's Journal Export Format."""
    fields = [
        f"__REALTIME_TIMESTAMP={note.ts // 1000}",
        f"SYSLOG_IDENTIFIER={_CONTROLS.sub(' ', note.source)}",
        f"MESSAGE={_CONTROLS.sub(' ', note.text)}",
    ]
    return "".join(f"{field}\n" for field in fields).encode("utf-8", "replace")

"""The frames in a capture file: pcap and pcapng, plain or compressed by gzip.

Own readers, since dpkt's keep time as a float (which cannot hold nanoseconds), know one
interface of a pcapng, and believe any length that a record claims. Formats:
draft-ietf-opsawg-pcap, draft-ietf-opsawg-pcapng. Memory is bounded by a block of the
file and one frame, whatever the file's size.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from collections.abc import Iterator
from typing import BinaryIO
from typing import NamedTuple

#: What is read from the file at once.
CHUNK = 1 << 20

#: What is uncompressed at once: so much is lost before a place that is damaged.
PIECE = 4096

#: The longest frame that is believed. Wireshark's own limit for ordinary links is
#: 256 KiB; a record that claims more is damage.
MAX_FRAME = 1 << 20

#: The longest block of a pcapng that is believed: frames are a part of theirs.
MAX_BLOCK = MAX_FRAME + (1 << 16)

#: The same packet twice within this time, in ns, is a copy that the capture made, at a
#: mirror port or at two interfaces: nothing that retransmits is as quick.
COPY_NS = 1_000_000

#: The last time that fits 64 bits of nanoseconds, in the year 2262.
_LAST_TIME = (1 << 63) - 1

#: Of one section of a pcapng.
MAX_INTERFACES = 4096

_GZIP = b"\x1f\x8b"
_PCAPNG = b"\x0a\x0d\x0d\x0a"

#: Magic number → byte order, nanoseconds in a unit of the fraction, size of a record's
#: header (Kuznetzov's "modified" pcap has eight bytes more).
_PCAP = {
    b"\xd4\xc3\xb2\xa1": ("<", 1000, 16),
    b"\xa1\xb2\xc3\xd4": (">", 1000, 16),
    b"\x4d\x3c\xb2\xa1": ("<", 1, 16),
    b"\xa1\xb2\x3c\x4d": (">", 1, 16),
    b"\x34\xcd\xb2\xa1": ("<", 1000, 24),
    b"\xa1\xb2\xcd\x34": (">", 1000, 24),
}

_INTERFACE, _OLD_PACKET, _SIMPLE_PACKET, _PACKET = 1, 2, 3, 6
_OPT_END, _OPT_TSRESOL, _OPT_TSOFFSET = 0, 9, 14


class CaptureError(ValueError):
    """This is no capture file that can be read; the message says what to do."""


#: One packet as the interface saw it: its link-layer type, as registered at
#: www.tcpdump.org/linktypes.html; nanoseconds since the epoch; as much of it as was
#: captured; how long it was, in bytes. A plain tuple, since there are so many.
Frame = tuple[int, int, bytes, int]


def read_frames(file: BinaryIO, on_damage: Callable[[str], None]) -> Iterator[Frame]:
    """Open a capture, for its frames in their order.

    The file is read on from where it stands and need not be seekable. At the first
    record that is cut or makes no sense the frames end, and ``on_damage`` is told.

    :raises CaptureError: at once, if the file's header is not that of a capture.
    """
    source = _Source(file)
    magic = source.peek(4)
    if magic in _PCAP:
        return _pcap(source, on_damage)
    if magic == _PCAPNG:
        return _pcapng(source, on_damage)
    if not magic:
        raise CaptureError(source.trouble or "the file is empty")
    raise CaptureError(
        f"not a pcap or pcapng file (it begins with {magic.hex(' ')}): save the "
        "capture in one of these formats, plain or compressed by gzip"
    )


class _Source:
    """A file read in chunks, uncompressed on the way.

    ``buffer`` from ``at`` on is what has not been consumed.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._inflater: zlib._Decompress | None = None
        self._compressed = b""
        self.buffer = b""
        self.at = 0
        self.trouble = ""
        if self.peek(2) == _GZIP:
            self._compressed, self.buffer = self.buffer, b""
            self._inflater = zlib.decompressobj(wbits=31)

    def peek(self, size: int) -> bytes:
        """The next bytes, fewer at the end of the file."""
        self.fill(size)
        return self.buffer[self.at : self.at + size]

    def fill(self, size: int) -> bool:
        """Have this many bytes in the buffer; False if the file ends before."""
        if self.at + size <= len(self.buffer):
            return True
        pieces = [self.buffer[self.at :]]
        have = len(pieces[0])
        while have < size:
            piece = self._read()
            if not piece:
                break
            pieces.append(piece)
            have += len(piece)
        self.buffer, self.at = b"".join(pieces), 0
        return have >= size

    def skip(self, size: int) -> bool:
        """Pass over bytes without keeping them."""
        while size > CHUNK:
            if not self.fill(CHUNK):
                return False
            self.at += CHUNK
            size -= CHUNK
        if not self.fill(size):
            return False
        self.at += size
        return True

    def _read(self) -> bytes:
        """The next bytes as they come, none at the end."""
        if self._inflater is None:
            return self._file.read(CHUNK)
        while not self.trouble:
            compressed = self._compressed or self._file.read(PIECE)
            self._compressed = b""
            if (
                self._inflater.eof
            ):  # files may be strung together (RFC 1952 section 2.2)
                compressed = compressed.lstrip(b"\0")
                if not compressed:
                    return b""
                self._inflater = zlib.decompressobj(wbits=31)
            if not compressed:
                self.trouble = "the compressed data are cut off"
                break
            try:
                plain = self._inflater.decompress(compressed[:PIECE], CHUNK)
            except zlib.error:
                self.trouble = "the compressed data are damaged"
                break
            rest = self._inflater.unconsumed_tail or self._inflater.unused_data
            self._compressed = rest + compressed[PIECE:]
            if plain:
                return plain
        return b""


def _pcap(source: _Source, on_damage: Callable[[str], None]) -> Iterator[Frame]:
    header = source.peek(24)
    if len(header) < 24:
        raise CaptureError("the file is cut within its header: copy it again")
    order, unit, record_size = _PCAP[header[:4]]
    # The upper bits of the field tell of a frame check sequence.
    link = struct.unpack_from(order + "I", header, 20)[0] & 0xFFFF
    source.at += 24
    return _pcap_records(source, link, order, unit, record_size, on_damage)


def _pcap_records(
    source: _Source,
    link: int,
    order: str,
    unit: int,
    record_size: int,
    on_damage: Callable[[str], None],
) -> Iterator[Frame]:
    unpack_from = struct.Struct(order + "IIII").unpack_from
    count = 0
    buffer, at = source.buffer, source.at
    while True:
        if at + record_size > len(buffer):
            source.at = at
            whole = source.fill(record_size)
            buffer, at = source.buffer, source.at
            if not whole:
                if source.trouble or buffer:
                    _ended(source, count, on_damage)
                return
        seconds, fraction, captured, length = unpack_from(buffer, at)
        start = at + record_size
        end = start + captured
        if end > len(buffer):
            if captured > MAX_FRAME:
                on_damage(f"after {count} frames comes none: {captured} bytes claimed")
                return
            source.at = at
            whole = source.fill(record_size + captured)
            buffer, at = source.buffer, source.at
            if not whole:
                _ended(source, count, on_damage)
                return
            start = at + record_size
            end = start + captured
        ts = seconds * 1_000_000_000 + fraction * unit
        yield link, ts, buffer[start:end], length
        count += 1
        at = end


def _ended(source: _Source, count: int, on_damage: Callable[[str], None]) -> None:
    trouble = source.trouble or "the file is cut off"
    on_damage(f"{trouble} after {count} frames")


class _Interface(NamedTuple):
    link: int
    snaplen: int
    units: int  # of time, in a second
    offset: int  # of time, in nanoseconds

    def time(self, high: int, low: int) -> int:
        ts = (high << 32 | low) * 1_000_000_000 // self.units + self.offset
        return min(max(ts, 0), _LAST_TIME)


class _BlockError(Exception):
    """A block of a pcapng contradicts itself."""


def _pcapng(source: _Source, on_damage: Callable[[str], None]) -> Iterator[Frame]:
    if _byte_order(source) is None:
        raise CaptureError("the file's first block is damaged: copy it again")
    return _pcapng_frames(source, on_damage)


def _byte_order(source: _Source) -> str | None:
    """Of the section whose header block comes next; None if that is not one."""
    magic = source.peek(12)[8:]
    return {b"\x4d\x3c\x2b\x1a": "<", b"\x1a\x2b\x3c\x4d": ">"}.get(magic)


def _pcapng_frames(
    source: _Source, on_damage: Callable[[str], None]
) -> Iterator[Frame]:
    order = "<"
    interfaces: list[_Interface] = []
    last_ts = 0
    count = 0
    while source.fill(12):
        if source.peek(4) == _PCAPNG:
            found = _byte_order(source)
            if found is None:
                on_damage(f"a damaged section header after {count} frames")
                return
            order, interfaces = found, []
        kind, size = struct.unpack_from(order + "II", source.buffer, source.at)
        if size < 12 or size % 4:
            on_damage(f"a block of {size} bytes after {count} frames")
            return
        if size > MAX_BLOCK:
            if kind in (_INTERFACE, _OLD_PACKET, _SIMPLE_PACKET, _PACKET):
                on_damage(f"a block of {size} bytes after {count} frames")
                return
            if not source.skip(size):
                break
            continue
        if not source.fill(size):
            break
        body = source.buffer[source.at + 8 : source.at + size - 4]
        source.at += size
        try:
            if kind == _INTERFACE:
                if len(interfaces) == MAX_INTERFACES:
                    raise _BlockError
                interfaces.append(_interface(body, order))
                continue
            if kind in (_PACKET, _OLD_PACKET):
                frame = _packet(body, order, kind, interfaces)
            elif kind == _SIMPLE_PACKET:
                frame = _simple_packet(body, order, interfaces, last_ts)
            else:
                continue
        except (_BlockError, struct.error, IndexError):
            on_damage(f"a block that contradicts itself after {count} frames")
            return
        last_ts = frame[1]
        count += 1
        yield frame
    if source.trouble or source.peek(1):
        _ended(source, count, on_damage)


def _packet(body: bytes, order: str, kind: int, interfaces: list[_Interface]) -> Frame:
    number, high, low, captured, length = struct.unpack_from(order + "IIIII", body)
    if kind == _OLD_PACKET:  # with a count of drops beside a shorter number
        number = struct.unpack_from(order + "H", body)[0]
    interface = interfaces[number]
    if captured > len(body) - 20:
        raise _BlockError
    ts = interface.time(high, low)
    return interface.link, ts, body[20 : 20 + captured], length


def _simple_packet(
    body: bytes, order: str, interfaces: list[_Interface], ts: int
) -> Frame:
    """A frame without a time: it gets that of the one before."""
    interface = interfaces[0]
    length = struct.unpack_from(order + "I", body)[0]
    captured = min(length, interface.snaplen or length)
    return interface.link, ts, body[4 : 4 + captured], length


def _interface(body: bytes, order: str) -> _Interface:
    link, _, snaplen = struct.unpack_from(order + "HHI", body)
    units, offset = 1_000_000, 0
    at = 8
    while at + 4 <= len(body):
        code, length = struct.unpack_from(order + "HH", body, at)
        at += 4
        if code == _OPT_END:
            break
        if code == _OPT_TSRESOL and length == 1:
            exponent = body[at] & 0x7F
            units = 2**exponent if body[at] & 0x80 else 10**exponent
        elif code == _OPT_TSOFFSET and length == 8:
            offset = struct.unpack_from(order + "q", body, at)[0] * 1_000_000_000
        at += length + -length % 4
    return _Interface(link, snaplen, units, offset)

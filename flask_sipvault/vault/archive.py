"""A zip file of a few members: written the same way each time, read as far as it goes.

Any unzip program opens it. We read it from the front, by the members' own headers, and
not by the directory at its end: so a file that is cut off still gives what comes before
the cut, and a member with a broken byte what comes before that.
"""

from __future__ import annotations

import hashlib
import re
import struct
import zlib
from collections.abc import Mapping

#: More than this, unpacked, is no part of a call.
MAX_TOTAL = 256 << 20

#: A member that unpacks to more than this must not be packed tighter than MAX_RATIO:
#: SIP and logs reach 30, a zip bomb 1000.
LARGE = 4 << 20
MAX_RATIO = 200

#: A member of this many bytes is not packed: to set zlib up takes longer than all else.
SMALL = 100

MAX_MEMBERS = 16

#: A local file header: flags, method, CRC, packed size, sizes of name and extra field.
_HEADER = struct.Struct("<6xHHxxxxIIxxxxHH")
_SIGNATURE = b"PK\x03\x04"

#: What a local header and an entry of the directory have in common, PKWARE APPNOTE
#: sections 4.3.7 and 4.3.12: version, flags, method, time and date, CRC, size packed
#: and unpacked, size of the name.
_COMMON = struct.Struct("<HHHHHIIIH")
_VERSION = 20
_MIDNIGHT, _1980 = 0, 0x0021

#: The rest of an entry: sizes of the extra field and the comment, disk, attributes
#: within (none) and of the file, where its header is.
_REST = struct.Struct("<HHHHII")
_ENTRY = b"PK\x01\x02" + struct.pack("<BB", _VERSION, 3)  # made on Unix, it says
_ATTRIBUTES = 0o644 << 16

#: The end of the directory: this disk and the directory's, entries here and in all,
#: the directory's size and offset, the size of the comment.
_END = struct.Struct("<4sHHHHIIH")
_NAME = re.compile(rb"[a-z]{1,20}\.[a-z]{1,10}")
_STORED, _DEFLATED = 0, 8

#: zlib's own choice between size and time.
_LEVEL = 6

#: Flags: how hard the packer tried, and that the name is UTF-8.
_HARMLESS = 0x0806

#: Compressed bytes to take at a time: what is lost before a broken byte at most.
_STEP = 512


class ArchiveError(ValueError):
    """Larger than it may be."""


def write(members: Mapping[str, bytes]) -> bytes:
    """The members as a zip file, in their order, without a date or a trace of the host.

    :raises ArchiveError: if they are larger than :func:`read` would accept.
    """
    total = sum(map(len, members.values()))
    if total > MAX_TOTAL:
        raise ArchiveError(f"{total} bytes are too many for one part")
    pieces: list[bytes] = []
    directory: list[bytes] = []
    offset = 0
    for name, content in members.items():
        method, packed = _STORED, content
        if _worth_packing(content):
            # zipfile does the same at three times the cost of everything around zlib.
            deflater = zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
            method, packed = _DEFLATED, deflater.compress(content) + deflater.flush()
        raw_name = name.encode("ascii")
        common = _COMMON.pack(
            *(_VERSION, 0, method, _MIDNIGHT, _1980, zlib.crc32(content)),
            *(len(packed), len(content), len(raw_name)),
        )
        rest = _REST.pack(0, 0, 0, 0, _ATTRIBUTES, offset)
        pieces += (_SIGNATURE, common, b"\0\0", raw_name, packed)
        directory += (_ENTRY, common, rest, raw_name)
        offset += len(_SIGNATURE) + len(common) + 2 + len(raw_name) + len(packed)
    entries = b"".join(directory)
    count = len(members)
    end = _END.pack(b"PK\x05\x06", 0, 0, count, count, len(entries), offset, 0)
    return b"".join((*pieces, entries, end))


def digest(members: Mapping[str, bytes]) -> str:
    """16 hex digits that name the content, however a host's zlib packs it."""
    total = hashlib.sha256()
    for name, content in members.items():
        total.update(f"{name} {len(content)}\n".encode())
        total.update(content)
    return total.hexdigest()[:16]


def read(data: bytes) -> tuple[dict[str, bytes], list[str]]:
    """The members by name, and what is wrong with them, in words.

    Of a damaged member there is what could be read.

    :raises ArchiveError: if it unpacks to more than it may.
    """
    members: dict[str, bytes] = {}
    damage: list[str] = []
    offset = data.find(_SIGNATURE)
    while offset >= 0:
        if len(members) + len(damage) >= MAX_MEMBERS:
            raise ArchiveError("it has too many members")
        room = MAX_TOTAL - sum(map(len, members.values()))
        end = _read_member(data, offset, room, members, damage)
        offset = data.find(_SIGNATURE, end)
    return members, damage


def _read_member(
    data: bytes, offset: int, room: int, members: dict[str, bytes], damage: list[str]
) -> int:
    """Read the member whose header is at ``offset``; where to look for the next."""
    body = offset + _HEADER.size
    if len(data) < body:
        damage.append("the zip file is cut off")
        return len(data)
    header: tuple[int, ...] = _HEADER.unpack_from(data, offset)
    flags, method, crc, packed, name_size, extra_size = header
    raw_name = data[body : body + name_size]
    body += name_size + extra_size
    strange = flags & ~_HARMLESS or not _NAME.fullmatch(raw_name)
    if strange or raw_name.decode() in members:
        damage.append("the zip file has a member that was not written here")
        return offset + len(_SIGNATURE)
    name = raw_name.decode()
    source = memoryview(data)[body : body + packed]
    if method == _DEFLATED:
        limit = min(room, max(LARGE, MAX_RATIO * len(source)))
        content, whole = _inflate(source, limit)
    elif method == _STORED:
        content, whole = bytes(source), True
        if len(content) > room:
            raise ArchiveError("it unpacks to more than a part may hold")
    else:
        damage.append(f"{name}: packed in a way that is not used here")
        return offset + len(_SIGNATURE)
    members[name] = content
    end = body + packed
    if len(source) < packed or not whole or zlib.crc32(content) != crc:
        damage.append(f"{name}: damaged in the zip file")
        # Within a member may stand what a stranger sent, a zip file even: that is
        # looked into only where the header's size is what was damaged.
        if end < len(data) and not data.startswith(b"PK", end):
            return offset + len(_SIGNATURE)
    return end


def _inflate(source: memoryview, limit: int) -> tuple[bytes, bool]:
    """What can be unpacked, and whether that was all of it."""
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    content = bytearray()
    for start in range(0, len(source), _STEP):
        try:
            piece = inflater.decompress(
                source[start : start + _STEP], limit - len(content) + 1
            )
        except zlib.error:
            return bytes(content), False
        content += piece
        if len(content) > limit:
            raise ArchiveError("it unpacks to more than a part may hold")
    return bytes(content), inflater.eof


def _worth_packing(content: bytes) -> bool:
    """Whether packing saves anything, and :func:`read` will take what comes out."""
    if len(content) <= LARGE:
        return len(content) > SMALL
    return len(content) <= MAX_RATIO * len(zlib.compress(content))

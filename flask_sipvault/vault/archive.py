"""A zip file of a few members: written the same way each time, read as far as it goes.

Any unzip program opens it. We read it from the front, by the members' own headers, and
not by the directory at its end: so a file that is cut off still gives what comes before
the cut, and a member with a broken byte what comes before that.
"""

from __future__ import annotations

import hashlib
import io
import re
import struct
import zipfile
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
_NAME = re.compile(rb"[a-z]{1,20}\.[a-z]{1,10}")
_STORED, _DEFLATED = 0, 8

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
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members.items():
            info = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            info.create_system = 3  # Unix, wherever this runs
            info.external_attr = 0o644 << 16
            info.compress_type = (
                zipfile.ZIP_DEFLATED if _worth_packing(content) else zipfile.ZIP_STORED
            )
            archive.writestr(info, content, compresslevel=6)
    return file.getvalue()


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

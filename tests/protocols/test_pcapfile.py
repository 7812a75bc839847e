"""Files of captures: every form, every cut."""

from __future__ import annotations

import gzip
import io
import random
import struct

import dpkt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_sipvault.protocols import pcapfile
from flask_sipvault.protocols.pcapfile import CaptureError
from flask_sipvault.protocols.pcapfile import read_frames

SECONDS = 1_700_000_000
FRAMES = [b"one", b"two, longer", b""]


def pcap(
    order: str = "<",
    magic: int = 0xA1B2C3D4,
    fraction: int = 5,
    link: int = 1,
    extra: bytes = b"",
) -> bytes:
    header = struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 65535, link)
    return header + b"".join(
        struct.pack(order + "IIII", SECONDS + n, fraction, len(data), 1500)
        + extra
        + data
        for n, data in enumerate(FRAMES)
    )


def block(order: str, kind: int, body: bytes) -> bytes:
    body += bytes(-len(body) % 4)
    size = struct.pack(order + "I", len(body) + 12)
    return struct.pack(order + "I", kind) + size + body + size


def section(order: str = "<") -> bytes:
    return block(order, 0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1))


def option(order: str, code: int, value: bytes) -> bytes:
    head = struct.pack(order + "HH", code, len(value))
    return head + value + bytes(-len(value) % 4)


def interface(
    order: str = "<", link: int = 1, options: bytes = b"", snaplen: int = 0
) -> bytes:
    return block(order, 1, struct.pack(order + "HHI", link, 0, snaplen) + options)


def packet(data: bytes, ticks: int, number: int = 0, order: str = "<") -> bytes:
    head = struct.pack(
        order + "IIIII", number, ticks >> 32, ticks & 0xFFFFFFFF, len(data), len(data)
    )
    return block(order, 6, head + data)


def read(data: bytes) -> list[tuple[int, int, bytes]]:
    """All frames of a file without damage, without their lengths on the wire."""
    return [frame[:3] for frame in read_frames(io.BytesIO(data), pytest.fail)]


def read_damaged(data: bytes) -> tuple[list[bytes], list[str]]:
    damage: list[str] = []
    frames = [frame for _, _, frame, _ in read_frames(io.BytesIO(data), damage.append)]
    return frames, damage


class TestPcap:
    @pytest.mark.parametrize("order", ["<", ">"])
    @pytest.mark.parametrize(
        ("magic", "extra", "unit"),
        [(0xA1B2C3D4, b"", 1000), (0xA1B23C4D, b"", 1), (0xA1B2CD34, bytes(8), 1000)],
    )
    def test_both_byte_orders_and_all_time_units(
        self, order: str, magic: int, extra: bytes, unit: int
    ) -> None:
        frames = read(pcap(order, magic, fraction=123_456, extra=extra))
        assert frames == [
            (1, (SECONDS + n) * 1_000_000_000 + 123_456 * unit, data)
            for n, data in enumerate(FRAMES)
        ]

    def test_the_link_type_is_told_from_the_bits_above_it(self) -> None:
        assert read(pcap(link=0x5400_0071))[0][0] == 113

    def test_frames_larger_than_what_is_read_at_once(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(pcapfile, "CHUNK", 5)
        assert [data for _, _, data in read(pcap())] == FRAMES

    @pytest.mark.parametrize("missing", [1, 10, 17])
    def test_a_cut_file_gives_its_whole_frames(self, missing: int) -> None:
        frames, damage = read_damaged(pcap()[:-missing])
        assert frames == FRAMES[:2] if missing <= 16 else FRAMES[:1]
        assert damage == [f"the file is cut off after {len(frames)} frames"]

    def test_a_length_that_is_not_believed_ends_it(self) -> None:
        bad = struct.pack("<IIII", 1, 0, 0xFFFFFFF0, 0)
        frames, damage = read_damaged(pcap() + bad)
        assert frames == FRAMES
        assert damage == ["after 3 frames comes none: 4294967280 bytes claimed"]


class TestPcapng:
    @pytest.mark.parametrize("order", ["<", ">"])
    def test_both_byte_orders(self, order: str) -> None:
        data = section(order) + interface(order) + packet(b"abc", 7, order=order)
        assert read(data) == [(1, 7000, b"abc")]

    @pytest.mark.parametrize(
        ("resolution", "ticks", "ts"),
        [
            (6, 1_700_000_000_123_456, 1_700_000_000_123_456_000),
            (9, 1_700_000_000_123_456_789, 1_700_000_000_123_456_789),
            (3, 1_700_000_000_123, 1_700_000_000_123_000_000),
            (0, 1_700_000_000, 1_700_000_000_000_000_000),
            (12, 1_700_000_000_123_456_789, 1_700_000_000_123_456),
            (0x80 | 10, 1_700_000_000 << 10, 1_700_000_000_000_000_000),
        ],
    )
    def test_time_in_any_resolution(self, resolution: int, ticks: int, ts: int) -> None:
        options = option("<", 9, bytes([resolution])) + option("<", 0, b"")
        data = section() + interface(options=options) + packet(b"", ticks)
        assert read(data)[0][1] == ts

    def test_a_time_offset_is_added(self) -> None:
        options = option("<", 2, b"eth0") + option("<", 14, struct.pack("<q", -10))
        data = section() + interface(options=options) + packet(b"", 11_000_000)
        assert read(data)[0][1] == 1_000_000_000

    def test_no_time_is_beyond_64_bits_of_nanoseconds(self) -> None:
        options = option("<", 9, b"\0")
        data = section() + interface(options=options) + packet(b"", 1 << 63)
        assert read(data)[0][1] == (1 << 63) - 1

    def test_each_interface_has_its_link_type_and_resolution(self) -> None:
        nano = interface(link=113, options=option("<", 9, b"\x09"))
        data = section() + interface() + nano + packet(b"a", 5, 1) + packet(b"b", 5, 0)
        assert read(data) == [(113, 5, b"a"), (1, 5000, b"b")]

    def test_a_new_section_has_interfaces_of_its_own(self) -> None:
        first = section("<") + interface("<", 1) + packet(b"a", 1)
        second = section(">") + interface(">", 101) + packet(b"b", 2, order=">")
        assert read(first + second) == [(1, 1000, b"a"), (101, 2000, b"b")]

    def test_a_simple_packet_has_the_time_of_the_one_before(self) -> None:
        simple = block("<", 3, struct.pack("<I", 5) + b"abcde")
        data = section() + interface(snaplen=4) + packet(b"a", 9) + simple
        assert read(data) == [(1, 9000, b"a"), (1, 9000, b"abcd")]

    def test_the_obsolete_packet_block(self) -> None:
        head = struct.pack("<HHIIII", 0, 3, 0, 6, 2, 2)
        data = section() + interface() + block("<", 2, head + b"ab")
        assert read(data) == [(1, 6000, b"ab")]

    def test_other_blocks_are_passed_over_however_long(self) -> None:
        comment = block("<", 0x0BAD, bytes(3 * pcapfile.CHUNK))
        data = section() + interface() + comment + packet(b"a", 1)
        assert read(data) == [(1, 1000, b"a")]

    @pytest.mark.parametrize(
        "damaged",
        [
            packet(b"abcd", 1, number=1),
            struct.pack("<II", 6, 8),
            struct.pack("<II", 6, 0xFFFFFFFC) + bytes(4),
            block("<", 6, struct.pack("<IIIII", 0, 0, 0, 100, 100) + b"short"),
            block("<", 6, b"1234"),
            block("<", 1, b""),
            block("<", 0x0A0D0D0A, b"not its magic"),
        ],
        ids=[
            "unknown interface",
            "too short",
            "too long",
            "longer than its block",
            "without a header",
            "interface without a header",
            "section without a byte order",
        ],
    )
    def test_at_a_damaged_block_the_frames_end(self, damaged: bytes) -> None:
        good = section() + interface() + packet(b"a", 1)
        frames, damage = read_damaged(good + damaged + bytes(4))
        assert frames == [b"a"]
        assert len(damage) == 1
        assert "after 1 frames" in damage[0]

    def test_a_cut_file_gives_its_whole_frames(self) -> None:
        good = section() + interface() + packet(b"a", 1)
        frames, damage = read_damaged(good + packet(b"b", 2)[:-1])
        assert frames == [b"a"]
        assert damage == ["the file is cut off after 1 frames"]

    def test_what_dpkt_writes(self) -> None:
        file = io.BytesIO()
        dpkt.pcapng.Writer(file, linktype=276).writepkt(b"abc", ts=12.5)
        assert read(file.getvalue()) == [(276, 12_500_000_000, b"abc")]

    def test_interfaces_without_end_are_damage(self) -> None:
        data = section() + interface() * (pcapfile.MAX_INTERFACES + 1)
        assert read_damaged(data)[1] == [
            "a block that contradicts itself after 0 frames"
        ]


class TestGzip:
    def test_is_uncompressed_on_the_way(self) -> None:
        assert read(gzip.compress(pcap(), mtime=0)) == read(pcap())

    def test_several_members_strung_together(self) -> None:
        data = pcap()
        strung = (
            gzip.compress(data[:30], mtime=0) + gzip.compress(data[30:]) + bytes(20)
        )
        assert read(strung) == read(data)

    def test_a_small_buffer(self, monkeypatch: pytest.MonkeyPatch) -> None:
        whole = gzip.compress(pcap(), mtime=0)
        monkeypatch.setattr(pcapfile, "CHUNK", 7)
        assert [data for _, _, data in read(whole)] == FRAMES

    def test_cut(self) -> None:
        _, damage = read_damaged(gzip.compress(pcap(), mtime=0)[:-9])
        assert damage == ["the compressed data are cut off after 3 frames"]

    def test_damage_is_told_after_what_comes_before(self) -> None:
        data = section() + interface()
        data += b"".join(packet(random.randbytes(1000), n) for n in range(100))
        compressed = bytearray(gzip.compress(data, mtime=0))
        compressed[-8] ^= 1  # of the checksum
        frames, damage = read_damaged(bytes(compressed))
        assert 90 <= len(frames) <= 100
        assert damage == [f"the compressed data are damaged after {len(frames)} frames"]


class TestNoCapture:
    @pytest.mark.parametrize(
        ("data", "says"),
        [
            (b"", "empty"),
            (b"\xd4\xc3\xb2\xa1\2\0", "cut within its header"),
            (section()[:10], "first block is damaged"),
            (b"snoop\0\0\0", "begins with 73 6e 6f 6f"),
            (gzip.compress(b"hello", mtime=0), "begins with 68 65 6c 6c"),
            (b"\x1f\x8bnot gzip", "compressed data are damaged"),
        ],
    )
    def test_is_refused_at_once(self, data: bytes, says: str) -> None:
        with pytest.raises(CaptureError, match=says):
            read_frames(io.BytesIO(data), pytest.fail)


class OneWay(io.RawIOBase):
    """A pipe: it gives what it has and cannot go back."""

    def __init__(self, data: bytes) -> None:
        self._file = io.BytesIO(data)

    def read(self, size: int = -1) -> bytes:
        return self._file.read(min(size, 3))

    def seekable(self) -> bool:
        return False


@pytest.mark.parametrize("data", [pcap(), gzip.compress(pcap(), mtime=0)])
def test_a_pipe_will_do(data: bytes) -> None:
    frames = read_frames(OneWay(data), pytest.fail)  # type: ignore[arg-type]
    assert [frame for _, _, frame, _ in frames] == FRAMES


@given(
    head=st.sampled_from([pcap(), section() + interface(), section(), b"\x1f\x8b\x08"]),
    data=st.binary(max_size=300),
    cut=st.integers(0, 40),
)
def test_any_bytes(head: bytes, data: bytes, cut: int) -> None:
    try:
        for link, ts, frame, _ in read_frames(
            io.BytesIO(head[: len(head) - cut] + data), lambda damage: None
        ):
            assert 0 <= link <= 0xFFFF
            assert 0 <= ts < 1 << 63
            assert isinstance(frame, bytes)
    except CaptureError:
        pass

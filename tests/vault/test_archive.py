from __future__ import annotations

import io
import random
import struct
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_sipvault.vault import archive
from flask_sipvault.vault.archive import ArchiveError

MEMBERS = {
    "manifest.json": b'{"format": 1}',
    "sip.pcap": random.Random(1).randbytes(5000),
    "logs.ndjson": b"one line\n" * 1000,
    "empty.json": b"",
}

names = st.from_regex(r"[a-z]{1,20}\.[a-z]{1,10}", fullmatch=True)


@given(st.dictionaries(names, st.binary(max_size=2000), max_size=8))
def test_what_was_written_is_read(members: dict[str, bytes]) -> None:
    assert archive.read(archive.write(members)) == (members, [])


def test_any_unzip_program_reads_it() -> None:
    with zipfile.ZipFile(io.BytesIO(archive.write(MEMBERS))) as opened:
        assert opened.testzip() is None
        assert {name: opened.read(name) for name in opened.namelist()} == MEMBERS


def written_by_zipfile(members: dict[str, bytes]) -> bytes:
    """The same file as Python's own writer makes it."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as made:
        for name, content in members.items():
            info = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            info.create_system = 3
            info.external_attr = 0o644 << 16
            packs = len(content) > archive.SMALL
            info.compress_type = zipfile.ZIP_DEFLATED if packs else zipfile.ZIP_STORED
            made.writestr(info, content, compresslevel=6)
    return file.getvalue()


repetitive = st.builds(
    lambda piece, times: piece * times, st.binary(max_size=60), st.integers(0, 300)
)


@given(st.dictionaries(names, st.binary(max_size=2000) | repetitive, max_size=8))
def test_it_is_byte_for_byte_what_zipfile_writes(members: dict[str, bytes]) -> None:
    assert archive.write(members) == written_by_zipfile(members)


def test_what_an_ordinary_zip_program_wrote_is_read() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as made:
        for name, content in MEMBERS.items():
            made.writestr(name, content)
    assert archive.read(file.getvalue()) == (MEMBERS, [])


def test_what_info_zip_packed_its_best_is_read() -> None:
    data = bytearray(archive.write({"a.json": b"x" * 100}))
    data[6] |= 0x02  # "zip -9" notes here how hard it tried
    assert archive.read(bytes(data)) == ({"a.json": b"x" * 100}, [])


def test_it_says_nothing_of_the_host_or_the_hour() -> None:
    with zipfile.ZipFile(io.BytesIO(archive.write(MEMBERS))) as opened:
        for info in opened.infolist():
            assert info.date_time == (1980, 1, 1, 0, 0, 0)
            assert info.create_system == 3
            assert info.external_attr >> 16 == 0o644
            assert info.extra == info.comment == b""


def test_a_file_cut_off_gives_what_comes_before_the_cut() -> None:
    data = archive.write(MEMBERS)
    cut = data.index(b"sip.pcap") + 2500
    members, damage = archive.read(data[:cut])
    assert members["manifest.json"] == MEMBERS["manifest.json"]
    assert MEMBERS["sip.pcap"].startswith(members["sip.pcap"])
    assert len(members["sip.pcap"]) > 1500
    assert damage == ["sip.pcap: damaged in the zip file"]


def test_without_its_directory_it_is_still_whole() -> None:
    data = archive.write(MEMBERS)
    assert archive.read(data[: data.index(b"PK\x01\x02")]) == (MEMBERS, [])


def test_a_broken_member_leaves_the_others_whole() -> None:
    data = bytearray(archive.write(MEMBERS))
    data[data.index(b"sip.pcap") + 4000] ^= 0x01
    members, damage = archive.read(bytes(data))
    assert damage == ["sip.pcap: damaged in the zip file"]
    assert {**members, "sip.pcap": b""} == {**MEMBERS, "sip.pcap": b""}


def test_a_broken_size_leaves_the_members_after_it_whole() -> None:
    data = bytearray(archive.write(MEMBERS))
    size = data.index(b"sip.pcap") - 12
    struct.pack_into("<I", data, size, 100)
    members, damage = archive.read(bytes(data))
    assert damage == ["sip.pcap: damaged in the zip file"]
    assert members["logs.ndjson"] == MEMBERS["logs.ndjson"]


def test_a_zip_file_within_a_broken_member_is_not_looked_into() -> None:
    hidden = archive.write({"logs.ndjson": b"forged"})
    noise = random.Random(2).randbytes(3000)  # so that zlib stores it as it is
    data = bytearray(archive.write({"sip.pcap": noise + hidden, "logs.ndjson": b"x"}))
    data[data.index(noise) + 10] ^= 0x01
    members, damage = archive.read(bytes(data))
    assert members["logs.ndjson"] == b"x"
    assert damage == ["sip.pcap: damaged in the zip file"]


def test_a_method_not_used_here_is_damage() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_BZIP2) as made:
        made.writestr("sip.pcap", b"x" * 100)
    assert archive.read(file.getvalue()) == (
        {},
        ["sip.pcap: packed in a way that is not used here"],
    )


@pytest.mark.parametrize("name", ["../evil", "/etc/passwd", "SIP.PCAP", "a" * 300])
def test_a_member_of_another_name_is_damage_and_its_name_not_repeated(
    name: str,
) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as made:
        made.writestr(name, b"x")
    assert archive.read(file.getvalue()) == (
        {},
        ["the zip file has a member that was not written here"],
    )


def test_a_bomb_is_refused() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("sip.pcap", bytes(archive.LARGE + 1))
    with pytest.raises(ArchiveError):
        archive.read(file.getvalue())


def test_what_packs_as_tight_as_a_bomb_is_written_so_that_it_is_read() -> None:
    members = {"sip.pcap": bytes(archive.LARGE + 1)}
    assert archive.read(archive.write(members)) == (members, [])


def test_more_than_the_limit_is_neither_written_nor_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = archive.write(MEMBERS)
    monkeypatch.setattr(archive, "MAX_TOTAL", sum(map(len, MEMBERS.values())) - 1)
    with pytest.raises(ArchiveError):
        archive.write(MEMBERS)
    with pytest.raises(ArchiveError):
        archive.read(data)


def test_many_members_are_refused() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as made:
        for number in range(archive.MAX_MEMBERS + 1):
            made.writestr(f"{chr(97 + number)}.json", b"")
    with pytest.raises(ArchiveError, match="too many members"):
        archive.read(file.getvalue())


def test_the_first_of_two_members_of_one_name_counts() -> None:
    one, two = archive.write({"a.json": b"1"}), archive.write({"a.json": b"2"})
    members, damage = archive.read(one + two)
    assert members == {"a.json": b"1"}
    assert len(damage) == 1


def test_the_digest_names_the_content_and_nothing_else() -> None:
    assert archive.digest(MEMBERS) == archive.digest(dict(MEMBERS))
    assert len(archive.digest(MEMBERS)) == 16
    moved = {"a.json": b"12", "b.json": b"3"}, {"a.json": b"1", "b.json": b"23"}
    assert archive.digest(moved[0]) != archive.digest(moved[1])


@given(st.binary(max_size=500))
def test_whatever_the_bytes_members_or_the_error(data: bytes) -> None:
    archive.read(data)
    archive.read(b"PK\x03\x04" + data)


@given(st.data())
def test_a_zip_file_with_changes_is_read_as_far_as_it_goes(data: st.DataObject) -> None:
    changed = bytearray(archive.write(MEMBERS))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(changed) - 1))
        if data.draw(st.booleans()):
            del changed[at : at + data.draw(st.integers(1, 50))]
        else:
            changed[at] = data.draw(st.integers(0, 255))
    members, _ = archive.read(bytes(changed))
    assert set(members) <= set(MEMBERS) or len(members) <= archive.MAX_MEMBERS

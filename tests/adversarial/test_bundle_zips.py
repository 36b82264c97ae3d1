"""ZIPs that are not as `bundle --zip` writes them, down to the byte: none verifies, and none takes long."""

import io
import os
import struct
import tarfile
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from made.bundles import NOW, Plan, make_bundle, trust_of

from deidrelease.bundle.archive import FIXED_TIME, write_archive
from deidrelease.bundle.findings import Findings
from deidrelease.bundle.verification import Verification, verify
from deidrelease.bundle.zips import open_zip
from deidrelease.errors import BundleError

README = "metadata/README.md"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_bundle(tmp_path_factory.mktemp("good") / "bundle")


@pytest.fixture(scope="module")
def data(folder: Path) -> bytes:
    write_archive(folder, folder.with_suffix(".zip"))
    return folder.with_suffix(".zip").read_bytes()


@pytest.fixture
def asked(tmp_path: Path) -> Iterator[Callable[[bytes], set[str]]]:
    def run(changed: bytes) -> set[str]:
        (tmp_path / "b.zip").write_bytes(changed)
        found = verify(tmp_path / "b.zip", trust_of(), NOW, None)
        return codes(found)

    yield run
    assert sorted(path.name for path in tmp_path.iterdir()) in ([], ["b.zip"])


def codes(found: Verification) -> set[str]:
    assert found.ok == (not found.failures)
    return {failure.code for failure in found.failures}


def test_the_good_one_verifies_and_unpacks(folder: Path, data: bytes, asked: Callable[[bytes], set[str]]) -> None:
    assert asked(data) == set()
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        packed = {info.filename: archive.read(info) for info in archive.infolist()}
    assert packed == {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_equal_folders_give_equal_archives(folder: Path, data: bytes, tmp_path: Path) -> None:
    for path in folder.rglob("*"):
        os.utime(path, (1, 1))
    write_archive(folder, tmp_path / "again.zip")
    assert (tmp_path / "again.zip").read_bytes() == data


def test_no_archive_is_written_over_another_or_of_a_link(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "there.zip").touch()
    with pytest.raises(BundleError, match="is there already"):
        write_archive(folder, tmp_path / "there.zip")
    (tmp_path / "b").mkdir()
    (tmp_path / "b/link").symlink_to("/etc/passwd")
    with pytest.raises(BundleError, match="is no plain file"):
        write_archive(tmp_path / "b", tmp_path / "new.zip")
    assert not (tmp_path / "new.zip").exists()


def repacked(
    data: bytes,
    change: Callable[[zipfile.ZipInfo, bytes], bytes | None] = lambda _, content: content,
    method: int = zipfile.ZIP_STORED,
    more: Callable[[zipfile.ZipFile], object] = lambda _: None,
) -> bytes:
    """Written again by the standard library, each member as `change` makes it."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w", method) as new:
        for info in old.infolist():
            entry = zipfile.ZipInfo(info.filename, info.date_time)
            entry.create_system, entry.external_attr, entry.compress_type = 3, info.external_attr, method
            content = change(entry, old.read(info))
            if content is not None:
                new.writestr(entry, content)
        more(new)
    return out.getvalue()


def _attributes(mode: int, dos: int = 0) -> Callable[[zipfile.ZipInfo, bytes], bytes]:
    def change(entry: zipfile.ZipInfo, content: bytes) -> bytes:
        if entry.filename == README:
            entry.external_attr = (mode << 16) | dos
        return content

    return change


def _named(name: str) -> Callable[[zipfile.ZipInfo, bytes], bytes]:
    def change(entry: zipfile.ZipInfo, content: bytes) -> bytes:
        if entry.filename == README:
            entry.filename = name
        return content

    return change


def _extra(entry: zipfile.ZipInfo, content: bytes) -> bytes:
    entry.extra = struct.pack("<2H4s", 0xCAFE, 4, b"note") if entry.filename == README else b""
    return content


def _commented(entry: zipfile.ZipInfo, content: bytes) -> bytes:
    entry.comment = b"hello" if entry.filename == README else b""
    return content


def _needlessly_wide(entry: zipfile.ZipInfo, content: bytes) -> bytes:
    entry.extra = struct.pack("<2H2Q", 1, 16, len(content), len(content)) if entry.filename == README else b""
    return content


def _ended(data: bytes) -> int:
    return data.rindex(b"PK\5\6")


def _central(data: bytes, name: str) -> int:
    return data.rindex(b"PK\1\2", 0, data.rindex(name.encode()))


def _local(data: bytes, name: str) -> int:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return archive.getinfo(name).header_offset


def _patched(data: bytes, at: int, form: str, *values: int | bytes) -> bytes:
    return data[:at] + struct.pack(form, *values) + data[at + struct.calcsize(form) :]


def _gap(data: bytes) -> bytes:
    """Bytes between the last member and the directory, which the end record accounts for."""
    end = _ended(data)
    start = struct.unpack_from("<L", data, end + 16)[0]
    changed = data[:start] + b"secret" + data[start:]
    return _patched(changed, end + 6 + 16, "<L", start + 6)


def _second_directory(data: bytes) -> bytes:
    """Two archives in one: readers that search from the end see the second, others the first."""
    shift = len(data)
    other = repacked(data, lambda entry, c: b"# Other\n" if entry.filename == README else c)
    end = _ended(other)
    start = struct.unpack_from("<L", other, end + 16)[0]
    return data + _patched(other, end + 16, "<L", start + shift)


def _shifted(data: bytes, prefix: bytes) -> bytes:
    """`prefix` in front, with every offset set right, as a self-extracting archive has it."""
    out = io.BytesIO(prefix)
    out.seek(0, io.SEEK_END)
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "a") as new:
        for info in old.infolist():
            new.writestr(zipfile.ZipInfo(info.filename, FIXED_TIME), old.read(info))
    changed = out.getvalue()
    assert zipfile.ZipFile(io.BytesIO(changed)).testzip() is None
    return changed


def _doubled(data: bytes) -> bytes:
    twice = repacked(data, more=lambda z: z.writestr(zipfile.ZipInfo("metadata/READMX.md", FIXED_TIME), b"# Other\n"))
    return twice.replace(b"READMX", b"README")


def _renamed_empty(data: bytes) -> bytes:
    at = _central(data, README)
    return _patched(data, at + 28, "<H", 0)


def _renamed(data: bytes, name: bytes) -> bytes:
    data = _patched(data, _local(data, README) + 30, f"<{len(name)}s", name)
    return _patched(data, _central(data, README) + 46, f"<{len(name)}s", name)


def _flagged(data: bytes, flag: int) -> bytes:
    data = _patched(data, _local(data, README) + 6, "<H", flag)
    return _patched(data, _central(data, README) + 8, "<H", flag)


def _made_on(data: bytes, system: int, mode: int) -> bytes:
    """The README as something else than a file, by the attributes of another system than Unix."""
    at = _central(data, README)
    return _patched(_patched(data, at + 4, "<H", 20 | system << 8), at + 38, "<L", mode << 16)


def _overlapping(data: bytes) -> bytes:
    """Two members that share their bytes: the directory's entry of the README points at the lock file's header."""
    return _patched(data, _central(data, README) + 42, "<L", _local(data, "metadata/lock.txt"))


def _wide(data: bytes, **other: int) -> bytes:
    """The same with the end record for many members, in which `other` stands instead of what is true."""
    end = _ended(data)
    count, length, begin = struct.unpack_from("<H2L", data, end + 10)
    true = {"count": count, "length": length, "begin": begin, "narrow_begin": 0xFFFFFFFF, "disk": 0}
    told = {**true, **other}
    record = struct.pack(
        "<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, told["count"], told["count"], told["length"], told["begin"]
    )
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, end, 1)
    narrow = (told["disk"], 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, told["narrow_begin"], 0)
    return data[:end] + record + locator + struct.pack("<4s4H2LH", b"PK\5\6", *narrow)


def _bit(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def _tar() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("manifest.json"))
    return out.getvalue()


_SHAPES: dict[str, tuple[Callable[[bytes], bytes], set[str]]] = {
    "bytes before": (lambda d: b"#!/bin/sh\n" + d, {"archive-gap"}),
    "bytes before, accounted for": (
        lambda d: _shifted(d, b"#!/bin/sh\n"), {"archive-prefix"}),
    "bytes behind": (lambda d: d + b"more", {"archive-comment"}),
    "a comment": (lambda d: repacked(d, more=lambda z: setattr(z, "comment", b"hello")), {"archive-comment"}),
    "a comment of a member": (lambda d: repacked(d, _commented), {"archive-comment"}),
    "an extra field": (lambda d: repacked(d, _extra), {"archive-extra"}),
    "deflated": (lambda d: repacked(d, method=zipfile.ZIP_DEFLATED), {"archive-compressed"}),
    "bzip2": (lambda d: repacked(d, method=zipfile.ZIP_BZIP2), {"archive-compressed"}),
    "lzma": (lambda d: repacked(d, method=zipfile.ZIP_LZMA), {"archive-compressed"}),
    "a symbolic link": (lambda d: repacked(d, _attributes(0o120777)), {"file-type"}),
    "a FIFO": (lambda d: repacked(d, _attributes(0o010644)), {"file-type"}),
    "a device": (lambda d: repacked(d, _attributes(0o060644)), {"file-type"}),
    "a folder by its attribute": (lambda d: repacked(d, _attributes(0, 0x10)), {"file-type"}),
    "a folder": (lambda d: repacked(d, more=lambda z: z.mkdir("model")), {"file-type"}),
    "a name twice": (_doubled, {"archive-duplicate"}),
    "../": (lambda d: repacked(d, _named("../README.md")), {"path-forbidden", "file-missing", "file-added"}),
    "absolute": (lambda d: repacked(d, _named("/etc/cron.d/x")), {"path-forbidden", "file-added"}),
    "a drive": (lambda d: repacked(d, _named("C:/x")), {"path-forbidden", "file-added"}),
    "a backslash": (lambda d: repacked(d, _named("metadata\\README.md")), {"path-forbidden", "file-added"}),
    "NFD": (lambda d: repacked(d, _named("metadata/e\u0301.md")), {"path-forbidden", "file-added"}),
    "Kelvin": (lambda d: repacked(d, _named("metadata/\u212a.md")), {"path-forbidden", "file-added"}),
    "NUL": (lambda d: _renamed(d, b"metadata/README\0md"), {"path-forbidden", "file-added"}),
    "an empty name": (_renamed_empty, {"path-forbidden", "archive-headers", "archive-damaged"}),
    "another case": (lambda d: repacked(d, more=lambda z: z.writestr("metadata/readme.md", b"")), {"path-collision"}),
    "a file more": (lambda d: repacked(d, more=lambda z: z.writestr("model/x", b"")), {"file-added"}),
    "a file less": (lambda d: repacked(d, lambda e, c: None if e.filename == README else c), {"file-missing"}),
    "another content": (lambda d: repacked(d, lambda e, c: c[::-1] if e.filename == README else c), {"file-digest"}),
    "other names in the headers": (
        lambda d: _patched(d, _local(d, README) + 30, "<8s", b"METADATA"), {"archive-headers"}),
    "another size in the header": (lambda d: _patched(d, _local(d, README) + 22, "<L", 3), {"archive-headers"}),
    "another checksum in the header": (lambda d: _patched(d, _local(d, README) + 14, "<L", 3), {"archive-headers"}),
    "another method in the header": (lambda d: _patched(d, _local(d, README) + 8, "<H", 8), {"archive-headers"}),
    "encrypted": (lambda d: _flagged(d, 1), {"archive-encrypted"}),
    "sizes behind the data": (lambda d: _flagged(d, 8), {"archive-headers"}),
    "a link made on an Atari": (lambda d: _made_on(d, 5, 0o120777), {"file-type"}),
    "a link made on a Mac": (lambda d: _made_on(d, 19, 0o120777), {"file-type"}),
    "a link made on DOS": (lambda d: _made_on(d, 0, 0o120777), {"file-type"}),
    "two members with the same bytes": (_overlapping, {"archive-gap"}),
    "names in UTF-8 in one header, in the old code page in the other": (
        lambda d: _patched(d, _local(d, README) + 6, "<H", 0x800), {"archive-headers"}),
    "a version that nobody has": (lambda d: _patched(d, _central(d, README) + 6, "<H", 63), {"archive-headers"}),
    "a version that nobody has, in the header": (
        lambda d: _patched(d, _local(d, README) + 4, "<H", 63), {"archive-headers"}),
    "two end records that contradict each other": (lambda d: _wide(d, narrow_begin=5), {"archive-headers"}),
    "two end records, the wide one of fewer members": (
        lambda d: _wide(d, count=3), {"archive-gap", "archive-damaged"}),
    "two end records, the wide one elsewhere": (lambda d: _wide(d, begin=5), {"archive-gap"}),
    "two end records, one of another disk": (lambda d: _wide(d, disk=1), {"archive-damaged"}),
    "wide sizes without need": (
        lambda d: repacked(d, _needlessly_wide), {"archive-extra"}),
    "a gap before the directory": (_gap, {"archive-gap"}),
    "a second directory": (_second_directory, {"archive-gap", "archive-prefix", "archive-headers"}),
    "cut off": (lambda d: d[: len(d) // 2], {"archive-damaged"}),
    "cut off by one byte": (lambda d: d[:-1], {"archive-damaged", "archive-comment"}),
    "one bit of a member": (lambda d: _bit(d, _local(d, README) + 30 + len(README) + 3), {"archive-damaged"}),
    "fewer members than there are": (
        lambda d: _patched(d, _ended(d) + 8, "<2H", 3, 3), {"archive-gap", "archive-damaged"}),
    "more members than there are": (lambda d: _patched(d, _ended(d) + 8, "<2H", 99, 99), {"archive-damaged"}),
    "a part of many": (lambda d: _patched(d, _ended(d) + 4, "<2H", 1, 1), {"archive-damaged"}),
    "members without number": (lambda d: _patched(d, _ended(d) + 8, "<2H", 0xFFFF, 0xFFFF), {"archive-damaged"}),
    "a directory without end": (lambda d: _patched(d, _ended(d) + 12, "<L", 0xFFFFFFF0), {"too-many", "archive-gap"}),
    "a directory elsewhere": (lambda d: _patched(d, _ended(d) + 16, "<L", 5), {"archive-gap"}),
    "an empty archive": (lambda _: b"PK\5\6" + bytes(18), {"manifest"}),
    "a tar": (lambda _: _tar(), {"archive-damaged"}),
    "nothing": (lambda _: b"", {"archive-damaged"}),
}  # fmt: skip


@pytest.mark.parametrize("shape", _SHAPES)
def test_a_zip_of_another_form(data: bytes, shape: str, asked: Callable[[bytes], set[str]]) -> None:
    change, expected = _SHAPES[shape]
    changed = change(data)
    assert changed != data
    found = asked(changed)
    assert found & expected
    assert not {code for code in found if code.startswith("archive")} - expected


def test_the_wide_end_record_alone_is_no_fault(data: bytes, asked: Callable[[bytes], set[str]]) -> None:
    assert asked(_wide(data)) == set()


def test_ten_gigabytes_of_zeros(tmp_path: Path) -> None:
    path = tmp_path / "bomb.zip"
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = b"".join(packer.compress(bytes(2**20)) for _ in range(64)) + packer.flush()
    # 64 MiB truly packed, which the headers call ten gigabytes; either is never unpacked.
    name, size = b"data/notes-00000.jsonl", 10 * 1024**3
    wide = struct.pack("<2HQ", 1, 8, size)
    head = struct.pack("<4s5H3L2H", b"PK\3\4", 45, 0, 8, 0, 33, 0, len(packed), 2**32 - 1, len(name), 12)
    member = head + name + wide + packed
    fields = (b"PK\1\2", 0x32D, 45, 0, 8, 0, 33, 0, len(packed), 2**32 - 1, len(name), 12, 0, 0, 0, 0, 0)
    directory = struct.pack("<4s6H3L5H2L", *fields) + name + wide
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 1, 1, len(directory), len(member), 0)
    path.write_bytes(member + directory + end)
    with zipfile.ZipFile(path) as archive:
        assert archive.infolist()[0].file_size == size
    begin = time.monotonic()
    assert "archive-compressed" in codes(verify(path, trust_of(), NOW, None))
    assert time.monotonic() - begin < 5


def test_ten_gigabytes_of_zeros_stored_in_a_file_with_holes(tmp_path: Path) -> None:
    path = tmp_path / "big"
    with path.open("wb") as stream:
        stream.truncate(10 * 1024**3)
    begin = time.monotonic()
    assert "archive-damaged" in codes(verify(path, trust_of(), NOW, None))
    assert time.monotonic() - begin < 5


def test_a_member_wider_than_32_bits_is_read_where_it_is(tmp_path: Path) -> None:
    bundle = tmp_path / "b"
    bundle.mkdir()
    with (bundle / "a").open("wb") as stream:
        stream.truncate(2**32 + 5)  # a hole: nothing of it is written
    (bundle / "b").write_bytes(b"behind it")
    path = tmp_path / "b.zip"
    _write_with_holes(bundle, path)
    with open_zip(path, Findings()) as source:
        assert source is not None
        assert {name: entry.size for name, entry in source.entries.items()} == {"a": 2**32 + 5, "b": 9}
        assert b"".join(bytes(chunk) for chunk in source.chunks("b")) == b"behind it"


def _write_with_holes(bundle: Path, path: Path) -> None:
    """As `write_archive` writes it, but for four gigabytes of zeros that stay a hole."""
    size, content = 2**32 + 5, (bundle / "b").read_bytes()
    crc = zlib.crc32(content)
    wide = struct.pack("<2H2Q", 1, 16, size, size)
    first = struct.pack("<4s5H3L2H", b"PK\3\4", 45, 0, 0, 0, 33, 0, 2**32 - 1, 2**32 - 1, 1, 20) + b"a" + wide
    second = struct.pack("<4s5H3L2H", b"PK\3\4", 20, 0, 0, 0, 33, crc, 9, 9, 1, 0) + b"b" + content
    at = len(first) + size
    begin = at + len(second)
    one = struct.pack("<4s6H3L5H2L", b"PK\1\2", 0x32D, 45, 0, 0, 0, 33, 0, 2**32 - 1, 2**32 - 1, 1, 20, 0, 0, 0, 0, 0)
    far = struct.pack("<2HQ", 1, 8, at)
    two = struct.pack("<4s6H3L5H2L", b"PK\1\2", 0x32D, 45, 0, 0, 0, 33, crc, 9, 9, 1, 12, 0, 0, 0, 0, 2**32 - 1)
    directory = one + b"a" + wide + two + b"b" + far
    record = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, 2, 2, len(directory), begin)
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, begin + len(directory), 1)
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 2, 2, len(directory), 2**32 - 1, 0)
    with path.open("wb") as stream:
        stream.write(first)
        stream.seek(at)
        stream.write(second + directory + record + locator + end)
    with zipfile.ZipFile(path) as archive:  # the standard library reads the same
        assert [info.file_size for info in archive.infolist()] == [size, 9]


def test_copies_in_a_zip(tmp_path: Path, asked: Callable[[bytes], set[str]]) -> None:
    made = tmp_path.parent / f"{tmp_path.name}-made"
    write_archive(make_bundle(made / "b", Plan(copies=("brat", "parquet"))), made / "b.zip")
    assert asked((made / "b.zip").read_bytes()) == set()

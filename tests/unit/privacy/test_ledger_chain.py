"""The ledger's file: whatever was written stays, and whatever happens to it is seen."""

import os
import signal
import subprocess
import sys
from multiprocessing import get_context
from pathlib import Path

import pytest

from deidrelease import artifacts
from deidrelease.errors import PrivacyError
from deidrelease.keys import SiteKey
from deidrelease.privacy import chain as chain_module
from deidrelease.privacy.chain import Chain

KEY = SiteKey(bytes(range(32)))


def chain_in(folder: Path, name: str = "a.jsonl") -> Chain:
    return Chain(folder / name, KEY)


def filled(folder: Path, lines: int = 3) -> Chain:
    chain = chain_in(folder)
    for number in range(lines):
        chain.append({"kind": "x", "number": number})
    return chain


def numbers(chain: Chain) -> list[object]:
    return [entry["number"] for entry in chain.entries() if entry["kind"] == "x"]


def error_of(chain: Chain) -> str:
    """The same complaint from reading and from writing, and nothing written."""
    before = chain.path.read_bytes() if chain.path.exists() else b""
    with pytest.raises(PrivacyError) as reading:
        chain.entries()
    with pytest.raises(PrivacyError) as writing:
        chain.append({"kind": "x", "number": 99})
    assert str(reading.value) == str(writing.value)
    assert (chain.path.read_bytes() if chain.path.exists() else b"") == before
    return str(reading.value)


def test_what_was_written_is_read(tmp_path: Path) -> None:
    assert numbers(filled(tmp_path)) == [0, 1, 2]
    assert (tmp_path / "a.jsonl").stat().st_mode & 0o777 == 0o600


def test_every_line_names_the_one_before(tmp_path: Path) -> None:
    import hashlib
    import json

    lines = filled(tmp_path).path.read_bytes().splitlines()
    said = [json.loads(line)["prev"] for line in lines]
    assert said == ["0" * 64, *(hashlib.sha256(line).hexdigest() for line in lines[:-1])]


def test_a_write_cut_off_at_any_byte_is_told_and_repaired(tmp_path: Path) -> None:
    """The head still knows the lines before, as after a kill while the line is written."""
    chain = filled(tmp_path)
    head, before = chain.head.read_bytes(), chain.path.read_bytes()
    chain.append({"kind": "x", "number": 3})
    after = chain.path.read_bytes()
    for cut in range(len(before) + 1, len(after)):
        chain.path.write_bytes(after[:cut])
        chain.head.write_bytes(head)
        assert "cut off" in error_of(chain) and "ledger repair" in error_of(chain)
        assert chain.repair({"kind": "repair"}) == cut - len(before)
        assert numbers(chain) == [0, 1, 2]
        assert chain.entries()[-1]["dropped_bytes"] == cut - len(before)
        chain.append({"kind": "x", "number": 4})


def test_a_kill_between_the_line_and_its_head_loses_nothing(tmp_path: Path) -> None:
    chain = filled(tmp_path)
    head = chain.head.read_bytes()
    chain.append({"kind": "x", "number": 3})
    chain.head.write_bytes(head)
    assert numbers(chain) == [0, 1, 2, 3]
    chain.append({"kind": "x", "number": 4})
    assert numbers(chain) == [0, 1, 2, 3, 4]


def test_a_kill_before_the_first_line_leaves_an_empty_chain(tmp_path: Path) -> None:
    chain = filled(tmp_path, 1)
    data, head = chain.path.read_bytes(), chain.head.read_bytes()
    chain.path.write_bytes(b"")
    assert "other lines" in error_of(chain)  # the head knows of a line: it was there
    chain.path.write_bytes(data)
    chain.head.write_bytes(head)
    assert numbers(chain) == [0]


@pytest.mark.parametrize("keep", [0, 1, 2])
def test_lines_that_are_gone_are_missed(tmp_path: Path, keep: int) -> None:
    chain = filled(tmp_path, 4)
    chain.path.write_bytes(b"".join(chain.path.read_bytes().splitlines(keepends=True)[:keep]))
    assert "changed or are gone" in error_of(chain)
    with pytest.raises(PrivacyError, match="damaged"):
        chain.repair({"kind": "repair"})


def test_a_complete_line_cut_off_later_is_damage_and_no_torn_write(tmp_path: Path) -> None:
    chain = filled(tmp_path)
    chain.path.write_bytes(chain.path.read_bytes()[:-3])
    assert "damaged" in error_of(chain)


def test_every_flipped_bit_is_seen(tmp_path: Path) -> None:
    chain = filled(tmp_path, 2)
    data = chain.path.read_bytes()
    for position in range(len(data)):
        flipped = bytearray(data)
        flipped[position] ^= 1 << (position % 8)
        chain.path.write_bytes(bytes(flipped))
        with pytest.raises(PrivacyError):
            chain.entries()
    chain.path.write_bytes(data)
    assert numbers(chain) == [0, 1]


def test_lines_in_another_order_or_twice(tmp_path: Path) -> None:
    chain = filled(tmp_path)
    one, two, three = chain.path.read_bytes().splitlines(keepends=True)
    for wrong in (two + one + three, one + two + two + three, one + three, one + two + three + three):
        chain.path.write_bytes(wrong)
        assert "damaged" in error_of(chain)


def test_a_chain_written_anew_without_the_key(tmp_path: Path) -> None:
    chain = filled(tmp_path)
    (tmp_path / "forged").mkdir()
    forged = Chain(tmp_path / "forged" / "a.jsonl", SiteKey(bytes(32)))
    forged.append({"kind": "x", "number": 0})
    chain.path.write_bytes(forged.path.read_bytes())
    assert "damaged" in error_of(chain)
    chain.head.write_bytes(forged.head.read_bytes())
    assert "damaged" in error_of(chain)
    chain.head.unlink()
    assert "damaged" in error_of(chain)


def test_another_ledgers_file_under_this_name(tmp_path: Path) -> None:
    """Two ledgers of one key cannot be swapped."""
    chain, other = filled(tmp_path), chain_in(tmp_path, "b.jsonl")
    other.append({"kind": "x", "number": 7})
    chain.path.write_bytes(other.path.read_bytes())
    chain.head.write_bytes(other.head.read_bytes())
    assert "damaged" in error_of(chain)


@pytest.mark.parametrize(
    "line",
    [b"\n", b"{}\n", b"[]\n", b"null\n", b'{"a":1}\n', b'{"prev":1}\n', b'{"a":NaN}\n', b"\xff\n", b"{" * 200 + b"\n"],
)
def test_lines_that_nobody_wrote(tmp_path: Path, line: bytes) -> None:
    chain = filled(tmp_path)
    chain.path.write_bytes(chain.path.read_bytes() + line)
    assert "damaged" in error_of(chain)


def test_a_file_that_is_gone_is_not_a_new_one(tmp_path: Path) -> None:
    chain = filled(tmp_path)
    chain.path.unlink()
    assert chain.exists()
    with pytest.raises(PrivacyError):
        chain.entries()
    with pytest.raises(PrivacyError):
        chain.append({"kind": "x", "number": 0})


def test_the_line_is_on_disk_before_its_head_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The order of what reaches the disk, as the operating system is told it."""
    chain = filled(tmp_path, 1)
    done: list[str] = []
    fsync, folder, write = os.fsync, artifacts.fsync_folder, chain_module.write_text

    def told_fsync(descriptor: int) -> None:
        done.append(Path(f"/proc/self/fd/{descriptor}").readlink().name)
        fsync(descriptor)

    def told_write(path: Path, text: str) -> None:
        done.append(f"write {path.name}")
        write(path, text)

    monkeypatch.setattr(os, "fsync", told_fsync)
    monkeypatch.setattr(chain_module, "write_text", told_write)
    chain.append({"kind": "x", "number": 1})
    assert done[:3] == ["a.jsonl", tmp_path.name, "write a.head"]
    assert done[-1] == tmp_path.name  # the head's rename
    assert folder is artifacts.fsync_folder


def _append_many(folder: str, who: int) -> None:
    for number in range(15):
        chain_in(Path(folder)).append({"kind": "x", "number": who * 100 + number})


def test_four_processes_write_and_none_loses_a_line(tmp_path: Path) -> None:
    context = get_context("fork")
    writers = [context.Process(target=_append_many, args=(str(tmp_path), who)) for who in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(120)
    assert [writer.exitcode for writer in writers] == [0] * 4
    found = numbers(chain_in(tmp_path))
    assert sorted(found) == sorted(who * 100 + number for who in range(4) for number in range(15))
    for who in range(4):
        assert [n for n in found if n // 100 == who] == [who * 100 + number for number in range(15)]


_WRITER = """
import sys
from pathlib import Path
from deidrelease.keys import SiteKey
from deidrelease.privacy.chain import Chain
chain = Chain(Path(sys.argv[1]), SiteKey(bytes(range(32))))
for number in range(100000):
    chain.append({"kind": "x", "number": number})
    print(number, flush=True)
"""


@pytest.mark.slow
@pytest.mark.parametrize("lines", [1, 7, 20])
def test_kill_9_at_any_moment_loses_nothing_that_was_promised(tmp_path: Path, lines: int) -> None:
    path = tmp_path / "a.jsonl"
    writer = subprocess.Popen([sys.executable, "-c", _WRITER, str(path)], stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    for _ in range(lines):
        writer.stdout.readline()
    writer.send_signal(signal.SIGKILL)
    rest = writer.stdout.read().split()
    writer.wait()
    writer.stdout.close()
    chain = Chain(path, KEY)
    chain.repair({"kind": "repair"})
    promised = lines + len(rest)
    found = numbers(chain)
    assert found == list(range(len(found))) and promised <= len(found) <= promised + 1

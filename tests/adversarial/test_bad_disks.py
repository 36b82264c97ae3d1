"""Disks that are full, files that may not be read, processes that are killed, notes that are huge."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import takewhile
from pathlib import Path

import pytest
from click.testing import CliRunner

from deidrelease.cli.main import cli
from deidrelease.corpora.writing import write_corpus
from deidrelease.demo import hospital
from deidrelease.errors import CorpusError, DeidReleaseError
from deidrelease.formats import FORMATS
from deidrelease.notes import Note

WRITABLE = sorted(name for name, form in FORMATS.items() if form.write)
ENDINGS = {name: form.suffix for name, form in FORMATS.items()}
MEBI = 2**20


@pytest.fixture(scope="module")
def notes() -> list[Note]:
    return list(hospital.notes(20, ["es"], seed=5))


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def many(notes: list[Note]) -> Iterator[Note]:
    """Some megabytes that do not pack well."""
    for number in range(2_000):
        note = notes[number % len(notes)]
        noise = os.urandom(600).hex()
        yield Note(f"n{number}", f"n{number}", f"{note.text}\n{noise}", note.spans)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of half a megabyte."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(folder)]
    able = not os.geteuid() and shutil.which("mount") is not None
    if not able or subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("a small file system cannot be mounted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize("name", WRITABLE)
def test_a_full_disk_leaves_nothing(name: str, notes: list[Note], small_disk: Path) -> None:
    target = small_disk / f"out{ENDINGS[name]}"
    with pytest.raises(CorpusError, match="No space left on device") as full:
        write_corpus(many(notes), target, FORMATS[name], lossy=True)
    assert "make room on the disk" in str(full.value)
    assert str(target) in str(full.value)
    assert ".partial" not in str(full.value)
    assert names(small_disk) == []
    assert shutil.disk_usage(small_disk).used == 0


def test_a_full_disk_under_the_files_beside_a_corpus(tmp_path: Path, small_disk: Path) -> None:
    bad = tmp_path / "bad.jsonl"
    bad.write_text("{\n" * 10_000)
    result = CliRunner().invoke(cli, ["corpus", "check", str(bad), "--problems", str(small_disk / "p.jsonl")])
    assert isinstance(result.exception, CorpusError)
    assert f"{small_disk}/p.jsonl: cannot be written (No space left on device)" in str(result.exception)
    assert names(small_disk) == []


_LIMITED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
from deidrelease.cli.main import main
sys.argv = ["deidrelease", "corpus", "convert", *sys.argv[1:]]
main()
"""


def test_a_limit_on_file_sizes_leaves_nothing(notes: list[Note], tmp_path: Path) -> None:
    write_corpus(many(notes), tmp_path / "in.jsonl", FORMATS["jsonl"])
    command = [sys.executable, "-c", _LIMITED, str(tmp_path / "in.jsonl"), str(tmp_path / "out.jsonl")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert f"{tmp_path}/out.jsonl: cannot be written (File too large)" in done.stderr
    assert "Traceback" not in done.stderr
    assert names(tmp_path) == ["in.jsonl"]


_KILLED = """
import os, signal, sys
from pathlib import Path
from deidrelease.corpora.writing import write_corpus
from deidrelease.formats import FORMATS, open_corpus

def dying(corpus):
    for number, note in enumerate(corpus):
        if number == 20:
            os.kill(os.getpid(), signal.SIGKILL)
        yield note

write_corpus(dying(open_corpus(Path(sys.argv[1]))), Path(sys.argv[2]), FORMATS[sys.argv[3]], lossy=True)
"""


@pytest.mark.parametrize("name", WRITABLE)
def test_a_kill_leaves_nothing_under_the_name_and_the_next_attempt_cleans_up(
    name: str, notes: list[Note], tmp_path: Path
) -> None:
    write_corpus(notes, tmp_path / "in.jsonl", FORMATS["jsonl"])
    target = tmp_path / f"out{ENDINGS[name]}"
    done = subprocess.run([sys.executable, "-c", _KILLED, str(tmp_path / "in.jsonl"), str(target), name], check=False)
    assert done.returncode == -signal.SIGKILL
    (left,) = (found for found in names(tmp_path) if found != "in.jsonl")
    assert left.startswith(f".{target.name}.")
    assert left.endswith(".partial")
    assert (tmp_path / left).stat().st_mode & 0o777 == 0o700
    written = write_corpus(notes, target, FORMATS[name], lossy=True)
    assert written.leftovers == 1
    assert names(tmp_path) == sorted(["in.jsonl", target.name])


@pytest.fixture
def as_somebody() -> Iterator[Callable[[], None]]:
    """What makes this process one that file permissions hold for; root is asked for no permission."""
    if not os.geteuid():
        yield lambda: os.seteuid(65534)
        os.seteuid(0)
    else:
        yield lambda: None


@pytest.mark.parametrize(
    ("name", "ending"),
    [
        ("jsonl", ""),
        ("parquet", ""),
        ("conll", ""),
        ("brat", ".txt"),
        ("brat", ".ann"),
        ("i2b2", ".xml"),
        ("hf", ".arrow"),
    ],
)
def test_a_file_that_may_not_be_read_is_told(
    name: str, ending: str, tmp_path_factory: pytest.TempPathFactory, as_somebody: Callable[[], None]
) -> None:
    folder = tmp_path_factory.mktemp("open")
    # The folders that pytest made are closed to others.
    for parent in takewhile(lambda each: each.stat().st_mode & 0o005 != 0o005, (folder, *folder.parents)):
        parent.chmod(0o755)
    source = folder / f"in{ENDINGS[name]}"
    made = [Note(note_id, "p", "Zoltan", ()) for note_id in ("n0", "N1", "n1")]
    write_corpus(made, source, FORMATS[name])
    arguments = ["corpus", "check", "--from", name, str(source)]
    assert CliRunner().invoke(cli, arguments).exit_code == 0
    closed = source if source.is_file() else next(path for path in source.iterdir() if path.suffix == ending)
    closed.chmod(0)
    as_somebody()
    result = CliRunner().invoke(cli, arguments)
    assert isinstance(result.exception, DeidReleaseError), result.output
    assert "unreadable" in result.output
    assert f"{closed}: cannot be read (Permission denied)" in result.output
    assert "Zoltan" not in result.output


_PEAK = """
import json, sys
from pathlib import Path
from deidrelease.corpora.converting import Source
from deidrelease.corpora.inspecting import inspect
from deidrelease.formats import PatientSource, ReadOptions
from deidrelease.memory import peak_bytes, reset_peak
source = Source(Path(sys.argv[1]), sys.argv[2], ReadOptions(PatientSource("note"), "error"))
found = inspect(source.open)
print(json.dumps([[*found.defects], found.notes, peak_bytes()]))
"""
HUGE = b"Zoltan was seen " * (100 * MEBI // 16)


def _huge(name: str, folder: Path) -> Path:
    """A corpus whose second note is of 100 MB; the first is good, and so is the third where there can be one."""
    from broken_corpora import ASQ_GOOD, BRACKETS_GOOD, CONLL_GOOD, GOOD, TEXT, files, lines, presidio, record, xml

    third = ("n3", TEXT, [])
    if name == "jsonl":
        body = lines([record(GOOD)]) + b'{"note_id": "n2", "text": "' + HUGE + b'"}\n' + lines([record(third)])
        return files({"c.jsonl": body}, "c.jsonl")(folder)
    if name == "brat":
        return files({"a.txt": b"x", "a.ann": b"", "b.txt": HUGE, "b.ann": b"", "c.txt": b"x", "c.ann": HUGE})(folder)
    if name == "i2b2":
        good = xml([GOOD])["a.xml"]
        return files({"a.xml": good, "b.xml": b"<r><TEXT>" + HUGE + b"</TEXT><TAGS/></r>", "c.xml": good})(folder)
    if name == "conll":
        return files({"c.conll": CONLL_GOOD + HUGE.replace(b" ", b"") + b"\tO\n\n" + CONLL_GOOD}, "c.conll")(folder)
    if name == "asq-phi":
        return files({"c.txt": ASQ_GOOD + b"===QUERY===\n" + HUGE + b"\n===PHI_TAGS===\n" + ASQ_GOOD}, "c.txt")(folder)
    if name == "brackets":
        return files({"c.txt": BRACKETS_GOOD + HUGE + b"\n" + BRACKETS_GOOD}, "c.txt")(folder)
    if name == "presidio":
        path = presidio([GOOD, ("n2", "HUGE", []), third])(folder)
        path.write_bytes(path.read_bytes().replace(b"HUGE", HUGE))
        return path
    FORMATS[name].write([Note("n1", "p", TEXT), Note("n2", "p", HUGE.decode()), Note("n3", "p", TEXT)], folder / "c")  # type: ignore[misc]
    return folder / "c"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "kind", "whole", "most"),
    [
        # Read up to 64 MiB, and given up; other notes are none the worse for it. Most is in MiB.
        ("jsonl", "too-large", 2, 200), ("brat", "too-large", 1, 200), ("i2b2", "too-large", 2, 200),
        ("conll", "too-large", 2, 200), ("asq-phi", "too-large", 2, 200), ("brackets", "too-large", 2, 200),
        # An object is cut out of an array before it is looked at.
        ("presidio", "too-large", 2, 400),
        # Pages are unpacked whole, up to a limit of their own.
        ("parquet", "too-large", 2, 700), ("hf", "too-large", 2, 400),
    ],
)  # fmt: skip
def test_a_note_of_100_megabytes_is_told_and_never_held(
    name: str, kind: str, whole: int, most: int, tmp_path: Path
) -> None:
    path = _huge(name, tmp_path)
    done = subprocess.run([sys.executable, "-c", _PEAK, str(path), name], capture_output=True, text=True, check=True)
    defects, notes, peak = json.loads(done.stdout)
    assert defects == [kind], defects
    assert notes == whole
    assert peak < most * MEBI, f"{peak / MEBI:.0f} MiB"
    assert "Zoltan" not in done.stdout + done.stderr

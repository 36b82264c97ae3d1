"""Throws broken files at the readers: whatever they hold, a reader ends soon, with notes or with a `CorpusError`.

    PYTHONPATH=tests python -m fuzz.readers --inputs 100000              # every format, seeded mutations
    PYTHONPATH=tests python -m fuzz.readers --format brat --atheris      # coverage-guided; pip install atheris

Each input is a well-formed file, mutated. It is read strictly and with everything mended and merged. What must hold:
no exception but `CorpusError`; no note with a span outside its text; an end within ten seconds; and no message that
quotes the text: `SECRET` stands in every text, and nowhere else.
"""

import argparse
import random
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

from fuzz.targets import SECRET, Target, target

from deidrelease.errors import CorpusError
from deidrelease.formats import PatientSource, ReadOptions, formats, open_corpus

SECONDS = 10
_PIECES = (
    b"\x00", b"\xef\xbb\xbf", b"\xe9", b"\r", b"\n", b"\r\n", b"\t", b" ", b'"', b"\\", b"\\ud83d", b"\\u0000", b"{",
    b"}", b"[", b"]", b"null", b"NaN", b"1e999", b"-1", b"0", b"99999999999999999999", b"true", b"]]>",
    b"<!DOCTYPE x>", b"<!ENTITY a 'b'>", b"&a;", b"&#0;", b"<", b">", b"T1\t", b"#1\t", b";", b"B-", b"I-",
    b"-DOCSTART-", b"# text = ", b"===QUERY===\n", b"===PHI_TAGS===\n", b"(", b"{ ", b"\xf0\x9f\x98\x80",
    b"e\xcc\x81", b"\xed\xa0\x80", b"\xff" * 9,
)  # fmt: skip


def check(name: str, path: Path) -> str:
    """Reads `path` both ways; says how it went.

    Raises:
        AssertionError: A message quotes text, or a span lies outside.
    """
    ends = [_read(name, path, ReadOptions(PatientSource("note")))]
    ends.append(_read(name, path, ReadOptions(PatientSource("note"), "keep-longest", merge=True, mend=True)))
    return "/".join(ends)


def mutated(seed: bytes, other: bytes, rng: random.Random) -> bytes:
    """`seed` after one to six mutations; `other` is spliced in by some of them."""
    data = bytearray(seed)
    for _ in range(rng.randint(1, 6)):
        place, length = rng.randint(0, len(data)), rng.choice((1, 1, 2, 8, 64))
        kind = rng.randrange(7)
        if kind == 0 and data:
            data[min(place, len(data) - 1)] ^= 1 << rng.randrange(8)
        elif kind == 1:
            del data[place : place + length]
        elif kind == 2:
            data[place:place] = rng.choice(_PIECES)
        elif kind == 3:
            data[place : place + length] = rng.choice(_PIECES)
        elif kind == 4:
            data[place:place] = data[place : place + length] * rng.randint(1, 4)
        elif kind == 5:
            start = rng.randint(0, len(other))
            data[place:place] = other[start : start + length * 4]
        elif rng.random() < 0.3:
            del data[place:]
    return bytes(data)


def fuzz(name: str, inputs: int, seed: int, folder: Path) -> dict[str, int]:
    """Throws `inputs` mutations at one format; returns how many ended how."""
    aim, rng = target(name), random.Random(seed)
    ends: dict[str, int] = {}
    for number in range(inputs if aim else 0):
        data = mutated(rng.choice(aim.seeds), rng.choice(aim.seeds), rng) if number else aim.seeds[0]
        end = _one(name, aim, data, folder)
        ends[end] = ends.get(end, 0) + 1
    return ends


def _one(name: str, aim: Target, data: bytes, folder: Path) -> str:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    path = aim.lay(data, folder)
    signal.alarm(SECONDS)
    try:
        return check(name, path)
    except BaseException:
        kept = Path(tempfile.mkdtemp(prefix=f"fuzz-{name}-")) / "input"
        kept.write_bytes(data)
        print(f"{name}: the input is kept in {kept}", file=sys.stderr)
        raise
    finally:
        signal.alarm(0)


def _read(name: str, path: Path, options: ReadOptions) -> str:
    try:
        for note in open_corpus(path, name, options):
            assert all(0 <= span.start < span.end <= len(note.text) for span in note.spans)
            note.text.encode("utf-8")
    except CorpusError as error:
        assert SECRET not in str(error), "a message quotes the text"
        return "refused"
    return "read"


def _timed_out(*_: object) -> None:
    raise TimeoutError(f"a reader took more than {SECONDS} s")


def _coverage_guided(name: str, aim: Target, folder: Path, arguments: list[str]) -> None:
    import atheris

    corpus = folder / "seeds"
    corpus.mkdir(parents=True)
    for index, seed in enumerate(aim.seeds):
        (corpus / str(index)).write_bytes(seed)
    atheris.instrument_all()
    atheris.Setup([sys.argv[0], *arguments, str(corpus)], lambda data: _one(name, aim, data, folder / "input") and None)
    atheris.Fuzz()


def main() -> None:
    """Fuzzes one format, or each in turn."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--format", action="append", help="a name; every format that can be read by default")
    parser.add_argument("--inputs", type=int, default=100_000, help="a format (100000)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--atheris", action="store_true", help="coverage-guided, one format")
    options = parser.parse_args()
    signal.signal(signal.SIGALRM, _timed_out)
    names = options.format or [name for name, form in formats().items() if form.read]
    for name in names:
        _fuzz_one(name, options)


def _fuzz_one(name: str, options: argparse.Namespace) -> None:
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as place:
        if options.atheris:
            aim = target(name)
            assert aim is not None, f"{name} has no target"
            _coverage_guided(name, aim, Path(place), [f"-runs={options.inputs}"])
            return
        begin = time.perf_counter()
        ends = fuzz(name, options.inputs, options.seed, Path(place) / "input")
        seconds = time.perf_counter() - begin
        print(f"{name}: {sum(ends.values())} inputs in {seconds:.0f} s: {ends or 'no target'}", flush=True)


if __name__ == "__main__":
    main()

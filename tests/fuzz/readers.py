"""Throws broken files at the readers: whatever they hold, a reader ends soon, with notes or with a `CorpusError`.

    python tests/fuzz/readers.py --inputs 100000              # every format, seeded mutations
    python tests/fuzz/readers.py --format brat --atheris      # coverage-guided; pip install atheris

Each input is a well-formed file, mutated. It is read strictly and with everything mended and merged. What must hold:
no exception but `CorpusError`; no note with a span outside its text; an end within ten seconds; and no message that
quotes the text: `SECRET` stands in every text, and nowhere else.
"""

import argparse
import json
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from deidrelease.errors import CorpusError
from deidrelease.formats import PatientSource, ReadOptions, formats, named_format, open_corpus
from deidrelease.notes import Note, Span

SECRET = "Zqxjkwv"
SECONDS = 10
_NOTES = (
    Note("n1", "p1", f"{SECRET} Gil,\r\nvive en Lugo.", (Span(0, 11, "NAME"), Span(22, 26, "CITY")), {"ward": 3}),
    Note("n2", "p1", f"\U0001f600 Jose\u0301 {SECRET}\n\n", (Span(2, 7, "NAME"),), {}),
    Note("n3", "p2", f"nada, {SECRET}", (), {}),
)
_PIECES = (
    *(
        b"\0",
        b"\xef\xbb\xbf",
        b"\xe9",
        b"\r",
        b"\n",
        b"\r\n",
        b"\t",
        b" ",
        b'"',
        b"\\",
        b"\\ud83d",
        b"\\u0000",
        b"{",
        b"}",
    ),
    *(b"[", b"]", b"null", b"NaN", b"1e999", b"-1", b"0", b"99999999999999999999", b"true", b"]]>", b"<!DOCTYPE x>"),
    *(
        b"<!ENTITY a 'b'>",
        b"&a;",
        b"&#0;",
        b"<",
        b">",
        b"T1\t",
        b"#1\t",
        b";",
        b"B-",
        b"I-",
        b"-DOCSTART-",
        b"# text = ",
    ),
    *(
        b"===QUERY===\n",
        b"===PHI_TAGS===\n",
        b"(",
        b"{ ",
        b"\xf0\x9f\x98\x80",
        b"e\xcc\x81",
        b"\xed\xa0\x80",
        b"\xff" * 9,
    ),
)


@dataclass(frozen=True)
class Target:
    """How the bytes of an input become what a format reads.

    Attributes:
        seeds: Well-formed inputs.
        lay: Writes an input below a folder and returns the path to read.
    """

    seeds: tuple[bytes, ...]
    lay: Callable[[bytes, Path], Path]


def target(name: str) -> Target | None:
    """What to throw at the format called `name`; None where only whole files of its own library make sense."""
    makers: dict[str, Callable[[], Target | None]] = {
        "brat": _brat,
        "hf": _hugging_face,
        "i2b2": _i2b2,
        "inception": _inception,
        **_HAND_MADE,
    }
    if name in makers:
        return makers[name]()
    form = named_format(name)
    return _written(form.suffix, form.write) if form.read and form.write and form.suffix else None


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


def _written(suffix: str, write: Callable[[Iterable[Note], Path], None]) -> Target:
    def lay(data: bytes, folder: Path) -> Path:
        path = folder / f"input{suffix}"
        path.write_bytes(data)
        return path

    with tempfile.TemporaryDirectory() as place:
        seeds = []
        for index, notes in enumerate((_NOTES, _NOTES[:1], ())):
            path = Path(place) / f"{index}{suffix}"
            write(notes, path)
            seeds.append(path.read_bytes() if path.is_file() else next(path.glob("*")).read_bytes())
    return Target(tuple(seeds), lay)


def _plain(suffix: str, *seeds: str) -> Callable[[], Target]:
    def lay(data: bytes, folder: Path) -> Path:
        path = folder / f"input{suffix}"
        path.write_bytes(data)
        return path

    return lambda: Target(tuple(seed.encode() for seed in seeds), lay)


_CUT = b"\n=====\n"


def _brat() -> Target:
    def lay(data: bytes, folder: Path) -> Path:
        text, _, rest = data.partition(_CUT)
        standoff, _, sidecar = rest.partition(_CUT)
        (folder / "a.txt").write_bytes(text)
        (folder / "a.ann").write_bytes(standoff)
        if sidecar:
            # File names are quoted, as places; so no text may get into one.
            (folder / "notes.jsonl").write_bytes(sidecar.replace(SECRET.encode(), b"x"))
        return folder

    text = f"{SECRET} Gil,\r\nvive en Lugo.".encode()
    standoff = f"T1\tNAME 0 11\t{SECRET} Gil\nT2\tCITY 22 26\tLugo\nT3\tX 0 7;22 26\t{SECRET} Lugo\n".encode()
    sidecar = json.dumps({"file": "a.txt", "note_id": "n", "patient_id": "p", "meta": {}}).encode()
    remark = b"#1\tAnnotatorNotes T1\t" + SECRET.encode() + b"\n"
    return Target(
        (text + _CUT + standoff, text + _CUT + standoff + _CUT + sidecar, text + _CUT + standoff + remark), lay
    )


def _hugging_face() -> Target:
    with tempfile.TemporaryDirectory() as place:
        named_format("hf").write(iter(_NOTES), Path(place) / "d")
        files = {path.name: path.read_bytes() for path in (Path(place) / "d").iterdir()}
    arrow = next(name for name in files if name.endswith(".arrow"))

    def lay(data: bytes, folder: Path) -> Path:
        # One byte says which file of the folder is broken.
        broken = sorted(files)[data[0] % len(files)] if data else arrow
        for name, content in files.items():
            (folder / name).write_bytes(data[1:] if name == broken else content)
        return folder

    return Target(tuple(bytes([index]) + files[name] for index, name in enumerate(sorted(files))), lay)


def _i2b2() -> Target:
    with tempfile.TemporaryDirectory() as place:
        named_format("i2b2").write(iter(_NOTES), Path(place) / "d")
        seeds = tuple(path.read_bytes() for path in sorted((Path(place) / "d").glob("*.xml")))
    return Target(seeds, _plain(".xml")().lay)


def _inception() -> Target | None:
    try:
        import cassis
    except ImportError:
        return None
    from deidrelease.formats.inception import NAMED_ENTITY

    system = cassis.TypeSystem()
    kind = system.create_type(NAMED_ENTITY, "uima.tcas.Annotation")
    system.create_feature(kind, "value", "uima.cas.String")
    cas = cassis.Cas(system)
    cas.sofa_string, cas.sofa_mime = _NOTES[0].text, "text/plain"
    cas.add_all([kind(begin=span.start, end=span.end, value=span.label) for span in _NOTES[0].spans])
    types = system.to_xml().encode()

    def lay(data: bytes, folder: Path) -> Path:
        # JSON says what it is; the rest is XMI, with its types beside it.
        if data.lstrip()[:1] == b"{":
            path = folder / "input.json"
        else:
            path = folder / "input.xmi"
            (folder / "TypeSystem.xml").write_bytes(types)
        path.write_bytes(data)
        return path

    return Target((cas.to_json().encode(), cas.to_xmi().encode()), lay)


_SENTENCES = f"{SECRET}\tPER\nGil\tPER\n,\t0\nvive\t0\nen\t0\nLugo\tLOC\n.\t0\n\n{SECRET}\t0\n"
_HAND_MADE: dict[str, Callable[[], Target | None]] = {
    "asq-phi": _plain(
        ".txt",
        f"===QUERY===\nWho is {SECRET}, born May 3?\n===PHI_TAGS===\n"
        f'{{"identifier_type": "NAME", "value": "{SECRET}"}}\n\n'
        "===QUERY===\nWhat now?\n===PHI_TAGS===\n",
    ),
    "presidio": _plain(
        ".json",
        json.dumps(
            [
                {
                    "full_text": f"I am {SECRET} Gil",
                    "masked": "I am {{PERSON}}",
                    "spans": [
                        {
                            "entity_type": "PERSON",
                            "entity_value": f"{SECRET} Gil",
                            "start_position": 5,
                            "end_position": 16,
                        }
                    ],
                    "template_id": 1,
                    "metadata": None,
                }
            ],
            indent=4,
        ),
    ),
    "brackets": _plain(".txt", f"{SECRET} har ( feber ) och tar [ alvedon ] i {'{ armen }'} .\nInget .\n"),
    "conll": _plain(
        ".conll",
        _SENTENCES,
        _SENTENCES.replace("\tPER\nGil\tPER", "\tB-PER\nGil\tI-PER").replace("LOC", "B-LOC").replace("\t0", "\tO"),
    ),
}


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


def names_with_targets() -> Iterator[str]:
    """The formats that inputs can be made for."""
    return (name for name, form in formats().items() if form.read and target(name))


if __name__ == "__main__":
    main()

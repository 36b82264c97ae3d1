"""Well-formed inputs for each format that corpora are read from, for the fuzzer to break.

`SECRET` stands in every text and nowhere else, so that a message that quotes text gives itself away.
"""

import json
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from deidrelease.formats import named_format
from deidrelease.notes import Note, Span

SECRET = "Zqxjkwv"
_NOTES = (
    Note("n1", "p1", f"{SECRET} Gil,\r\nvive en Lugo.", (Span(0, 11, "NAME"), Span(22, 26, "CITY")), {"ward": 3}),
    Note("n2", "p1", f"\U0001f600 Jose\u0301 {SECRET}\n\n", (Span(2, 7, "NAME"),), {}),
    Note("n3", "p2", f"nada, {SECRET}", (), {}),
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

"""Corpora with one defect each, in every format that can have it, and where and as what it must be told.

Every text names Zoltan, and every patient is pat-4711: neither may ever be in a message.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TEXT = "Zoltan was seen."
NAME = (0, 6, "NAME")
OUTSIDE, OTHER, WIDER, NESTED = (0, 99, "NAME"), (7, 10, "NAME"), (0, 10, "PERSON"), (2, 4, "PART")


@dataclass(frozen=True)
class Case:
    """A corpus, and what must be said about it.

    Attributes:
        format_name: As `--from` spells it.
        defect: What the issue calls it.
        make: Writes the corpus into an empty folder and returns its path.
        kind: Under which the defect is counted.
        place: How the place of the first such defect ends, after the folder.
        arguments: More for the command line.
    """

    format_name: str
    defect: str
    make: Callable[[Path], Path]
    kind: str
    place: str
    arguments: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.format_name}: {self.defect}"


Note = tuple[str, str, Sequence[tuple[int, int, str]]]
GOOD: Note = ("n1", TEXT, [NAME])


def bad(text: str = TEXT, *spans: tuple[int, int, str], note_id: str = "n2") -> list[Note]:
    """A good note, and a second one that is to be bad."""
    return [GOOD, (note_id, text, spans)]


def record(note: Note, patient: str = "pat-4711") -> dict[str, Any]:
    """As JSONL and Parquet have it."""
    note_id, text, spans = note
    return {
        "note_id": note_id,
        "patient_id": patient,
        "text": text,
        "spans": [{"start": a, "end": b, "label": label} for a, b, label in spans],
    }


def files(contents: dict[str, bytes | None], which: str = "") -> Callable[[Path], Path]:
    """Writes files, or folders in their places where the content is None."""

    def make(folder: Path) -> Path:
        for name, content in contents.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).mkdir() if content is None else (folder / name).write_bytes(content)
        return folder / which

    return make


def lines(records: Sequence[object]) -> bytes:
    """JSON lines."""
    return "".join(json.dumps(r, ensure_ascii=False) + "\n" for r in records).encode("utf-8", "surrogatepass")


def jsonl(notes: Sequence[Note], *raw: bytes) -> Callable[[Path], Path]:
    return files({"c.jsonl": lines([record(note) for note in notes]) + b"".join(raw)}, "c.jsonl")


def brat(notes: Sequence[Note], quote: str | None = None) -> Callable[[Path], Path]:
    contents: dict[str, bytes | None] = {}
    for number, (_, text, spans) in enumerate(notes):
        rows = [f"T{i}\t{c} {a} {b}\t{quote or text[a:b]}\n" for i, (a, b, c) in enumerate(spans, 1)]
        contents[f"{'ab'[number]}.txt"] = text.encode()
        contents[f"{'ab'[number]}.ann"] = "".join(rows).encode()
    return files(contents)


def xml(notes: Sequence[Note], quote: str | None = None, head: str = "", text_tag: str = "") -> dict[str, bytes | None]:
    found: dict[str, bytes | None] = {}
    for number, (_, text, spans) in enumerate(notes):
        tags = "".join(
            f'<NAME id="T{i}" start="{a}" end="{b}" text="{quote or text[a:b]}" TYPE="{label}" comment=""/>\n'
            for i, (a, b, label) in enumerate(spans, 1)
        )
        body = f"<r>\n<TEXT>{text_tag or f'<![CDATA[{text}]]>'}</TEXT>\n<TAGS>\n{tags}</TAGS>\n</r>\n"
        found[f"{'ab'[number]}.xml"] = f'<?xml version="1.0" encoding="UTF-8"?>\n{head}{body}'.encode()
    return found


def i2b2(notes: Sequence[Note], **more: str) -> Callable[[Path], Path]:
    return files(xml(notes, **more))


def presidio(notes: Sequence[Note], quote: str | None = None) -> Callable[[Path], Path]:
    return files({"c.json": _presidio(notes, quote)}, "c.json")


def _presidio(notes: Sequence[Note], quote: str | None = None) -> bytes:
    rows = [
        {
            "full_text": text,
            "spans": [
                {"entity_type": c, "entity_value": quote or text[a:b], "start_position": a, "end_position": b}
                for a, b, c in spans
            ],
        }
        for _, text, spans in notes
    ]
    body = ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    return f"[\n{body}\n]\n".encode("utf-8", "surrogatepass")


def asq(text: str, *values: str) -> bytes:
    return "\n".join(["===QUERY===", text, "===PHI_TAGS===", *values, ""]).encode()


def parquet(notes: Sequence[Note], patients: Sequence[str] = ("pat-4711", "pat-4711")) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        _table(notes, patients, folder / "c.parquet")
        return folder / "c.parquet"

    return make


def _table(notes: Sequence[Note], patients: Sequence[str], path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = [record(note, patient) for note, patient in zip(notes, patients, strict=False)]
    span = pa.struct([("start", pa.int64()), ("end", pa.int64()), ("label", pa.string())])
    schema = pa.schema(
        [("note_id", pa.string()), ("patient_id", pa.string()), ("text", pa.string()), ("spans", pa.list_(span))]
    )
    pq.write_table(pa.Table.from_pylist(rows, schema), path)


def saved(notes: Sequence[Note], patients: Sequence[str] = ("pat-4711", "pat-4711")) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        from datasets import Dataset, disable_progress_bars

        disable_progress_bars()
        rows = [record(note, patient) for note, patient in zip(notes, patients, strict=False)]
        Dataset.from_list(rows).save_to_disk(str(folder / "saved"))
        return folder / "saved"

    return make


BRAT_GOOD = {"a.txt": TEXT.encode(), "a.ann": b"T1\tNAME 0 6\tZoltan\n"}
CONLL_GOOD = b"Zoltan\tB-NAME\nwas\tO\nseen\tO\n\n"
ASQ_GOOD = asq(TEXT, '{"identifier_type": "NAME", "value": "Zoltan"}')
BRACKETS_GOOD = b"( eksem ) och { huden }\n"
NOTE = ("--patients", "note")
LATIN = "Zoltan bor på ön.".encode("latin-1")
ENTITY = '<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]>\n'
BOMB = '<!DOCTYPE r [<!ENTITY a "Zoltan"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>\n'

_OFFSETS = [
    Case(name, "offsets outside the text", make, "offsets", place, more)
    for name, make, place, more in (
        ("jsonl", jsonl(bad(TEXT, OUTSIDE)), "c.jsonl:2", ()),
        ("brat", brat(bad(TEXT, NAME, OUTSIDE)), "b.ann:2", NOTE),
        ("i2b2", i2b2(bad(TEXT, NAME, OUTSIDE)), "b.xml:6", NOTE),
        ("presidio", presidio(bad(TEXT, OUTSIDE)), "c.json:3", NOTE),
        ("parquet", parquet(bad(TEXT, OUTSIDE)), "c.parquet: row 2", ()),
        ("hf", saved(bad(TEXT, OUTSIDE)), ".arrow: row 2", ()),
    )
]
_MISMATCH = [
    Case(name, "text that does not match", make, "text-mismatch", place, NOTE)
    for name, make, place in (
        ("brat", brat(bad(TEXT, NAME), "Zoltin"), "a.ann:1"),
        ("i2b2", i2b2(bad(TEXT, NAME), quote="Zoltin"), "a.xml:5"),
        ("presidio", presidio(bad(TEXT, NAME), "Zoltin"), "c.json:2"),
        ("asq-phi", files({"c.txt": asq(TEXT, '{"identifier_type": "NAME", "value": "Zoltin"}')}, "c.txt"), "c.txt:4"),
    )
]
_MISMATCH[-1] = Case(**{**vars(_MISMATCH[-1]), "kind": "unlocated-value"})
OVERLAPPING = [
    Case(name, f"{how} spans", make, "overlap", place, more)
    for how, other in (("overlapping", OTHER), ("nested", NESTED))
    for name, make, place, more in (
        ("jsonl", jsonl(bad(TEXT, WIDER, other)), "c.jsonl:2", ()),
        ("brat", brat(bad(TEXT, WIDER, other)), "b.txt", NOTE),
        ("i2b2", i2b2(bad(TEXT, WIDER, other)), "b.xml", NOTE),
        ("presidio", presidio(bad(TEXT, WIDER, other)), "c.json:3", NOTE),
        ("parquet", parquet(bad(TEXT, WIDER, other)), "c.parquet: row 2", ()),
        ("hf", saved(bad(TEXT, WIDER, other)), ".arrow: row 2", ()),
    )
]
_MARKS = [
    Case(name, "a byte order mark", make, "byte-order-mark", place, NOTE)
    for name, make, place in (
        ("jsonl", files({"c.jsonl": b"\xef\xbb\xbf" + lines([record(GOOD)])}, "c.jsonl"), "c.jsonl:1"),
        ("brat", files({**BRAT_GOOD, "a.ann": b"\xef\xbb\xbfT1\tNAME 0 6\tZoltan\n"}), "a.ann"),
        ("conll", files({"c.conll": b"\xef\xbb\xbf" + CONLL_GOOD}, "c.conll"), "c.conll:1"),
        ("asq-phi", files({"c.txt": b"\xef\xbb\xbf" + ASQ_GOOD}, "c.txt"), "c.txt:1"),
        ("presidio", files({"c.json": b"\xef\xbb\xbf" + _presidio([GOOD])}, "c.json"), "c.json:1"),
        ("brackets", files({"c.txt": b"\xef\xbb\xbf" + BRACKETS_GOOD}, "c.txt"), "c.txt:1"),
    )
]
_LATIN = [
    Case(name, "Latin-1 bytes", make, "encoding", place, NOTE)
    for name, make, place in (
        ("jsonl", jsonl([GOOD], b'{"note_id": "n2", "text": "' + LATIN + b'"}\n'), "c.jsonl:2"),
        ("brat", files({**BRAT_GOOD, "b.txt": LATIN, "b.ann": b""}), "b.txt"),
        ("brat", files({**BRAT_GOOD, "a.ann": b"T1\tP\xe5 0 6\tZoltan\n"}), "a.ann"),
        ("i2b2", files({"a.xml": xml([GOOD])["a.xml"].replace(b"was", b"p\xe5")}), "a.xml"),  # type: ignore[union-attr]
        ("conll", files({"c.conll": CONLL_GOOD + b"p\xe5\tO\n"}, "c.conll"), "c.conll:5"),
        ("asq-phi", files({"c.txt": ASQ_GOOD + asq("Zoltan").replace(b"Zoltan", LATIN)}, "c.txt"), "c.txt:6"),
        ("presidio", files({"c.json": _presidio(bad()).replace(b"was", b"p\xe5")}, "c.json"), "c.json:2"),
        ("brackets", files({"c.txt": BRACKETS_GOOD + LATIN}, "c.txt"), "c.txt:2"),
    )
]
CONTROL = "Zoltan\x00was\x07seen"
_CONTROLS = [
    Case(name, "NUL and control characters", make, kind, place, NOTE)
    for name, make, kind, place in (
        ("jsonl", jsonl(bad(CONTROL)), "control-characters", "c.jsonl:2"),
        ("brat", brat(bad(CONTROL)), "control-characters", "b.txt"),
        ("i2b2", i2b2(bad(CONTROL)), "syntax", "b.xml:3"),
        ("conll", files({"c.conll": CONLL_GOOD + b"a\x00b\tO\n"}, "c.conll"), "control-characters", "c.conll:5"),
        ("asq-phi", files({"c.txt": ASQ_GOOD + asq(CONTROL)}, "c.txt"), "control-characters", "c.txt:5"),
        ("presidio", presidio(bad(CONTROL)), "control-characters", "c.json:3"),
        ("brackets", files({"c.txt": BRACKETS_GOOD + b"a\x00b\n"}, "c.txt"), "control-characters", "c.txt:2"),
        ("parquet", parquet(bad(CONTROL)), "control-characters", "c.parquet: row 2"),
        ("hf", saved(bad(CONTROL)), "control-characters", ".arrow: row 2"),
    )
]
TWICE = [GOOD, ("n1", "Zoltan again.", ())]
SIDECAR = [{"file": f"{name}.txt", "note_id": "n1", "patient_id": "pat-4711", "meta": {}} for name in "ab"]
OF_TWO = [SIDECAR[0], {**SIDECAR[1], "patient_id": "pat-0815"}]
TWO_TEXTS = {**BRAT_GOOD, "b.txt": b"Zoltan again", "b.ann": b""}
CONLL_HEAD = b'# note_id = "n1"\n# patient_id = "%s"\n'
_TWICE = [
    Case(name, "duplicate note ids", make, "duplicate-note-id", place)
    for name, make, place in (
        ("jsonl", jsonl(TWICE), "c.jsonl:2"),
        ("brat", files({**TWO_TEXTS, "notes.jsonl": lines(SIDECAR)}), "b.txt"),
        ("conll", files({"c.conll": (CONLL_HEAD % b"pat-4711" + CONLL_GOOD) * 2}, "c.conll"), "c.conll:7"),
        ("parquet", parquet(TWICE), "c.parquet: row 2"),
        ("hf", saved(TWICE), ".arrow: row 2"),
    )
] + [
    Case(name, "same id for two patients", make, "note-id-of-two-patients", place)
    for name, make, place in (
        ("jsonl", jsonl([GOOD], lines([record(GOOD, "pat-0815")])), "c.jsonl:2"),
        ("brat", files({**TWO_TEXTS, "notes.jsonl": lines(OF_TWO)}), "b.txt"),
        (
            "conll",
            files(
                {"c.conll": CONLL_HEAD % b"pat-4711" + CONLL_GOOD + CONLL_HEAD % b"pat-0815" + CONLL_GOOD}, "c.conll"
            ),
            "c.conll:7",
        ),
        ("parquet", parquet(TWICE, ["pat-4711", "pat-0815"]), "c.parquet: row 2"),
        ("hf", saved(TWICE, ["pat-4711", "pat-0815"]), ".arrow: row 2"),
    )
]
_TRUNCATED = [
    Case(name, "truncated", make, "syntax", place, NOTE)
    for name, make, place in (
        ("jsonl", jsonl([GOOD], lines([record(GOOD)])[:40]), "c.jsonl:2"),
        ("asq-phi", files({"c.txt": ASQ_GOOD[:-20]}, "c.txt"), "c.txt:4"),
        ("presidio", files({"c.json": _presidio(bad())[:-30]}, "c.json"), "c.json:3"),
        ("i2b2", files({"a.xml": xml([GOOD])["a.xml"][:-8]}), "a.xml:6"),  # type: ignore[index]
        ("conll", files({"c.conll": CONLL_GOOD + b"Zolt"}, "c.conll"), "c.conll:5"),
        ("brackets", files({"c.txt": BRACKETS_GOOD + b"Zoltan [ har\n"}, "c.txt"), "c.txt:2"),
        ("brat", files({**BRAT_GOOD, "a.ann": b"T1\tNAME 0"}), "a.ann:1"),
    )
]
_XML = [
    Case("i2b2", "invalid XML", i2b2(bad(), text_tag="Zoltan & was"), "syntax", "a.xml:3", NOTE),
    Case("i2b2", "external entities", i2b2(bad(), head=ENTITY, text_tag="&x;"), "forbidden-xml", "a.xml:2", NOTE),
    Case("i2b2", "an entity bomb", i2b2(bad(), head=BOMB, text_tag="&b;"), "forbidden-xml", "a.xml:2", NOTE),
]
_FILES = [
    Case("brat", "missing .ann", files({**BRAT_GOOD, "b.txt": b"Zoltan"}), "missing-annotations", "b.ann", NOTE),
    Case("brat", "missing .txt", files({**BRAT_GOOD, "b.ann": b""}), "unpaired", "b.ann", NOTE),
    Case("brat", "an unreadable text", files({**BRAT_GOOD, "b.txt": None, "b.ann": b""}), "unreadable", "b.txt", NOTE),
    Case("brat", "unreadable annotations", files({**BRAT_GOOD, "a.ann": None}), "unreadable", "a.ann", NOTE),
    Case("jsonl", "an unreadable file", files({"c.jsonl": b"", "d.jsonl": None}), "unreadable", "d.jsonl"),
    Case("i2b2", "an unreadable file", files({**xml([GOOD]), "b.xml": None}), "unreadable", "b.xml", NOTE),
    Case("conll", "an unreadable file", files({"c.conll": CONLL_GOOD, "d.conll": None}), "unreadable", "d.conll", NOTE),
    Case("parquet", "no Parquet", files({"c.parquet": b"PAR1 Zoltan PAR1"}, "c.parquet"), "syntax", "c.parquet", NOTE),
]  # fmt: skip
CASES = [
    *_OFFSETS, *_MISMATCH, *OVERLAPPING, *_MARKS, *_LATIN, *_CONTROLS, *_TWICE, *_TRUNCATED, *_XML, *_FILES,
]  # fmt: skip
_ADVISED = {"line-ends": "Zoltan was\r\nseen", "not-nfc": "Zoltan blev tro\u0308tt", "empty-note": ""}
ADVISED = [
    Case(name, f"{kind} is kept", make(bad(text)), kind, place, NOTE)
    for kind, text in _ADVISED.items()
    for name, make, place in (
        ("jsonl", jsonl, "c.jsonl:2"),
        ("brat", brat, "b.txt"),
        ("i2b2", i2b2, "b.xml"),
        ("presidio", presidio, "c.json:3"),
        ("parquet", parquet, "c.parquet: row 2"),
        ("hf", saved, ".arrow: row 2"),
    )
    # To XML, a CR LF in a file is one line feed.
    if (name, kind) != ("i2b2", "line-ends")
]

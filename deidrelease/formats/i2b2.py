"""i2b2 2014 XML, which MEDDOCAN uses too: a file a note, text and stand-off tags in it.

    <deIdi2b2><TEXT><![CDATA[…]]></TEXT><TAGS><NAME id="T1" start="0" end="3" text="…" TYPE="PATIENT" comment=""/>

The label is `TYPE`; the element's name is its category, read past and written from a table. What the format has no
place for (note ids that are no file names, patients, meta) stands in a processing instruction `<?deidrelease …?>`
after the tags, which other readers ignore. To XML, a CR LF in a file is one LF: so it is in the text, and offsets
count it so. A CR that belongs to the text is written as a character reference.
"""

import json
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from deidrelease.artifacts import atomic_folder
from deidrelease.errors import CorpusError, Problem
from deidrelease.formats.categories import category
from deidrelease.formats.drafts import Draft, DraftSpan, read_bounded
from deidrelease.formats.folders import files_ending
from deidrelease.formats.i2b2_parsing import Parsed, Tag, parse
from deidrelease.formats.reading import ReadOptions
from deidrelease.formats.sidecar import file_stem
from deidrelease.formats.text_lines import first_bytes
from deidrelease.notes import Note

SHARD_FILES = 512
_OFFSET = re.compile(r"[0-9]{1,18}")
_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_KNOWN = {"id", "start", "end", "text", "TYPE", "comment"}
_REMEDY = "write the file as the format reference shows (docs/reference/formats.md)"
# An attribute's value has a space for each of these, unless it is written as a reference.
_ATTRIBUTE_SPACES = str.maketrans("\t\n\r", "   ")
_SNIFF = 4096


def recognises(path: Path) -> bool:
    """An `.xml` file with an element TEXT, or a folder with one."""
    if path.is_dir():
        path = next(files_ending(path, ".xml"), path)
    if path.suffix != ".xml" or not path.is_file():
        return False
    # UTF-16 has a NUL beside each ASCII character.
    return re.search(rb"<TEXT[\s>]", first_bytes(path, _SNIFF).replace(b"\0", b"")) is not None


def read(path: Path, options: ReadOptions) -> Sequence["I2b2Shard"]:
    """The shards of a folder, or of one file.

    Raises:
        CorpusError: A folder holds no `.xml` file.
    """
    folder, names = (path.parent, [path.name]) if path.is_file() else (path, _names(path))
    if not names:
        raise CorpusError("No notes were found.", [Problem(str(path), "holds no .xml file", "correct the path")])
    parts = [names[start : start + SHARD_FILES] for start in range(0, len(names), SHARD_FILES)]
    return [I2b2Shard(folder, tuple(part), options) for part in parts]


def write(notes: Iterable[Note], path: Path) -> None:
    """Writes `notes` as a folder that appears whole or not at all.

    Raises:
        CorpusError: `path` exists already, or a text or label holds what XML cannot carry.
    """
    if path.exists():
        raise CorpusError("Nothing was written.", [Problem(str(path), "exists already", "name a new folder")])
    with atomic_folder(path) as folder:
        taken: set[str] = set()
        for number, note in enumerate(notes):
            for what, content in (("text", note.text), ("label", "".join(span.label for span in note.spans))):
                if match := _NOT_IN_XML.search(content):
                    defect = f"note {number + 1} has U+{ord(match[0]):04X} in a {what}, which XML cannot carry"
                    remedy = "write JSONL instead, or take the character out"
                    raise CorpusError("XML cannot carry this corpus.", [Problem(str(path), defect, remedy)])
            stem = file_stem(note.note_id, number, taken)
            (folder / f"{stem}.xml").write_bytes(_document(note).encode("utf-8"))


@dataclass(frozen=True, slots=True)
class I2b2Shard:
    """Some of a folder's files."""

    folder: Path
    files: tuple[str, ...]
    options: ReadOptions

    def drafts(self) -> Iterator[Draft | Problem]:
        """Yields a note for every file, or a problem for each that is none."""
        for name in self.files:
            raw = read_bounded(self.folder / name)
            where = str(self.folder / name)
            parsed = raw if isinstance(raw, Problem) else parse(raw, where, self.options.mend)
            yield parsed if isinstance(parsed, Problem) else self._draft(name, where, parsed)

    def _draft(self, name: str, where: str, parsed: Parsed) -> Draft:
        spans, problems, remarks = [], list(parsed.problems), []
        for tag in parsed.tags:
            defects = list(_tag_problems(tag, self.options.merge))
            problems += defects
            if not defects:
                spans.append(_span(tag, parsed.text))
                if remark := tag.attributes.get("comment"):
                    remarks.append({"on": tag.attributes.get("id", ""), "text": remark})
        own = parsed.own
        return Draft(
            where=where,
            note_id=own.get("note_id", name.removesuffix(".xml")),
            text=parsed.text,
            spans=tuple(spans),
            patient_id=own.get("patient_id"),
            file=name,
            meta={**own.get("meta", {}), "annotator_notes": remarks} if remarks else own.get("meta", {}),
            fixes=parsed.fixes,
            problems=tuple(problems),
        )


def _names(folder: Path) -> list[str]:
    with os.scandir(folder) as entries:
        return sorted(entry.name for entry in entries if entry.name.endswith(".xml"))


def _tag_problems(tag: Tag, merge: bool) -> Iterator[Problem]:
    attributes = tag.attributes
    for name in ("start", "end"):
        if not _OFFSET.fullmatch(attributes.get(name, "")):
            yield Problem(tag.where, f"a tag has no {name} that is a whole number", _REMEDY, "field")
    if not attributes.get("TYPE"):
        yield Problem(tag.where, "a tag has no TYPE", "name its type", "label")
    if unknown := len(attributes.keys() - _KNOWN):
        yield Problem(tag.where, f"a tag has {unknown} unknown attribute(s)", _REMEDY, "field")
    if attributes.get("comment") and not merge:
        remedy = "remove it, or read with merge, which keeps it in the note's meta"
        yield Problem(tag.where, "a tag has an annotator's remark", remedy, "unsupported")


def _span(tag: Tag, text: str) -> DraftSpan:
    start, end, covered = int(tag.attributes["start"]), int(tag.attributes["end"]), tag.attributes.get("text")
    if covered is not None and text[start:end].translate(_ATTRIBUTE_SPACES) == covered:
        covered = text[start:end]
    return DraftSpan(tag.where, start, end, tag.attributes["TYPE"], covered)


def _document(note: Note) -> str:
    # It brings urllib.request and ssl along, which reading a corpus has no use for.
    from xml.sax.saxutils import quoteattr

    tags = [
        f"    <{category(span.label)} id={quoteattr(f'T{number}')} start={quoteattr(str(span.start))}"
        f" end={quoteattr(str(span.end))} text={quoteattr(note.value(span))} TYPE={quoteattr(span.label)}"
        ' comment=""/>\n'
        for number, span in enumerate(note.spans, 1)
    ]
    own = {"note_id": note.note_id, "patient_id": note.patient_id, "meta": dict(note.meta)}
    # ASCII, and no ">" that could end the instruction.
    instruction = json.dumps(own).replace(">", "\\u003e")
    return (
        "<?xml version='1.0' encoding='UTF-8'?>\n<deIdi2b2>\n"
        f"  <TEXT>{_text(note.text)}</TEXT>\n  <TAGS>\n{''.join(tags)}  </TAGS>\n"
        f"  <?deidrelease {instruction}?>\n</deIdi2b2>\n"
    )


def _text(text: str) -> str:
    # A CR inside CDATA would be read as a line feed, and "]]>" would end it.
    if "\r" in text or "]]>" in text:
        from xml.sax.saxutils import escape

        return escape(text, {"\r": "&#13;"})
    return f"<![CDATA[{text}]]>"

"""CoNLL columns: a token a line, its label in the last column, a blank line between sentences.

Columns are split by tabs, or by spaces where a line has no tab. Labels may be IOB1, IOB2, BIOES, BILOU, or bare ones.
Where nothing marks documents, every sentence is a note; a `-DOCSTART-` line, `# newdoc id = …` or `# note_id = …`
begins a document, whose sentences are joined by a line feed. Offsets are into the text of `# text = …` where it stands
there (a JSON string, or raw as in CoNLL-U), else into the tokens joined by one space each.

Files written here have `# note_id`, `# patient_id`, `# meta` and `# text` as JSON, so they read back equal. A token of
white space, which a span needs that begins or ends with it, is written as a JSON string.
"""

import json
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from deidrelease.artifacts import atomic_writer
from deidrelease.errors import CorpusError, Problem
from deidrelease.formats.conll_documents import Builder
from deidrelease.formats.conll_lines import Line, Token, lines_of
from deidrelease.formats.drafts import Draft
from deidrelease.formats.folders import files_ending, holds
from deidrelease.formats.reading import ReadOptions
from deidrelease.formats.schemes import OUTSIDE, Census, Scheme, split
from deidrelease.formats.text_lines import first_bytes, unreadable
from deidrelease.notes import Note, overlaps

SUFFIXES = (".conll", ".iob", ".iob2", ".bio")
_SNIFF = 4096
_FEWEST, _MOST = 2, 20
# A word with its combining accents, or one character that is neither of a word nor white space.
_TOKEN = re.compile(r"[\w\u0300-\u036f]+|[^\w\s]")
_SPACE = re.compile(r"\s+")


def recognises(path: Path) -> bool:
    """A file that ends as CoNLL files do, a folder of them, or any `.txt` or `.tsv` whose first lines are columns."""
    if path.is_dir():
        return holds(path, ".conll")
    if path.suffix not in (".txt", ".tsv"):
        return path.suffix in SUFFIXES
    return path.is_file() and _has_columns(first_bytes(path, _SNIFF).decode("utf-8", "replace"))


def _has_columns(text: str) -> bool:
    lines = [re.split(r"[\t ]+", line.strip("\r")) for line in text.split("\n")[:-1] if line.strip()]
    rows = [fields for fields in lines if not fields[0].startswith("#")]
    widths = {len(fields) for fields in rows}
    tagged = any(fields[-1] in OUTSIDE or split(fields[-1])[0] for fields in rows)
    return len(widths) == 1 and _FEWEST <= max(widths) <= _MOST and tagged


def read(path: Path, options: ReadOptions) -> Sequence["ConllShard"]:
    """One shard for each file.

    Raises:
        CorpusError: A folder holds no `.conll` file.
    """
    files = [path] if path.is_file() else sorted(files_ending(path, ".conll"))
    if not files:
        remedy = "point to a file, or to a folder of .conll files"
        raise CorpusError("No notes were found.", [Problem(str(path), "holds no .conll file", remedy)])
    return [ConllShard(file, options.mend) for file in files]


@dataclass(frozen=True, slots=True)
class ConllShard:
    """The notes of a file, which is read twice: first for the scheme of its labels."""

    path: Path
    mend: bool

    def drafts(self) -> Iterator[Draft | Problem]:
        """Yields every note, and a problem for each that cannot be told."""
        try:
            scheme = _scheme(lines_of(self.path, mend=True))
            yield from self._notes(lines_of(self.path, self.mend), scheme)
        except OSError as error:
            yield unreadable(self.path, error)

    def _notes(self, lines: Iterator[Line], scheme: Scheme) -> Iterator[Draft | Problem]:
        builder = Builder(self.path, scheme, self.mend)
        in_document = False
        for line in lines:
            if line.marks_document:
                yield from builder.finish()
                in_document = True
            elif line.blank and not in_document:
                yield from builder.finish()
            builder.add(line)
        yield from builder.finish()


def _scheme(lines: Iterator[Line]) -> Scheme:
    census = Census()
    for line in lines:
        if line.blank:
            census.add(None)
        elif isinstance(line.content, Token) and not line.marks_document:
            census.add(line.content.label)
    return census.scheme()


def write(notes: Iterable[Note], path: Path) -> None:
    """Writes `notes` as IOB2 with the exact text of each; the file appears whole or not at all.

    Raises:
        CorpusError: `path` exists already; spans overlap; or a label holds white space.
    """
    if path.exists():
        raise CorpusError("Nothing was written.", [Problem(str(path), "exists already", "name a new file")])
    with atomic_writer(path) as stream:
        for number, note in enumerate(notes, 1):
            if what := _unwritable(note):
                problem = Problem(str(path), f"note {number} has {what[0]}", what[1])
                raise CorpusError("CoNLL columns cannot carry this corpus.", [problem])
            stream.write(_document(note).encode("utf-8"))


def _unwritable(note: Note) -> tuple[str, str] | None:
    if pairs := len(overlaps(note.spans)):
        return f"{pairs} overlapping span(s)", "read with overlaps: keep-longest, or write JSONL instead"
    if bad := sum(bool(_SPACE.search(span.label)) for span in note.spans):
        return f"{bad} label(s) with white space", "rename the labels"
    return None


def _document(note: Note) -> str:
    head = [f"# note_id = {_json(note.note_id)}", f"# patient_id = {_json(note.patient_id)}"]
    if note.meta:
        head.append(f"# meta = {_json(dict(note.meta))}")
    return "\n".join([*head, f"# text = {_json(note.text)}", *_rows(note), "", ""])


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _rows(note: Note) -> Iterator[str]:
    spans = iter(note.spans)
    span = next(spans, None)
    before = 0
    for start, end in _pieces(note):
        while span and span.end <= start:
            span = next(spans, None)
        inside = span if span and span.start <= start else None
        # A blank line where the text has a line end, but not within a span, which it would cut.
        if "\n" in note.text[before:start] and (inside is None or inside.start == start):
            yield ""
        token = note.text[start:end]
        label = "O" if inside is None else f"{'B' if inside.start == start else 'I'}-{inside.label}"
        yield f"{_json(token) if token.isspace() else token}\t{label}"
        before = end


def _pieces(note: Note) -> Iterator[tuple[int, int]]:
    """Where the tokens stand: words and signs, cut at the borders of spans; white space only where a span needs it."""
    starts, ends = {span.start for span in note.spans}, {span.end for span in note.spans}
    borders = sorted(starts | ends)
    runs = [(match.start(), match.end()) for match in _TOKEN.finditer(note.text)]
    for match in _SPACE.finditer(note.text) if borders else ():
        start, end = match.span()
        inner = any(start < border < end for border in _within(borders, start, end))
        if inner or start in starts or end in ends:
            runs.append((start, end))
    for start, end in sorted(runs):
        cuts = [start, *(border for border in _within(borders, start, end) if start < border < end), end]
        yield from pairwise(cuts)


def _within(borders: Sequence[int], start: int, end: int) -> Sequence[int]:
    return borders[bisect_left(borders, start) : bisect_right(borders, end)]

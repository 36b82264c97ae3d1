"""The block format of ASQ-PHI: a query, then the values of its PHI without their places.

    ===QUERY===
    …
    ===PHI_TAGS===
    {"identifier_type": "NAME", "value": "…"}

Where a value stands is looked for (`locating`). One that occurs more often than it is listed is ambiguous, and one
that does not occur is a defect: text whose PII is not marked would teach a tagger to miss it.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from deidrelease.errors import Problem
from deidrelease.formats import drafts
from deidrelease.formats.drafts import Draft, too_large
from deidrelease.formats.locating import Listed, locate
from deidrelease.formats.reading import ReadOptions
from deidrelease.formats.text_lines import TextLine, first_bytes, text_lines, unreadable

QUERY, TAGS = "===QUERY===", "===PHI_TAGS==="
_FIELDS = {"identifier_type", "value"}
_REMEDY = 'write {"identifier_type": "…", "value": "…"}, one a line, both strings that are not empty'
_MOST_PROBLEMS = 100


def recognises(path: Path) -> bool:
    """A `.txt` file whose first line is `===QUERY===`."""
    if path.suffix != ".txt" or not path.is_file():
        return False
    return first_bytes(path, 64).removeprefix(b"\xef\xbb\xbf").lstrip().startswith(QUERY.encode())


def read(path: Path, options: ReadOptions) -> Sequence["AsqShard"]:
    """One shard: the file."""
    return [AsqShard(path, options.mend)]


@dataclass(frozen=True, slots=True)
class AsqShard:
    """The queries of a file, numbered from 1."""

    path: Path
    mend: bool

    def drafts(self) -> Iterator[Draft | Problem]:
        """Yields every query, and a problem for each that is none."""
        block: _Block | None = None
        try:
            for line in text_lines(self.path, self.mend):
                if line.text.strip() == QUERY:
                    yield from block.finished(self.mend) if block else ()
                    block = _Block((block.number if block else 0) + 1, line.where)
                elif block is None:
                    if line.text.strip() or line.defects:
                        yield Problem(line.where, f"stands before the first {QUERY}", f"begin with {QUERY}", "syntax")
                    continue
                block.add(line)
        except OSError as error:
            yield unreadable(self.path, error)
            return
        yield from block.finished(self.mend) if block else ()


@dataclass(slots=True)
class _Block:
    """A query as it is read."""

    number: int
    where: str
    text: list[str] = field(default_factory=list)
    listed: list[Listed] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    fixes: list[Problem] = field(default_factory=list)
    tagged: bool = False
    size: int = 0

    def add(self, line: TextLine) -> None:
        """Takes a line of the block, its first one too."""
        self.size += line.size
        self.fixes += line.fixes
        if self.size > drafts.NOTE_BYTES:
            return
        self._report(*line.defects)
        stripped = line.text.strip()
        if stripped == TAGS and not self.tagged:
            self.tagged = True
        elif not self.tagged and stripped != QUERY:
            self.text.append(line.text)
        elif self.tagged and stripped:
            tag = _tag(line)
            if isinstance(tag, Problem):
                self._report(tag)
            else:
                self.listed.append(tag)

    def _report(self, *problems: Problem) -> None:
        if len(self.problems) < _MOST_PROBLEMS:
            self.problems += problems

    def finished(self, mend: bool) -> Iterator[Draft | Problem]:
        """Yields the draft, or the problem of a query that is larger than any."""
        if self.size > drafts.NOTE_BYTES:
            yield too_large(self.where)
            return
        if not self.tagged:
            remedy = f"write {TAGS} behind the query; nothing behind that means no PII"
            self._report(Problem(self.where, f"has no {TAGS}", remedy, "missing-annotations"))
        text = "\n".join(self.text)
        located = locate(text, self.listed, mend)
        yield Draft(
            where=self.where,
            note_id=str(self.number),
            text=text,
            spans=located.spans,
            fixes=(*self.fixes, *located.fixes),
            problems=(*self.problems, *located.problems),
        )


def _tag(line: TextLine) -> Listed | Problem:
    try:
        record = json.loads(line.text)
    except (ValueError, RecursionError):
        return Problem(line.where, "is no JSON object", _REMEDY, "syntax")
    if not isinstance(record, dict) or set(record) != _FIELDS:
        return Problem(line.where, "is no object of identifier_type and value alone", _REMEDY, "field")
    label, value = record["identifier_type"], record["value"]
    if not all(isinstance(one, str) and one for one in (label, value)):
        return Problem(line.where, "identifier_type or value is empty or no string", _REMEDY, "field")
    return Listed(line.where, label, value)

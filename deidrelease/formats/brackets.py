"""Sentences with entities in brackets, one sentence a line, as in the Swedish medical corpus of Almgren et al. (2016).

    Huden behandlas med [ salva ] mot ( eksem ) .

( ) marks a disorder or finding, [ ] a drug or treatment, { } a part of the body. Marks do not nest. They go, with the
space that each has inside, and so does the space that the corpus puts between a mark and the punctuation behind it.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from deidrelease.errors import Problem
from deidrelease.formats.drafts import Draft, DraftSpan
from deidrelease.formats.reading import ReadOptions
from deidrelease.formats.text_lines import TextLine, first_bytes, text_lines, unreadable

LABELS = {"(": "DISORDER", "[": "DRUG", "{": "BODY"}
_CLOSING = {")": "(", "]": "[", "}": "{"}
_MARK = re.compile(r"[(\[{] ?| ?[)\]}](?: (?=[.,;:!?]))?")
_SNIFF = 4096
_REMEDY = "write ( … ), [ … ] or { … }, one behind the other and each on one line"


def recognises(path: Path) -> bool:
    """A `.txt` file whose first lines have at least two sorts of marks with spaces inside."""
    if path.suffix != ".txt" or not path.is_file():
        return False
    text = first_bytes(path, _SNIFF).decode("utf-8", "replace")
    return not text.startswith("===") and sum(f"{mark} " in text for mark in LABELS) > 1


def read(path: Path, options: ReadOptions) -> Sequence["BracketsShard"]:
    """One shard: the file."""
    return [BracketsShard(path, options.mend)]


@dataclass(frozen=True, slots=True)
class BracketsShard:
    """The sentences of a file; their ids are their lines, from 1. Blank lines are none."""

    path: Path
    mend: bool

    def drafts(self) -> Iterator[Draft | Problem]:
        """Yields every sentence, and a problem for each that is none."""
        try:
            for line in text_lines(self.path, self.mend):
                if line.defects:
                    yield from line.defects
                elif line.text.strip():
                    yield _draft(line)
        except OSError as error:
            yield unreadable(self.path, error)


def _draft(line: TextLine) -> Draft:
    pieces, spans, problems = [], [], []
    opened, begin, at, length = "", 0, 0, 0
    for match in _MARK.finditer(line.text):
        pieces.append(line.text[at : match.start()])
        length += len(pieces[-1])
        at = match.end()
        mark = match[0].strip()[0]
        if mark in LABELS:
            if opened:
                problems.append(_problem(line, match, "opens inside another"))
            opened, begin = mark, length
        elif _CLOSING[mark] != opened:
            problems.append(_problem(line, match, "closes nothing"))
            opened = ""
        else:
            spans.append(DraftSpan(line.where, begin, length, LABELS[opened]))
            opened = ""
    if opened:
        problems.append(Problem(line.where, "a mark is not closed on its line", _REMEDY, "syntax"))
    text = "".join([*pieces, line.text[at:]])
    return Draft(line.where, str(line.number), text, tuple(spans), fixes=line.fixes, problems=tuple(problems))


def _problem(line: TextLine, match: "re.Match[str]", what: str) -> Problem:
    return Problem(line.where, f"the mark in column {match.start() + 1} {what}", _REMEDY, "syntax")

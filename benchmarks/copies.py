"""Corpora of any size for the audits' benchmarks, made of MEDDOCAN: altered copies, no two alike.

The source notes are split at random in three, for release, train and hold-out, so that a release is of other patients.
A copy has every value replaced by another of its label and length, digits by random ones, and every tenth word outside
of values by another word of the same length; each copy is a patient. A tenth of the release are copies of *train*
notes in which hardly a word was changed, so that there is something to find.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from deidrelease.formats import PatientSource, ReadOptions, open_corpus
from deidrelease.formats.table import FORMATS
from deidrelease.notes import Note, Span, longest

CHANGED, CHANGED_IN_LEAKS = 0.1, 0.02
"""Shares of words outside of values that a copy replaces."""
_WORD = re.compile(r"[^\W\d_]+")
_DATE = "FECHAS"


@dataclass(frozen=True, slots=True)
class Paths:
    """Corpora that were written, as JSONL."""

    synthetic: Path
    train: Path
    holdout: Path


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What stands in for words and values.

    Attributes:
        words: By length.
        of_label: Words of values by label and length.
        dates: Whole dates by length.
    """

    words: dict[int, list[str]]
    of_label: dict[tuple[str, int], list[str]]
    dates: dict[int, list[str]]

    @classmethod
    def of(cls, notes: Sequence[Note]) -> "Vocabulary":
        """Everything that stands in `notes`."""
        words, of_label, dates = defaultdict(set), defaultdict(set), defaultdict(set)
        for note in notes:
            for match in _WORD.finditer(note.text):
                words[len(match[0])].add(match[0])
            for span in note.spans:
                value = note.value(span)
                for match in _WORD.finditer(value):
                    of_label[span.label, len(match[0])].add(match[0])
                if span.label == _DATE:
                    dates[len(value)].add(value)
        return cls(*({key: sorted(found) for key, found in table.items()} for table in (words, of_label, dates)))


def source_notes(corpora: Path) -> list[Note]:
    """MEDDOCAN's train and dev notes; `corpora` is the folder that holds `meddocan/`."""
    options = ReadOptions(PatientSource.parse("note"), mend=True)
    parts = (open_corpus(corpora / "meddocan" / part, "brat", options) for part in ("train", "dev"))
    return [note for part in parts for note in part]


def write_corpora(folder: Path, source: Sequence[Note], synthetic: int, train: int, holdout: int, seed: int) -> Paths:
    """Writes a release, a train and a hold-out corpus of so many notes into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    order = np.random.default_rng(seed).permutation(len(source))
    thirds = [[source[index] for index in part] for part in np.array_split(order, 3)]
    vocabulary = Vocabulary.of(source)
    released = [*_copies(thirds[0], vocabulary, synthetic - synthetic // 10, "s", CHANGED, seed)]
    released += _copies(thirds[1], vocabulary, synthetic // 10, "l", CHANGED_IN_LEAKS, seed)
    paths = Paths(*(folder / f"{arm}.jsonl" for arm in ("synthetic", "train", "holdout")))
    FORMATS["jsonl"].write(released, paths.synthetic)
    FORMATS["jsonl"].write(_copies(thirds[1], vocabulary, train, "t", CHANGED, seed), paths.train)
    FORMATS["jsonl"].write(_copies(thirds[2], vocabulary, holdout, "h", CHANGED, seed), paths.holdout)
    return paths


def _copies(
    source: Sequence[Note], vocabulary: Vocabulary, many: int, prefix: str, changed: float, seed: int
) -> Iterator[Note]:
    def endless() -> Iterator[Note]:
        while True:
            yield from source

    for number, note in enumerate(islice(endless(), many)):
        rng = np.random.default_rng([seed, ord(prefix), number])
        # The first copies of what leaked keep their values, or nothing of them could be found again.
        values = prefix not in "lt" or number >= len(source)
        name = f"{prefix}{number:07}"
        yield _altered(note, name, vocabulary, rng, changed, values)


def _altered(
    note: Note, name: str, vocabulary: Vocabulary, rng: np.random.Generator, changed: float, values: bool
) -> Note:
    spans = longest(note.spans)
    pieces, at = [], 0
    for span in spans:
        pieces.append(_reworded(note.text[at : span.start], vocabulary, rng, changed))
        pieces.append(_another_value(note.value(span), span.label, vocabulary, rng) if values else note.value(span))
        at = span.end
    pieces.append(_reworded(note.text[at:], vocabulary, rng, changed))
    return Note(f"note-{name}", f"patient-{name}", "".join(pieces), tuple(Span(s.start, s.end, s.label) for s in spans))


def _reworded(text: str, vocabulary: Vocabulary, rng: np.random.Generator, changed: float) -> str:
    words = list(_WORD.finditer(text))
    pieces, at = [], 0
    for index in np.flatnonzero(rng.random(len(words)) < changed):
        match = words[index]
        others = vocabulary.words[len(match[0])]
        pieces += [text[at : match.start()], others[rng.integers(len(others))]]
        at = match.end()
    return "".join([*pieces, text[at:]])


def _another_value(value: str, label: str, vocabulary: Vocabulary, rng: np.random.Generator) -> str:
    if label == _DATE:
        others = vocabulary.dates[len(value)]
        return others[rng.integers(len(others))]

    def another(match: re.Match[str]) -> str:
        others = vocabulary.of_label[label, len(match[0])]
        return others[rng.integers(len(others))]

    digits = "".join(str(rng.integers(10)) if c.isdecimal() else c for c in value)
    return _WORD.sub(another, digits)

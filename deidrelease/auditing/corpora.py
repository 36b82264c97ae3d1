"""Before any audit: the corpora in numbers, and whether train and hold-out are of different patients.

Keeps 24 bytes a private note: keyed numbers of its id, its patient and its text.
"""

import hashlib
from array import array
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from deidrelease import progress
from deidrelease.auditing.result import CorpusFacts
from deidrelease.contracts import Arm, Corpora
from deidrelease.errors import CorpusError, Problem
from deidrelease.keys import SiteKey
from deidrelease.notes import Corpus, Held, Note, note_to_json

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

TELLING_CHARACTERS = 200
"""Two patients may both have a note of a line or a form left empty; of this length no two notes are alike by chance."""
HELD_CHARACTERS = 10_000_000
"""Reading costs more than some audits do; tens of megabytes of text spare the six readings that follow the first."""
_PARTS = {
    "patients": "patient(s) stand in both, by their ids",
    "notes": "note id(s) stand in both",
    "texts": "long text(s) stand in both, word for word",
}


@dataclass(slots=True)
class _Numbers:
    notes: "array[int]" = field(default_factory=lambda: array("Q"))
    patients: "array[int]" = field(default_factory=lambda: array("Q"))
    texts: "array[int]" = field(default_factory=lambda: array("Q"))
    labels: Counter[str] = field(default_factory=Counter)

    def add(self, note: Note, key: SiteKey) -> None:
        self.notes.append(key.number("note", note.note_id))
        self.patients.append(key.number("patient", note.patient_id))
        self.labels.update(span.label for span in note.spans)
        if len(text := note.text.strip()) >= TELLING_CHARACTERS:
            self.texts.append(key.number("text", text))

    def distinct(self, part: str) -> "NDArray[np.uint64]":
        import numpy as np

        return np.unique(np.frombuffer(getattr(self, part), np.uint64))


def taken_in(
    corpora: Corpora, held: int = HELD_CHARACTERS, too_large: Callable[[Corpora], None] | None = None
) -> tuple[Corpora, dict[Arm, CorpusFacts]]:
    """Reads every corpus once, to its end, so that a defect in the last note costs no audit.

    Args:
        corpora: To be audited.
        held: How many characters of text may stay in memory.
        too_large: Called as soon as a corpus turns out to be larger than that, which will be read again from its files;
            with the corpora, those read before held in memory.

    Returns:
        The same corpora, those held in memory that fit, since every audit reads them again; and their facts.

    Raises:
        CorpusError: A corpus has defects or no notes, train and hold-out share patients, note ids or long texts, or a
            label of theirs has no meaning in the label map.
    """
    facts: dict[Arm, CorpusFacts] = {}
    numbers: dict[Arm, _Numbers] = {}
    at_hand: dict[str, Corpus] = {}
    for arm, corpus in _present(corpora):
        kept = _Kept(held, partial(too_large, _with(corpora, at_hand)) if too_large else None)
        facts[arm], numbers[arm] = _read(arm, corpus, corpora.key, kept)
        if kept.notes is not None:
            at_hand[arm] = Corpus(corpus.name, (Held(tuple(kept.notes)),))
            held -= kept.characters
    if "holdout" in numbers:
        _refuse_shared(numbers)
    if corpora.label_map is not None:
        private = (numbers[arm].labels for arm in numbers if arm != "synthetic")
        corpora.label_map.require(sum(private, Counter()), "the private labels")
    return _with(corpora, at_hand), facts


def _with(corpora: Corpora, at_hand: Mapping[str, Corpus]) -> Corpora:
    return replace(corpora, **at_hand)  # type: ignore[arg-type]  # all of them are fields that hold a corpus


@dataclass(slots=True)
class _Kept:
    """The notes of a corpus, until they are too many."""

    most: int
    too_large: Callable[[], None] | None
    characters: int = 0
    notes: list[Note] | None = field(default_factory=list)

    def add(self, note: Note) -> None:
        self.characters += len(note.text)
        if self.notes is not None:
            self.notes.append(note)
            if self.characters > self.most:
                self.notes = None
                if self.too_large is not None:
                    self.too_large()


def _present(corpora: Corpora) -> Iterator[tuple[Arm, Corpus]]:
    arms: tuple[Arm, ...] = ("synthetic", "train", "holdout")
    for arm in arms:
        corpus = corpora.arm(arm)
        if corpus is not None:
            yield arm, corpus


def _read(arm: Arm, corpus: Corpus, key: SiteKey, kept: _Kept) -> tuple[CorpusFacts, _Numbers]:
    sha, numbers = hashlib.sha256(), _Numbers()
    with progress.step(f"reading {arm}") as step:
        for note in corpus:
            sha.update(note_to_json(note).encode("utf-8") + b"\n")
            numbers.add(note, key)
            kept.add(note)
            step.advance(1)
    if not numbers.notes:
        problem = Problem(corpus.name, f"holds no notes ({arm})", "name a corpus that does")
        raise CorpusError("There is nothing to audit.", [problem])
    private = arm != "synthetic"
    digest = key.digest("corpus", sha.hexdigest()) if private else sha.hexdigest()
    return CorpusFacts(digest, private, len(numbers.notes), len(numbers.distinct("patients"))), numbers


def _refuse_shared(numbers: Mapping[Arm, _Numbers]) -> None:
    import numpy as np

    problems = []
    for part, what in _PARTS.items():
        both = np.intersect1d(numbers["train"].distinct(part), numbers["holdout"].distinct(part), assume_unique=True)
        if len(both):
            remedy = "split by patient: a hold-out that the generator saw controls nothing"
            problems.append(Problem("train and hold-out", f"{len(both)} {what}", remedy, "shared-patients"))
    if problems:
        raise CorpusError("Train and hold-out are not of different patients.", problems)

"""Before any audit: the corpora in numbers, and whether train and hold-out are of different patients.

Keeps 24 bytes a private note: keyed numbers of its id, its patient and its text.
"""

import hashlib
from array import array
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from deidrelease import progress
from deidrelease.auditing.result import CorpusFacts
from deidrelease.contracts import Arm, Corpora
from deidrelease.errors import CorpusError, Problem
from deidrelease.keys import SiteKey
from deidrelease.notes import Corpus, Note, note_to_json

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

TELLING_CHARACTERS = 200
"""Two patients may both have a note of a line or a form left empty; of this length no two notes are alike by chance."""
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


def facts_of(corpora: Corpora) -> dict[Arm, CorpusFacts]:
    """Reads every corpus once, to its end, so that a defect in the last note costs no audit.

    Raises:
        CorpusError: A corpus has defects or no notes, train and hold-out share patients, note ids or long texts, or a
            label of theirs has no meaning in the label map.
    """
    facts: dict[Arm, CorpusFacts] = {}
    numbers: dict[Arm, _Numbers] = {}
    for arm, corpus in _present(corpora):
        facts[arm], numbers[arm] = _read(arm, corpus, corpora.key)
    if "holdout" in numbers:
        _refuse_shared(numbers)
    if corpora.label_map is not None:
        private = (numbers[arm].labels for arm in numbers if arm != "synthetic")
        corpora.label_map.require(sum(private, Counter()), "the private labels")
    return facts


def _present(corpora: Corpora) -> Iterator[tuple[Arm, Corpus]]:
    arms: tuple[Arm, ...] = ("synthetic", "train", "holdout")
    for arm in arms:
        corpus = corpora.arm(arm)
        if corpus is not None:
            yield arm, corpus


def _read(arm: Arm, corpus: Corpus, key: SiteKey) -> tuple[CorpusFacts, _Numbers]:
    sha, numbers = hashlib.sha256(), _Numbers()
    with progress.step(f"reading {arm}") as step:
        for note in corpus:
            sha.update(note_to_json(note).encode("utf-8") + b"\n")
            numbers.add(note, key)
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

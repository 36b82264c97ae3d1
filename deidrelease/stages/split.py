"""split: sends every patient, by a seeded coin, to train, dev or hold-out."""

import hashlib
import json
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from deidrelease import progress
from deidrelease.artifacts import atomic_writer, write_text
from deidrelease.errors import CorpusError, Problem
from deidrelease.formats import open_corpus
from deidrelease.notes import Corpus, note_to_json, overlaps
from deidrelease.settings import CorpusSettings, SplitSettings

SIDES = ("train", "dev", "holdout")
FEWEST = {"train": 2, "dev": 1, "holdout": 2}
"""Patients below which a side is of no use."""


@dataclass(frozen=True, slots=True)
class Split:
    """Every coin is independent of the others, as the audits' statistics need it, so shares are met on average."""

    corpus: CorpusSettings
    split: SplitSettings

    name: ClassVar[str] = "split"
    version: ClassVar[int] = 1
    after: ClassVar[tuple[str, ...]] = ("corpus",)
    releasable: ClassVar[frozenset[str]] = frozenset()

    def settings(self) -> Mapping[str, object]:
        """The shares; the corpus counts by its content, not by its path."""
        return self.split.model_dump(mode="json")

    def run(self, inputs: Mapping[str, Path], out: Path, seed: int) -> None:
        """Writes `train.jsonl`, `dev.jsonl`, `holdout.jsonl` and their counts.

        Raises:
            CorpusError: The corpus has defects or overlapping spans, or a side has too few patients.
        """
        corpus = open_corpus(inputs["corpus"], self.corpus.format, self.corpus.reading())
        check_overlaps(corpus)
        summary = write_sides(corpus, lambda patient: side_of(patient, self.split, seed), out)
        write_text(out / "split.json", json.dumps(summary, indent=1) + "\n")


def write_sides(corpus: Corpus, side: Callable[[str], str], out: Path) -> dict[str, dict[str, int]]:
    """Writes each note to the side of its patient, `train.jsonl`, `dev.jsonl` and `holdout.jsonl`; gives their counts.

    Args:
        corpus: Read once.
        side: Of a patient, by id.
        out: Existing folder.

    Raises:
        CorpusError: A side has too few patients.
    """
    counts: dict[str, dict[str, int]] = {name: {"notes": 0, "spans": 0} for name in SIDES}
    patients: dict[str, set[bytes]] = {name: set() for name in SIDES}
    with ExitStack() as stack, progress.step("splitting by patient") as step:
        streams = {name: stack.enter_context(atomic_writer(out / f"{name}.jsonl")) for name in SIDES}
        for note in corpus:
            name = side(note.patient_id)
            streams[name].write(note_to_json(note).encode("utf-8") + b"\n")
            counts[name]["notes"] += 1
            counts[name]["spans"] += len(note.spans)
            patients[name].add(hashlib.blake2b(note.patient_id.encode(), digest_size=8).digest())
            step.advance(1)
    sizes = {name: len(members) for name, members in patients.items()}
    if problems := size_problems(sizes):
        raise CorpusError("The corpus is too small for this split.", problems)
    return {name: {**counts[name], "patients": sizes[name]} for name in SIDES}


def side_of(patient_id: str, shares: SplitSettings, seed: int) -> str:
    """The side that the coin of this patient shows; other patients have no say in it."""
    key = seed.to_bytes(16, "big")
    draw = int.from_bytes(hashlib.blake2b(patient_id.encode("utf-8"), key=key, digest_size=8).digest(), "big") / 2**64
    if draw < shares.train:
        return "train"
    return "dev" if draw < shares.train + shares.dev else "holdout"


def size_problems(patients: Mapping[str, int]) -> list[Problem]:
    """The sides with fewer patients than anything can be done with."""
    remedy = "add patients, change the shares under split, or take another seed"
    return [
        Problem(f"split.{side}", f"{patients.get(side, 0)} patient(s), at least {fewest} needed", remedy)
        for side, fewest in FEWEST.items()
        if patients.get(side, 0) < fewest
    ]


def check_overlaps(corpus: Corpus) -> None:
    """Refuses spans that share characters: BIO tags cannot carry them, and dropping one in silence would hide PII.

    Raises:
        CorpusError: With every place.
    """
    problems = [
        Problem(place.where, f"spans {a.start}-{a.end} and {b.start}-{b.end} overlap", "keep one of them")
        for place in corpus.located()
        for a, b in overlaps(place.note.spans)
    ]
    if problems:
        raise CorpusError(f"{corpus.name}: {len(problems)} overlapping span(s).", problems)

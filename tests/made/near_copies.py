"""Notes of invented words in which copies can be planted, and the near-duplicate counts worked out by plain sets."""

from collections.abc import Sequence

import numpy as np

from deidrelease.contracts import Arm, Audit, Conclusion, Corpora, Shard
from deidrelease.notes import Corpus, Note
from deidrelease_audits.text.tokens import folded

FORM = "name of the patient born on sex referred by the clinic of the town with the following complaint today"


def invented_notes(prefix: str, n: int, seed: int, words: int = 120, patients: int | None = None) -> list[Note]:
    """Notes of a form and of random words; some sentences are common to many, as in a clinic."""
    rng = np.random.default_rng(seed)
    stock = [" ".join(f"stock{rng.integers(50)}" for _ in range(9)) for _ in range(8)]
    notes = []
    for number in range(n):
        own = [f"word{rng.integers(400)}" for _ in range(words)]
        for place in rng.integers(0, words, rng.integers(3)):
            own[place] = stock[rng.integers(len(stock))]
        patient = number % (patients or n)
        notes.append(Note(f"{prefix}{number}", f"{prefix}-patient{patient}", f"{FORM}: {' '.join(own)}."))
    return notes


def with_text(note: Note, text: str) -> Note:
    return Note(note.note_id, note.patient_id, text)


def half(text: str) -> str:
    words = text.split()
    return " ".join(words[: len(words) // 2])


def shingle_set(text: str, width: int = 5) -> set[tuple[str, ...]]:
    kept = "".join(c if c.isalnum() else " " for c in folded(text)).split()
    return {tuple(kept[place : place + width]) for place in range(len(kept) - width + 1)}


def containments(
    synthetic: Sequence[Note], private: Sequence[Note], least_shared: int = 8, width: int = 5
) -> dict[tuple[str, str], float]:
    """Of all pairs the share of the smaller note's shingles that the other holds."""
    sets = {note.note_id: shingle_set(note.text, width) for note in [*synthetic, *private]}
    found = {}
    for ours in synthetic:
        for theirs in private:
            shared = len(sets[ours.note_id] & sets[theirs.note_id])
            least = min(len(sets[ours.note_id]), len(sets[theirs.note_id]))
            found[ours.note_id, theirs.note_id] = shared / least if shared and shared >= least_shared else 0.0
    return found


def jaccards(synthetic: Sequence[Note], private: Sequence[Note]) -> dict[tuple[str, str], float]:
    sets = {note.note_id: shingle_set(note.text) for note in [*synthetic, *private]}
    pairs = [(ours.note_id, theirs.note_id) for ours in synthetic for theirs in private]
    return {(a, b): len(sets[a] & sets[b]) / max(1, len(sets[a] | sets[b])) for a, b in pairs}


def shards_of_notes(arm: Arm, notes: Sequence[Note], size: int) -> list[Shard]:
    return [Shard(arm, tuple(notes[first : first + size])) for first in range(0, len(notes), size)] or [Shard(arm, ())]


def concluded(audit: Audit, corpora: Corpora, size: int = 50) -> Conclusion:
    """Index, scan in shards of `size`, sum and conclude."""
    index, total = audit.index(corpora), None
    for arm in audit.arms:
        corpus: Corpus | tuple[Note, ...] = corpora.arm(arm) or ()
        for shard in shards_of_notes(arm, list(corpus), size):
            tally = audit.scan(index, shard)
            total = tally if total is None else total + tally
    return audit.conclude(index, total)

"""Planted leaks: they are where the planting says, and real releases that hold them are told from clean ones."""

import os
import random
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from made.private_notes import LABELS, corpora, note

from deidrelease.contracts import Conclusion, Shard
from deidrelease.formats.reading import PatientSource, ReadOptions
from deidrelease.formats.table import open_corpus
from deidrelease.labels import LabelMap
from deidrelease.labels.reading import load_label_map
from deidrelease.notes import Note
from deidrelease_audits.pii_replay.audit import PiiReplay

BENCHMARKS = Path(__file__).parents[3] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))
import drawing  # noqa: E402
import placing  # noqa: E402
import planting  # noqa: E402  # the benchmark's planting is what is tested

Plant = Callable[[drawing.Split, LabelMap, np.random.Generator], planting.Planting]
PLANTS: dict[str, Plant] = {
    "identifiers": planting.plant_identifiers,
    "altered": planting.plant_altered,
    "pairs": planting.plant_pairs,
    "half copies": lambda parts, _, rng: planting.plant_half_copies(parts, rng),
    "spans": lambda parts, _, rng: planting.plant_spans(parts, rng, 8),
    "verbatim": lambda parts, _, rng: planting.plant_verbatim(parts, rng),
}


def _notes() -> list[Note]:
    rng = random.Random(0)
    letters = "abcdefghijklmnopqrstuvwxyz"

    def name() -> str:
        return "".join(rng.choices(letters, k=7)).capitalize()

    return [
        note(
            f"n{i}",
            f"Vino [NAME {name()} Núñez{name()}] el [DATE {rng.randrange(1, 28)}/03/{1900 + i}]. Tiene el número "
            f"[RECORD 28 {rng.randrange(10**7, 10**8)} {rng.randrange(10, 99)}]. Nada más que anotar.",
        )
        for i in range(60)
    ]


@pytest.mark.parametrize("kind", PLANTS)
def test_what_was_planted_stands_where_it_is_said_to_and_is_drawn_by_the_seed(kind: str) -> None:
    parts = drawing.split(_notes(), 20, 0)
    before = drawing.split(_notes(), 20, 0)
    first = PLANTS[kind](parts, LABELS, np.random.default_rng(1))
    assert first == PLANTS[kind](parts, LABELS, np.random.default_rng(1))
    assert parts == before
    notes = {one.note_id: one for one in first.notes}
    assert len(notes) == 20
    assert first.planted
    train = {one.note_id: one for one in parts.train}
    for leak in first.planted:
        assert notes[leak.synthetic_note].text[leak.start : leak.end] == leak.text
        assert leak.value in train[leak.private_note].text
        assert (leak.text == leak.value) == (leak.kind not in planting.ALTERATIONS)


def test_arms_share_no_patient() -> None:
    parts = drawing.split(_notes(), 20, 3)
    arms = [{one.patient_id for one in arm} for arm in (parts.train, parts.holdout, parts.synthetic)]
    assert [len(arm) for arm in arms] == [20, 20, 20]
    assert len(set.union(*arms)) == 60


def test_inserting_and_replacing_keep_the_spans_on_their_words() -> None:
    one = note("n", "Vino [NAME Ana Ruiz] a [TOWN Soria].")
    longer = placing.inserted(one, 5, "ayer ")
    assert [longer.value(span) for span in longer.spans] == ["Ana Ruiz", "Soria"]
    other = placing.replaced(one, one.spans[0], "Eva")
    assert [other.value(span) for span in other.spans] == ["Eva", "Soria"]


def _audited(parts: drawing.Split, release: tuple[Note, ...], label_map: LabelMap) -> Conclusion:
    audit = PiiReplay()
    index = audit.index(corpora(release, parts.train, parts.holdout, label_map))
    tally = audit.scan(index, Shard("train", parts.train)) + audit.scan(index, Shard("holdout", parts.holdout))
    return audit.conclude(index, tally)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_planted_insurance_numbers_are_decisive_in_real_notes_and_clean_ones_are_not(seed: int) -> None:
    if not (folder := os.environ.get("DEIDRELEASE_CORPORA")):
        pytest.skip("DEIDRELEASE_CORPORA names no folder of corpora")
    reading = ReadOptions(PatientSource.parse("note"), mend=True)
    notes = list(open_corpus(Path(folder) / "meddocan" / "train", "brat", reading))
    label_map = load_label_map("meddocan")
    parts = drawing.split(notes, 120, seed)
    assert _audited(parts, parts.synthetic, label_map).metrics["decisive"].value == 0
    rng = np.random.default_rng(seed)
    leaking = planting.plant_identifiers(parts, label_map, rng, labels=["ID_ASEGURAMIENTO"])
    found = _audited(parts, leaking.notes, label_map)
    assert found.metrics["decisive"].value >= 1
    places = {(f.synthetic_note, f.start, f.end) for f in found.findings}
    assert {(leak.synthetic_note, leak.start, leak.end) for leak in leaking.planted} <= places

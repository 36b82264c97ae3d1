import pickle
from dataclasses import replace

import numpy as np
import pytest
from made.near_copies import concluded, containments, half, invented_notes, jaccards, shards_of_notes, with_text
from made.notes_of import KEY, corpora_of, corpus_of

from deidrelease.contracts import Audit, Corpora, Shard
from deidrelease.notes import Note
from deidrelease_audits.near_duplicate.audit import NearDuplicate
from deidrelease_audits.near_duplicate.scan import draw_rank
from deidrelease_audits.patients import patient_number


def words(first: int, last: int) -> str:
    return " ".join(f"w{number}" for number in range(first, last))


def corpora(synthetic: list[Note], train: list[Note], holdout: list[Note] | None, seed: int = 0) -> Corpora:
    kept = None if holdout is None else corpus_of(*holdout)
    return Corpora(corpus_of(*synthetic), corpus_of(*train), kept, None, None, None, KEY, seed)


def tally_of(audit: NearDuplicate, given: Corpora, train: list[Note], holdout: list[Note], size: int):
    index, total = audit.index(given), None
    for shard in [*shards_of_notes("train", train, size), *shards_of_notes("holdout", holdout, size)]:
        tally = audit.scan(index, shard)
        total = tally if total is None else total + tally
    return index, total


def test_four_notes_by_hand():
    # 24 words are 20 shingles. s0 is t0; s1 holds t1's first 14 words (10 of 20 shingles) and 40 of its own; s2 is the
    # last 12 of t2's 104 words (8 of its own 8 shingles); s3 shares 11 words with t3: 7 shingles, one too few.
    train = [words(0, 24), words(100, 124), words(200, 304), words(400, 424)]
    synthetic = [words(0, 24).upper(), words(100, 114) + " " + words(900, 940), words(292, 304), words(400, 411)]
    given = corpora_of(synthetic, train, [words(1000, 1024)])
    audit = NearDuplicate()
    index = audit.index(given)
    tally = audit.scan(index, Shard("train", tuple(given.train)))
    assert tally.train.contained.values.tolist() == [1.0, 0.5, 1.0, 0.0]
    assert tally.train.contained.notes.tolist() == ["t0", "t1", "t2", ""]
    # Jaccard: 20 of 20; 10 of 20 + 50 - 10; 8 of 100.
    assert tally.train.nearest.among(2**64 - 1, 4)[0].tolist() == [1.0, 10 / 60, 8 / 100, 0.0]
    told = audit.conclude(index, tally + audit.scan(index, Shard("holdout", tuple(given.holdout))))
    assert told.metrics["notes_contained_50"].value == 0.75
    assert told.metrics["notes_contained_80"].value == 0.5
    assert told.metrics["max_containment"].value == 1.0
    assert told.control["max_containment"].value == 0.0
    assert told.status == "inconclusive"


@pytest.fixture(scope="module")
def clinic():
    """120 patients of train in 150 notes, 100 of hold-out, 60 synthetic notes with a copy and halves."""
    train, holdout = invented_notes("t", 150, 1, patients=120), invented_notes("h", 100, 2)
    synthetic = invented_notes("s", 60, 3)
    synthetic[0] = with_text(synthetic[0], train[7].text)
    synthetic[1] = with_text(synthetic[1], synthetic[1].text + " " + half(train[8].text))
    synthetic[2] = with_text(synthetic[2], half(train[9].text))
    return synthetic, train, holdout


def test_all_pairs_agree_with_plain_sets(clinic):
    synthetic, train, holdout = clinic
    audit = NearDuplicate()
    _, tally = tally_of(audit, corpora(*clinic), train, holdout, 40)
    for arm, private in [(tally.train, train), (tally.holdout, holdout)]:
        expected = containments(synthetic, private)
        ours = [max(expected[s.note_id, p.note_id] for p in private) for s in synthetic]
        assert arm.contained.values == pytest.approx(ours)
        theirs: dict[int, float] = {}
        for note in private:
            number = patient_number(KEY, note.patient_id)
            best = max(expected[s.note_id, note.note_id] for s in synthetic)
            theirs[number] = max(best, theirs.get(number, 0.0))
        found = dict(zip(arm.containment.patients.tolist(), (arm.containment.values / 1e6).tolist(), strict=True))
        assert found == pytest.approx(theirs, abs=1e-6)


def test_the_share_nearer_to_train_agrees_with_plain_sets(clinic):
    synthetic, train, holdout = clinic
    audit = NearDuplicate(least_shared=1)
    told = concluded(audit, corpora(*clinic, seed=5))
    # Both arms cut to 100 patients; in train those who come first in the draw.
    rank = {n.patient_id: int(draw_rank(np.array([patient_number(KEY, n.patient_id)], np.uint64), 5)[0]) for n in train}
    chosen = set(sorted(rank, key=rank.__getitem__)[:100])
    near, far = jaccards(synthetic, [n for n in train if n.patient_id in chosen]), jaccards(synthetic, holdout)
    score = 0.0
    for note in synthetic:
        left = max(value for (ours, _), value in near.items() if ours == note.note_id)
        right = max(value for (ours, _), value in far.items() if ours == note.note_id)
        score += 1.0 if left > right else 0.5 if left == right else 0.0
    assert told.metrics["dcr_share"].value == pytest.approx(score / len(synthetic))


def test_the_sum_depends_on_neither_order_nor_grouping(clinic):
    _, train, holdout = clinic
    given, audit = corpora(*clinic), NearDuplicate()
    index, whole = tally_of(audit, given, train, holdout, 1000)
    for seed in range(3):
        rng = np.random.default_rng(seed)
        shards = [
            *shards_of_notes("train", [train[i] for i in rng.permutation(len(train))], 17),
            *shards_of_notes("holdout", [holdout[i] for i in rng.permutation(len(holdout))], 9),
        ]
        tallies = [pickle.loads(pickle.dumps(audit.scan(index, shards[i]))) for i in rng.permutation(len(shards))]
        total = tallies[0]
        for tally in tallies[1:]:
            total = total + tally
        assert total == whole
        assert audit.conclude(index, total) == audit.conclude(index, whole)


def test_copies_and_half_copies_are_decisive_and_named(clinic):
    told = concluded(NearDuplicate(), corpora(*clinic))
    assert told.status == "measured"
    assert told.metrics["decisive"].value == 3
    named = {(f.synthetic_note, f.private_note) for f in told.findings if f.severity == "decisive"}
    assert named == {("s0", "t7"), ("s1", "t8"), ("s2", "t9")}


def test_a_release_that_holds_the_hold_out_is_inconclusive_and_shows_it(clinic):
    synthetic, train, holdout = clinic
    spoilt = with_text(synthetic[3], synthetic[3].text + " " + holdout[9].text)
    told = concluded(NearDuplicate(), corpora([*synthetic[:3], spoilt, *synthetic[4:]], train, holdout))
    assert told.status == "inconclusive"
    assert "the generator has seen the hold-out" in told.reason
    assert told.metrics["decisive"].value >= 1
    assert ("s3", "h9", "holdout") in {(f.synthetic_note, f.private_note, f.arm) for f in told.findings}


def test_clean_releases_pass():
    fired = decisive = 0
    for seed in range(12):
        clean = [invented_notes(prefix, 60, 100 * seed + place) for place, prefix in enumerate("sth")]
        told = concluded(NearDuplicate(), corpora(*clean, seed=seed))
        assert told.status == "measured"
        fired += told.p_value <= 0.05
        decisive += told.metrics["decisive"].value > 0
    assert decisive == 0
    assert fired <= 2


def test_a_release_that_is_train_is_seen_by_every_metric():
    train, holdout = invented_notes("t", 60, 1), invented_notes("h", 60, 2)
    synthetic = [with_text(ours, theirs.text) for ours, theirs in zip(invented_notes("s", 60, 3), train, strict=True)]
    told = concluded(NearDuplicate(), corpora(synthetic, train, holdout))
    assert told.metrics["notes_contained_80"].value == 1.0
    assert told.metrics["decisive"].value == 60
    assert told.metrics["dcr_share"].low > 0.5
    # More patients than any threshold allows have the very largest value: they must not fall out of the test for that.
    assert told.p_value < 1e-6
    assert told.metrics["patients_excess"].low > 0.5


def test_a_copy_of_a_note_that_two_train_patients_have_is_decisive(clinic):
    synthetic, train, holdout = clinic
    twin = with_text(train[20], train[7].text)
    told = concluded(NearDuplicate(), corpora(synthetic, [*train[:20], twin, *train[21:]], holdout))
    assert told.metrics["decisive"].value == 3


@pytest.mark.parametrize("holdout", [None, [], 5])
def test_without_a_hold_out_that_can_refute_it_is_inconclusive_and_says_what_it_takes(clinic, holdout):
    synthetic, train, others = clinic
    told = concluded(NearDuplicate(), corpora(synthetic, train, others[:holdout] if holdout else holdout))
    assert told.status == "inconclusive"
    assert "6 matched patients of 120" in told.reason
    assert "about 78" in told.reason
    assert told.metrics["notes_contained_80"].value > 0
    assert ("decisive" in told.metrics) == (holdout == 5)


def test_notes_too_short_for_any_copy_to_be_told_are_inconclusive():
    arms = [
        [Note(f"{p}{i}", f"{p}{i}", f"{p} {i} short note of nine words {i} {p}{i}") for i in range(60)] for p in "sth"
    ]
    told = concluded(NearDuplicate(), corpora(*arms))
    assert told.status == "inconclusive"
    assert told.null["notes_too_short_to_judge"] == "60"


def test_sizes_that_can_be_told_are_those_at_which_copies_become_decisive():
    audit = NearDuplicate()
    for level, part in [(3.0, 1), (9.0, 1), (3.0, 2), (9.0, 2), (12.5, 1)]:
        size = audit._copied_size(level, part)
        strengths = [n / part / max(n, 50) ** 0.5 for n in (size, size - 1)]
        assert strengths[0] >= level - 1e-9 > strengths[1] - 1e-6


def test_no_synthetic_and_no_private_notes_are_inconclusive(clinic):
    synthetic, train, holdout = clinic
    assert concluded(NearDuplicate(), corpora([], train, holdout)).status == "inconclusive"
    assert concluded(NearDuplicate(), corpora(synthetic, [], holdout)).status == "inconclusive"


def test_conclusions_hold_no_private_word_or_id(clinic):
    told = concluded(NearDuplicate(), corpora(*clinic))
    shown = repr(replace(told, findings=()))
    assert "word1" not in shown
    assert "patient1" not in shown
    assert not [note.note_id for note in clinic[1] if f"'{note.note_id}'" in shown]


def test_it_is_an_audit_that_explains_every_metric(clinic):
    audit: Audit = NearDuplicate()
    told = concluded(audit, corpora(*clinic))
    assert set(told.metrics) == set(audit.metrics)
    assert audit.settings()["width"] == 5

"""The membership audit: a memorising corpus stands out, a clean one does not, and a rigged split is refused."""

import os
import pickle
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from made.notes_of import KEY, corpora_of, corpus_of, notes_of

from deidrelease.contracts import Conclusion, Corpora, Shard
from deidrelease.engine import LocalEngine
from deidrelease.notes import Located, Note
from deidrelease_audits.membership.audit import Membership, MembershipTally
from deidrelease_audits.membership.blind_bags import BlindBags
from deidrelease_audits.membership.blind_classifier import tell_apart
from deidrelease_audits.text.tokens import tokenise_all

AUDIT = Membership(permutations=300)
VOCABULARY = [f"w{i}" for i in range(400)]
CHANCES = 1 / np.arange(1, 401)


def texts(seed: int, count: int, extra: str = "") -> list[str]:
    """Notes of eight sentences of a fixed hospital's words, commoner ones first."""
    rng = np.random.default_rng(seed)
    return [". ".join(" ".join(_words(rng)) for _ in range(8)) + extra for _ in range(count)]


def _words(rng: np.random.Generator) -> Sequence[str]:
    return list(rng.choice(VOCABULARY, 10, p=CHANCES / CHANCES.sum()))


def memorised(train: list[str], seed: int) -> list[str]:
    rng = np.random.default_rng(seed)
    sentences = [sentence for text in train for sentence in text.split(". ")]
    return [". ".join(rng.choice(sentences, 8)) for _ in train]


def concluded(corpora: Corpora, audit: Membership = AUDIT) -> Conclusion:
    index = audit.index(corpora)
    return audit.conclude(index, LocalEngine().tally(audit, index, corpora, lambda _: None))


def test_a_memorising_corpus_stands_out() -> None:
    train, holdout = texts(1, 120), texts(2, 120)
    found = concluded(corpora_of(memorised(train, 3), train, holdout))
    assert found.status == "measured"
    assert found.reason == ""
    assert found.metrics["auc"].low > 0.8
    assert found.metrics["auc_nearest"].low > 0.8
    assert found.metrics["tpr_at_1pct_fpr"].value > 0.3
    assert found.p_value is not None
    assert found.p_value < 1e-10
    assert found.control["tpr_at_1pct_fpr"].value <= 0.01
    assert set(found.metrics) == set(Membership.metrics)


def test_a_clean_corpus_does_not() -> None:
    found = concluded(corpora_of(texts(4, 120), texts(1, 120), texts(2, 120)))
    assert found.status == "measured"
    assert found.metrics["auc"].low < 0.5 < found.metrics["auc"].high
    assert found.p_value is not None
    assert found.p_value > 0.05


def test_a_split_by_a_visible_property_is_refused() -> None:
    train, holdout = texts(1, 120, extra=". fever today"), texts(2, 120)
    found = concluded(corpora_of(texts(4, 120), train, holdout))
    assert found.status == "inconclusive"
    assert "not random" in found.reason
    assert found.metrics["blind_auc"].low > 0.5
    assert found.p_value is None


def test_the_blind_classifier_never_sees_the_synthetic_text() -> None:
    train, holdout = texts(1, 80), texts(2, 80)
    clean, leaking = (concluded(corpora_of(s, train, holdout)) for s in (texts(4, 80), memorised(train, 3)))
    assert clean.metrics["blind_auc"] == leaking.metrics["blind_auc"]


def test_the_blind_classifier_keeps_its_level_on_fair_splits() -> None:
    notes = texts(5, 60)
    outside = 0
    for seed in range(40):
        order = np.random.default_rng(seed).permutation(60)
        outside += not tell_apart(bags(notes, order[:30]), bags(notes, order[30:]), seed, 100, 0.9).holds_half
    # Binomial(40, 0.1) exceeds 10 with a chance of 0.002.
    assert outside <= 10


def bags(notes: list[str], chosen: np.ndarray) -> BlindBags:
    tokens, first = tokenise_all([notes[i] for i in chosen], "words")
    return BlindBags.of(99, chosen.tolist(), tokens.codes, first)


def test_identical_notes_do_not_look_like_a_rigged_split() -> None:
    found = concluded(corpora_of(texts(4, 60), ["a b c d e f"] * 70, ["a b c d e f"] * 70))
    assert found.metrics["auc"].value == 0.5
    assert found.metrics["blind_auc"].low <= 0.5 <= found.metrics["blind_auc"].high
    assert found.p_value == 1.0


def test_without_a_holdout_it_says_how_many_it_needs() -> None:
    found = concluded(corpora_of(texts(4, 5), texts(1, 120), None))
    assert found.status == "inconclusive"
    assert "no hold-out" in found.reason
    assert "beside 120 train patients it takes 92 hold-out patients" in found.reason
    assert not found.metrics


def test_a_small_holdout_is_inconclusive_with_its_numbers() -> None:
    found = concluded(corpora_of(texts(4, 20), texts(1, 120), texts(2, 12)))
    assert found.status == "inconclusive"
    assert "12 hold-out patients" in found.reason
    assert set(found.metrics) == set(Membership.metrics)


def test_a_patient_in_both_arms_is_inconclusive() -> None:
    train, holdout = notes_of("t", texts(1, 80)), notes_of("h", texts(2, 80))
    moved = Note("h-again", train[0].patient_id, holdout[0].text)
    made = corpora_of(texts(4, 80), [], [])
    corpora = Corpora(made.synthetic, corpus_of(*train), corpus_of(*holdout, moved), None, None, None, KEY)
    found = concluded(corpora)
    assert found.status == "inconclusive"
    assert "split by patient" in found.reason


def test_an_empty_release_is_inconclusive() -> None:
    assert concluded(corpora_of([], texts(1, 8), texts(2, 8))).status == "inconclusive"
    assert concluded(corpora_of(texts(3, 2), [], texts(2, 8))).status == "inconclusive"


def test_shards_add_up_in_every_order_and_grouping() -> None:
    train = [Note(f"t{i}", f"p{i % 7}", text) for i, text in enumerate(texts(1, 20))]
    audit = Membership(blind_patients=4)
    index = pickle.loads(pickle.dumps(audit.index(corpora_of(memorised(texts(1, 20), 2), [], []))))

    def scanned(notes: Sequence[Note]) -> MembershipTally:
        return audit.scan(index, Shard("train", tuple(notes)))

    whole, empty = scanned(train), audit.scan(index, Shard("holdout", ()))
    assert whole == scanned(train[:9]) + scanned(train[9:])
    assert whole == scanned(train[::-1])
    assert whole == scanned(train[13:]) + (scanned(train[3:13]) + scanned(train[:3])) + empty
    assert pickle.dumps(whole.train.gained.tolist()) == pickle.dumps(scanned(train[::-1]).train.gained.tolist())
    assert len(whole.train) == 7
    assert len(whole.train_bags.patients) == 4


def test_bags_keep_the_patients_with_the_smallest_numbers_and_all_their_notes() -> None:
    codes, first = np.arange(6, dtype=np.uint64), np.array([0, 2, 4, 6])
    kept = BlindBags.of(2, [9, 5, 7], codes, first) + BlindBags.of(2, [5], codes[:2], first[:2])
    assert kept.patients.tolist() == [5, 7]
    assert kept.counts.sum(axis=1).tolist() == [6, 3]  # two notes and one, of two words and a pair each


def test_nothing_private_is_told() -> None:
    train = texts(1, 60)
    found = repr(concluded(corpora_of(memorised(train, 3), train, texts(2, 60))))
    assert "patient0" not in found
    assert not any(" ".join(text.split()[:4]) in found for text in train)


@pytest.mark.slow
def test_the_null_holds_on_real_notes_split_at_random() -> None:
    folder = os.environ.get("DEIDRELEASE_CORPORA")
    if not folder or not (Path(folder) / "meddocan").is_dir():
        pytest.skip("DEIDRELEASE_CORPORA names no folder with meddocan")
    from deidrelease.formats.reading import PatientSource, ReadOptions
    from deidrelease.formats.table import open_corpus

    read = open_corpus(Path(folder) / "meddocan" / "train", "brat", ReadOptions(PatientSource.parse("note")))
    notes = [item.note for item in read.everything() if isinstance(item, Located)]
    fired = covered = 0
    for seed in range(20):
        order = np.random.default_rng(seed).permutation(len(notes))
        arms = [corpus_of(*(notes[i] for i in order[at : at + 160])) for at in (0, 160, 320)]
        found = concluded(Corpora(arms[0], arms[1], arms[2], None, "es", None, KEY, seed))
        fired += found.metrics["p_value"].value < 0.05
        covered += found.metrics["auc"].low <= 0.5 <= found.metrics["auc"].high
    # Binomial(20, 0.05) exceeds 4 with a chance of 0.003.
    assert fired <= 4
    assert covered >= 16

import pickle
from itertools import pairwise

import numpy as np
import pytest
from made.near_copies import concluded, invented_notes, jaccards, shards_of_notes, with_text
from made.notes_of import KEY, corpora_of, corpus_of

from deidrelease.contracts import Audit, Corpora, Shard
from deidrelease.notes import Note, Span
from deidrelease_audits.diversity.audit import Diversity
from deidrelease_audits.diversity.label_divergence import floor, jensen_shannon, label_divergence


def corpora(synthetic: list[Note], train: list[Note]) -> Corpora:
    return Corpora(corpus_of(*synthetic), corpus_of(*train), None, None, None, None, KEY)


def labelled(prefix: str, n: int, seed: int, shares: dict[str, float]) -> list[Note]:
    """Each note has four spans, of labels drawn with `shares`."""
    rng, names = np.random.default_rng(seed), list(shares)
    return [
        Note(
            f"{prefix}{i}",
            f"{prefix}-patient{i}",
            "aa bb cc dd",
            tuple(
                Span(3 * k, 3 * k + 2, names[d])
                for k, d in enumerate(rng.choice(len(names), 4, p=list(shares.values())))
            ),
        )
        for i in range(n)
    ]


def test_four_notes_by_hand():
    text = " ".join(f"w{i}" for i in range(30))
    # The second is the first again, the third has one word more (26 of 27 shingles), the fourth is short.
    told = concluded(Diversity(), corpora_of([text, text, text + " more", "a b a b"], [f"x{i} y z" for i in range(40)]))
    assert told.status == "measured"
    assert told.metrics["exact_duplicates"].value == 0.25
    assert told.metrics["near_duplicates"].value == 0.75
    # 95 words, of them w0 to w29, more, a and b different.
    assert told.metrics["distinct_1"].value == 33 / 95
    # 29 pairs of the long ones, one more with "more", and "a b", "b a".
    assert told.metrics["distinct_2"].value == 32 / 95
    # 95 words of train are 31 notes of three and two words of one more: as many x, and y and z.
    assert told.control["distinct_1"].value in {(31 + 2) / 95, (32 + 2) / 95}
    assert told.null["words_compared"] == 95
    assert [told.metrics[name].value for name in ("length_q05", "length_q50", "length_q95")] == [4, 30, 31]
    assert told.control["length_q50"].value == 3
    assert "label_divergence" not in told.metrics


def test_the_smaller_arm_decides_how_many_words_are_compared():
    train = ["one two three", "four five six"]
    told = concluded(Diversity(), corpora_of([" ".join(f"w{i}" for i in range(50))] * 3, train))
    assert told.null["words_compared"] == 6
    assert told.metrics["distinct_1"].value == told.control["distinct_1"].value == 1.0


def test_near_duplicates_agree_with_plain_sets():
    notes = invented_notes("s", 40, 4)
    notes[5] = with_text(notes[5], notes[6].text + " and some more")
    notes[9] = with_text(notes[9], notes[6].text.replace("word1", "word2"))
    similarity = jaccards(notes, notes)
    expected = {a for (a, b), value in similarity.items() if a != b and value >= 0.8}
    told = concluded(Diversity(), corpora(notes, invented_notes("t", 5, 5)), size=7)
    assert told.metrics["near_duplicates"].value == len(expected) / 40
    assert len(expected) >= 2


def test_the_sum_depends_on_neither_order_nor_grouping():
    synthetic = labelled("s", 30, 1, {"A": 0.5, "B": 0.5}) + invented_notes("i", 20, 1)
    train = labelled("t", 40, 2, {"A": 0.3, "C": 0.7}) + invented_notes("u", 60, 2, patients=11)
    audit = Diversity()
    index = audit.index(corpora(synthetic, train))
    whole = audit.scan(index, Shard("synthetic", tuple(synthetic))) + audit.scan(index, Shard("train", tuple(train)))
    for seed in range(3):
        rng = np.random.default_rng(seed)
        shards = [
            *shards_of_notes("train", [train[i] for i in rng.permutation(len(train))], 13),
            *shards_of_notes("synthetic", [synthetic[i] for i in rng.permutation(len(synthetic))], 8),
        ]
        tallies = [pickle.loads(pickle.dumps(audit.scan(index, shards[i]))) for i in rng.permutation(len(shards))]
        total = tallies[0]
        for tally in tallies[1:]:
            total = total + tally
        assert total == whole
        assert audit.conclude(index, total) == audit.conclude(index, whole)


def test_the_sample_of_train_stays_as_large_as_the_release():
    synthetic = invented_notes("s", 10, 1)
    audit = Diversity()
    index = audit.index(corpora(synthetic, []))
    tally = audit.scan(index, Shard("train", tuple(invented_notes("t", 400, 2))))
    longest = max(len(note.text.split()) for note in invented_notes("t", 400, 2))
    assert index.words <= len(tally.train.sample) < index.words + longest


def test_distinct_n_agrees_with_plain_sets():
    notes = invented_notes("s", 12, 3)
    told = concluded(Diversity(), corpora(notes, invented_notes("t", 50, 6)))
    words = [note.text.replace(":", "").replace(".", "").split() for note in notes]
    total = sum(map(len, words))
    assert told.metrics["distinct_1"].value == len({word for note in words for word in note}) / total
    assert told.metrics["distinct_2"].value == len({pair for note in words for pair in pairwise(note)}) / total


def test_divergence_is_that_of_scipy():
    from scipy.spatial.distance import jensenshannon

    rng = np.random.default_rng(0)
    for _ in range(20):
        left, right = rng.integers(0, 9, (2, 5, 4)).astype(float)
        expected = jensenshannon(left.sum(axis=0), right.sum(axis=0), base=2) ** 2
        assert jensen_shannon(left, right) == pytest.approx(expected)
    assert jensen_shannon(np.array([[1.0, 0]]), np.array([[0, 3.0]])) == 1.0
    assert jensen_shannon(np.array([[1.0, 2]]), np.array([[2.0, 4]])) == 0.0


def test_the_floor_is_the_divergence_of_two_samples_of_one_mix():
    rng = np.random.default_rng(1)
    shares = [0.4, 0.3, 0.2, 0.1]
    drawn = [rng.multinomial(1, shares, 300).astype(float) for _ in range(81)]
    mean, high = floor(drawn[0], drawn[1], seed=0)
    seen = [jensen_shannon(left, right) for left, right in pairwise(drawn)]
    assert mean == pytest.approx(float(np.mean(seen)), rel=0.3)
    assert np.mean(np.array(seen) > high) < 0.15
    # The formula for independent spans: (4 - 1) / (8 ln 2) * (1 / 300 + 1 / 300).
    assert mean == pytest.approx(3 / (8 * np.log(2)) * 2 / 300, rel=0.3)


def test_another_mix_of_entities_is_told_from_the_same_one():
    mix = {"NAME": 0.5, "DATE": 0.4, "PHONE": 0.1}
    train = labelled("t", 200, 1, mix)
    same = concluded(Diversity(), corpora(labelled("s", 100, 2, mix), train))
    other = concluded(Diversity(), corpora(labelled("s", 100, 2, {"NAME": 0.95, "DATE": 0.05}), train))
    assert same.metrics["label_divergence"].value < 3 * same.null["label_divergence_floor"]
    assert other.metrics["label_divergence"].low > other.null["label_divergence_floor_95"]
    assert other.breakdown["train spans by label"]["labels not in the release"] != "0"
    assert "PHONE" not in other.breakdown["train spans by label"]


def test_the_interval_of_the_divergence_holds_its_value():
    counts = np.random.default_rng(0).multinomial(4, [0.5, 0.3, 0.2], (2, 50)).astype(float)
    told = label_divergence(counts[0], counts[1], 0, 200)
    assert told.low <= told.value <= told.high
    assert told.n == 100


def test_a_collapsed_generator_is_poorer_than_train():
    told = concluded(
        Diversity(),
        corpora([with_text(n, n.text[:200] * 4) for n in invented_notes("s", 30, 1)], invented_notes("t", 90, 2)),
    )
    assert told.metrics["distinct_3"].value < 0.5 * told.control["distinct_3"].value


def test_nothing_to_compare_is_inconclusive():
    assert concluded(Diversity(), corpora_of([], ["a b"])).status == "inconclusive"
    assert concluded(Diversity(), corpora_of(["a b"], [])).status == "inconclusive"


def test_it_is_an_audit_that_explains_every_metric():
    audit: Audit = Diversity()
    told = concluded(audit, corpora(labelled("s", 9, 1, {"A": 1.0}), labelled("t", 9, 2, {"A": 1.0})))
    assert set(told.metrics) == set(audit.metrics)
    assert set(told.control) <= set(audit.metrics)
    assert told.p_value is None
    assert "decisive" not in told.metrics

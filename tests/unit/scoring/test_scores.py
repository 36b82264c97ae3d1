"""Scores of a small test set worked by hand, comparisons, and what a result may hold."""

import json
import subprocess
import sys

import pytest

from deidrelease.notes import Note, Span
from deidrelease.scoring import (
    PatientTallies,
    Scorer,
    Scores,
    as_dict,
    compare,
    estimates_as_dict,
    score,
    summarise,
    tally_patients,
)

# Tokens: Eva 0-3, Gil 4-7, en 8-10, Vigo 11-15, "."
TEXT = "Eva Gil en Vigo."
NAME, CITY = Span(0, 7, "NAME"), Span(11, 15, "CITY")
LABELS = ("NAME", "CITY", "DATE")
SCORER = Scorer(frozenset({("NAME", "Eva Gil")}), LABELS)
Pairs = list[tuple[Note, tuple[Span, ...]]]


def note(number: int, text: str = TEXT, spans: tuple[Span, ...] = (NAME, CITY)) -> Note:
    return Note(f"note-{number}", f"patient-{number}", text, spans)


# Patient 1: all found. Patient 2: the city is missed. Patient 3: only "Gil" of the name. Patient 4: a name no training
# note held, found as a city; no city there.
PAIRS: Pairs = [
    (note(1), (NAME, CITY)),
    (note(2), (NAME,)),
    (note(3), (Span(4, 7, "NAME"), CITY)),
    (note(4, "Ada Pau.", (NAME,)), (Span(0, 7, "CITY"),)),
]


def value(scores: Scores, name: str) -> float:
    estimate = scores.overall[name]
    assert estimate is not None
    return estimate.value


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        # Mentions 7, found 4 (NAME 1 and 2, CITY 1 and 3), predicted 6.
        ("strict_precision", 4 / 6),
        ("strict_recall", 4 / 7),
        ("strict_f1", 8 / 13),
        # Gold tokens 3 + 3 + 3 + 2 = 11, right 3 + 2 + 2 + 0 = 7, predicted 3 + 2 + 2 + 2 = 9.
        ("token_precision", 7 / 9),
        ("token_recall", 7 / 11),
        ("token_f1", 14 / 20),
        # Visible characters of PII 10 + 10 + 10 + 6, covered 10 + 6 + 7 + 6 whatever the label.
        ("character_recall", 29 / 36),
        # Exposed: the city of 2 and the name of 3; the name of 4 is hidden, if as a city.
        ("exposed_mentions", 2 / 7),
        # Missed: the city of 2, the names of 3 and 4; a sentence a note.
        ("leak_score", 3 / 4),
        # Unseen: three cities (two found) and the name of 4 (missed).
        ("unseen_recall", 2 / 4),
    ],
)
def test_overall_scores_by_hand(name: str, expected: float) -> None:
    assert value(score(PAIRS, SCORER, seed=1, n_resamples=50), name) == pytest.approx(expected)


def test_scores_of_labels_and_counts_by_hand() -> None:
    scores = score(iter(PAIRS), SCORER, seed=1, n_resamples=50)
    name, city, date = (scores.per_label[label] for label in LABELS)
    found = [name.strict_precision, name.strict_recall, name.strict_f1, name.token_f1]
    # NAME: 2 found of 4, 3 predicted; tokens 5 of 8, 5 predicted: 10 / 13.
    assert [e.value for e in found if e] == pytest.approx([2 / 3, 2 / 4, 4 / 7, 10 / 13])
    found = [city.strict_precision, city.strict_recall, city.strict_f1, city.token_f1]
    # CITY: 2 found of 3, 3 predicted; tokens 2 of 3, 4 predicted: 4 / 7.
    assert [e.value for e in found if e] == pytest.approx([2 / 3, 2 / 3, 4 / 6, 4 / 7])
    assert [date.strict_precision, date.strict_recall, date.strict_f1, date.token_f1] == [None] * 4
    assert (name.support, city.support, date.support) == (4, 3, 0)
    assert name.strict_precision and name.strict_precision.n == 3  # patient 4 has no predicted name
    assert (scores.notes, scores.patients, scores.mentions) == (4, 4, 7)
    assert (scores.sentences, scores.unseen_mentions) == (4, 4)


def test_nothing_predicted_leaves_precision_undefined_and_f1_zero() -> None:
    scores = score([(gold, ()) for gold, _ in PAIRS], SCORER, seed=1, n_resamples=50)
    assert scores.overall["strict_precision"] is None
    assert value(scores, "strict_recall") == value(scores, "strict_f1") == value(scores, "token_f1") == 0
    assert value(scores, "exposed_mentions") == 1
    assert value(scores, "leak_score") == 7 / 4


def test_a_perfect_tagger_on_four_patients_is_not_sold_as_certain() -> None:
    scores = score([(gold, gold.spans) for gold, _ in PAIRS], SCORER, seed=1, n_resamples=50)
    recall, leak = scores.overall["strict_recall"], scores.overall["leak_score"]
    assert recall and (recall.value, recall.high, recall.n) == (1.0, 1.0, 4)
    assert recall.low == pytest.approx(0.025 ** (1 / 4))
    # If a share of 1 - 0.3976 of patients leaked all they have, 7 / 4 mentions a sentence.
    assert leak and (leak.value, leak.low) == (0.0, 0.0)
    assert leak.high == pytest.approx((1 - 0.025 ** (1 / 4)) * 7 / 4)


def test_notes_without_mentions_and_no_notes_at_all_leave_scores_undefined() -> None:
    bare = score([(note(1, TEXT, ()), ()), (note(2, TEXT, ()), ())], SCORER, seed=1)
    assert {name for name, estimate in bare.overall.items() if estimate is not None} == {"leak_score"}
    none = score([], SCORER, seed=1)
    assert set(none.overall.values()) == {None}
    assert (none.notes, none.patients, none.mentions) == (0, 0, 0)


def test_the_same_seed_gives_the_same_scores_and_another_seed_other_intervals() -> None:
    tallies = tally_patients(PAIRS, SCORER)
    assert summarise(tallies, seed=5, n_resamples=60) == score(PAIRS, SCORER, seed=5, n_resamples=60)
    # At 60 resamples a percentile lies between two draws, and those move with the seed.
    intervals = {str(summarise(tallies, seed, 60).overall["token_f1"]) for seed in range(5)}
    assert len(intervals) > 1


def tallies(pairs: Pairs, scorer: Scorer = SCORER) -> PatientTallies:
    return tally_patients(pairs, scorer)


def test_a_comparison_is_the_difference_of_the_scores() -> None:
    better: Pairs = [(gold, gold.spans) for gold, _ in PAIRS]
    found = compare(tallies(better), tallies(PAIRS), seed=2, n_resamples=80)
    a, b = score(better, SCORER, seed=2), score(PAIRS, SCORER, seed=2)
    for name in a.overall:
        estimate = found[name]
        assert estimate and estimate.value == pytest.approx(value(a, name) - value(b, name))
    cities = found["strict_f1[CITY]"]
    assert cities and cities.value == pytest.approx(1 - 4 / 6)
    assert found["strict_f1[DATE]"] is None


def test_a_tagger_does_not_differ_from_itself_but_few_patients_prove_little() -> None:
    found = compare(tallies(PAIRS), tallies(PAIRS), seed=2, n_resamples=80)
    defined = [e for e in found.values() if e is not None]
    assert len(defined) == 12
    assert all(e.value == 0 and e.low < 0 < e.high for e in defined)


def test_taggers_equal_in_one_measure_only_keep_an_interval_there() -> None:
    # The relabelled name of patient 4 hides as much as a right one: character recall is equal, strict F1 is not.
    relabelled = [*PAIRS[:3], (PAIRS[3][0], (NAME,))]
    found = compare(tallies(relabelled), tallies(PAIRS), seed=2, n_resamples=80)
    characters = found["character_recall"]
    assert characters and characters.value == 0
    assert characters.low < 0 < characters.high
    assert "Clopper-Pearson" in characters.method


@pytest.mark.parametrize(
    ("pairs", "scorer"),
    [
        (PAIRS[:3], SCORER),
        (PAIRS[::-1], SCORER),
        ([(note(1, TEXT, (NAME,)), (NAME,)), *PAIRS[1:]], SCORER),
        ([(note(1, TEXT + "\nB"), (NAME, CITY)), *PAIRS[1:]], SCORER),
        (PAIRS, Scorer(SCORER.train_values, ("CITY", "NAME", "DATE"))),
        (PAIRS, Scorer(frozenset(), LABELS)),
    ],
    ids=["fewer patients", "another order", "other gold spans", "other text", "other labels", "other training values"],
)
def test_unlike_test_sets_are_not_compared(pairs: Pairs, scorer: Scorer) -> None:
    with pytest.raises(ValueError, match="same notes"):
        compare(tallies(PAIRS), tallies(pairs, scorer), seed=1)


def test_results_are_plain_json_and_hold_no_text_value_or_id() -> None:
    scores = score(PAIRS, SCORER, seed=1, n_resamples=50)
    differences = compare(tallies(PAIRS), tallies(PAIRS), seed=1, n_resamples=50)
    written = json.dumps([as_dict(scores), estimates_as_dict(differences)], allow_nan=False)
    read = json.loads(written)
    assert read[0]["overall"]["strict_recall"]["value"] == 4 / 7
    assert read[0]["per_label"]["DATE"] == {
        "strict_precision": None,
        "strict_recall": None,
        "strict_f1": None,
        "token_f1": None,
        "support": 0,
    }
    assert read[1]["strict_f1"]["value"] == 0
    for private in ("patient-", "note-", "Eva", "Vigo", "Ada"):
        assert private not in written + repr(scores) + repr(differences)


def test_scoring_loads_no_heavy_package() -> None:
    code = "import sys, deidrelease.scoring; print({'torch', 'transformers', 'pandas', 'scipy'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"

"""Scores agree with nervaluate and seqeval on random spans, and tallies add."""

import itertools
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deidrelease.notes import Note, Span
from deidrelease.results import Estimate
from deidrelease.scoring import Scorer, score, summarise, tally_patients

LABELS = ("A", "B", "C")
WORDS = 12
TEXT = " ".join("abcdefghijkl")  # one letter a token: token i is code point 2 i
Case = list[tuple[Note, tuple[Span, ...]]]


@st.composite
def spans(draw: st.DrawFn) -> tuple[Span, ...]:
    """Spans from token to token that do not overlap; some touch."""
    cuts = sorted(draw(st.sets(st.integers(0, WORDS), max_size=8)))
    found = []
    for first, last in itertools.pairwise(cuts):
        label = draw(st.sampled_from((*LABELS, None)))
        if label is not None:
            found.append(Span(2 * first, 2 * last - 1, label))
    return tuple(found)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Up to five notes of up to three patients; each prediction is partly the gold, so that hits are common."""
    case = []
    for number in range(draw(st.integers(1, 5))):
        gold = draw(spans())
        predicted = gold if draw(st.booleans()) else draw(spans())
        keep = draw(st.lists(st.booleans(), min_size=len(predicted), max_size=len(predicted)))
        note = Note(f"n{number}", f"p{draw(st.integers(0, 2))}", TEXT, gold)
        case.append((note, tuple(span for span, kept in zip(predicted, keep, strict=True) if kept)))
    return case


def number(estimate: Estimate | None) -> float:
    """Both peers call an undefined score 0; here it is None."""
    return 0.0 if estimate is None else estimate.value


@settings(max_examples=60, deadline=None)
@given(cases())
def test_strict_scores_agree_with_nervaluate(case: Case) -> None:
    nervaluate = pytest.importorskip("nervaluate")

    def peer(found: tuple[Span, ...]) -> list[dict[str, object]]:
        return [{"label": s.label, "start": s.start, "end": s.end - 1} for s in found]  # its ends are inclusive

    gold, predicted = [peer(note.spans) for note, _ in case], [peer(found) for _, found in case]
    result = nervaluate.Evaluator(gold, predicted, tags=list(LABELS), loader="dict").evaluate()
    ours = score(case, Scorer(frozenset(), LABELS), seed=0, n_resamples=1)
    micro = result["overall"]["strict"]
    assert number(ours.overall["strict_precision"]) == pytest.approx(micro.precision)
    assert number(ours.overall["strict_recall"]) == pytest.approx(micro.recall)
    assert number(ours.overall["strict_f1"]) == pytest.approx(micro.f1)
    for label, by_strategy in result["entities"].items():
        theirs, mine = by_strategy["strict"], ours.per_label[label]
        assert number(mine.strict_precision) == pytest.approx(theirs.precision)
        assert number(mine.strict_recall) == pytest.approx(theirs.recall)
        assert number(mine.strict_f1) == pytest.approx(theirs.f1)
        assert mine.support == theirs.possible


@pytest.mark.filterwarnings("ignore::UserWarning")  # seqeval warns of the scores that it sets to 0
@settings(max_examples=60, deadline=None)
@given(cases())
def test_entity_f1_agrees_with_seqeval(case: Case) -> None:
    metrics = pytest.importorskip("seqeval.metrics")

    def tags(found: tuple[Span, ...]) -> list[str]:
        row = ["O"] * WORDS
        for span in found:
            row[span.start // 2 : (span.end + 1) // 2] = [f"I-{span.label}"] * ((span.end + 1 - span.start) // 2)
            row[span.start // 2] = f"B-{span.label}"
        return row

    gold, predicted = [tags(note.spans) for note, _ in case], [tags(found) for _, found in case]
    ours = score(case, Scorer(frozenset(), LABELS), seed=0, n_resamples=1)
    assert number(ours.overall["strict_f1"]) == pytest.approx(metrics.f1_score(gold, predicted))
    # Token scores against a count of its tags, prefixes taken off.
    pairs = [
        (g[2:], p[2:]) for row, other in zip(gold, predicted, strict=True) for g, p in zip(row, other, strict=True)
    ]
    right, said, true = (
        sum(bool(g) and g == p for g, p in pairs),
        sum(bool(p) for _, p in pairs),
        sum(bool(g) for g, _ in pairs),
    )
    assert number(ours.overall["token_precision"]) == pytest.approx(right / said if said else 0)
    assert number(ours.overall["token_recall"]) == pytest.approx(right / true if true else 0)


@settings(max_examples=60, deadline=None)
@given(cases(), st.integers(0, 5))
def test_tallies_add(case: Case, cut: int) -> None:
    scorer = Scorer(frozenset({("A", "a"), ("B", "c e")}), LABELS)
    whole = tally_patients(case, scorer).total()
    assert tally_patients(case[:cut], scorer).total() + tally_patients(case[cut:], scorer).total() == whole
    assert tally_patients(case[::-1], scorer).total() == whole


@settings(max_examples=60, deadline=None)
@given(cases())
def test_two_notes_count_as_one_note_of_both_texts(case: Case) -> None:
    # The same notes written one under the other: only the number of notes may change.
    scorer = Scorer(frozenset(), LABELS)
    step = len(TEXT) + 1

    def moved(found: tuple[Span, ...], by: int) -> list[Span]:
        return [Span(s.start + by, s.end + by, s.label) for s in found]

    gold = [s for i, (note, _) in enumerate(case) for s in moved(note.spans, i * step)]
    predicted = [s for i, (_, found) in enumerate(case) for s in moved(found, i * step)]
    joined = scorer.tally(Note("n", "p", "\n".join([TEXT] * len(case)), tuple(gold)), predicted)
    apart = tally_patients(case, scorer).total()
    assert joined.counts[1:].tolist() == apart.counts[1:].tolist()
    assert (joined.total("notes"), apart.total("notes")) == (1, len(case))


@settings(max_examples=40, deadline=None)
@given(cases())
def test_scores_keep_within_what_is_possible_and_relate_as_they_must(case: Case) -> None:
    scores = summarise(tally_patients(case, Scorer(frozenset(), LABELS)), seed=1, n_resamples=30)
    overall = scores.overall
    for name, estimate in overall.items():
        if estimate is not None:
            # A note is one sentence here; a resample may hold only patients richer in mentions than the average.
            most = max(len(note.spans) for note, _ in case) if name == "leak_score" else 1
            assert 0 <= estimate.low <= estimate.high <= most + 1e-12
            assert 1 <= estimate.n <= scores.patients
    assert number(overall["leak_score"]) * scores.sentences == pytest.approx(
        (1 - number(overall["strict_recall"])) * scores.mentions
    )
    # With no training values every mention is unseen.
    assert overall["unseen_recall"] == overall["strict_recall"]


@settings(max_examples=40, deadline=None)
@given(cases())
def test_names_of_patients_are_of_no_account(case: Case) -> None:
    scorer = Scorer(frozenset(), LABELS)
    renamed = [(replace(note, patient_id=f"x{note.patient_id}"), found) for note, found in case]
    assert score(renamed, scorer, seed=1, n_resamples=20) == score(case, scorer, seed=1, n_resamples=20)

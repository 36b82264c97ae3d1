"""Verbatim spans: a table worked by hand, sums in any order, and texts built to hide a copy."""

import pickle
import random

import pytest

from deidrelease.contracts import Corpora, Shard
from deidrelease.notes import Note, Span
from deidrelease_audits.verbatim.audit import Verbatim
from deidrelease_audits.verbatim.scan import VerbatimTally
from tests.made.notes_of import KEY, corpus_of

AUDIT = Verbatim()


def words(prefix: str, n: int) -> str:
    return " ".join(f"{prefix}{i}" for i in range(n))


def corpora(synthetic: list[str], train: list[Note], holdout: list[Note] | None) -> Corpora:
    made = [Note(f"s{i}", "s", text) for i, text in enumerate(synthetic)]
    kept = None if holdout is None else corpus_of(*holdout)
    return Corpora(corpus_of(*made), corpus_of(*train), kept, None, None, None, KEY)


def one_a_patient(arm: str, texts: list[str]) -> list[Note]:
    return [Note(f"{arm}{i}", f"{arm}p{i}", text) for i, text in enumerate(texts)]


def audited(corpora: Corpora):
    index = AUDIT.index(corpora)
    tally = VerbatimTally()
    for arm in AUDIT.arms:
        tally += AUDIT.scan(index, Shard(arm, tuple(corpora.arm(arm) or ())))
    return AUDIT.conclude(index, tally)


def fillers(prefix: str, n: int) -> list[str]:
    return [words(f"{prefix}{i}x", 40) for i in range(n)]


def test_four_synthetic_notes_worked_by_hand() -> None:
    synthetic = [
        words("a", 20) + " fin",  # 20 words of the first train note
        words("b", 13),  # 13 of the second
        words("c", 7),  # too short to count
        "z " + words("d", 8) + " z",  # 8 of the third, and of the hold-out
    ]
    train = one_a_patient("t", [words("a", 20), words("b", 30), words("c", 9) + " " + words("d", 8)])
    found = audited(corpora(synthetic, train, one_a_patient("h", [words("d", 8), words("e", 9)])))
    values = {name: metric.value for name, metric in found.metrics.items()}
    assert values["longest_span_tokens"] == values["longest_span_tokens_raw"] == 20
    assert [values[f"notes_with_span_{n}"] for n in (8, 13, 25, 50)] == [0.75, 0.5, 0, 0]
    assert values["tokens_in_spans_13"] == (20 + 13) / (21 + 13 + 7 + 10)
    assert values["calibrated_length"] == 8
    assert values["notes_beyond_calibrated"] == 0.5
    assert found.control["longest_span_tokens"].value == 8
    assert found.control["notes_with_span_8"].value == 0.25
    assert found.status == "inconclusive"  # three patients against two can show nothing
    assert "hold-out of 2 patients" in found.reason


def test_a_finding_points_at_both_texts() -> None:
    private = "Antes. " + words("a", 20) + " después"
    synthetic = "uno dos: " + words("A", 20).upper()
    found = audited(corpora([synthetic], one_a_patient("t", [private]), one_a_patient("h", ["nada"])))
    (finding,) = found.findings
    assert private[finding.private_start : finding.private_end] == words("a", 20)
    assert synthetic[finding.start : finding.end] == finding.value == words("A", 20)
    assert (finding.synthetic_note, finding.private_note) == ("s0", "t0")
    assert found.metrics["longest_span_tokens_raw"].value == 0  # another case is another raw token


def test_every_maximal_span_of_eight_words_stands_in_the_findings() -> None:
    one, other, both = words("a", 9), words("b", 14), words("c", 30)
    synthetic = [f"x {one} y {other} z", f"{words('c', 20)} x {words('c', 8)}", words("d", 7)]
    train = one_a_patient("t", [one, f"{other} q {both}", words("d", 9)])
    found = audited(corpora(synthetic, train, one_a_patient("h", [words("b", 14)])))
    told = [(f.synthetic_note, f.value, f.private_note) for f in found.findings if f.arm == "train"]
    # The rest of a span, and one inside a longer one of the same words elsewhere, count where they stand.
    assert sorted((note, value) for note, value, _ in told) == sorted(
        [("s0", one), ("s0", other), ("s1", words("c", 20)), ("s1", words("c", 8))]
    )
    assert ("s1", words("c", 20), "t1") in told
    assert ("s0", one, "") in told  # under 13 words no place in the private note is kept


def test_spans_do_not_cross_notes() -> None:
    train = one_a_patient("t", [words("a", 6), words("b", 6)])
    found = audited(corpora([words("a", 6) + " " + words("b", 6)], train, one_a_patient("h", ["x"])))
    assert found.metrics["longest_span_tokens"].value == 0


@pytest.mark.parametrize("copies", [1, 3])
def test_a_long_copy_is_decisive_in_every_synthetic_note_that_holds_it(copies: int) -> None:
    secret = words("secret", 120)
    synthetic = [f"{words(f'q{i}', 9)} {secret}" for i in range(copies)] + fillers("s", 20)
    train = one_a_patient("t", [secret, *fillers("t", 59)])
    found = audited(corpora(synthetic, train, one_a_patient("h", fillers("h", 60))))
    assert found.status == "measured"
    assert found.metrics["decisive"].value == copies
    assert found.control["decisive"].value == 0
    assert {f.synthetic_note for f in found.findings if f.severity == "decisive"} == {f"s{i}" for i in range(copies)}


def test_a_block_of_names_and_addresses_is_not_decisive() -> None:
    block = words("calle", 120)
    train = [Note("t0", "p0", block, (Span(0, len(block), "STREET"),)), *one_a_patient("t9", fillers("t", 59))]
    found = audited(corpora([block], train, one_a_patient("h", fillers("h", 60))))
    assert found.metrics["longest_span_tokens"].value == 120
    assert found.metrics["decisive"].value == 0


def test_many_copies_are_an_excess_and_equal_arms_are_none() -> None:
    train, holdout = fillers("t", 60), fillers("h", 60)
    leaked = audited(corpora([t[:120] for t in train[:12]], one_a_patient("t", train), one_a_patient("h", holdout)))
    assert leaked.p_value is not None
    assert leaked.p_value < 0.001
    assert leaked.metrics["p_value"].value == leaked.p_value
    assert leaked.metrics["patients_excess"].value > 0
    fair = [t[:120] for t in train[:6]] + [h[:120] for h in holdout[:6]]
    even = audited(corpora(fair, one_a_patient("t", train), one_a_patient("h", holdout)))
    assert even.p_value is not None
    assert even.p_value > 0.3
    assert even.metrics["patients_excess"].low <= 0 <= even.metrics["patients_excess"].high


def test_without_a_hold_out_the_spans_are_told_and_nothing_is_judged() -> None:
    found = audited(corpora([words("a", 20)], one_a_patient("t", [words("a", 20), *fillers("t", 99)]), None))
    assert found.status == "inconclusive"
    assert "about 83" in found.reason
    assert found.metrics["longest_span_tokens"].value == 20
    assert not {"decisive", "p_value", "patients_excess", "calibrated_length"} & set(found.metrics)
    assert found.p_value is None


@pytest.mark.parametrize("synthetic", [[], [""], ["", " . "]])
def test_nothing_to_look_at_is_inconclusive(synthetic: list[str]) -> None:
    found = audited(corpora(synthetic, one_a_patient("t", ["a"]), one_a_patient("h", ["b"])))
    assert found.status == "inconclusive"
    assert audited(corpora(["uno"], [], [])).status == "inconclusive"


def mixed_notes() -> tuple[list[str], list[Note]]:
    rng = random.Random(3)
    pool = [words(f"p{i}", 30) for i in range(8)]
    texts = [" ".join([*rng.sample(pool, 2), words(f"own{i}", 5)]) for i in range(24)]
    return [" ".join(rng.sample(pool, 3)) for _ in range(6)], [
        Note(f"n{i}", f"p{i % 7}", t) for i, t in enumerate(texts)
    ]


def test_tallies_add_up_to_the_same_in_any_order_and_grouping() -> None:
    synthetic, notes = mixed_notes()
    index = AUDIT.index(corpora(synthetic, notes, None))
    whole = AUDIT.scan(index, Shard("train", tuple(notes)))
    assert len(whole.train.longest) == 7
    assert whole.train.evidence
    for seed in range(5):
        shuffled = random.Random(seed).sample(notes, len(notes))
        parts = [shuffled[:5], shuffled[5:6], [], shuffled[6:]]
        tallies = [AUDIT.scan(index, Shard("train", tuple(part))) for part in parts]
        total = tallies[3] + (tallies[1] + tallies[0]) + tallies[2]
        assert total == whole
        assert pickle.dumps(total) == pickle.dumps(pickle.loads(pickle.dumps(total)))
        assert AUDIT.conclude(index, total) == AUDIT.conclude(index, whole)


def test_no_private_word_or_id_stands_in_a_conclusion_but_in_findings() -> None:
    secret = words("geheim", 120)
    train = one_a_patient("patientmark", [secret, *fillers("wordmark", 59)])
    found = audited(corpora([secret], train, one_a_patient("holdmark", fillers("hx", 60))))
    told = repr((found.status, found.reason, found.metrics, found.control, found.null, found.breakdown))
    assert "geheim" not in told
    assert "mark" not in told
    assert set(found.metrics) == set(AUDIT.metrics)

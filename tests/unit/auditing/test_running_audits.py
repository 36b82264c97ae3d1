"""Every audit gets a report, whatever becomes of it, and nothing of a note comes out with it."""

import re
from collections.abc import Mapping
from dataclasses import asdict, replace
from math import inf, nan
from typing import Any

import numpy as np
import pytest
from made.notes_of import KEY, Kept, corpora_of, corpus_of
from made.small_audits import Claiming, Crashing, SharedLines

from deidrelease import progress
from deidrelease.auditing.corpora import TELLING_CHARACTERS
from deidrelease.auditing.running import audit
from deidrelease.contracts import Audit, Conclusion, Corpora, Finding
from deidrelease.engine import LocalEngine
from deidrelease.errors import CorpusError
from deidrelease.labels import load_label_map
from deidrelease.notes import Corpus, Note, Span, digest_of
from deidrelease.results import Estimate

SYNTHETIC = ["shared by both\nown", "in train alone, and long enough to be counted as decisive"]
TRAIN = ["shared by both", "in train alone, and long enough to be counted as decisive", "nothing"]
HOLDOUT = ["shared by both", "something else"]


def run(audits: Mapping[str, Audit], corpora: Corpora | None = None, engine: LocalEngine | None = None) -> Any:
    return audit(corpora or corpora_of(SYNTHETIC, TRAIN, HOLDOUT), audits, engine or LocalEngine())


def test_worked_by_hand() -> None:
    result = run({"shared_lines": SharedLines()})
    [report] = result.audits
    assert report.status == "measured"
    assert {name: (e.value, e.n) for name, e in report.metrics.items()} == {"lines": (2, 3), "decisive": (1, 3)}
    assert {name: (e.value, e.n) for name, e in report.control.items()} == {"lines": (1, 2), "decisive": (0, 2)}
    assert (result.scanned, result.total) == (5, 5)
    assert result.family == {"shared_lines": 0.25}
    assert {arm: (f.notes, f.patients, f.keyed) for arm, f in result.corpora.items()} == {
        "synthetic": (2, 2, False), "train": (3, 3, True), "holdout": (2, 2, True),
    }  # fmt: skip
    assert sorted((f.arm, f.value) for f in result.findings) == sorted(
        [("train", TRAIN[0]), ("train", TRAIN[1]), ("holdout", HOLDOUT[0])]
    )


def test_digests_of_private_corpora_are_keyed_and_that_of_the_synthetic_one_is_not() -> None:
    corpora = corpora_of(SYNTHETIC, TRAIN, HOLDOUT)
    facts = run({"shared_lines": SharedLines()}, corpora).corpora
    assert facts["synthetic"].digest == digest_of(corpora.synthetic)
    assert facts["train"].digest == KEY.digest("corpus", digest_of(corpora.train))
    assert facts["train"].digest != digest_of(corpora.train)


def test_without_a_holdout_nothing_is_measured_and_what_can_be_told_is() -> None:
    result = run({"shared_lines": SharedLines()}, corpora_of(SYNTHETIC, TRAIN))
    [report] = result.audits
    assert (report.status, report.metrics["lines"].value, report.control) == ("inconclusive", 2, {})
    assert "59" in report.reason
    assert list(result.corpora) == ["synthetic", "train"]
    assert (result.scanned, result.total) == (3, 3)


@pytest.mark.parametrize(
    ("where", "workers"), [("settings", 1), ("index", 1), ("scan", 1), ("conclude", 1), ("scan", 2)]
)
def test_a_crash_is_reported_without_its_message_and_the_others_run(where: str, workers: int) -> None:
    audits = {"first": Crashing(where=where), "second": SharedLines()}
    result = run(audits, engine=LocalEngine(workers, 10))
    crashed, other = result.audits
    assert (crashed.status, other.status) == ("failed", "measured")
    assert re.fullmatch(
        r"crashed with KeyError at made/small_audits\.py:\d+; its message is withheld", crashed.reason
    ), crashed.reason
    assert (crashed.metrics, crashed.control, crashed.p_value) == ({}, {}, None)
    assert not any(text in str(asdict(crashed)) for text in TRAIN)
    if where in ("settings", "index", "scan"):
        assert result.scanned < result.total


def estimate(value: float, high: float | None = None) -> Estimate:
    return Estimate(value, value, value if high is None else high, 1.0, 3, "counted")


def test_numbers_of_numpy_become_plain_ones() -> None:
    number = Estimate(np.float64(1), np.float32(1), np.float64(1), 1.0, np.int64(3), "counted")  # type: ignore[arg-type]
    finding = Finding("claiming", "x", "match", "s0", np.int64(1), np.int64(2))  # type: ignore[arg-type]
    claim = Conclusion(
        "measured", "", {"lines": number}, p_value=np.float64(0.5), null={"n": np.int64(3)}, findings=(finding,)
    )
    result = run({"claiming": Claiming(claim=claim)})
    [report] = result.audits
    assert (report.status, type(report.metrics["lines"].n), type(report.null["n"])) == ("measured", int, int)
    assert type(result.findings[0].start) is int


@pytest.mark.parametrize(
    ("claim", "why"),
    [
        (None, "crashed with"),
        (Conclusion("fine", "", {"lines": estimate(1)}), "status"),  # type: ignore[arg-type]
        (Conclusion("measured"), "gives no metric"),
        (Conclusion("measured", "", {"other": estimate(1)}), "does not declare"),
        (Conclusion("measured", "", {"lines": estimate(1, inf)}), "not finite"),
        (Conclusion("measured", "", {"lines": estimate(1)}, {"lines": estimate(1, inf)}), "not finite"),
        (Conclusion("measured", "", {"lines": estimate(1)}, p_value=1.5), "no probability"),
        (Conclusion("measured", "", {"lines": estimate(1)}, p_value=nan), "not finite, or no probability"),
        (Conclusion("measured", "", {"lines": estimate(1)}, null={"a": nan}), "crashed with ValueError"),
        (Conclusion("measured", "", {"lines": estimate(1)}, null={"a": {1}}), "crashed with TypeError"),
        (Conclusion("measured", "", {"lines": estimate(1)}, breakdown={"t": {"c": 3}}), "is no text"),  # type: ignore[dict-item]
        (Conclusion("inconclusive"), "does not say why"),
    ],
)
def test_a_conclusion_that_cannot_be_told_is_a_failure(claim: Conclusion | None, why: str) -> None:
    [report] = run({"claiming": Claiming(claim=claim)}).audits
    assert report.status == "failed"
    assert why in report.reason
    assert report.metrics == {}


class Forgetful(LocalEngine):
    """Loses every hold-out shard on the way."""

    def tally(self, audit: Audit, index: Any, corpora: Corpora, seen: Any) -> Any:
        return super().tally(audit, index, replace(corpora, holdout=None), seen)


def test_notes_that_no_scan_saw_are_a_failure() -> None:
    result = run({"shared_lines": SharedLines()}, engine=Forgetful())
    [report] = result.audits
    assert report.status == "failed"
    assert "3 of 3 notes of train, 0 of 2 notes of holdout" in report.reason
    assert (result.scanned, result.total) == (3, 5)


def test_the_family_is_every_p_value_of_the_run() -> None:
    claim = Conclusion("measured", "", {"lines": estimate(1)}, p_value=0.01)
    audits = {"a": Claiming(claim=claim), "b": SharedLines(), "c": Crashing()}
    assert run(audits).family == {"a": 0.02, "b": 0.25}


def patient(note: Note, patient_id: str) -> Note:
    return replace(note, patient_id=patient_id)


def test_train_and_holdout_must_be_of_different_patients() -> None:
    corpora = corpora_of(SYNTHETIC, TRAIN, HOLDOUT)
    [first, second] = corpora.holdout or []
    long = "x" * TELLING_CHARACTERS
    shared = {
        "1 patient(s)": [patient(first, "t-patient1"), second],
        "2 note id(s)": [replace(first, note_id="t0"), replace(second, note_id="t1")],
        "1 long text(s)": [replace(first, text=f"{long}\n")],
    }
    train = corpus_of(*corpora.train, Note("t9", "t9", long))
    for count, notes in shared.items():
        with pytest.raises(CorpusError) as refused:
            run({"shared_lines": SharedLines()}, replace(corpora, train=train, holdout=corpus_of(*notes)))
        assert count in str(refused.value)
        assert "t-patient1" not in str(refused.value)
        assert len(refused.value.problems) == 1


def test_short_texts_may_be_alike() -> None:
    assert run({"shared_lines": SharedLines()}, corpora_of(SYNTHETIC, ["no news"], ["no news"])).scanned == 2


@pytest.mark.parametrize("arm", ["synthetic", "train", "holdout"])
def test_an_empty_corpus_is_refused(arm: str) -> None:
    corpora = replace(corpora_of(SYNTHETIC, TRAIN, HOLDOUT), **{arm: Corpus("empty", (Kept(()),))})
    with pytest.raises(CorpusError, match=f"empty: holds no notes \\({arm}\\)"):
        run({"shared_lines": SharedLines()}, corpora)


def test_a_synthetic_corpus_that_is_the_private_one_is_audited() -> None:
    [report] = run({"shared_lines": SharedLines()}, corpora_of(TRAIN, TRAIN, HOLDOUT)).audits
    assert report.metrics["lines"].value == 3


def test_a_label_without_a_meaning_stops_the_run() -> None:
    corpora = corpora_of(SYNTHETIC, TRAIN, HOLDOUT)
    odd = corpus_of(Note("t1", "t1", "Roe", (Span(0, 3, "ODDITY"),)))
    with pytest.raises(CorpusError, match="'ODDITY' \\(1 span\\) is not in the label map 'demo'"):
        run({"shared_lines": SharedLines()}, replace(corpora, train=odd, label_map=load_label_map("demo")))


class Listener:
    def __init__(self) -> None:
        self.steps: list[list[Any]] = []
        self.open = 0

    def begin(self, what: str, total: float | None, done: float) -> progress.Step:  # noqa: ARG002
        self.open += 1
        self.steps.append([what, total, 0.0])
        return Counting(self.steps[-1])

    def end(self, step: progress.Step) -> None:  # noqa: ARG002
        self.open -= 1


class Counting:
    def __init__(self, step: list[Any]) -> None:
        self.step = step

    def advance(self, amount: float, **figures: float) -> None:  # noqa: ARG002
        self.step[2] += amount


def test_progress_is_shown_by_audit_and_arm() -> None:
    listener = Listener()
    with progress.listening(listener):
        run({"shared_lines": SharedLines(), "crashing": Crashing()})
    shown = {what: (total, seen) for what, total, seen in listener.steps}
    assert shown["shared_lines: train"] == (3, 3)
    assert shown["shared_lines: holdout"] == (2, 2)
    assert shown["reading synthetic"] == (None, 2)
    assert listener.open == 0

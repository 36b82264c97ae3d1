"""Leaks planted in releases that are otherwise clean: told from clean ones, on notes that nothing was tuned on.

The same at full size, on MEDDOCAN with fifty seeds, is `benchmarks/power.py`.
"""

import sys
from pathlib import Path

import numpy as np
import pytest

from deidrelease.auditing.result import AuditResult
from deidrelease.demo import hospital
from deidrelease.labels import load_label_map
from deidrelease.notes import Note

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))
import drawing  # noqa: E402
import memorising  # noqa: E402  # the benchmark itself, at a small size
import planting  # noqa: E402
import power  # noqa: E402

PATIENTS = 60


@pytest.fixture(scope="module")
def invented() -> list[Note]:
    return list(hospital.notes(3 * PATIENTS, ("es",), seed=5))


def release(notes: list[Note], seed: int, plan: str) -> tuple[AuditResult, list[planting.Planted]]:
    label_map = load_label_map("demo")
    parts = drawing.split(notes, PATIENTS, seed)
    made = power.PLANS[plan](parts, label_map, np.random.default_rng([seed, 1]))
    return power.audited(made.notes, parts.train, parts.holdout, label_map, seed), list(made.planted)


def decisive(result: AuditResult) -> dict[str, float]:
    return {r.audit: r.metrics["decisive"].value for r in result.audits if "decisive" in r.metrics}


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1])
def test_nothing_is_decisive_in_a_clean_release(invented: list[Note], seed: int) -> None:
    result, planted = release(invented, seed, "clean")
    assert planted == []
    assert set(decisive(result).values()) == {0.0}
    assert not any(p <= 0.05 for p in result.family.values())


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize(
    ("plan", "audit"), [("identifiers", "pii_replay"), ("altered", "pii_replay"), ("pairs", "linkage")]
)
def test_what_is_planted_is_found_and_decisive(invented: list[Note], seed: int, plan: str, audit: str) -> None:
    result, planted = release(invented, seed, plan)
    assert planted
    assert all(power.found(one, result.findings) for one in planted)
    assert decisive(result)[audit] >= 1


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("plan", ["halves", "copy"])
def test_a_copied_note_is_decisive_to_some_audit(invented: list[Note], seed: int, plan: str) -> None:
    result, planted = release(invented, seed, plan)
    assert all(power.found(one, result.findings) for one in planted)
    assert sum(decisive(result).values()) >= 1


@pytest.mark.slow
def test_a_generator_that_memorised_is_told_from_one_that_did_not(tmp_path: Path) -> None:
    train, holdout = memorising.arms(16, seed=11)
    few, many = (
        memorising.audited(memorising.sampled(train, epochs, 11, tmp_path / str(epochs)), train, holdout, 11)
        for epochs in (1, 30)
    )
    auc = [result.report("membership").metrics["auc"] for result in (few, many)]
    assert auc[1].value > auc[0].value + 0.1
    assert auc[1].low > 0.5 >= auc[0].low
    longest = [result.report("verbatim").metrics["longest_span_tokens"].value for result in (few, many)]
    assert longest[1] > longest[0]

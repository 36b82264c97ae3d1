"""What is recommended: the cheapest of those that are as good and that the policy passes, or nothing."""

import datetime
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from made.ablations import Levels, Made
from made.audit_results import POLICY, clean_result, leaking_result, report_of, result_of

from deidrelease.ablation.advice import advice, as_document
from deidrelease.ablation.judging import NO_RESULT, judge_cells
from deidrelease.ablation.outcomes import read_outcomes
from deidrelease.ablation.recommending import Cost, Recommendation, recommend
from deidrelease.auditing.result import AuditResult
from deidrelease.policy import Policy, load_policy
from deidrelease.scoring.bootstrap import Resampling

FEW = Resampling(seed=0, n_resamples=300)
DAY = datetime.date(2026, 11, 21)
# Seconds grow with the synthetic notes; the larger the corpus, the better up to a point.
GRID = {"synthetic.share": [0.25, 0.5, 1.0, 2.0]}
CHANCE = {0.25: 0.6, 0.5: 0.89, 1.0: 0.9, 2.0: 0.91}


def chance(levels: Levels) -> float:
    return CHANCE[levels["synthetic.share"]]


def clean(_levels: Levels, _fold: int) -> AuditResult:
    return clean_result()


@pytest.fixture
def policy(tmp_path: Path) -> Policy:
    path = tmp_path / "small.yaml"
    path.write_text(POLICY, encoding="utf-8")
    return load_policy(str(path))


def chosen(out: Path, policy: Policy, made: Made, margin: float = 0.03, cost: Cost = "seconds") -> Recommendation:
    found = recommend(read_outcomes(made.write(out)), out, policy, margin, DAY, cost, FEW)
    assert found is not None
    return found


def test_the_cheapest_that_is_as_good(tmp_path: Path, policy: Policy) -> None:
    found = chosen(tmp_path / "out", policy, Made(grid=GRID, synthetic=chance, audit=clean))
    assert found.chosen is not None
    assert found.chosen.cell.levels == {"synthetic.share": 0.5}
    assert found.chosen.to_best.low >= -0.03
    assert found.best.cell.levels == {"synthetic.share": 2.0}
    first = found.candidates[0]
    assert (first.cell.levels, first.within) == ({"synthetic.share": 0.25}, False)
    told = advice(found)
    assert "Recommended: synthetic 50%" in told
    assert "synthetic 25%: minus the best" in told
    assert "no release and no permission" in told


def test_a_cell_within_by_its_point_alone_is_not_as_good(tmp_path: Path, policy: Policy) -> None:
    made = Made(grid=GRID, synthetic=chance, audit=clean)
    gaps = {
        each.cell.levels["synthetic.share"]: each.to_best for each in chosen(tmp_path / "a", policy, made).candidates
    }
    margin = -(gaps[0.5].value + gaps[0.5].low) / 2
    assert gaps[0.5].value > -margin
    found = chosen(tmp_path / "b", policy, made, margin)
    assert found.chosen is not None
    assert found.chosen.cell.levels["synthetic.share"] > 0.5


@pytest.mark.parametrize("bad", [1, 2, 3])
def test_one_fold_that_the_policy_blocks_is_enough(tmp_path: Path, policy: Policy, bad: int) -> None:
    def audit(levels: Levels, fold: int) -> AuditResult:
        return leaking_result() if (levels["synthetic.share"], fold) == (0.5, bad) else clean_result()

    found = chosen(tmp_path / "out", policy, Made(grid=GRID, synthetic=chance, audit=audit))
    assert found.chosen is not None
    assert found.chosen.cell.levels == {"synthetic.share": 1.0}
    passed_over = next(each for each in found.candidates if each.cell.levels == {"synthetic.share": 0.5})
    assert (passed_over.verdict.passed, passed_over.verdict.runs) == (2, 3)
    assert dict(passed_over.verdict.blocking) == {"no-copy": 1, "no-membership": 1}
    assert "synthetic 50%: blocked in 1 of 3 runs by no-copy (in 1), no-membership (in 1)" in advice(found)


def test_nothing_is_recommended_where_good_cells_leak_and_clean_ones_are_bad(tmp_path: Path, policy: Policy) -> None:
    def audit(levels: Levels, _fold: int) -> AuditResult:
        return clean_result() if levels["synthetic.share"] == 0.25 else leaking_result()

    found = chosen(tmp_path / "out", policy, Made(grid=GRID, synthetic=chance, audit=audit))
    assert found.chosen is None
    told = advice(found)
    assert told.startswith("No cell can be recommended")
    assert "Nearest of the 1 that pass: synthetic 25%; minus the best" in told
    assert "All cells, and why not" in told
    assert as_document(found)["recommended"] is None


def _inconclusive(_levels: Levels, _fold: int) -> AuditResult:
    return result_of(report_of("verbatim", {}, "inconclusive", "few"), report_of("membership", {"auc": 0.5}))


def _without(_levels: Levels, _fold: int) -> AuditResult:
    return result_of(report_of("verbatim", {"decisive": 0}))


def _partial(_levels: Levels, _fold: int) -> AuditResult:
    return replace(clean_result(), scanned=5)


@pytest.mark.parametrize("audit", [_inconclusive, _without, _partial, lambda _levels, _fold: None])
def test_what_was_not_measured_blocks(tmp_path: Path, policy: Policy, audit: Any) -> None:
    found = chosen(tmp_path / "out", policy, Made(grid=GRID, synthetic=chance, audit=audit))
    assert found.chosen is None
    assert all(each.verdict.passed == 0 and each.verdict.blocking for each in found.candidates)


def _edited(folder: Path) -> None:
    text = (folder / "result.json").read_text(encoding="utf-8")
    (folder / "result.json").write_text(text.replace('"decisive"', '"decisively"'), encoding="utf-8")


def _added(folder: Path) -> None:
    (folder / "more.json").write_text("{}", encoding="utf-8")


@pytest.mark.parametrize(
    "harm",
    [
        _edited,
        _added,
        lambda folder: (folder / "receipt.json").unlink(),
        lambda folder: folder.rename(folder.parent / "x"),
    ],
)
def test_an_audit_that_is_not_as_its_receipt_says_blocks(tmp_path: Path, policy: Policy, harm: Any) -> None:
    out = Made(grid=GRID, synthetic=chance, audit=clean).write(tmp_path / "out")
    outcomes = read_outcomes(out)
    assert all(verdict.passes for verdict in judge_cells(outcomes, out, policy, DAY).values())
    [folder] = (out / "artefacts").iterdir()
    harm(folder)
    for verdict in judge_cells(outcomes, out, policy, DAY).values():
        assert dict(verdict.blocking) == {NO_RESULT: 3}


def test_cheapest_may_mean_the_fewest_annotated_patients(tmp_path: Path, policy: Policy) -> None:
    grid = {"share.annotator": [0.25, 1.0], "synthetic.share": [0.5, 2.0]}
    made = Made(grid=grid, synthetic=lambda _: 0.9, gold=lambda _: 0.9, audit=clean, patients=60)
    by_time = [each.cell.levels for each in chosen(tmp_path / "a", policy, made, 0.5).candidates]
    by_hand = [each.cell.levels for each in chosen(tmp_path / "a", policy, made, 0.5, "annotated").candidates]
    assert [level["synthetic.share"] for level in by_time] == [0.5, 0.5, 2.0, 2.0]
    assert [level["share.annotator"] for level in by_hand] == [0.25, 0.25, 1.0, 1.0]


def test_cells_with_a_gap_are_no_candidates_and_none_whole_is_no_recommendation(tmp_path: Path, policy: Policy) -> None:
    best = Made(grid=GRID, synthetic=chance, audit=clean, failed=frozenset({((2.0,), 1)}))
    found = chosen(tmp_path / "a", policy, best)
    assert found.left_out == 1
    assert found.best.cell.levels == {"synthetic.share": 1.0}
    assert "1 cell(s) are not done in every run" in advice(found)
    out = replace(best, failed=frozenset({((share,), 2) for share in CHANCE})).write(tmp_path / "b")
    assert recommend(read_outcomes(out), out, policy, 0.02, DAY, how=FEW) is None


def test_the_document_is_json_and_names_every_candidate(tmp_path: Path, policy: Policy) -> None:
    found = chosen(tmp_path / "out", policy, Made(grid=GRID, synthetic=chance, audit=clean))
    document = json.loads(json.dumps(as_document(found), allow_nan=False))
    assert document["recommended"] == found.chosen.cell.id if found.chosen else False
    assert [each["settings"] for each in document["candidates"]] == [{"synthetic.share": share} for share in CHANCE]
    assert document["policy"]["name"] == "small"

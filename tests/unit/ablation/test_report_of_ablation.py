"""The report: what it says, what it never says, and that equal results give equal files."""

import csv
import datetime
import hashlib
import re
from pathlib import Path

import pytest
from made.ablations import Levels, Made
from made.audit_results import POLICY, clean_result, leaking_result

from deidrelease.ablation.outcomes import read_outcomes
from deidrelease.ablation.pictures.curves import draw_gold_share
from deidrelease.ablation.pictures.frontier import draw_leaks
from deidrelease.ablation.pictures.heat import draw_heat_map
from deidrelease.ablation.reporting import comparisons_csv, findings_of, write_report
from deidrelease.ablation.slices import score_cells
from deidrelease.ablation.summary import Findings, summary
from deidrelease.auditing.result import AuditResult
from deidrelease.errors import ArtifactError
from deidrelease.policy import Policy, load_policy

DAY = datetime.date(2026, 11, 21)
KINDS = ("png", "svg")
PICTURES = ("f1-annotator-generator", "f1-cost", "f1-gold-share", "f1-leaks", "f1-synthetic-size")


@pytest.fixture(scope="module")
def policy(tmp_path_factory: pytest.TempPathFactory) -> Policy:
    path = tmp_path_factory.mktemp("policy") / "small.yaml"
    path.write_text(POLICY, encoding="utf-8")
    return load_policy(str(path))


@pytest.fixture(scope="module")
def findings(tmp_path_factory: pytest.TempPathFactory, policy: Policy) -> Findings:
    """Of twelve cells, one of which failed on a fold."""
    made = Made(audit=audit, failed=frozenset({((0.05, 0.05, 0.25), 2)}))
    return findings_of(made.write(tmp_path_factory.mktemp("out")), policy, DAY)


def audit(levels: Levels, fold: int) -> AuditResult:
    return leaking_result() if levels["share.adapt"] == 1.0 and fold == 1 else clean_result()


def test_the_summary_and_its_table_of_comparisons(findings: Findings) -> None:
    text = summary(findings)
    assert "12 cells, 3 folds by patient, 1 seed(s): 36 runs, 35 done. 11 cells are done in every run" in text
    assert (
        "| generator's gold 5%, annotator's gold 5%, synthetic 25% | 2 | 7 | failed | The model cannot be used. |"
        in text
    )
    # The truth of the fixture: much from 5% to 25% of the generator's gold, next to nothing beyond.
    # One of the 12 cells is not whole: it stood at 5%, so that step has a pair less.
    assert (
        "- Over 3 pair(s) of cells, the synthetic tagger at 25% scores higher than the synthetic tagger at 5%" in text
    )
    assert "- Over 4 pair(s) of cells, the synthetic tagger at 100% and the synthetic tagger at 25% cannot be" in text
    assert "2 of 3; no-copy in 1" in text
    rows = list(csv.DictReader(comparisons_csv(findings).splitlines()))
    told = sum(row["told_apart"] == "true" for row in rows)
    assert f"{len(rows)} comparisons stand on this page and in `comparisons.csv`; {told} are told apart" in text
    for row in rows:
        clear = float(row["low"]) > 0 or float(row["high"]) < 0
        assert row["told_apart"] == "false" or (clear and float(row["holm_p"]) <= 0.05)
    # What is said to be better in the text is told apart in the table, and nothing else is.
    said = re.findall(r"scores (?:higher|lower) than", text)
    assert len(said) == sum(row["told_apart"] == "true" and row["about"] != "tagger" for row in rows)


@pytest.mark.slow
def test_equal_results_give_equal_bytes(tmp_path: Path, policy: Policy) -> None:
    out = Made(audit=audit).write(tmp_path / "out")
    digests = []
    for name in ("a", "b"):
        folder = write_report(out, policy, DAY, tmp_path / name)
        files = sorted(path for path in folder.iterdir())
        digests.append({file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files})
    assert digests[0] == digests[1]


@pytest.mark.slow
def test_every_picture_is_there_and_names_what_it_shows(tmp_path: Path, policy: Policy) -> None:
    report = write_report(Made(audit=audit).write(tmp_path), policy, DAY)
    assert {path.name for path in report.glob("f1-*")} == {f"{name}.{kind}" for name in PICTURES for kind in KINDS}
    text = (report / "summary.md").read_text(encoding="utf-8")
    assert sorted(re.findall(r"!\[[\w-]+\]\(([\w.-]+)\)", text)) == [f"{name}.svg" for name in PICTURES]
    drawn = {name: (report / f"{name}.svg").read_text(encoding="utf-8") for name in PICTURES}
    for words in ("gold tagger", "synthetic tagger", "generator alone", "annotator alone"):
        assert words in drawn["f1-gold-share"]
    assert "membership attack, AUC" in drawn["f1-leaks"]
    assert "A: generator" in drawn["f1-leaks"]
    assert "Held at the best cell" in drawn["f1-synthetic-size"]


def test_a_heat_map_shows_a_cell_that_is_not_there_as_such(tmp_path: Path) -> None:
    made = Made(grid={"share.adapt": [0.05, 1.0], "share.annotator": [0.05, 1.0]},
                synthetic=lambda levels: 0.5 + 0.3 * levels["share.adapt"],
                failed=frozenset({((0.05, 0.05), 1)}))  # fmt: skip
    outcomes = read_outcomes(made.write(tmp_path))
    scored = score_cells(outcomes)
    assert draw_heat_map(outcomes, scored, tmp_path)
    assert (tmp_path / "f1-annotator-generator.svg").read_text(encoding="utf-8").count("not whole") == 1


def test_what_is_decisive_is_told_also_where_not_every_audit_could_measure(findings: Findings) -> None:
    # No audit but verbatim has looked; it found three spans on one fold of the cells with all of the generator's gold.
    leaks = summary(findings).partition("## What each cell leaks")[2].partition("##")[0].splitlines()
    cells = {line.split("|")[1].strip(): line.split("|")[2].strip() for line in leaks if line.startswith("| generator")}
    assert len(cells) == 11
    for cell, told in cells.items():
        full = cell.startswith("generator's gold 100%")
        assert told == ("3 or more; not measured in every run" if full else "not measured in every run")


def test_without_audits_nothing_is_said_to_be_clean(tmp_path: Path, policy: Policy) -> None:
    made = Made(grid={"adapt.epochs": [1, 2]}, synthetic=lambda _: 0.8, gold=lambda _: 0.9, audit=lambda _l, _f: None)
    found = findings_of(made.write(tmp_path), policy, DAY)
    assert "nothing is known of what any of them leaks" in summary(found)
    assert not draw_leaks(found.outcomes, found.scored, {}, tmp_path)
    assert not draw_gold_share(found.outcomes, found.scored, tmp_path)
    assert not list(tmp_path.glob("*.svg"))


def test_there_is_no_report_of_nothing(tmp_path: Path, policy: Policy) -> None:
    made = Made(grid={"adapt.epochs": [1]}, synthetic=lambda _: 0.8, gold=lambda _: 0.9, failed=frozenset({((1,), 1)}))
    with pytest.raises(ArtifactError, match="no cell is done on every fold"):
        write_report(made.write(tmp_path / "out"), policy, DAY)

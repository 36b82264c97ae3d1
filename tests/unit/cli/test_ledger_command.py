"""`deidrelease ledger`, and what `check` says of a budget before the first step."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

pytest.importorskip("dp_accounting", reason="needs deidrelease[dp]")

from deidrelease.cli.main import cli
from deidrelease.config import load_config
from deidrelease.errors import DeidReleaseError
from deidrelease.models.private.accounts import account_of
from deidrelease.privacy.events import PoissonGaussian

pytestmark = pytest.mark.slow

CONFIG = """\
run_dir: {folder}/run
corpus: {{path: {folder}/notes.jsonl}}
privacy: {{ledger: {folder}/ledgers}}
"""
EVENT = PoissonGaussian(0.1, 2.0, 30)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    lines = (
        json.dumps(
            {
                "note_id": f"n{i}",
                "patient_id": f"p{i}",
                "text": "Seen by Roe.",
                "spans": [{"start": 8, "end": 11, "label": "NAME"}],
            }
        )
        for i in range(60)
    )
    (tmp_path / "notes.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    path = tmp_path / "config.yaml"
    path.write_text(CONFIG.format(folder=tmp_path), encoding="utf-8")
    return path


def told(*arguments: str) -> str:
    result = CliRunner().invoke(cli, arguments)
    assert result.exit_code == 0, (result.output, result.exception)
    return result.output


def failure(*arguments: str) -> str:
    result = CliRunner().invoke(cli, arguments)
    assert isinstance(result.exception, DeidReleaseError), result.output
    assert result.exception.exit_code == 3
    return str(result.exception)


def train(config: Path, tmp_path: Path) -> None:
    account = account_of(load_config(config, ()))
    with account.private("adapt", [EVENT], 1e-5, "patient", 1, tmp_path / "checkpoint") as step:
        step.counted([EVENT])
    account.release("ab" * 16, promised=True)


def test_looking_at_nothing_makes_nothing(config: Path, tmp_path: Path) -> None:
    before = sorted(tmp_path.iterdir())
    for command in ("show", "total"):
        assert "No private step on this corpus is on record" in told("ledger", command, str(config))
    assert "holds no ledger" in failure("ledger", "repair", str(config))
    assert sorted(tmp_path.iterdir()) == before


def test_show_and_total_by_config_and_by_corpus(config: Path, tmp_path: Path) -> None:
    train(config, tmp_path)
    shown = told("ledger", "show", str(config))
    assert "30 steps at q 0.1, sigma 2" in shown and "(this run)" in shown and f"release {'ab' * 16}" in shown
    by_config = told("ledger", "total", str(config))
    assert "at delta 1e-05, per patient, over 1 private step of 1 run" in by_config
    assert f"release {'ab' * 16}: epsilon" in by_config
    corpus = str(tmp_path / "notes.jsonl")
    assert told("ledger", "total", corpus, "--ledger", str(tmp_path / "ledgers")) == by_config
    assert "p1" not in shown + by_config and "Roe" not in shown + by_config
    smaller = told("ledger", "total", str(config), "--delta", "1e-9")
    assert float(smaller.split()[1]) > float(by_config.split()[1])


def test_the_budget_and_what_remains(config: Path, tmp_path: Path) -> None:
    train(config, tmp_path)
    budget = ("--set", "privacy.budget.epsilon=5", "--set", "privacy.budget.delta=1e-5")
    assert "budget: epsilon 5 at delta 1e-05; about" in told("ledger", "total", str(config), *budget)
    # The run that is configured trains without a bound.
    assert "this run would have no bound" in failure("check", str(config), *budget)


def test_check_says_what_a_training_will_spend_and_prints_delta(config: Path) -> None:
    options = ("--set", "adapt.dp.epsilon=4", "--set", "adapt.model=smollm2-135m", "--set", "adapt.dp.steps=20")
    result = CliRunner().invoke(cli, ["check", str(config), *options])
    assert "adapt.dp: epsilon 4 at delta 0.01 for one of" in result.output, result.output
    assert "train patients: 20 steps of" in result.output


def test_check_counts_the_canaries_that_will_be_planted(config: Path) -> None:
    options = ("--set", "adapt.dp.epsilon=4", "--set", "adapt.model=smollm2-135m", "--set", "adapt.dp.steps=20")
    alone = CliRunner().invoke(cli, ["check", str(config), *options]).output
    beside = CliRunner().invoke(cli, ["check", str(config), *options, "--set", "adapt.canaries.count=40"]).output
    patients = int(alone.split(" train patients: 20 steps")[0].rpartition(" ")[2])
    assert f"for one of {patients + 20} train patients, about 20 canaries among them: 20 steps" in beside, beside


def test_run_refuses_to_begin_what_would_pass_the_budget(config: Path, tmp_path: Path) -> None:
    budget = ("--set", "privacy.budget.epsilon=5", "--set", "privacy.budget.delta=1e-5")
    said = failure("run", str(config), *budget)
    assert "The step would pass the privacy budget" in said and "5 at delta 1.0e-05" in said
    assert (tmp_path / "run" / "split").is_dir() and not (tmp_path / "run" / "annotator").exists()
    assert "No private step" in told("ledger", "total", str(config))


def test_the_how_to_shows_a_config_that_can_be_used(tmp_path: Path) -> None:
    page = (Path(__file__).parents[3] / "docs" / "how-to" / "differential-privacy.md").read_text(encoding="utf-8")
    path = tmp_path / "shown.yaml"
    path.write_text(page.split("```yaml\n")[1].split("```")[0], encoding="utf-8")
    shown = load_config(path, ())
    assert shown.adapt.dp is not None and shown.annotator.dp is not None and shown.privacy.budget is not None


def test_a_ledger_that_would_move_with_the_working_directory(config: Path) -> None:
    assert "must be an absolute path" in failure("check", str(config), "--set", "privacy.ledger=ledgers")


def test_repair_takes_a_cut_off_line_away_and_says_so(config: Path, tmp_path: Path) -> None:
    train(config, tmp_path)
    [path] = (tmp_path / "ledgers").glob("*.jsonl")
    with path.open("ab") as stream:
        stream.write(b'{"at"')
    assert "cut off" in failure("ledger", "total", str(config))
    assert "5 bytes of a cut-off line were taken away" in told("ledger", "repair", str(config))
    assert "Nothing was cut off" in told("ledger", "repair", str(config))
    assert "1 private step" in told("ledger", "total", str(config))


def test_set_needs_a_config(tmp_path: Path) -> None:
    result = CliRunner().invoke(cli, ["ledger", "total", str(tmp_path / "notes.jsonl"), "--set", "seed=1"])
    assert result.exit_code == 2

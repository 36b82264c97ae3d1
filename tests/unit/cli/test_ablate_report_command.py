"""`ablate report` and `ablate recommend` as a user meets them: what they print, write, and say by the exit code."""

import json
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result
from made.ablations import Made
from made.audit_results import POLICY, leaking_result

from deidrelease.ablation.record import RECORD, read_record, write_record
from deidrelease.cli.ablate_report import recommend, report
from deidrelease.errors import ArtifactError
from deidrelease.settings.ablation import AblationSettings

pytestmark = pytest.mark.slow

GRID = {"synthetic.share": [0.5, 1.0]}


def run(command: click.Command, *arguments: object) -> Result:
    result = CliRunner().invoke(command, [*map(str, arguments)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def written(out: Path, made: Made) -> Path:
    policy = out.parent / "small.yaml"
    policy.write_text(POLICY, encoding="utf-8")
    made.write(out)
    write_record(out, AblationSettings(out=out, base={}, margin=0.05, policy=str(policy)))
    return out


def made(**told: object) -> Made:
    return Made(grid=GRID, synthetic=lambda _: 0.9, gold=lambda _: 0.9, **told)  # type: ignore[arg-type]


def test_a_recommendation_and_its_margin(tmp_path: Path) -> None:
    def luck(levels: dict[str, float]) -> float:
        return 0.9 if levels["synthetic.share"] == 1 else 0.88

    out = written(tmp_path / "out", Made(grid=GRID, synthetic=luck, gold=lambda _: 0.9))
    told = run(recommend, out)
    assert told.exit_code == 0
    assert told.stdout.startswith("Recommended: synthetic 50%\n  synthetic.share: 0.5\n")
    strict = json.loads(run(recommend, out, "--margin", 0, "--json").stdout)
    assert strict["recommended"] == strict["best"]
    assert (strict["margin"], strict["candidates"][0]["within_margin"]) == (0.0, False)


def test_no_recommendation_is_exit_code_4(tmp_path: Path) -> None:
    out = written(tmp_path / "out", made(audit=lambda _levels, _fold: leaking_result()))
    told = run(recommend, out)
    assert told.exit_code == 4
    assert told.stdout.startswith("No cell can be recommended")
    # Audits that the policy asks for and that did not run block as surely.
    assert run(recommend, written(tmp_path / "clean", made()), "--policy", "research").exit_code == 4
    broken = made(failed=frozenset({((0.5,), 1), ((1.0,), 2)}))
    assert run(recommend, written(tmp_path / "broken", broken)).exit_code == 4


def test_a_report_is_written_where_it_is_asked_for(tmp_path: Path) -> None:
    out = written(tmp_path / "out", made())
    told = run(report, out)
    assert f"summary: {out / 'report' / 'summary.md'}" in told.stdout
    assert f"picture: {out / 'report' / 'f1-cost.svg'}" in told.stdout


@pytest.mark.slow
def test_a_report_may_go_elsewhere(tmp_path: Path) -> None:
    out, elsewhere = written(tmp_path / "out", made()), tmp_path / "elsewhere"
    told = run(report, out, "--to", elsewhere)
    assert f"summary: {elsewhere / 'summary.md'}" in told.stdout
    assert (elsewhere / "summary.md").exists()
    assert not (out / "report").exists()


@pytest.mark.parametrize("content", [None, "{", "{}", '{"out": 1}'])
def test_a_folder_without_an_ablation_is_an_error(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / RECORD).write_text(content, encoding="utf-8")
    with pytest.raises(ArtifactError, match="There is no ablation"):
        read_record(tmp_path)
    found = CliRunner().invoke(recommend, [str(tmp_path)])
    assert isinstance(found.exception, ArtifactError)

"""`deidrelease audit` as a user meets it."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from made.plugins import SMALL, register

from deidrelease.cli.main import cli
from deidrelease.errors import DeidReleaseError

LONG = "a line of well over forty characters, which train has too"
POLICY = """\
name: strict
version: 1.0.0
rules:
  no-line: {metric: shared_lines.decisive, judge: high, at_most: %s, because: nothing may be copied}
"""


@pytest.fixture(autouse=True)
def _registered(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(register(tmp_path_factory.mktemp("plugin"), SMALL)))


def write(path: Path, prefix: str, *texts: str) -> Path:
    records = [
        {"note_id": f"{prefix}n{i}", "patient_id": f"{prefix}p{i}", "text": text, "spans": []}
        for i, text in enumerate(texts)
    ]
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return path


@pytest.fixture
def arguments(tmp_path: Path) -> list[str]:
    synthetic = tmp_path / "synthetic.jsonl"
    synthetic.write_text(json.dumps({"note_id": "s0", "text": f"{LONG}\nshared", "spans": []}) + "\n")
    train = write(tmp_path / "train.jsonl", "t", LONG, "shared", "else")
    holdout = write(tmp_path / "holdout.jsonl", "h", "shared", "other")
    only = ["--only", "shared_lines", "--out", str(tmp_path / "out")]
    return ["audit", str(synthetic), "--private", str(train), "--holdout", str(holdout), *only]


def run(arguments: list[str], *more: object) -> Result:
    result = CliRunner().invoke(cli, [*arguments, *map(str, more)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def failure(arguments: list[str], *more: object) -> str:
    result = CliRunner().invoke(cli, [*arguments, *map(str, more)])
    assert isinstance(result.exception, DeidReleaseError), (result.output, result.exception)
    assert result.exception.exit_code == 3
    return str(result.exception)


def test_it_shows_a_table_and_says_where_the_files_lie(arguments: list[str], tmp_path: Path) -> None:
    done = run(arguments)
    assert done.exit_code == 0, done.output
    rows = [line.split() for line in done.stdout.splitlines()]
    assert ["shared_lines", "measured", "decisive", "1", "0"] in rows
    assert ["lines", "2", "1"] in rows
    assert "Notes: 1 synthetic, 3 train, 2 holdout. Scanned 5 of 5." in done.stdout
    for name, mode in (("result.json", None), ("findings.private.jsonl", 0o600), ("site.key", 0o600)):
        assert str(tmp_path / "out" / name) in done.stdout
        assert mode is None or (tmp_path / "out" / name).stat().st_mode & 0o777 == mode
    assert (tmp_path / "out").stat().st_mode & 0o777 == 0o700
    assert LONG not in done.output
    assert done.stderr == ""


def test_a_run_that_measured_nothing_says_so(arguments: list[str]) -> None:
    del arguments[4:6]
    done = run(arguments)
    assert done.exit_code == 0
    assert "INCONCLUSIVE: shared_lines: needs a hold-out of 59 patients" in done.stdout


def test_a_crash_is_said_and_the_others_are_there(arguments: list[str]) -> None:
    done = run(arguments, "--only", "shared_lines,crashing")
    assert done.exit_code == 4
    assert "FAILED: crashing: crashed with KeyError at made/small_audits.py:" in done.stdout
    assert LONG not in done.output


@pytest.mark.parametrize(("most", "code", "said"), [("1", 0, "strict 1.0.0: PASS"), ("0", 4, "strict 1.0.0: BLOCKED")])
def test_a_policy_decides_the_exit_code(most: str, code: int, said: str, arguments: list[str], tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text(POLICY % most)
    done = run(arguments, "--policy", tmp_path / "policy.yaml")
    assert (done.exit_code, said in done.stdout) == (code, True)
    assert json.loads((tmp_path / "out" / "verdict.json").read_text())["outcome"] == ("blocked" if code else "pass")


@pytest.mark.parametrize("only", ["shared_lines,crashing", "crashing"])
def test_a_policy_blocks_beside_a_crash(only: str, arguments: list[str], tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text(POLICY % 9)
    assert run(arguments, "--policy", tmp_path / "policy.yaml", "--only", only).exit_code == 4


def test_the_same_key_gives_the_same_bytes_and_another_other_digests(arguments: list[str], tmp_path: Path) -> None:
    key = tmp_path / "site.key"
    for name, more in (("a", ["--key", key]), ("b", ["--key", key, "--workers", 2]), ("c", [])):
        assert run(arguments, "--out", tmp_path / name, *more).exit_code == 0
    assert not (tmp_path / "a" / "site.key").exists()
    for file in ("result.json", "findings.private.jsonl"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()
        assert (tmp_path / "a" / file).read_bytes() != (tmp_path / "c" / file).read_bytes()


@pytest.mark.parametrize("there", ["empty folder", "file", "earlier result"])
def test_nothing_is_overwritten(there: str, arguments: list[str], tmp_path: Path) -> None:
    if there == "empty folder":
        (tmp_path / "out").mkdir()
    elif there == "file":
        (tmp_path / "out").write_text("mine")
    else:
        run(arguments)
    assert "exists already" in failure(arguments)


def test_what_can_be_mended_leaves_nothing_behind(arguments: list[str], tmp_path: Path) -> None:
    before = sorted(path.name for path in tmp_path.iterdir())
    assert "no audit is called nearly" in failure(arguments, "--only", "nearly")
    assert "patient(s) stand in both" in failure(arguments, "--holdout", tmp_path / "train.jsonl")
    assert "there is no such map" in failure(arguments, "--labels", "nowhere")
    assert "No policy." in failure(arguments, "--policy", tmp_path / "nowhere.yaml")
    assert "nowhere" in failure(arguments, "--holdout", tmp_path / "nowhere")
    assert "site.key" in failure(arguments, "--key", tmp_path / "no" / "site.key")
    (tmp_path / "bad.jsonl").write_text('{"note_id": "secret"}\n')
    assert "secret" not in failure(arguments, "--private", tmp_path / "bad.jsonl")
    (tmp_path / "bad.jsonl").unlink()
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_the_synthetic_side_needs_no_patients_and_the_private_side_does(arguments: list[str], tmp_path: Path) -> None:
    (tmp_path / "train.jsonl").write_text((tmp_path / "synthetic.jsonl").read_text())
    assert "say where patient ids stand" in failure(arguments)
    assert run(arguments, "--patients", "note").exit_code == 0


def test_a_seed_that_no_reader_of_json_holds_is_usage(arguments: list[str], tmp_path: Path) -> None:
    done = CliRunner().invoke(cli, ["audit", *arguments, "--seed", str(2**53)])
    assert done.exit_code == 2
    assert "--seed" in done.stderr
    assert not (tmp_path / "audit").exists()

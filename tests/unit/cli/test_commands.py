"""The command line as a user meets it: exit codes, messages, and what stays silent."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from deidrelease.cli import main as command_line
from deidrelease.cli.main import cli
from deidrelease.errors import DeidReleaseError

CONFIG = "run_dir: {run}\ncorpus: {{path: {corpus}}}\n"


def note(number: int, **changes: object) -> str:
    record = {
        "note_id": f"n{number}",
        "patient_id": f"p{number}",
        "text": "Seen by Roe.",
        "spans": [{"start": 8, "end": 11, "label": "NAME"}],
    }
    return json.dumps({**record, **changes}) + "\n"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "notes.jsonl").write_text("".join(note(i) for i in range(60)), encoding="utf-8")
    path = tmp_path / "config.yaml"
    path.write_text(CONFIG.format(run=tmp_path / "run", corpus=tmp_path / "notes.jsonl"), encoding="utf-8")
    return path


def failure(*arguments: str) -> str:
    result = CliRunner().invoke(cli, arguments)
    assert isinstance(result.exception, DeidReleaseError), result.output
    assert result.exception.exit_code == 3
    return str(result.exception)


def test_check_says_that_nothing_stands_in_the_way_and_writes_nothing(config: Path, tmp_path: Path) -> None:
    before = sorted(tmp_path.iterdir())
    result = CliRunner().invoke(cli, ["check", str(config)])
    assert result.exit_code == 0, result.output
    assert "60 notes" in result.output
    assert "Nothing stands in the way." in result.output
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("override", "wanted"),
    [
        ("annotator.model=/no/such/model", "annotator.model"),
        ("adapt.model=somebody/not-in-the-cache", "neither a folder here nor in the local hub cache"),
        ("adapt.quantization=4bit", "adapt.quantization"),
        ("corpus.path=/no/such/notes.jsonl", "/no/such/notes.jsonl"),
    ],
)
def test_check_finds_what_would_stop_a_run(config: Path, override: str, wanted: str) -> None:
    assert wanted in failure("check", str(config), "--set", override)


def test_check_finds_a_gpu_setting_without_a_gpu(config: Path) -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    assert "compute.device" in failure("check", str(config), "--set", "compute.device=cuda")


def test_check_finds_a_precision_that_the_machine_lacks(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deidrelease.models.devices.has_bfloat16", lambda _: False)
    assert "compute.precision" in failure("check", str(config), "--set", "compute.precision=bfloat16")


def test_check_finds_eight_bits_on_a_gpu(config: Path) -> None:
    message = failure("check", str(config), "--set", "annotate.precision=int8", "--set", "compute.device=cuda")
    assert "annotate.precision: int8 runs on a CPU only" in message


def test_check_lists_every_problem_at_once(config: Path) -> None:
    message = failure("check", str(config), "--set", "annotator.model=/a", "--set", "adapt.model=/b")
    assert "annotator.model" in message
    assert "adapt.model" in message


@pytest.mark.parametrize(
    ("lines", "wanted"),
    [
        (note(1, spans=[{"start": 8, "end": 11, "label": "Name"}]), "differ only in case or punctuation"),
        (note(1, spans=[{"start": 8, "end": 11, "label": "A B"}]), "white space"),
        (note(1, text="Seen by Roe."[:9]), ":61: span 8-11"),
        (note(1, spans=[{"start": 0, "end": 9, "label": "X"}, {"start": 8, "end": 11, "label": "NAME"}]), "overlap"),
    ],
)
def test_check_reads_every_note(config: Path, tmp_path: Path, lines: str, wanted: str) -> None:
    with (tmp_path / "notes.jsonl").open("a", encoding="utf-8") as stream:
        stream.write(lines.replace('"n1"', '"n61"').replace('"p1"', '"p61"'))
    message = failure("check", str(config))
    assert wanted in message
    assert "Roe" not in message
    assert "p61" not in message


def test_too_few_patients_for_the_split(config: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.jsonl").write_text(note(1) + note(2), encoding="utf-8")
    assert "patient(s), at least" in failure("check", str(config))


def test_run_stops_where_it_is_told_and_status_says_so(config: Path, tmp_path: Path) -> None:
    done = CliRunner().invoke(cli, ["run", str(config), "--until", "split"])
    assert done.exit_code == 0, done.output
    assert (tmp_path / "run" / "split" / "receipt.json").exists()
    shown = CliRunner().invoke(cli, ["status", str(tmp_path / "run")]).output.splitlines()
    states = {line.split()[0]: line.split()[1] for line in shown[1:]}
    assert states["split"] == "done"
    assert states["annotator"] == "missing"


def test_nothing_is_shown_while_working_where_there_is_no_terminal(config: Path) -> None:
    done = CliRunner().invoke(cli, ["run", str(config), "--until", "split"])
    assert done.stderr == ""


def test_an_unknown_stage_is_named(config: Path) -> None:
    assert "one of split, annotator" in failure("run", str(config), "--until", "spilt")


def test_status_of_something_that_is_no_run_folder(tmp_path: Path) -> None:
    assert "no run folder" in failure("status", str(tmp_path))


def test_the_exit_code_of_an_error_and_the_traceback_of_a_bug(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["deidrelease", "status", "/no/such/run"])
    with pytest.raises(SystemExit) as stopped:
        command_line.main()
    assert stopped.value.code == 3
    assert capsys.readouterr().err.startswith("error: This is no run folder.")


def test_usage_errors_exit_with_two() -> None:
    assert CliRunner().invoke(cli, ["run"]).exit_code == 2
    assert CliRunner().invoke(cli, ["no-such-command"]).exit_code == 2


def test_the_demo_writes_just_its_notes(tmp_path: Path) -> None:
    first = CliRunner().invoke(cli, ["demo", "--notes-only", str(tmp_path / "a")])
    again = CliRunner().invoke(cli, ["demo", "--notes-only", str(tmp_path / "a")])
    other = CliRunner().invoke(cli, ["demo", "--notes-only", str(tmp_path / "b"), "--seed", "8"])
    assert [result.exit_code for result in (first, again, other)] == [0, 0, 0]
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["notes.jsonl"]
    assert (tmp_path / "a/notes.jsonl").read_bytes() != (tmp_path / "b/notes.jsonl").read_bytes()


def test_the_demo_does_not_overwrite_other_notes(tmp_path: Path) -> None:
    (tmp_path / "notes.jsonl").write_text(note(1), encoding="utf-8")
    assert "exists already" in failure("demo", "--notes-only", str(tmp_path))

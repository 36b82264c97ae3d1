"""`deidrelease corpus` as a user meets it."""

import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from deidrelease.cli.main import cli
from deidrelease.errors import DeidReleaseError
from deidrelease.formats import FORMATS, PatientSource, ReadOptions, open_corpus


def note(number: int, **changes: object) -> dict[str, object]:
    spans = [{"start": 8, "end": 11, "label": "NAME"}]
    return {"note_id": f"n{number}", "patient_id": f"secret{number}", "text": "Seen by Roe.", "spans": spans, **changes}


def write(path: Path, *records: dict[str, object] | str) -> Path:
    lines = [record if isinstance(record, str) else json.dumps(record) for record in records]
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    return write(tmp_path / "notes.jsonl", note(1), note(2), note(3, patient_id="secret1"))


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    bad = [{"start": 8, "end": 99, "label": "NAME"}]
    return write(tmp_path / "bad.jsonl", note(1), note(2, spans=bad), "{", note(1), note(4, text="Seen\x00by Roe."))


def run(*arguments: object) -> Result:
    return CliRunner().invoke(cli, ["corpus", *map(str, arguments)])


def failure(*arguments: object) -> tuple[str, str]:
    """The message and what was printed before it."""
    result = run(*arguments)
    assert isinstance(result.exception, DeidReleaseError), (result.output, result.exception)
    assert result.exception.exit_code == 3
    return str(result.exception), result.output


@pytest.mark.parametrize("command", ["convert", "stats", "check"])
def test_the_help_lists_every_format_and_how_patients_are_named(command: str) -> None:
    shown = run(command, "--help")
    assert shown.exit_code == 0
    assert all(f"\n  {name} " in shown.output for name in FORMATS)
    assert all(word in shown.output for word in ("field:NAME", "file:PATTERN", "table:CSV", "keep-longest"))


def test_convert_says_what_it_wrote(corpus: Path, tmp_path: Path) -> None:
    done = run("convert", corpus, tmp_path / "brat", "--to", "brat")
    assert done.exit_code == 0, done.output
    assert done.output == (f"{tmp_path}/brat: 3 notes of 2 patients with 3 spans, as brat; read back and equal\n")
    assert list(open_corpus(tmp_path / "brat")) == list(open_corpus(corpus))
    unread = run("convert", corpus, tmp_path / "copy.jsonl", "--no-verify")
    assert "not read back" in unread.output
    assert (tmp_path / "copy.jsonl").exists()


def test_convert_with_patients_from_elsewhere(corpus: Path, tmp_path: Path) -> None:
    table = tmp_path / "patients.csv"
    table.write_text("note_id,patient_id\nn1,a\nn2,a\nn3,b\n")
    for where, wanted in (("note", ["n1", "n2", "n3"]), (f"table:{table}", ["a", "a", "b"])):
        target = tmp_path / f"{where[:4]}.jsonl"
        assert run("convert", "--patients", where, corpus, target).exit_code == 0
        assert [n.patient_id for n in open_corpus(target)] == wanted
    assert "does not say where" in failure("convert", "--patients", "guess", corpus, tmp_path / "x.jsonl")[0]


def test_convert_refuses_a_corpus_with_defects_and_leaves_nothing(broken: Path, tmp_path: Path) -> None:
    message, printed = failure("convert", broken, tmp_path / "out.jsonl")
    assert all(f"bad.jsonl:{line}: " in message for line in (2, 3, 4, 5))
    assert printed == ""
    assert [path.name for path in tmp_path.iterdir()] == ["bad.jsonl"]


def test_stats_prints_a_table_and_writes_numbers_and_a_picture(corpus: Path, tmp_path: Path) -> None:
    done = run("stats", corpus, "--json", tmp_path / "s.json", "--plot", tmp_path / "s.svg")
    assert done.exit_code == 0, done.output
    assert "3 notes of 2 patients, 36 characters, 12 tokens, 3 spans of 1 types" in done.output
    record = json.loads((tmp_path / "s.json").read_text())
    assert record["format"] == "deidrelease.corpus-description/1"
    assert record["types"]["NAME"]["shared"]["value"] == 1.0
    assert "NAME" in (tmp_path / "s.svg").read_text()
    for told in (done.output, json.dumps(record), (tmp_path / "s.svg").read_text()):
        assert "Roe" not in told
        assert "secret" not in told


@pytest.mark.parametrize("option", ["--json", "--plot"])
def test_stats_overwrites_nothing(corpus: Path, option: str) -> None:
    assert "exists already" in failure("stats", corpus, option, corpus)[0]


def test_a_picture_is_png_or_svg(corpus: Path, tmp_path: Path) -> None:
    assert "neither .png nor .svg" in failure("stats", corpus, "--plot", tmp_path / "a.pdf")[0]


def test_check_of_a_good_corpus(corpus: Path) -> None:
    done = run("check", corpus)
    assert (done.exit_code, done.output) == (0, "3 note(s) can be used as they are.\n")


def test_check_counts_every_kind_and_shows_places(broken: Path, tmp_path: Path) -> None:
    files = ("--json", tmp_path / "c.json", "--problems", tmp_path / "p.jsonl")
    message, printed = failure("check", broken, *files)
    assert message == f"{broken}: 4 problem(s) of 4 kind(s)."
    assert f"  {broken}:2: span 8-99 is empty or lies outside the text of 12 code points" in printed
    record = json.loads((tmp_path / "c.json").read_text())
    assert {name: kind["count"] for name, kind in record["defects"].items()} == {
        "offsets": 1, "syntax": 1, "duplicate-note-id": 1, "control-characters": 1,
    }  # fmt: skip
    lines = [json.loads(line) for line in (tmp_path / "p.jsonl").read_text().splitlines()]
    assert [line["where"].rpartition(":")[2] for line in lines] == ["2", "3", "4", "5"]
    assert (tmp_path / "p.jsonl").stat().st_mode & 0o777 == 0o600
    for told in (message, printed, json.dumps(record), json.dumps(lines)):
        assert "Roe" not in told
        assert "secret" not in told


def test_check_shows_the_first_places_or_all(tmp_path: Path) -> None:
    path = write(tmp_path / "bad.jsonl", *["{"] * 50)
    _, few = failure("check", path)
    _, every = failure("check", "--all", path)
    assert (few.count("is not JSON"), every.count("is not JSON")) == (20, 50)
    assert "syntax (50, the first 20)" in few


def test_advice_does_not_fail(tmp_path: Path) -> None:
    done = run("check", write(tmp_path / "a.jsonl", note(1), note(2, text="", spans=[])))
    assert done.exit_code == 0
    assert "empty-note" in done.output


def test_fix_writes_a_mended_copy_and_says_what_is_missing_from_it(broken: Path, tmp_path: Path) -> None:
    before = broken.read_bytes()
    message, printed = failure("check", broken, "--fix", tmp_path / "out.jsonl", "--json", tmp_path / "c.json")
    assert message == f"2 note(s) could not be mended and are not in {tmp_path}/out.jsonl."
    assert "mended: control-characters in 1 place(s)" in printed
    assert "left out: 1 note(s) identical to an earlier one" in printed
    assert "left out: 1 note(s) that cannot be mended: offsets" in printed
    assert json.loads((tmp_path / "c.json").read_text())["mended"]["left_out"] == {"offsets": 1, "syntax": 1}
    assert run("check", tmp_path / "out.jsonl").exit_code == 0
    assert broken.read_bytes() == before


def test_fix_that_carries_everything_over_is_well(tmp_path: Path) -> None:
    path = write(tmp_path / "bad.jsonl", note(1), note(4, text="Seen\x00by Roe."))
    done = run("check", path, "--fix", tmp_path / "brat", "--to", "brat")
    assert done.exit_code == 0, done.output
    assert [n.text for n in open_corpus(tmp_path / "brat")] == ["Seen by Roe."] * 2


def test_fix_keeps_the_longest_of_overlapping_spans_or_what_is_chosen(tmp_path: Path) -> None:
    spans = [{"start": 0, "end": 11, "label": "PERSON"}, {"start": 8, "end": 11, "label": "NAME"}]
    path = write(tmp_path / "bad.jsonl", note(1, spans=spans))
    assert "overlap" in failure("check", path)[1]
    assert run("check", path, "--fix", tmp_path / "a.jsonl").exit_code == 0
    assert [len(n.spans) for n in open_corpus(tmp_path / "a.jsonl")] == [1]
    assert run("check", path, "--overlaps", "keep-both", "--fix", tmp_path / "b.jsonl").exit_code == 0
    assert [len(n.spans) for n in open_corpus(tmp_path / "b.jsonl")] == [2]


def test_fix_refuses_before_it_reads(broken: Path, tmp_path: Path) -> None:
    message, printed = failure("check", broken, "--fix", broken)
    assert "exists already" in message
    assert printed == ""
    assert "lies in the corpus" in failure("check", tmp_path, "--from", "jsonl", "--fix", tmp_path / "x.jsonl")[0]


def test_patient_ids_in_file_names_are_masked(tmp_path: Path) -> None:
    folder = tmp_path / "brat"
    folder.mkdir()
    for name, standoff in (("secret1-2020", "T1\tNAME 8 99\tRoe\n"), ("secret2-2020", "R1\tof T1 T2\n")):
        (folder / f"{name}.txt").write_text("Seen by Roe.")
        (folder / f"{name}.ann").write_text(standoff)
    (folder / "secret3-2020.txt").write_text("Seen by Roe.")
    (folder / "secret4-2020.ann").write_text("")
    (folder / "secret5-2020.txt").mkdir()
    (folder / "secret5-2020.ann").write_text("")
    message, printed = failure(
        "check", "--patients", r"file:^(\w+)-.*\.txt$", folder, "--all", "--problems", tmp_path / "p"
    )
    told = message + printed + (tmp_path / "p").read_text()
    assert "secret" not in told
    assert f"{folder}/<patient>-2020.ann:1: " in printed
    assert "5 problem(s)" in message


def test_a_reader_that_is_stopped_leaves_no_mark(tmp_path: Path) -> None:
    """A pipe that nobody reads any more, as `check --all | head` makes one."""
    import subprocess
    import sys

    path = write(tmp_path / "bad.jsonl", *["{"] * 20_000)
    command = f"{sys.executable} -m deidrelease.cli.main corpus check --all {path} | head -1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False, env=dict(os.environ))
    assert "Traceback" not in done.stderr
    assert done.stdout.startswith("syntax: ")


def test_the_corpus_that_is_read_may_be_anywhere_and_options_reach_it(tmp_path: Path) -> None:
    folder = tmp_path / "brat"
    folder.mkdir()
    (folder / "a.txt").write_text("Roe seen Roe")
    (folder / "a.ann").write_text("T1\tNAME 0 3;9 12\tRoe Roe\n#1\tAnnotatorNotes T1\tsure\n")
    assert "discontinuous" in failure("check", "--patients", "note", folder)[1]
    done = run("convert", "--merge", "--patients", "note", folder, tmp_path / "out.jsonl")
    assert done.exit_code == 0, done.output
    (merged,) = open_corpus(tmp_path / "out.jsonl", options=ReadOptions(PatientSource("recorded")))
    assert [(span.start, span.end) for span in merged.spans] == [(0, 12)]

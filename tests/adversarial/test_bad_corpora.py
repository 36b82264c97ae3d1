"""Whatever is wrong with a corpus is told with its place and its kind, quotes nothing private, and leaves nothing."""

import json
import unicodedata
from pathlib import Path

import pytest
from broken_corpora import ADVISED, CASES, OVERLAPPING, Case
from click.testing import CliRunner

from deidrelease.cli.main import cli
from deidrelease.errors import DeidReleaseError
from deidrelease.formats import FORMATS, open_corpus
from deidrelease.formats.defects import KINDS

PRIVATE = ("Zoltan", "Zolt", "pat-4711", "pat-0815", "again", "was seen")


def corpus_command(*arguments: object) -> tuple[int, str]:
    """Exit code, and all that was printed or would be."""
    result = CliRunner().invoke(cli, ["corpus", *map(str, arguments)])
    if result.exception is None:
        return result.exit_code, result.output
    assert isinstance(result.exception, DeidReleaseError), result.exception
    return result.exception.exit_code, f"{result.output}\n{result.exception}"


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_defect_is_told_and_nothing_is_written(case: Case, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    source = case.make(folder)
    reading = ("--from", case.format_name, *case.arguments, source)
    code, told = corpus_command("check", *reading, "--json", tmp_path / "found.json")
    assert code == 3, told
    record = (tmp_path / "found.json").read_text(encoding="utf-8")
    defects = json.loads(record)["defects"]
    assert case.kind in defects, defects
    assert defects.keys() <= KINDS.keys()
    assert defects[case.kind]["first"][0]["where"].endswith(case.place), defects
    code, refusal = corpus_command("convert", *reading, tmp_path / "out.jsonl")
    assert code == 3
    assert f"{case.place}: " in refusal
    assert [word for word in PRIVATE if word in told + record + refusal] == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["found.json", "in"]


@pytest.mark.parametrize("case", ADVISED, ids=str)
def test_what_is_only_odd_is_told_and_kept_as_it_is(case: Case, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    source = case.make(folder)
    reading = ("--from", case.format_name, *case.arguments, source)
    code, told = corpus_command("check", *reading, "--json", tmp_path / "found.json")
    assert code == 0, told
    (first,) = json.loads((tmp_path / "found.json").read_text())["advice"][case.kind]["first"]
    assert first["where"].endswith(case.place)
    assert corpus_command("convert", *reading, tmp_path / "out.jsonl")[0] == 0
    text = list(open_corpus(tmp_path / "out.jsonl"))[1].text
    assert {
        "line-ends": "\r\n" in text,
        "empty-note": text == "",
        "not-nfc": bool(text) and text != unicodedata.normalize("NFC", text),
    }[case.kind]
    assert [word for word in PRIVATE if word in told] == []


@pytest.mark.parametrize("case", OVERLAPPING, ids=str)
def test_overlaps_by_the_three_policies(case: Case, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    reading = ("--from", case.format_name, *case.arguments, case.make(folder))
    assert corpus_command("convert", *reading, "--overlaps", "error", tmp_path / "a.jsonl")[0] == 3
    found = {}
    for policy in ("keep-longest", "keep-both"):
        target = tmp_path / f"{policy}.jsonl"
        assert corpus_command("convert", *reading, "--overlaps", policy, target)[0] == 0
        found[policy] = [(span.start, span.end, span.label) for span in list(open_corpus(target))[1].spans]
    nested = case.defect.startswith("nested")
    assert found["keep-longest"] == [(0, 10, "PERSON")]
    assert found["keep-both"] == [(0, 10, "PERSON"), (2, 4, "PART") if nested else (7, 10, "NAME")]


def test_every_format_that_is_read_is_here() -> None:
    """INCEpTION's and the archives' own bad inputs stand with their readers' tests."""
    readable = {name for name, form in FORMATS.items() if form.read}
    assert readable - {case.format_name for case in CASES} <= {"inception"}

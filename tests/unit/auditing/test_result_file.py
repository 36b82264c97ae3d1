"""What is written of a run of audits: equal bytes for equal runs, private where private, read back strictly."""

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from made.notes_of import KEY, corpora_of
from made.small_audits import Crashing, SharedLines

from deidrelease.auditing.result import AuditResult, read_result
from deidrelease.auditing.running import audit
from deidrelease.auditing.writing import FINDINGS, RESULT, finding_id, write_result
from deidrelease.engine import LocalEngine
from deidrelease.errors import ArtifactError
from deidrelease.keys import new_key

GOLDEN = Path(__file__).parents[2] / "golden" / "audit-result-1.json"


def result_of(characters: int = 2_000_000) -> AuditResult:
    train, holdout = ["shared by both", "in train alone, and long enough to be counted as decisive"], ["shared by both"]
    audits = {"shared_lines": SharedLines(), "crashing": Crashing(where="index")}
    corpora = corpora_of(
        ["shared by both", "in train alone, and long enough to be counted as decisive"], train, holdout
    )
    result = audit(corpora, audits, LocalEngine(1, characters))
    # A line number in a test's own file would move with every edit of it.
    reports = tuple(replace(r, reason=r.reason.split(".py:")[0]) for r in result.audits)
    return replace(result, version="0", audits=reports)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_result(result_of(), tmp_path, KEY)
    return tmp_path


def test_the_document_is_as_it_was(folder: Path) -> None:
    if os.environ.get("DEIDRELEASE_UPDATE_GOLDEN"):
        GOLDEN.parent.mkdir(exist_ok=True)
        GOLDEN.write_bytes((folder / RESULT).read_bytes())
    assert (folder / RESULT).read_text(encoding="utf-8") == GOLDEN.read_text(encoding="utf-8")


def test_equal_runs_write_equal_bytes_however_they_are_cut(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    write_result(result_of(characters=5), other, KEY)
    for name in (RESULT, FINDINGS):
        assert (other / name).read_bytes() == (folder / name).read_bytes()


def test_findings_are_their_owners_alone_from_the_first_moment(tmp_path: Path) -> None:
    before = os.umask(0)  # whatever the user's habits are
    modes = []

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open" and str(arguments[0]).endswith(FINDINGS):
            modes.append(arguments[2])

    try:
        import sys

        sys.addaudithook(watch)
        write_result(result_of(), tmp_path, KEY)
    finally:
        os.umask(before)
    assert (tmp_path / FINDINGS).stat().st_mode & 0o777 == 0o600
    assert modes
    assert modes[0] & os.O_EXCL


def test_a_finding_has_a_keyed_name_and_says_all(folder: Path) -> None:
    records = [json.loads(line) for line in (folder / FINDINGS).read_text(encoding="utf-8").splitlines()]
    assert {record["value"] for record in records} == {
        "shared by both", "in train alone, and long enough to be counted as decisive",
    }  # fmt: skip
    assert len({record["id"] for record in records}) == len(records) == 3
    findings = result_of().findings
    assert {finding_id(f, KEY) for f in findings} == {record["id"] for record in records}
    assert not {finding_id(f, new_key()) for f in findings} & {record["id"] for record in records}
    assert {(r["private_note"], r["arm"]) for r in records} == {("t0", "train"), ("t1", "train"), ("h0", "holdout")}


def test_what_was_written_is_read_back_without_the_findings(folder: Path) -> None:
    assert read_result(folder / RESULT) == replace(result_of(), findings=())


def test_findings_do_not_stand_in_a_repr() -> None:
    assert "shared by both" not in repr(result_of())


Change = Callable[[dict[str, Any]], Any]


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d.update(format="deidrelease.audit-result/2"),
        lambda d: d.pop("format"),
        lambda d: d.pop("scanned"),
        lambda d: d.update(scanned="3"),
        lambda d: d.update(scanned=True),
        lambda d: d.update(more=1),
        lambda d: d["audits"][0].update(status="passed"),
        lambda d: d["audits"][0].pop("null"),
        lambda d: d["audits"][0]["metrics"]["lines"].pop("low"),
        lambda d: d["audits"][0]["metrics"]["lines"].update(low=9),
        lambda d: d["audits"][0]["metrics"]["lines"].update(value="2"),
        lambda d: d["audits"][0]["metrics"]["lines"].update(value=float("nan")),
        lambda d: d["audits"][0].update(p_value=2),
        lambda d: d["audits"][0].update(metrics=[]),
        lambda d: d["audits"].append(d["audits"][0]),
        lambda d: d["corpora"].update(other=d["corpora"]["train"]),
        lambda d: d["corpora"]["train"].update(keyed="no"),
        lambda d: d["family"]["adjusted"].update(a=-1),
        lambda d: d.update(audits={}, corpora=[]),
    ],
)
def test_what_is_not_whole_is_no_result(folder: Path, change: Change) -> None:
    document = json.loads((folder / RESULT).read_text(encoding="utf-8"))
    change(document)
    (folder / RESULT).write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(ArtifactError):
        read_result(folder / RESULT)


@pytest.mark.parametrize("text", ["", "[]", "null", "{", '{"format": NaN}', "[" * 100_000])
def test_what_is_no_document_is_no_result(tmp_path: Path, text: str) -> None:
    (tmp_path / RESULT).write_text(text, encoding="utf-8")
    with pytest.raises(ArtifactError):
        read_result(tmp_path / RESULT)
    with pytest.raises(ArtifactError, match="cannot be read"):
        read_result(tmp_path / "missing.json")

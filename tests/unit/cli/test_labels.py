"""`deidrelease labels`, and what `deidrelease check` says of labels without a meaning."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from deidrelease.checks import check_release
from deidrelease.cli.main import cli
from deidrelease.demo import hospital
from deidrelease.formats import jsonl, open_corpus
from deidrelease.labels import load_label_map, shipped_label_maps
from deidrelease.settings import ReleaseConfig


def test_list_names_every_shipped_map() -> None:
    shown = CliRunner().invoke(cli, ["labels", "list"])
    assert shown.exit_code == 0
    assert [line.split(":")[0] for line in shown.output.splitlines()] == list(shipped_label_maps())


def test_show_prints_a_map_to_start_from(tmp_path: Path) -> None:
    shown = CliRunner().invoke(cli, ["labels", "show", "demo"])
    copy = tmp_path / "mine.yaml"
    copy.write_text(shown.output, encoding="utf-8")
    assert load_label_map(copy) == load_label_map("demo")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("corpus") / "notes.jsonl"
    jsonl.write(hospital.notes(20, ["es"]), path)
    return path


def found(corpus: Path, labels: str | None) -> list[str]:
    document = {"run_dir": str(corpus.parent / "run"), "corpus": {"path": str(corpus), "labels": labels}}
    report = check_release(ReleaseConfig.model_validate(document))
    return [str(problem) for problem in report.problems if "corpus.labels" in problem.where]


def test_check_lists_the_labels_that_the_map_lacks(corpus: Path) -> None:
    assert found(corpus, None) == found(corpus, "demo") == []
    there = {span.label for note in open_corpus(corpus) for span in note.spans}
    problems = found(corpus, "presidio")
    assert sorted(there - {"AGE", "EMAIL"}) == [problem.split("'")[1] for problem in problems]
    assert all("span" in problem for problem in problems)


def test_check_says_that_there_is_no_such_map(corpus: Path) -> None:
    (problem,) = found(corpus, "nowhere.yaml")
    assert "there is no such map" in problem

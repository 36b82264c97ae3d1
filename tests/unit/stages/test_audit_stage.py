"""The audit stage: which notes it judges, what makes it stale, and what it leaves."""

from pathlib import Path

import pytest
from made.plugins import SMALL, register

from deidrelease import pipeline, release
from deidrelease.auditing.result import read_result
from deidrelease.formats import jsonl
from deidrelease.keys import load_or_make_key
from deidrelease.notes import Note
from deidrelease.pipeline import Source
from deidrelease.settings import AuditSettings, ReleaseConfig
from deidrelease.stages.audit import SITE_KEY, Audit, commonest_language
from deidrelease.work import Finished

SPANISH = "La paciente ingresa por dolor de pecho y de la espalda en el hospital."
ENGLISH = "The patient was seen in the ward and sent home by the nurse with the same drug."


@pytest.fixture(autouse=True)
def _registered(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(register(tmp_path_factory.mktemp("plugin"), SMALL)))


@pytest.fixture
def sources(tmp_path: Path) -> dict[str, Source]:
    texts = {
        "annotate/notes.jsonl": ["copied"], "substitute/notes.jsonl": ["other"],
        "split/train.jsonl": ["copied", SPANISH], "split/holdout.jsonl": ["nothing", "at all"],
    }  # fmt: skip
    sources = {}
    for name, lines in texts.items():
        path = tmp_path / "made" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        jsonl.write((Note(f"{name}{i}", f"{name}{i}", text) for i, text in enumerate(lines)), path)
        sources[name] = Source(path, path.read_text)
    (tmp_path / "run").mkdir()
    load_or_make_key(tmp_path / "run" / SITE_KEY)
    sources[SITE_KEY] = Source(tmp_path / "run" / SITE_KEY, lambda: "one")
    sources["annotator"] = Source(tmp_path / "made", lambda: "none")
    return sources


def settings(**told: object) -> AuditSettings:
    return AuditSettings.model_validate({"only": ["shared_lines"], **told})


def run(stage: Audit, sources: dict[str, Source], run_dir: Path) -> Finished:
    [finished] = pipeline.run([stage], run_dir, sources, seed=1)
    return finished


@pytest.mark.parametrize(("substituted", "lines"), [(False, 1), (True, 0)])
def test_it_judges_what_would_be_released(
    substituted: bool, lines: int, sources: dict[str, Source], tmp_path: Path
) -> None:
    finished = run(Audit(settings(), "demo", "auto", substituted), sources, tmp_path / "run")
    result = read_result(tmp_path / "run" / "audit" / "result.json")
    assert result.audits[0].metrics["lines"].value == lines
    assert (result.settings["language"], result.settings["tagger"]) == ("es", True)
    assert {name: output.visibility for name, output in finished.receipt.outputs.items()} == {
        "result.json": "releasable", "findings.private.jsonl": "private",
    }  # fmt: skip
    again = run(Audit(settings(workers=2), "demo", "auto", substituted), sources, tmp_path / "run")
    assert not again.ran


@pytest.mark.parametrize(
    "other",
    [
        Audit(settings(language="en"), "demo", "auto"),
        Audit(settings(), "meddocan", "auto"),
        Audit(settings(), "demo", "sv"),
    ],
)
def test_what_decides_the_result_makes_it_stale(other: Audit, sources: dict[str, Source], tmp_path: Path) -> None:
    run(Audit(settings(), "demo", "auto"), sources, tmp_path / "run")
    assert run(other, sources, tmp_path / "run").ran


def test_the_language_is_that_of_most_notes() -> None:
    notes = [Note(str(i), str(i), text) for i, text in enumerate([ENGLISH, SPANISH, SPANISH, "7"])]
    assert commonest_language(notes) == "es"
    assert commonest_language(notes[3:]) is None


def test_the_gate_comes_last_and_goes_with_the_audits(tmp_path: Path) -> None:
    told = {"run_dir": str(tmp_path), "corpus": {"path": "x", "labels": "demo"}}
    names = [stage.name for stage in release.stages_of(ReleaseConfig.model_validate(told))]
    assert names[-2:] == ["audit", "gate"]
    without = ReleaseConfig.model_validate({**told, "audit": {"enabled": False}})
    assert not {"audit", "gate"} & {stage.name for stage in release.stages_of(without)}

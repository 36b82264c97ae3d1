"""What a bundle says of differential privacy: what the trainings left behind, and nothing where they left nothing."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from made.finished_runs import material_of, request_of, signer_of, write_run

pytest.importorskip("dp_accounting", reason="needs deidrelease[dp]")
pytest.importorskip("opacus", reason="needs deidrelease[dp]")

from deidrelease.bundle import layout
from deidrelease.bundle.collecting import Material, promises_of
from deidrelease.bundle.making import Made, make
from deidrelease.errors import PrivacyError
from deidrelease.privacy.events import PoissonGaussian
from deidrelease.privacy.guarantee import guarantee, guarantee_document
from deidrelease_audits.file_scan import Files

EVENT = PoissonGaussian(0.05, 2.0, 40)
OUTSIDE = "The hold-out patients, on whom figures are exact."


def stated() -> dict[str, object]:
    return guarantee_document(guarantee([EVENT], 1e-5, "patient", 200, 1.0, 1, [OUTSIDE]))


def trained(run: Path, stage: str, document: dict[str, object]) -> None:
    (run / stage).mkdir()
    (run / stage / "privacy.json").write_text(json.dumps({"guarantee": document}), encoding="utf-8")


def bundled(folder: Path, material: Material, **more: object) -> Made:
    outcome = make(material, request_of(folder), signer_of("release"), Files(), folder / "b", **more)  # type: ignore[arg-type]
    assert isinstance(outcome, Made)
    return outcome


def test_a_run_without_a_guarantee_promises_nothing(tmp_path: Path) -> None:
    write_run(tmp_path / "run")
    trained(tmp_path / "run", "annotator", stated())  # the notes come from the language model
    material = material_of(tmp_path / "run")
    assert material.differential_privacy is None
    facts = bundled(tmp_path, material).release.privacy
    assert facts.differential_privacy is None and facts.statement.startswith("No differential privacy")


@pytest.mark.parametrize(
    ("annotator", "said"), [(False, "has no such bound"), (True, "each with an epsilon of its own")]
)
def test_a_guarantee_stands_in_the_release_the_statement_and_the_report(
    tmp_path: Path, annotator: bool, said: str
) -> None:
    write_run(tmp_path / "run")
    for stage in ("adapt", "annotator")[: 1 + annotator]:
        trained(tmp_path / "run", stage, stated())
    made = bundled(tmp_path, material_of(tmp_path / "run"))
    release = json.loads((made.folder / layout.RELEASE).read_bytes())["privacy"]
    assert release["differential_privacy"] == {"adapt": stated(), "annotator": stated() if annotator else None}
    assert said in release["statement"]
    assert "0.0500" not in release["statement"]
    report = (made.folder / layout.REPORT).read_text(encoding="utf-8")
    assert OUTSIDE in report and "add or remove one patient" in report


def test_a_guarantee_that_was_changed_keeps_the_bundle_from_being_made(tmp_path: Path) -> None:
    write_run(tmp_path / "run")
    trained(tmp_path / "run", "adapt", {**stated(), "events": [{**EVENT.document(), "steps": 4}]})
    with pytest.raises(PrivacyError, match="cannot be used"):
        promises_of(tmp_path / "run")


def test_a_release_that_cannot_be_written_down_is_not_made(tmp_path: Path) -> None:
    write_run(tmp_path / "run")

    def full() -> None:
        raise PrivacyError("The ledger is damaged.")

    with pytest.raises(PrivacyError, match="damaged"):
        bundled(tmp_path, material_of(tmp_path / "run"), record=full)
    assert not (tmp_path / "b").exists()


def test_a_release_is_written_down_once_and_a_draft_is_not(tmp_path: Path) -> None:
    write_run(tmp_path / "run")
    material, seen = material_of(tmp_path / "run"), []
    bundled(tmp_path, material, record=lambda: seen.append((tmp_path / "b").exists()))
    assert seen == [False]  # before it has its name
    draft = replace(request_of(tmp_path), draft=True)
    assert isinstance(make(material, draft, None, Files(), tmp_path / "d", record=lambda: seen.append(True)), Made)
    assert seen == [False]

"""The whole flow with surrogates on both sides of the language model, and what the hold-out decides in it then."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from deidrelease import release
from deidrelease.formats import jsonl, open_corpus
from deidrelease.labels import load_label_map
from deidrelease.notes import Note
from deidrelease.settings import ReleaseConfig
from deidrelease.stages.split import side_of
from deidrelease.surrogates import Forbidden
from deidrelease.work import stage_seed

DEMO = load_label_map("demo")


def with_surrogates(config: ReleaseConfig) -> ReleaseConfig:
    document = config.model_dump(mode="json")
    document["corpus"]["labels"] = "demo"
    document["adapt"]["pseudonymise"] = True
    # Notes of a model this small show no language.
    document["substitute"] = {"enabled": True, "language": "es"}
    return ReleaseConfig.model_validate(document)


@pytest.mark.slow
def test_no_private_value_reaches_the_recipient_and_the_holdout_decides_no_model_before_substitute(
    make_config: Callable[..., ReleaseConfig], notes: list[Note], tmp_path: Path
) -> None:
    config = with_surrogates(make_config(tmp_path / "run"))
    receipts = {f.receipt.stage: f.receipt for f in release.run(config)}

    leaves = {
        f"{stage}/{name.split('/')[0]}"
        for stage, receipt in receipts.items()
        for name, output in receipt.outputs.items()
        if output.visibility == "releasable"
    }
    assert {name for name in leaves if not name.startswith("evaluate/")} == {
        "substitute/notes.jsonl",
        "substitute/brat",
        "audit/result.json",
        "gate/verdict.json",
    }
    forbidden = Forbidden.from_notes(notes, DEMO)
    synthetic = list(open_corpus(tmp_path / "run/substitute/notes.jsonl", "jsonl"))
    assert [
        span.label
        for note in synthetic
        for span in note.spans
        if DEMO[span.label].surrogate != "age" and forbidden.hit(note.value(span), DEMO[span.label].surrogate)
    ] == []

    seed = stage_seed(config.seed, "split")
    changed = [
        replace(note, text=note.text + " Ñandú 7")
        if side_of(note.patient_id, config.split, seed) == "holdout"
        else note
        for note in notes
    ]
    jsonl.write(changed, tmp_path / "other.jsonl")
    other_config = with_surrogates(make_config(tmp_path / "other", path=tmp_path / "other.jsonl"))
    other = {f.receipt.stage: f.receipt for f in release.run(other_config, until="substitute")}
    for stage in ("annotator", "pseudonymise", "adapt", "generate", "annotate"):
        assert (stage, other[stage].outputs) == (stage, receipts[stage].outputs)
    # The text of the hold-out changed and its values did not: what substitute rejects is the same.
    assert other["substitute"].outputs == receipts["substitute"].outputs
    assert other["substitute"].fingerprint != receipts["substitute"].fingerprint

"""The two stages that write surrogates, on the fictitious hospital's notes and without any model."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from deidrelease.demo import hospital
from deidrelease.errors import CorpusError
from deidrelease.formats import jsonl, open_corpus
from deidrelease.labels import load_label_map
from deidrelease.notes import Note
from deidrelease.release import stages_of
from deidrelease.settings import ReleaseConfig, SubstituteSettings
from deidrelease.stages.pseudonymise import Pseudonymise
from deidrelease.stages.substitute import Substitute
from deidrelease.surrogates import Forbidden

DEMO = load_label_map("demo")
COMPARED = sorted(label for label, meaning in DEMO.labels.items() if meaning.surrogate != "age")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder as far as the two stages look at it; the synthetic notes are those of other patients."""
    root = tmp_path_factory.mktemp("run")
    for index, (name, patients) in enumerate(
        (("split/train", 12), ("split/dev", 4), ("split/holdout", 6), ("annotate/notes", 12))
    ):
        (root / name).parent.mkdir(exist_ok=True)
        jsonl.write(hospital.notes(patients, seed=index), root / f"{name}.jsonl")
    return root


def run(stage: Any, folder: Path, out: Path, seed: int = 5) -> Path:
    out.mkdir(parents=True)
    stage.run({name: folder / name for name in stage.after}, out, seed)
    return out


def values(*paths: Path) -> list[str]:
    return [
        note.value(span)
        for path in paths
        for note in open_corpus(path, "jsonl")
        for span in note.spans
        if span.label in COMPARED
    ]


def outside(note: Note) -> str:
    return "\0".join(
        note.text[a:b]
        for a, b in zip(
            [0, *(span.end for span in note.spans)], [*(span.start for span in note.spans), len(note.text)], strict=True
        )
    )


def closed_set(value: str) -> bool:
    return not any(c.isdigit() for c in value)  # a month alone; years alone the hospital does not write


def test_substitute_writes_the_same_notes_with_values_new_to_the_private_corpus(folder: Path, tmp_path: Path) -> None:
    out = run(Substitute(SubstituteSettings(enabled=True), "demo"), folder, tmp_path / "out")
    old, new = (list(open_corpus(path, "jsonl")) for path in (folder / "annotate/notes.jsonl", out / "notes.jsonl"))
    assert [outside(note) for note in new] == [outside(note) for note in old]
    private = Forbidden(values(*(folder / f"split/{side}.jsonl" for side in ("train", "dev", "holdout"))))
    kinds = {span.label: DEMO[span.label].surrogate for note in new for span in note.spans}
    hits = [
        (span.label, note.note_id)
        for note in new
        for span in note.spans
        if span.label in COMPARED and private.hit(note.value(span), kinds[span.label])
    ]
    assert hits == []
    assert len(list((out / "brat").glob("*.txt"))) == len(new)


def test_the_counts_hold_no_value(folder: Path, tmp_path: Path) -> None:
    out = run(Substitute(SubstituteSettings(enabled=True), "demo"), folder, tmp_path / "out")
    text = (out / "substitution.json").read_text(encoding="utf-8")
    counts = json.loads(text)
    old = list(open_corpus(folder / "annotate/notes.jsonl", "jsonl"))
    assert counts["notes"] == len(old)
    assert counts["label_map"] == {"name": "demo", "version": 1}
    assert sum(c["replaced"] + c["same"] for c in counts["labels"].values()) == sum(len(note.spans) for note in old)
    assert counts["labels"]["AGE"]["kind"] == "age"
    assert {label: c["same"] for label, c in counts["labels"].items() if label in COMPARED and c["same"]} == {}
    assert [value for value in values(out / "notes.jsonl") if len(value) > 4 and value in text] == []


def test_pseudonymise_leaves_no_gold_value_in_the_training_notes(folder: Path, tmp_path: Path) -> None:
    out = run(Pseudonymise(SubstituteSettings(), "demo"), folder, tmp_path / "out")
    for side in ("train", "dev"):
        old, new = (list(open_corpus(path / f"{side}.jsonl", "jsonl")) for path in (folder / "split", out))
        assert [(n.note_id, n.patient_id, outside(n)) for n in new] == [
            (n.note_id, n.patient_id, outside(n)) for n in old
        ]
    gold = set(values(folder / "split/train.jsonl", folder / "split/dev.jsonl"))
    assert len(gold) > 100
    assert gold.isdisjoint(values(out / "train.jsonl", out / "dev.jsonl"))
    assert sorted(path.name for path in out.iterdir()) == ["dev.jsonl", "pseudonymisation.json", "train.jsonl"]


def test_the_order_of_the_notes_decides_nothing(folder: Path, tmp_path: Path) -> None:
    backwards = tmp_path / "backwards"
    (backwards / "annotate").mkdir(parents=True)
    (backwards / "split").symlink_to(folder / "split")
    notes = list(open_corpus(folder / "annotate/notes.jsonl", "jsonl"))
    jsonl.write(reversed(notes), backwards / "annotate/notes.jsonl")
    stage = Substitute(SubstituteSettings(enabled=True), "demo")
    forwards, back = (
        list(open_corpus(run(stage, root, tmp_path / name) / "notes.jsonl", "jsonl"))
        for root, name in ((folder, "a"), (backwards, "b"))
    )
    assert forwards == back[::-1]


def test_an_unmapped_label_stops_the_stage_before_anything_is_written(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(CorpusError) as caught:
        run(Substitute(SubstituteSettings(enabled=True), "swedish-ner"), folder, tmp_path / "out")
    assert len(caught.value.problems) == 14
    assert list((tmp_path / "out").iterdir()) == []


def stages(**sections: Any) -> dict[str, Any]:
    config = {"run_dir": "/tmp/r", "corpus": {"path": "n.jsonl", "labels": "demo"}, **sections}
    return {stage.name: stage for stage in stages_of(ReleaseConfig.model_validate(config))}


def test_without_surrogates_the_flow_is_what_it_was() -> None:
    flow = stages()
    names = ["split", "annotator", "adapt", "generate", "annotate", "train", "evaluate", "audit", "gate"]
    assert list(flow) == names
    assert flow["adapt"].after == ("split/train.jsonl", "split/dev.jsonl")
    assert flow["generate"].after == ("adapt", "split/train.jsonl")
    assert flow["train"].after == ("annotate/notes.jsonl",)
    assert flow["audit"].after[0] == "annotate/notes.jsonl"
    assert flow["annotate"].releasable == {"notes.jsonl", "brat"}


def test_with_surrogates_no_model_and_no_recipient_meets_the_other_notes() -> None:
    flow = stages(substitute={"enabled": True}, adapt={"pseudonymise": True})
    assert list(flow) == [
        "split", "annotator", "pseudonymise", "adapt", "generate", "annotate", "substitute", "train", "evaluate",
        "audit", "gate",
    ]  # fmt: skip
    assert flow["adapt"].after == ("pseudonymise/train.jsonl", "pseudonymise/dev.jsonl")
    assert flow["generate"].after == ("adapt", "pseudonymise/train.jsonl")
    assert flow["train"].after == ("substitute/notes.jsonl",)
    assert flow["audit"].after[0] == "substitute/notes.jsonl"
    assert flow["annotate"].releasable == frozenset()
    assert flow["substitute"].releasable == {"notes.jsonl", "brat"}
    # A receipt from before, which calls the tagged notes releasable, must not be taken up.
    assert flow["annotate"].settings() != stages()["annotate"].settings()


def test_surrogates_without_a_label_map_are_refused() -> None:
    make: Callable[..., Any] = stages
    for sections in ({"substitute": {"enabled": True}}, {"adapt": {"pseudonymise": True}}):
        with pytest.raises(ValueError, match=r"corpus\.labels"):
            make(corpus={"path": "n.jsonl"}, **sections)

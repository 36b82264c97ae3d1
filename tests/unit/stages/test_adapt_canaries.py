"""The stage adapt makes canaries up that equal nothing it may see: notes with surrogates, and gold ones as well."""

from dataclasses import replace
from pathlib import Path

import pytest

from deidrelease.canaries import crafting
from deidrelease.canaries.record import CANARIES, read_record
from deidrelease.demo import hospital
from deidrelease.formats import jsonl, open_corpus
from deidrelease.privacy.account import Account
from deidrelease.settings import AdaptSettings, ComputeSettings
from deidrelease.stages.adapt import Adapt

GOLD, SURROGATE = "Kafpaz", "Wokjit"


def stage_in(folder: Path, canaries: int | None, pseudonymise: bool) -> Adapt:
    settings = AdaptSettings.model_validate(
        {
            "scratch": {"layers": 1, "hidden": 32, "heads": 2, "vocabulary": 330, "dropout": 0.0},
            "context": 48, "epochs": 1, "batch_size": 8, "pseudonymise": pseudonymise,
            "canaries": None if canaries is None else {"count": canaries, "words": 2},
        }
    )  # fmt: skip
    account = Account(folder / "ledgers", lambda: open_corpus(folder / "train.jsonl", "jsonl"), folder)
    return Adapt(settings, ComputeSettings(device="cpu", threads=1), account)


@pytest.mark.parametrize("pseudonymise", [False, True])
@pytest.mark.parametrize("canaries", [None, 20])
def test_gold_notes_are_read_behind_surrogates_only_to_keep_canaries_apart(
    tmp_path: Path, canaries: int | None, pseudonymise: bool
) -> None:
    after = stage_in(tmp_path, canaries, pseudonymise).after
    gold = ("split/train.jsonl", "split/dev.jsonl")
    if not pseudonymise:
        assert after == gold
        return
    assert after == ("pseudonymise/train.jsonl", "pseudonymise/dev.jsonl", *(gold if canaries else ()))


def test_no_canary_has_a_value_of_gold_or_a_surrogate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    notes = list(hospital.notes(6, languages=("en",), seed=2))
    sides = {"train": notes[:-1], "dev": notes[-1:]}
    inputs = {}
    for folder, value in (("split", GOLD), ("pseudonymise", SURROGATE)):
        for side, own in sides.items():
            inputs[f"{folder}/{side}.jsonl"] = tmp_path / f"{folder}-{side}.jsonl"
            # Only dev has the value: what is merely looked at counts too.
            told = [replace(note, text=f"{note.text} {value}") for note in own] if side == "dev" else own
            jsonl.write(told, inputs[f"{folder}/{side}.jsonl"])
    real = crafting._word
    first = iter([GOLD, "Zokzok", "Zikzik", SURROGATE])
    monkeypatch.setattr(crafting, "_word", lambda: next(first, None) or real())
    out = tmp_path / "out"
    out.mkdir()
    stage_in(tmp_path, 20, True).run(inputs, out, 1)
    words = {word for canary in read_record(out / CANARIES).canaries for word in canary.words}
    assert next(first, None) is None  # both were proposed, in the first two canaries, and drawn anew
    assert len(words) == 40
    assert words.isdisjoint({GOLD, SURROGATE})

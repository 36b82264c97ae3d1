"""Adapting with a guarantee: one example a unit, guards, the record, the ledger."""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

pytest.importorskip("opacus", reason="the extra dp is not installed")
pytest.importorskip("dp_accounting", reason="the extra dp is not installed")

from deidrelease.config import load_config
from deidrelease.errors import ConfigError, ModelError, PrivacyError
from deidrelease.formats import jsonl, open_corpus
from deidrelease.models.bpe import train_bpe
from deidrelease.models.causal.language_model import LanguageModel, _with_lora
from deidrelease.models.causal.private_adaptation import PrivateAdaptation, _Windows, adapt_privately, require_learnt
from deidrelease.models.causal.rows import Pieces, stored_tokens
from deidrelease.models.devices import Place
from deidrelease.models.private.plan import Plan
from deidrelease.models.private.training import PrivateFit
from deidrelease.notes import Note
from deidrelease.privacy.account import Account
from deidrelease.privacy.entries import Step
from deidrelease.privacy.events import PoissonGaussian
from deidrelease.privacy.guarantee import parse_guarantee, require_recomputed
from deidrelease.privacy.poisson import Coins
from deidrelease.privacy.units import Units
from deidrelease.settings import AdaptSettings, ComputeSettings, DpSettings, LoraSettings
from deidrelease.stages.adapt import Adapt

MakeModel = Callable[[str], Any]
SENTENCES = [
    f"Paciente {i}. Acude el {i % 28 + 1} de mayo por dolor {word} y se indica reposo."
    for i, word in enumerate(["lumbar", "torácico", "abdominal", "leve"] * 12)
]
NOTES = [Note(f"n{i}", f"p{i // 2}", text) for i, text in enumerate(SENTENCES)]
TRAIN, DEV = NOTES[:40], NOTES[40:]


@pytest.fixture(scope="module")
def base(make_model: MakeModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny Llama in a folder, with a tokenizer of other text."""
    folder = tmp_path_factory.mktemp("base")
    tokenizer = train_bpe(iter(SENTENCES), 330, causal=True)
    model = make_model("Llama")
    model.resize_token_embeddings(len(tokenizer), mean_resizing=False)
    model.config.bos_token_id, model.config.eos_token_id, model.config.pad_token_id = 1, 2, 0
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


class Run:
    """The stage over forty notes of twenty patients."""

    def __init__(self, base: Path, folder: Path, **dp: Any) -> None:
        self.folder, self.out = folder, folder / "out"
        self.out.mkdir(parents=True, exist_ok=True)
        if not (folder / "train.jsonl").exists():
            jsonl.write(TRAIN, folder / "train.jsonl")
            jsonl.write(DEV, folder / "dev.jsonl")
        settings = AdaptSettings(
            model=str(base),
            context=24,
            lora=LoraSettings(rank=2),
            dp=DpSettings.model_validate({"epsilon": 8, "steps": 12, "learning_rate": 0.02, **dp}),
        )
        account = Account(folder / "ledgers", lambda: open_corpus(folder / "train.jsonl", "jsonl"), folder)
        self.stage = Adapt(settings, ComputeSettings(device="cpu", threads=1), account)

    def __call__(self) -> dict[str, Any]:
        inputs = {"split/train.jsonl": self.folder / "train.jsonl", "split/dev.jsonl": self.folder / "dev.jsonl"}
        self.stage.run(inputs, self.out, 1)
        document: dict[str, Any] = json.loads((self.out / "privacy.json").read_text())
        return document

    def steps(self) -> tuple[Step, ...]:
        return self.stage.account.ledger().steps()


@pytest.mark.slow
def test_a_stage_with_dp_says_what_was_spent_and_writes_it_down(base: Path, tmp_path: Path) -> None:
    run = Run(base, tmp_path)
    document = run()
    made = parse_guarantee(document["guarantee"])
    require_recomputed(made)
    assert 7.5 < made.epsilon <= 8
    assert (made.unit, made.units, made.group_factor, made.delta) == ("patient", 20, None, 0.01)
    assert [event["steps"] for event in made.events] == [12]
    assert any("Annotator" in line for line in made.outside) and any("Early stopping" in line for line in made.outside)
    (step,) = run.steps()
    assert (step.stage, step.mechanism, step.state) == ("adapt", "dp-sgd", "done")
    assert [event.document() for event in step.events or ()] == list(made.events)
    adaptation = json.loads((run.out / "adaptation.json").read_text())
    assert adaptation["loss_after"] < adaptation["loss_before"] and adaptation["unmoved"] == 0
    assert "history" not in json.dumps(adaptation)
    assert (run.out / "model" / "adapter_model.safetensors").exists()


@pytest.mark.slow
def test_notes_as_units_tell_the_factor_of_the_patient_with_most(base: Path, tmp_path: Path) -> None:
    made = parse_guarantee(Run(base, tmp_path, unit="note")()["guarantee"])
    assert (made.unit, made.units, made.group_factor) == ("note", 40, 2)
    assert made.neighbouring == "add or remove one note"


@pytest.mark.slow
def test_a_patients_notes_counted_as_many_patients_are_caught(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sound = Units.from_notes.__func__  # type: ignore[attr-defined]

    def each_note_a_patient(cls: type[Units], notes: Any, unit: str) -> Units:
        return replace(sound(cls, notes, "note"), unit=unit)

    monkeypatch.setattr(Units, "from_notes", classmethod(each_note_a_patient))
    with pytest.raises(PrivacyError, match="counted as several patients"):
        Run(base, tmp_path)()
    assert not (tmp_path / "out" / "privacy.json").exists()


@pytest.mark.slow
def test_a_step_that_spent_without_learning_is_written_down_all_the_same(base: Path, tmp_path: Path) -> None:
    run = Run(base, tmp_path, learning_rate=1e-12)
    with pytest.raises(ModelError):
        run()
    (step,) = run.steps()
    assert (step.state, [event.steps for event in step.events or ()]) == ("failed", [12])
    assert not (run.out / "privacy.json").exists()


FIT = PrivateFit((), 5, 1)


@pytest.mark.parametrize(
    ("adaptation", "message"),
    [
        (PrivateAdaptation(FIT, 5.0, 4.0, 1, 10, 20), "did not move"),
        (PrivateAdaptation(FIT, 5.0, 5.0, 0, 10, 20), "not lower"),
        (PrivateAdaptation(FIT, 5.0, 6.0, 0, 10, 20), "not lower"),
        (PrivateAdaptation(FIT, 5.0, float("nan"), 0, 10, 20), "not lower"),
    ],
)
def test_weights_of_no_use_are_an_error(adaptation: PrivateAdaptation, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        require_learnt(adaptation)
    require_learnt(PrivateAdaptation(FIT, 5.0, 4.9, 0, 10, 20))


class TestWindows:
    """One example for each unit, from all of its notes and of no other's."""

    SIZE = 8

    @pytest.fixture
    def pieces(self, language_model: Any, tmp_path: Path) -> Pieces:
        return Pieces(stored_tokens(language_model, TRAIN, tmp_path / "tokens"), self.SIZE)

    def test_each_unit_gives_one_window_of_its_own(self, pieces: Pieces) -> None:
        units = Units.from_notes(TRAIN, "patient")
        windows = _Windows(pieces, units, Coins.fresh())
        owned = [[pieces[i] for note in units.notes_of(unit) for i in windows._of_note[note]] for unit in range(3)]
        drawn = windows.draw(0, range(units.count))
        assert len(drawn) == units.count
        assert [len(row) for row in drawn] == sorted(len(row) for row in drawn)
        assert all(2 <= len(row) <= self.SIZE for row in drawn)
        for unit, rows in enumerate(owned):
            assert all(windows.draw(step, [unit])[0] in rows for step in range(30))

    def test_all_windows_of_a_unit_are_drawn_alike(self, pieces: Pieces) -> None:
        from scipy.stats import chisquare

        windows = _Windows(pieces, Units.from_notes(TRAIN, "patient"), Coins(bytes(32)))
        counts = Counter(tuple(windows.draw(step, [0])[0]) for step in range(2000))
        assert len(counts) > 5
        assert chisquare(list(counts.values())).pvalue > 1e-6

    def test_one_note_a_patient_is_the_usual_case(self, pieces: Pieces) -> None:
        alone = [replace(note, patient_id=note.note_id) for note in TRAIN]
        coins = Coins(bytes(32))
        by_patient = _Windows(pieces, Units.from_notes(alone, "patient"), coins)
        by_note = _Windows(pieces, Units.from_notes(alone, "note"), coins)
        assert by_patient.draw(3, range(40)) == by_note.draw(3, range(40))


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (["adapt.dp={epsilon: 8}"], "tokenizer would be trained on the private notes"),
        (["annotator.dp={epsilon: 8}"], "tokenizer would be trained on the private notes"),
        (["adapt.model=x", "adapt.dp={epsilon: 8}", "adapt.quantization=4bit"], "not loaded in 4 bits"),
        (["adapt.model=x", "adapt.dp={epsilon: 8}", "generate.prompt_words=3"], "set generate.prompt_words to 0"),
        (["annotator.model=x", "annotator.dp={epsilon: 8}", "annotator.class_weights=sqrt"], "set it to none"),
        (["adapt.model=x", "adapt.dp={epsilon: 800}"], "above 100 promises nothing"),
        (["adapt.model=x", "adapt.dp={epsilon: 8, delta: 0.5}"], "above 0.01 promises nothing"),
        (["adapt.model=x", "adapt.dp={epsilon: 8, delta: 0}"], "a delta is above 0"),
        (["adapt.model=x", "adapt.dp={epsilon: 8, clip: 0}"], "clip must be above 0"),
        (["adapt.model=x", "adapt.dp={epsilon: 0}"], "greater than 0"),
        (["adapt.model=x", "adapt.dp={epsilon: 8, unit: word}"], "patient"),
    ],
)
def test_settings_that_would_learn_beside_the_guarantee_are_refused(
    tmp_path: Path, overrides: list[str], said: str
) -> None:
    path = tmp_path / "run.yaml"
    path.write_text("run_dir: out\ncorpus: {path: notes.jsonl}\n")
    with pytest.raises(ConfigError, match=said):
        load_config(path, overrides)


def test_the_tagger_of_synthetic_notes_does_not_inherit_the_annotators_dp(tmp_path: Path) -> None:
    path = tmp_path / "run.yaml"
    path.write_text("run_dir: out\ncorpus: {path: n.jsonl}\nannotator: {model: x, window: 64, dp: {epsilon: 8}}\n")
    config = load_config(path)
    assert config.annotator.dp is not None and config.annotator.dp.epsilon == 8
    assert config.train.window == 64 and not hasattr(config.train, "dp")


def test_without_dp_the_settings_of_a_stage_are_what_they_were(tmp_path: Path) -> None:
    account = Account(tmp_path, list, tmp_path)
    assert {"dp", "canaries"}.isdisjoint(Adapt(AdaptSettings(), ComputeSettings(), account).settings())


def test_losses_of_rows_are_means_and_do_not_depend_on_the_batch(language_model: Any) -> None:
    from deidrelease.models.causal.loss import NextTokenLoss

    loss = NextTokenLoss(language_model.model, 0, "cpu")
    rows = [[1, 5, 9, 4], [1, 7], [1, 8, 8, 8, 3, 2, 6]]
    with torch.no_grad():
        together = loss.means(rows)
        alone = torch.stack([loss([row]) for row in rows])
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("weights", [torch.float32, torch.bfloat16], ids=["weights32", "weights16"])
@pytest.mark.parametrize(
    ("checkpointing", "clip"),
    [(True, 1.0), (True, "automatic"), (False, 1.0)],
    ids=["recomputed", "automatic", "kept"],
)
@pytest.mark.parametrize("architecture", ["GPT2", "Llama", "Gemma3"])
def test_it_trains_in_bfloat16(
    make_model: MakeModel, architecture: str, checkpointing: bool, clip: Any, weights: torch.dtype, tmp_path: Path
) -> None:
    settings = AdaptSettings(
        model="x", lora=LoraSettings(rank=2), gradient_checkpointing=checkpointing, dp=DpSettings(epsilon=8)
    )
    tokenizer = train_bpe(iter(SENTENCES), 330, causal=True)
    base = make_model(architecture)
    base.resize_token_embeddings(len(tokenizer), mean_resizing=False)
    model = LanguageModel(tokenizer, _with_lora(base.to(weights), settings), 1, 2)
    units = Units.from_notes(TRAIN, "patient")
    # So little noise that the loss surely falls: what is asked here is whether all that learns goes together.
    plan = Plan(units.count, 5, 0.25, 10, 0.01, 1e-2, 8.0, clip, 0.02, 0.0, 3)
    adaptation = adapt_privately(model, plan, units, 24, TRAIN, DEV, Place("cpu", True, 1e9), tmp_path)
    assert adaptation.fit.events == (PoissonGaussian(0.25, 0.01, 10),)
    assert adaptation.loss_after < adaptation.loss_before
    require_learnt(adaptation)

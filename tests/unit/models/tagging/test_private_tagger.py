"""A tagger trained with a guarantee: gradients of single windows, draws by unit, an encoder like any other."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

pytest.importorskip("opacus", reason="the extra dp is not installed")
pytest.importorskip("dp_accounting", reason="the extra dp is not installed")

from deidrelease.demo import hospital
from deidrelease.errors import ModelError
from deidrelease.formats import jsonl, open_corpus
from deidrelease.models.bpe import train_bpe
from deidrelease.models.devices import Place
from deidrelease.models.private.per_sample import per_sample_gradients, trained
from deidrelease.models.tagging.encoder import make_encoder
from deidrelease.models.tagging.private_training import (
    PrivateTraining,
    _Draws,
    _Windows,
    _with_adapters,
    require_learnt,
)
from deidrelease.models.tagging.store import load_tagger
from deidrelease.models.tagging.training import WindowLoss, stored_tags
from deidrelease.privacy.account import Account
from deidrelease.privacy.guarantee import parse_guarantee
from deidrelease.privacy.poisson import Coins
from deidrelease.privacy.units import Units
from deidrelease.settings import AnnotatorSettings, ComputeSettings, DpSettings
from deidrelease.stages.annotator import Annotator

NOTES = list(hospital.notes(16, seed=4))


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny BERT in a folder, with a tokenizer of other notes."""
    from transformers import BertConfig, BertForMaskedLM

    folder = tmp_path_factory.mktemp("encoder")
    tokenizer = train_bpe((note.text for note in hospital.notes(6, seed=9)), 400, causal=False)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(tokenizer), hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64
    )
    BertForMaskedLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def settings(base: Path, **dp: Any) -> AnnotatorSettings:
    told = {"epsilon": 8, "steps": 10, "learning_rate": 0.02, **dp}
    return AnnotatorSettings(model=str(base), window=64, dp=DpSettings.model_validate(told))


@pytest.mark.parametrize("checkpointing", [False, True], ids=["kept", "recomputed"])
def test_gradients_are_those_of_each_window_alone(base: Path, tmp_path: Path, checkpointing: bool) -> None:
    labels = sorted({span.label for note in NOTES for span in note.spans})
    encoder = make_encoder(settings(base), labels, (), 1, False)
    adapted = _with_adapters(encoder, checkpointing).train()
    for module in adapted.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    with torch.no_grad():
        for parameter in trained(adapted).values():
            parameter.add_(torch.randn(parameter.shape) * 0.05)
    names = " ".join(trained(adapted))
    assert "classifier" in names and "query" in names and "embeddings" not in names
    adapted.double()
    loss = WindowLoss(encoder, Place("cpu", False, 1.0), None)
    windows = _Windows(stored_tags(encoder, NOTES[:2], tmp_path / "tokens"), settings(base), encoder).every()[:3]
    alone = []
    for window in windows:
        adapted.zero_grad()
        loss([window]).backward()
        alone.append({name: p.grad.clone() for name, p in trained(adapted).items()})
    with per_sample_gradients(adapted):
        loss.means(windows).sum().backward()
        for name, parameter in trained(adapted).items():
            for found, expected in zip(parameter.grad_sample, alone, strict=True):
                torch.testing.assert_close(found, expected[name], rtol=1e-5, atol=1e-5)


def test_a_unit_draws_from_its_own_notes_and_empty_windows_more_seldom(base: Path, tmp_path: Path) -> None:
    labels = sorted({span.label for note in NOTES for span in note.spans})
    told = settings(base).model_copy(update={"empty_windows": 0.0})
    encoder = make_encoder(told, labels, (), 1, False)
    windows = _Windows(stored_tags(encoder, NOTES, tmp_path / "tokens"), told, encoder)
    units = Units.from_notes(NOTES, "patient")
    draws = _Draws(windows, units, Coins.fresh(), told.empty_windows)
    assert len(draws.draw(0, range(units.count))) == units.count
    own = [window for note in units.notes_of(2) for window in windows.of_note(note)]
    for step in range(40):
        (window,) = draws.draw(step, [2])
        assert window in own
        assert any(tag > 0 for tag in window[1])


@pytest.mark.slow
def test_the_stage_writes_guarantee_ledger_and_a_tagger_like_any_other(base: Path, tmp_path: Path) -> None:
    jsonl.write(NOTES[:24], tmp_path / "train.jsonl")
    jsonl.write(NOTES[24:], tmp_path / "dev.jsonl")
    account = Account(tmp_path / "ledgers", lambda: open_corpus(tmp_path / "train.jsonl", "jsonl"), tmp_path)
    stage = Annotator(settings(base), ComputeSettings(device="cpu", threads=1), account)
    out = tmp_path / "out"
    out.mkdir()
    stage.run({"split/train.jsonl": tmp_path / "train.jsonl", "split/dev.jsonl": tmp_path / "dev.jsonl"}, out, 3)
    made = parse_guarantee(json.loads((out / "privacy.json").read_text())["guarantee"])
    assert made.epsilon <= 8 and made.unit == "patient"
    assert any(line.startswith("Adaptation") for line in made.outside)
    (step,) = account.ledger().steps()
    assert (step.stage, step.mechanism, step.state) == ("annotator", "dp-sgd", "done")
    tagger = load_tagger(out, Place("cpu", False, 1.0))
    assert len(list(tagger.tag(note.text for note in NOTES[:2]))) == 2
    assert not any("lora" in path.name or "adapter" in path.name for path in (out / "model").iterdir())


@pytest.mark.parametrize(("after", "unmoved"), [(2.0, 1), (3.0, 0), (float("nan"), 0)])
def test_a_tagger_that_learnt_nothing_is_an_error(after: float, unmoved: int) -> None:
    with pytest.raises(ModelError):
        require_learnt(PrivateTraining(None, None, 3.0, after, unmoved))  # type: ignore[arg-type]


def test_without_dp_the_settings_of_the_stage_are_what_they_were(tmp_path: Path) -> None:
    stage = Annotator(AnnotatorSettings(), ComputeSettings(), Account(tmp_path, list, tmp_path))
    assert "dp" not in stage.settings()

"""Canaries through the real stage: a small model that learns notes by heart is caught, one with privacy keeps to it."""

from itertools import islice
from pathlib import Path

import pytest
from made.notes_of import KEY
from made.promises import guarantee_folder

from deidrelease.canaries.record import CANARIES, read_record
from deidrelease.contracts import Conclusion, Corpora
from deidrelease.demo import hospital
from deidrelease.engine import LocalEngine
from deidrelease.formats import jsonl, open_corpus
from deidrelease.models.causal.adaptation import adapt
from deidrelease.models.causal.language_model import make_language_model, save_language_model
from deidrelease.models.devices import find_place
from deidrelease.notes import Corpus, Held
from deidrelease.privacy.account import Account
from deidrelease.settings import AdaptSettings, ComputeSettings
from deidrelease.stages.adapt import Adapt
from deidrelease_audits.canary.audit import Canary

pytestmark = pytest.mark.slow
COMPUTE = ComputeSettings(device="cpu", threads=1)
SCRATCH = {"layers": 2, "hidden": 64, "heads": 2, "vocabulary": 600, "dropout": 0.0}
COUNT = 100


@pytest.fixture(scope="module")
def split(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("split")
    notes = list(hospital.notes(200, languages=("en",), seed=4))
    patients = sorted({note.patient_id for note in notes})
    sides = {"split/train.jsonl": set(patients[:180]), "split/dev.jsonl": set(patients[180:])}
    inputs = {}
    for name, own in sides.items():
        inputs[name] = folder / Path(name).name
        jsonl.write((note for note in notes if note.patient_id in own), inputs[name])
    return inputs


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that has seen a little of another language: what public weights are to private notes, only smaller."""
    folder = tmp_path_factory.mktemp("base")
    notes = tuple(hospital.notes(60, languages=("es",), seed=77))
    corpus, place = Corpus("public", (Held(notes),)), find_place(COMPUTE)
    settings = AdaptSettings.model_validate({"scratch": SCRATCH, "epochs": 2, "learning_rate": 3e-3, "context": 256})
    made = make_language_model(settings, (note.text for note in notes), place, 0, False)
    adapt(made, settings, corpus, Corpus("few", (Held(notes[:3]),)), place, 0, folder / "checkpoint")
    save_language_model(made, settings, place, folder / "model")
    return folder / "model"


def adapted(settings: AdaptSettings, split: dict[str, Path], out: Path) -> Path:
    account = Account(out / "ledgers", lambda: open_corpus(split["split/train.jsonl"], "jsonl"), out / "run")
    (out / "adapt").mkdir(parents=True)
    Adapt(settings, COMPUTE, account).run(split, out / "adapt", 1)
    return out / "adapt"


def concluded(folder: Path, train: Path) -> Conclusion:
    # Nothing of the canaries is in these synthetic notes: the attack on the model is what is in question.
    synthetic = Corpus("synthetic", (Held(tuple(hospital.notes(20, languages=("en",), seed=9))),))
    given = Corpora(synthetic, open_corpus(train, "jsonl"), None, None, None, None, KEY, 0, {"adapt": folder})
    audit = Canary()
    index = audit.index(given)
    return audit.conclude(index, LocalEngine().tally(audit, index, given, lambda _: None))


def test_a_model_that_learns_by_heart_is_caught(split: dict[str, Path], tmp_path: Path) -> None:
    few = tmp_path / "few.jsonl"
    jsonl.write(islice(open_corpus(split["split/train.jsonl"], "jsonl"), 15), few)
    settings = AdaptSettings.model_validate(
        {
            "scratch": SCRATCH | {"hidden": 128}, "epochs": 40, "keep": "last", "learning_rate": 3e-3, "context": 256,
            "batch_size": 8, "grouping": "length", "canaries": {"count": COUNT},
        }
    )  # fmt: skip
    folder = adapted(settings, {**split, "split/train.jsonl": few}, tmp_path)
    assert (folder / CANARIES).stat().st_mode & 0o777 == 0o600
    record = read_record(folder / CANARIES)
    assert len(record.canaries) == COUNT
    found = concluded(folder, few)
    assert found.status == "measured"
    assert found.metrics["epsilon_lower"].value > 1
    assert found.metrics["auc"].low > 0.9
    assert found.metrics["exposure_mean"].low > 3
    # Had such a training claimed a small epsilon, the canaries would have found it out.
    found = concluded(guarantee_folder(folder, noise=8.0), few)
    assert found.status == "failed"
    assert "fault of the program" in found.reason


def test_with_privacy_the_canaries_prove_less_than_is_promised(
    split: dict[str, Path], base: Path, tmp_path: Path
) -> None:
    pytest.importorskip("opacus", reason="the extra dp is not installed")
    pytest.importorskip("dp_accounting", reason="the extra dp is not installed")
    settings = AdaptSettings.model_validate(
        {
            "model": str(base), "context": 128, "warmup": 0.0, "lora": {"rank": 16, "alpha": 32, "dropout": 0.0},
            "dp": {
                "epsilon": 2.0, "delta": 1e-4, "steps": 30, "learning_rate": 1e-2, "batch": 80, "physical_batch": 20
            },
            "canaries": {"count": COUNT},
        }
    )  # fmt: skip
    folder = adapted(settings, split, tmp_path)
    found = concluded(folder, split["split/train.jsonl"])
    assert found.status == "measured"
    promised = found.null["promised_epsilon"]
    assert isinstance(promised, float)
    assert 0 < promised < found.metrics["ceiling"].value
    assert found.metrics["epsilon_lower"].value < promised
    assert found.null["could_be_refuted"] is True
    assert isinstance(found.null["stated_epsilon"], float)
    assert found.null["stated_epsilon"] <= 2
    record = read_record(folder / CANARIES)
    assert record.losses is not None
    # LoRA has a base to compare with, and something was learnt.
    assert all(loss.base is not None and loss.base != loss.adapted for loss in record.losses)


def test_noise_that_never_came_is_found_out(
    split: dict[str, Path], base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counted as if there were noise, and there is none; the witness, here blindfolded, would have stopped it."""
    pytest.importorskip("opacus", reason="the extra dp is not installed")
    pytest.importorskip("dp_accounting", reason="the extra dp is not installed")
    from deidrelease.models.private.noise import NoiseStream
    from deidrelease.models.private.witness import NoiseWitness

    sound = NoiseStream.normal
    monkeypatch.setattr(NoiseStream, "normal", lambda self, shape, _: sound(self, shape, 0.0))
    monkeypatch.setattr(NoiseWitness, "step", lambda *_: None)
    few = tmp_path / "few.jsonl"
    jsonl.write(islice(open_corpus(split["split/train.jsonl"], "jsonl"), 15), few)
    settings = AdaptSettings.model_validate(
        {
            "model": str(base), "context": 128, "warmup": 0.0, "lora": {"rank": 64, "alpha": 64, "dropout": 0.0},
            "dp": {
                "epsilon": 0.5, "delta": 1e-4, "steps": 400, "learning_rate": 5e-3, "batch": 8, "physical_batch": 16
            },
            "canaries": {"count": COUNT},
        }
    )  # fmt: skip
    found = concluded(adapted(settings, {**split, "split/train.jsonl": few}, tmp_path), few)
    assert found.status == "failed"
    assert "fault of the program" in found.reason
    promised = found.null["promised_epsilon"]
    assert isinstance(promised, float)
    assert found.metrics["epsilon_lower"].value > promised

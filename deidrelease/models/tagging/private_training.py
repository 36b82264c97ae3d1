"""Trains a tagger so that no one unit decides what it learns.

Adapters on the linear layers learn, and the head; embeddings and all else stay as they came, since every number that
learns gets noise. When all is done the adapters are merged, and what is left is an encoder as any other.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deidrelease.errors import ModelError, Problem
from deidrelease.models.devices import Place, recompute_activations
from deidrelease.models.private.plan import Plan
from deidrelease.models.tagging.encoder import Encoder, make_encoder
from deidrelease.models.tagging.tagger import Tagger
from deidrelease.models.tagging.training import IGNORED, TaggedWindow, Training, WindowLoss, stored_tags, strict_f1
from deidrelease.models.tagging.windows import cut
from deidrelease.models.training import Fit
from deidrelease.notes import Note
from deidrelease.privacy.poisson import Coins, PoissonBatches
from deidrelease.privacy.units import Units
from deidrelease.settings import AnnotatorSettings

if TYPE_CHECKING:
    from datasets import Dataset

    from deidrelease.models.private.training import PrivateFit

_RANK, _ALPHA = 16, 32
_WINDOWS_LOOKED_AT = 256
_WEIGHT = 1000
_PROBE_LENGTHS = (9, 14, 5)


@dataclass(frozen=True, slots=True)
class PrivateTraining:
    """A tagger trained with a guarantee.

    Attributes:
        training: As any tagger's; its score is dev F1 after the last step, which decided nothing.
        fit: What really ran.
        loss_before: Dev loss before the first step, in nats a token, over at most 256 windows.
        loss_after: The same after the last.
        unmoved: Trained tensors that are to the bit what they were.
    """

    training: Training
    fit: "PrivateFit"
    loss_before: float
    loss_after: float
    unmoved: int


def train_tagger_privately(
    settings: AnnotatorSettings,
    plan: Plan,
    units: Units,
    train: Iterable[Note],
    dev: Sequence[Note],
    place: Place,
    seed: int,
    checkpoint: Path,
    download: bool,
) -> PrivateTraining:
    """Takes the planned steps; goes on from `checkpoint` if a killed attempt left one there.

    Args:
        settings: Of the tagger.
        plan: What was promised.
        units: Of `train`.
        train: In the order that `units` counts in.
        dev: Of other patients; looked at before and after, and never to choose weights.
        place: Where it runs.
        seed: Of the head's and the adapters' first weights.
        checkpoint: Folder for what a resumed attempt needs.
        download: Whether a hub id may be fetched.

    Raises:
        PrivacyError: The units are not those of `train`, or a witness found something.
        ModelError: The model has no sound gradient for each example.
    """
    from deidrelease.models.private.per_sample import trained
    from deidrelease.models.private.training import PrivateTrainer

    units.require_of(train)
    labels = sorted({span.label for note in train for span in note.spans})
    encoder = make_encoder(settings, labels, (), seed, download)
    encoder.model.to(place.device)
    adapted = _with_adapters(encoder, settings.gradient_checkpointing)
    tokens = stored_tags(encoder, train, checkpoint / "tokens")
    coins = Coins.fresh()
    draws = _Draws(_Windows(tokens, settings, encoder), units, coins, settings.empty_windows)
    loss = WindowLoss(encoder, place, None)
    dev_windows = _spread(_Windows(stored_tags(encoder, dev, checkpoint / "dev-tokens"), settings, encoder).every())
    before = _mean_loss(adapted, loss, dev_windows, plan.physical_batch, place)
    weights = {name: parameter.detach().cpu().clone() for name, parameter in trained(adapted).items()}
    trainer = PrivateTrainer(
        adapted,
        place,
        plan,
        PoissonBatches(coins, plan.units, plan.sampling_rate),
        draws.draw,
        loss.means,
        _probes(encoder),
        checkpoint / "fit",
    )
    fit = trainer.fit("training the tagger, privately")
    after = _mean_loss(adapted, loss, dev_windows, plan.physical_batch, place)
    unmoved = sum(bool((p.detach().cpu() == weights[name]).all()) for name, p in trained(adapted).items())
    merged = replace(encoder, model=adapted.merge_and_unload())
    f1 = strict_f1(dev, Tagger(merged, place, settings.window, settings.overlap).tag(note.text for note in dev))
    counts = tokens.with_format("numpy", columns=["n_spans", "n_unreachable"])[:]
    training = Training(
        merged, Fit(f1, 0, (), fit.steps), len(tokens), int(counts["n_spans"].sum()), int(counts["n_unreachable"].sum())
    )
    return PrivateTraining(training, fit, before, after, unmoved)


def require_learnt(trained: PrivateTraining) -> None:
    """Guards against losses that look normal and weights that are of no use.

    Raises:
        ModelError: A trained tensor did not move, or the dev loss is not below that of the untrained head.
    """
    if trained.unmoved:
        what = f"{trained.unmoved} trained tensor(s) did not move"
        remedy = "report this with the versions of torch, peft and opacus: they do not go together"
        raise ModelError("The tagger learnt nothing.", [Problem("annotator.dp", what, remedy)])
    if not trained.loss_after < trained.loss_before:
        what = "the dev loss is not lower than before the first step"
        remedy = "raise annotator.dp.epsilon, batch or epochs, or lower learning_rate; this attempt has spent privacy"
        raise ModelError("The noise drowned all that was to be learnt.", [Problem("annotator.dp", what, remedy)])


def _with_adapters(encoder: Encoder, checkpointing: bool) -> Any:
    from peft import LoraConfig, TaskType, get_peft_model
    from torch import nn

    body = encoder.model.base_model_prefix
    linear = [name for name, m in encoder.model.named_modules() if isinstance(m, nn.Linear)]
    head = [
        name for name, child in encoder.model.named_children() if name != body and any(True for _ in child.parameters())
    ]
    config = LoraConfig(
        task_type=TaskType.TOKEN_CLS,
        r=_RANK,
        lora_alpha=_ALPHA,
        target_modules=[name for name in linear if name.startswith(f"{body}.")],
        modules_to_save=head,
    )
    adapted = get_peft_model(encoder.model, config)
    if checkpointing:
        adapted.enable_input_require_grads()
        recompute_activations(encoder.model, reentrant=True)
    return adapted


class _Windows:
    """The windows of every note."""

    def __init__(self, tokens: "Dataset", settings: AnnotatorSettings, encoder: Encoder) -> None:
        self._tokens = tokens.with_format("numpy", columns=["ids", "tags"])
        self._size = settings.window - len(encoder.prefix) - len(encoder.suffix)
        self._frame = (list(encoder.prefix), list(encoder.suffix))

    def every(self) -> list[TaggedWindow]:
        """All windows of all notes."""
        return [window for note in range(len(self._tokens)) for window in self.of_note(note)]

    def of_note(self, note: int) -> list[TaggedWindow]:
        """At least one: a note without a token has a window without one, so that every unit gives an example."""
        row = self._tokens[note]
        ids, tags = row["ids"].tolist(), row["tags"].tolist()
        bounds = [(window.start, window.end) for window in cut(len(ids), self._size, 0)] or [(0, 0)]
        return [self._framed(ids[start:end], tags[start:end]) for start, end in bounds]

    def _framed(self, ids: list[int], tags: list[int]) -> TaggedWindow:
        prefix, suffix = self._frame
        return [*prefix, *ids, *suffix], [*[IGNORED] * len(prefix), *tags, *[IGNORED] * len(suffix)]


class _Draws:
    """One window of a unit's notes for each step that draws it; those without PII are drawn more seldom.

    How likely a window is depends on its unit's notes alone.
    """

    def __init__(self, windows: _Windows, units: Units, coins: Coins, empty_windows: float) -> None:
        self._windows, self._units, self._coins = windows, units, coins
        self._empty_weight = round(_WEIGHT * empty_windows)

    def draw(self, step: int, units: Sequence[int]) -> list[TaggedWindow]:
        """A window for each unit, shortest first."""
        return sorted((self._window(step, unit) for unit in units), key=lambda window: len(window[0]))

    def _window(self, step: int, unit: int) -> TaggedWindow:
        windows = [window for note in self._units.notes_of(unit) for window in self._windows.of_note(note)]
        weights = [_WEIGHT if any(tag > 0 for tag in tags) else self._empty_weight for _, tags in windows]
        if not sum(weights):
            weights = [1] * len(windows)
        ends = list(accumulate(weights))
        return windows[bisect_right(ends, self._coins.below(ends[-1], "window", step, unit))]


def _mean_loss(model: Any, loss: WindowLoss, windows: Sequence[TaggedWindow], size: int, place: Place) -> float:
    import torch

    model.eval()
    summed = 0.0
    with torch.no_grad(), place.autocast():
        for start in range(0, len(windows), size):
            summed += float(loss.means(list(windows[start : start + size])).sum())
    return summed / max(1, len(windows))


def _spread(windows: Sequence[TaggedWindow]) -> list[TaggedWindow]:
    stride = max(1, -(-len(windows) // _WINDOWS_LOOKED_AT))
    return [windows[i] for i in range(0, len(windows), stride)]


def _probes(encoder: Encoder) -> list[TaggedWindow]:
    """Made-up token ids and tags, the same for every run."""
    import numpy as np

    rng = np.random.default_rng(0)
    size, tags = encoder.model.get_input_embeddings().weight.shape[0], 2 * len(encoder.labels) + 1
    return [(rng.integers(0, size, n).tolist(), rng.integers(0, tags, n).tolist()) for n in _PROBE_LENGTHS]

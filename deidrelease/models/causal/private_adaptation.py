"""Adapts a causal language model so that no one unit decides what it learns."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from deidrelease.errors import ModelError, Problem
from deidrelease.models.causal.adaptation import mean_loss
from deidrelease.models.causal.language_model import LanguageModel
from deidrelease.models.causal.loss import NextTokenLoss
from deidrelease.models.causal.rows import Pieces, Row, stored_tokens
from deidrelease.models.devices import Place
from deidrelease.notes import Note
from deidrelease.privacy.poisson import Coins, PoissonBatches
from deidrelease.privacy.units import Units

if TYPE_CHECKING:
    from deidrelease.models.private.plan import Plan
    from deidrelease.models.private.training import PrivateFit

_ROWS_LOOKED_AT = 256
_PROBE_LENGTHS = (9, 14, 5)


@dataclass(frozen=True, slots=True)
class PrivateAdaptation:
    """What adapting came to, without a word of what single notes did: no training loss is ever taken down.

    Attributes:
        fit: What really ran.
        loss_before: Dev loss of the base, in nats a token, over at most 256 rows.
        loss_after: The same after the last step.
        unmoved: Trained tensors that are to the bit what they were.
        trained_parameters: Numbers that learnt.
        parameters: All numbers of the model.
    """

    fit: "PrivateFit"
    loss_before: float
    loss_after: float
    unmoved: int
    trained_parameters: int
    parameters: int


def adapt_privately(
    language_model: LanguageModel,
    plan: "Plan",
    units: Units,
    context: int,
    train: Iterable[Note],
    dev: Iterable[Note],
    place: Place,
    checkpoint: Path,
) -> PrivateAdaptation:
    """Takes the planned steps, in place; goes on from `checkpoint` if a killed attempt left one.

    Args:
        language_model: Whose trained weights start out as no change to the base.
        plan: What was promised.
        units: Of `train`.
        context: Most tokens of an example.
        train: In the order that `units` counts in.
        dev: Of other patients; looked at before and after, for the guard alone.
        place: Where it runs.
        checkpoint: Folder for what a resumed attempt needs.

    Raises:
        PrivacyError: The units are not those of `train`, or a witness found something.
        ModelError: The model has no sound gradient for each example.
    """
    from deidrelease.models.private.per_sample import trained
    from deidrelease.models.private.training import PrivateTrainer

    units.require_of(train)
    coins = Coins.fresh()
    windows = _Windows(Pieces(stored_tokens(language_model, train, checkpoint / "train-tokens"), context), units, coins)
    dev_rows = _spread(Pieces(stored_tokens(language_model, dev, checkpoint / "dev-tokens"), context))
    loss = NextTokenLoss(language_model.plain, language_model.closing, place.device)
    model = language_model.model
    model.eval()
    before = mean_loss(loss, dev_rows, plan.physical_batch, place)
    weights = {name: parameter.detach().cpu().clone() for name, parameter in trained(model).items()}
    trainer = PrivateTrainer(
        model,
        place,
        plan,
        PoissonBatches(coins, plan.units, plan.sampling_rate),
        windows.draw,
        loss.means,
        _probes(language_model),
        checkpoint / "fit",
    )
    fit = trainer.fit("adapting the language model, privately")
    model.eval()
    learnt = trained(model)
    return PrivateAdaptation(
        fit=fit,
        loss_before=before,
        loss_after=mean_loss(loss, dev_rows, plan.physical_batch, place),
        unmoved=sum(bool((p.detach().cpu() == weights[name]).all()) for name, p in learnt.items()),
        trained_parameters=sum(p.numel() for p in learnt.values()),
        parameters=sum(p.numel() for p in model.parameters()),
    )


def require_learnt(adaptation: PrivateAdaptation) -> None:
    """Guards against losses that look normal and weights that are of no use.

    Raises:
        ModelError: A trained tensor did not move, or the dev loss is not below that of the base.
    """
    if adaptation.unmoved:
        what = f"{adaptation.unmoved} trained tensor(s) did not move"
        remedy = "report this with the versions of torch, peft and opacus: they do not go together"
        raise ModelError("The adapter learnt nothing.", [Problem("adapt.dp", what, remedy)])
    if not adaptation.loss_after < adaptation.loss_before:
        what = "the dev loss is not lower than that of the model without its adapter"
        remedy = (
            "raise adapt.dp.epsilon, adapt.dp.batch or adapt.dp.epochs, or lower adapt.dp.learning_rate; "
            "with few patients no setting may help. The attempt has spent privacy all the same"
        )
        raise ModelError("The noise drowned all that was to be learnt.", [Problem("adapt.dp", what, remedy)])


class _Windows:
    """One stretch of a unit's notes for each step that draws it: every stretch of `context` tokens equally likely."""

    def __init__(self, pieces: Pieces, units: Units, coins: Coins) -> None:
        self._pieces = pieces
        self._of_note = pieces.by_sequence()
        self._units = units
        self._coins = coins

    def draw(self, step: int, units: Sequence[int]) -> list[Row]:
        """A row for each unit, shortest first: the order decides nothing, and rows of like length need less padding."""
        return sorted((self._row(step, unit) for unit in units), key=len)

    def _row(self, step: int, unit: int) -> Row:
        places = [place for note in self._units.notes_of(unit) for place in self._of_note[note]]
        return cast(Row, self._pieces[places[self._coins.below(len(places), "piece", step, unit)]])


def _spread(rows: Sequence[Row]) -> list[Row]:
    stride = max(1, -(-len(rows) // _ROWS_LOOKED_AT))
    return [rows[i] for i in range(0, len(rows), stride)]


def _probes(language_model: LanguageModel) -> list[Row]:
    """Made-up token ids, the same for every run."""
    import numpy as np

    size = language_model.plain.get_input_embeddings().weight.shape[0]
    rng = np.random.default_rng(0)
    return [rng.integers(0, size, length).tolist() for length in _PROBE_LENGTHS]

"""adapt: a causal language model learns the text of the gold train notes."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import ClassVar

from deidrelease.artifacts import CHECKPOINT, write_text
from deidrelease.canaries.canary import Canary, planted_in
from deidrelease.canaries.planting import canaries_of
from deidrelease.canaries.record import CANARIES, SecretLoss, with_losses, write_record
from deidrelease.formats import open_corpus
from deidrelease.models.causal.adaptation import Adaptation, adapt
from deidrelease.models.causal.language_model import LanguageModel, make_language_model, save_language_model
from deidrelease.models.causal.private_adaptation import PrivateAdaptation, adapt_privately, require_learnt
from deidrelease.models.causal.secret_losses import secret_losses
from deidrelease.models.devices import Place, find_place
from deidrelease.models.loading import identity
from deidrelease.models.private.outside import outside_adaptation
from deidrelease.models.private.plan import plan_of
from deidrelease.models.private.record import promised, write_privacy
from deidrelease.notes import Corpus
from deidrelease.privacy.account import Account
from deidrelease.privacy.units import Units
from deidrelease.settings import AdaptSettings, ComputeSettings
from deidrelease.settings.dp import DpSettings


@dataclass(frozen=True, slots=True)
class Adapt:
    """Trains on gold train, keeps the weights with the lowest loss on gold dev; with dp, the last ones.

    Attributes:
        adapt: The section.
        compute: Where it runs.
        account: Where private steps are written down.
    """

    adapt: AdaptSettings
    compute: ComputeSettings
    account: Account

    name: ClassVar[str] = "adapt"
    version: ClassVar[int] = 1
    releasable: ClassVar[frozenset[str]] = frozenset()

    @property
    def after(self) -> tuple[str, ...]:
        """Gold train and dev, with surrogates where the settings ask for them.

        Behind surrogates also the gold notes themselves where canaries are made up: none may equal a value in them.
        """
        gold = "split/train.jsonl", "split/dev.jsonl"
        if not self.adapt.pseudonymise:
            return gold
        return "pseudonymise/train.jsonl", "pseudonymise/dev.jsonl", *(gold if self.adapt.canaries else ())

    def settings(self) -> Mapping[str, object]:
        """Those of the adaptation, and which weights it starts from; which notes it reads shows in its inputs."""
        weights = identity(self.adapt.model, self.adapt.revision)
        # Runs of the time before these sections were there stay what they are.
        unused = {name for name in ("dp", "canaries") if getattr(self.adapt, name) is None}
        return {**self.adapt.model_dump(mode="json", exclude={"pseudonymise", *unused}), "weights": weights}

    def run(self, inputs: Mapping[str, Path], out: Path, seed: int) -> None:
        """Writes `model/` (an adapter, or the whole of a model made from nothing) and `adaptation.json`.

        With canaries, what became of each in `canaries.private.json`.
        """
        known = [open_corpus(inputs[name], "jsonl") for name in self.after]
        train, dev, *_ = known
        canaries = canaries_of(self.adapt.canaries, train, known, out / CHECKPOINT, self.adapt.dp is not None)
        train = planted_in(train, canaries)
        place = find_place(self.compute)
        texts = (note.text for note in train)
        language_model = make_language_model(self.adapt, texts, place, seed, self.compute.download)
        if self.adapt.dp is None:
            with self.account.unbounded(self.name, out / CHECKPOINT):
                adaptation: Adaptation | PrivateAdaptation = adapt(
                    language_model, self.adapt, train, dev, place, seed, out / CHECKPOINT
                )
        else:
            adaptation = self._privately(self.adapt.dp, language_model, train, dev, place, out)
        if canaries:
            measure_canaries(canaries, language_model, place, out / CANARIES)
        save_language_model(language_model, self.adapt, place, out / "model")
        write_text(out / "adaptation.json", json.dumps(asdict(adaptation), indent=1) + "\n")

    def _privately(
        self,
        dp: DpSettings,
        language_model: LanguageModel,
        train: Corpus,
        dev: Corpus,
        place: Place,
        out: Path,
    ) -> PrivateAdaptation:
        """Trains with a guarantee, and writes it down."""
        units = Units.from_notes(train, dp.unit)
        plan = plan_of(dp, units.count, self.adapt.warmup)
        checkpoint = out / CHECKPOINT
        group = 1 if dp.unit == "patient" else units.most_notes_of_a_patient
        with self.account.private(self.name, [plan.event], plan.delta, dp.unit, group, checkpoint) as step:
            adaptation = adapt_privately(language_model, plan, units, self.adapt.context, train, dev, place, checkpoint)
            step.counted(adaptation.fit.events)
            require_learnt(adaptation)
            made = promised(plan, adaptation.fit, units, outside_adaptation(self.adapt))
        write_privacy(out, plan, adaptation.fit, made)
        return adaptation


def measure_canaries(canaries: tuple[Canary, ...], language_model: LanguageModel, place: Place, path: Path) -> None:
    """Writes what the adapted model and its base make of each canary, into the private file `path`."""
    texts = [(canary.prefix, canary.secret) for canary in canaries]
    measured = secret_losses(language_model, texts, place)
    write_record(with_losses(canaries, (SecretLoss(*loss) for loss in measured)), path)

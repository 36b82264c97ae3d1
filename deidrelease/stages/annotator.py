"""annotator: a tagger trained on the gold train notes; it tags the synthetic ones, and is the gold tagger too."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from deidrelease.artifacts import CHECKPOINT
from deidrelease.formats import open_corpus
from deidrelease.models.devices import Place, find_place
from deidrelease.models.loading import identity
from deidrelease.models.private.outside import outside_annotator
from deidrelease.models.private.plan import plan_of
from deidrelease.models.private.record import promised, write_privacy
from deidrelease.models.tagging.private_training import require_learnt, train_tagger_privately
from deidrelease.models.tagging.store import save_tagger
from deidrelease.models.tagging.training import Training, train_tagger
from deidrelease.notes import Corpus
from deidrelease.privacy.account import Account
from deidrelease.privacy.units import Units
from deidrelease.settings import AnnotatorSettings, ComputeSettings
from deidrelease.settings.dp import DpSettings


@dataclass(frozen=True, slots=True)
class Annotator:
    """Trains on gold train, stops early on gold dev; with dp it takes the steps that were planned.

    Attributes:
        tagger: The section.
        compute: Where it runs.
        account: Where private steps are written down.
    """

    tagger: AnnotatorSettings
    compute: ComputeSettings
    account: Account

    name: ClassVar[str] = "annotator"
    version: ClassVar[int] = 1
    after: ClassVar[tuple[str, ...]] = ("split/train.jsonl", "split/dev.jsonl")
    releasable: ClassVar[frozenset[str]] = frozenset()

    def settings(self) -> Mapping[str, object]:
        """Those of the tagger, and which weights it starts from."""
        weights = identity(self.tagger.model, self.tagger.revision)
        # Runs of the time before there was dp stay what they are.
        unused = {"dp"} if self.tagger.dp is None else set()
        return {**self.tagger.model_dump(mode="json", exclude=unused), "weights": weights}

    def run(self, inputs: Mapping[str, Path], out: Path, seed: int) -> None:
        """Writes `model/` and `training.json`, and with dp `privacy.json`."""
        train, dev = (open_corpus(inputs[name], "jsonl") for name in self.after)
        place = find_place(self.compute)
        checkpoint, download = out / CHECKPOINT, self.compute.download
        if self.tagger.dp is None:
            with self.account.unbounded(self.name, checkpoint):
                training = train_tagger(self.tagger, train, list(dev), place, seed, checkpoint, download)
        else:
            training = self._privately(self.tagger.dp, train, dev, place, seed, out)
        save_tagger(training, self.tagger, out)

    def _privately(self, dp: DpSettings, train: Corpus, dev: Corpus, place: Place, seed: int, out: Path) -> Training:
        """Trains with a guarantee, and writes it down."""
        units = Units.from_notes(train, dp.unit)
        plan = plan_of(dp, units.count, self.tagger.warmup)
        checkpoint = out / CHECKPOINT
        group = 1 if dp.unit == "patient" else units.most_notes_of_a_patient
        with self.account.private(self.name, [plan.event], plan.delta, dp.unit, group, checkpoint) as step:
            trained = train_tagger_privately(
                self.tagger, plan, units, train, list(dev), place, seed, checkpoint, self.compute.download
            )
            step.counted(trained.fit.events)
            require_learnt(trained)
            made = promised(plan, trained.fit, units, outside_annotator())
        write_privacy(out, plan, trained.fit, made)
        return trained.training

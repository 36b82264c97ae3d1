"""unadapted: a pretrained language model that has seen no private note, in the place of an adapted one."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from deidrelease.models.causal.language_model import make_language_model, save_language_model
from deidrelease.models.devices import find_place
from deidrelease.models.loading import identity
from deidrelease.settings import AdaptSettings, ComputeSettings


@dataclass(frozen=True, slots=True)
class Unadapted:
    """Saves a LoRA adapter before its first step: its second matrix is zero (Hu et al. 2022), so it changes nothing."""

    adapt: AdaptSettings
    compute: ComputeSettings

    name: ClassVar[str] = "unadapted"
    version: ClassVar[int] = 1
    after: ClassVar[tuple[str, ...]] = ()
    releasable: ClassVar[frozenset[str]] = frozenset()

    def settings(self) -> Mapping[str, object]:
        """Which weights, and how they are cut and loaded; what training would do decides nothing."""
        told = self.adapt.model_dump(mode="json", include={"model", "revision", "vocabulary", "lora", "quantization"})
        return {**told, "weights": identity(self.adapt.model, self.adapt.revision)}

    def run(self, inputs: Mapping[str, Path], out: Path, seed: int) -> None:  # noqa: ARG002
        """Writes `model/`."""
        place = find_place(self.compute)
        model = make_language_model(self.adapt, (), place, seed, self.compute.download)
        save_language_model(model, self.adapt, place, out / "model")

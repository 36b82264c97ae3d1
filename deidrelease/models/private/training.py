"""The training loop of a guarantee: coins, gradients one by one, clip, noise, step, count.

What is counted is what the chain of kept weights went through. A killed attempt's steps after its last checkpoint were
seen by nobody; they are taken again, with fresh coins and fresh noise, and count once.

Imports torch and Opacus when it is imported; import it inside functions.
"""

import hashlib
import json
import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import torch
from torch import nn

from deidrelease import progress
from deidrelease.artifacts import write_text
from deidrelease.errors import ModelError, PrivacyError, Problem
from deidrelease.models.devices import Place
from deidrelease.models.private.noise import NoiseStream
from deidrelease.models.private.optimizer import PrivateOptimizer
from deidrelease.models.private.per_sample import (
    Losses,
    check_per_sample_gradients,
    per_sample_gradients,
    trained,
    without_dropout,
)
from deidrelease.models.private.plan import Plan
from deidrelease.models.private.witness import ClippingWitness, NoiseWitness, SamplingCounts, SamplingWitness
from deidrelease.models.training import adamw, ramp, save_atomically
from deidrelease.privacy.events import PoissonGaussian
from deidrelease.privacy.poisson import PoissonBatches

logger = logging.getLogger(__name__)
E = TypeVar("E")


@dataclass(frozen=True, slots=True)
class PrivateFit:
    """What a private training came to.

    Attributes:
        events: What really ran, by the loop's own counters.
        steps: Steps that the kept weights went through.
        attempts: How often training was started.
    """

    events: tuple[PoissonGaussian, ...]
    steps: int
    attempts: int


class PrivateTrainer(Generic[E]):
    """Trains `model` in place; parameters that require gradients learn.

    Args:
        model: Whose trained parameters get gradients from every example by itself; drops nothing meanwhile.
        place: Where it runs.
        plan: What was promised.
        batches: Which units take part in a step; nothing but Poisson sampling is taken.
        draw: Step and units to one example for each unit, in whatever order.
        losses: Examples to the loss of each.
        probes: Made-up examples, of different lengths, on which the gradients are checked.
        checkpoint: Folder for this loop's own files.
        noise: Of this attempt; fresh where it is not given.
    """

    def __init__(
        self,
        model: nn.Module,
        place: Place,
        plan: Plan,
        batches: PoissonBatches,
        draw: Callable[[int, Sequence[int]], list[E]],
        losses: "Losses[E]",
        probes: Sequence[E],
        checkpoint: Path,
        noise: NoiseStream | None = None,
    ) -> None:
        self._model, self._place, self._plan = model, place, plan
        self._batches, self._draw, self._losses, self._probes = batches, draw, losses, probes
        self._folder = checkpoint
        self._noise = noise or NoiseStream()
        self._parameters = trained(model)
        self._optimizer = PrivateOptimizer(
            adamw(self._parameters, plan.learning_rate, 0.0),
            self._noise,
            plan.noise_multiplier,
            plan.clip,
            plan.batch,
        )
        self._clipping = ClippingWitness(list(self._parameters.values()), plan)
        self._noises = NoiseWitness(plan)
        self._sampling = SamplingWitness(plan, SamplingCounts())
        self._events: Counter[tuple[float, float]] = Counter()
        self._step = 0
        self._saved_at = time.monotonic()

    @property
    def events(self) -> tuple[PoissonGaussian, ...]:
        """What ran so far."""
        return tuple(PoissonGaussian(*kind, steps=steps) for kind, steps in sorted(self._events.items()))

    def fit(self, what: str) -> PrivateFit:
        """Takes the planned steps, or those that a killed attempt left to be taken.

        Args:
            what: Names the work to whoever watches; no loss is shown, since losses are private.

        Raises:
            PrivacyError: The loader is not Poisson, a key was used before, or a witness found something.
            ModelError: The model has no sound gradient for each example, or its weights are no numbers any more.
        """
        self._require_poisson()
        self._folder.mkdir(parents=True, exist_ok=True)
        attempts = self._claim_keys()
        self._resume()
        self._optimizer.attach_step_hook(lambda _: self._noises.step(list(self._parameters.values())))
        with (
            per_sample_gradients(self._model),
            without_dropout(self._model),
            progress.step(what, self._plan.steps, self._step) as step,
        ):
            check_per_sample_gradients(self._model, self._losses, self._probes, self._place.autocast, self._place.bf16)
            while self._step < self._plan.steps:
                self._take_step()
                step.advance(1)
        self._sampling.judge()
        self._require_numbers()
        self._save()
        return PrivateFit(self.events, self._step, attempts)

    def _take_step(self) -> None:
        units = [int(unit) for unit in self._batches.batch(self._step)]
        self._sampling.step(units)
        examples = self._draw(self._step, units)
        if len(examples) != len(units):
            raise _refused("units", "a unit gave more than one example to a step, or none")
        for parameter_group in self._optimizer.param_groups:
            parameter_group["lr"] = self._plan.learning_rate * ramp(self._step, self._plan.steps, self._plan.warmup)
        size = self._plan.physical_batch
        parts = [examples[start : start + size] for start in range(0, len(examples), size)] or [[]]
        for number, part in enumerate(parts, 1):
            self._add(part, last=number == len(parts))
        self._events[self._batches.rate, self._optimizer.noise_multiplier] += 1
        self._step += 1
        if time.monotonic() - self._saved_at > self._place.checkpoint_seconds:
            self._save()

    def _add(self, examples: list[E], last: bool) -> None:
        """Adds a physical batch to the step's sum, and takes the step behind the last."""
        if examples:
            with self._place.autocast():
                total = self._losses(examples).sum()
            total.backward()  # type: ignore[no-untyped-call]
        else:
            # Nobody's coin fell: the step is noise alone, and counts as much as any other.
            for parameter in self._parameters.values():
                parameter.grad_sample = parameter.new_zeros((0, *parameter.shape))  # type: ignore[attr-defined]
        self._clipping.before(len(examples))
        self._optimizer.signal_skip_step(do_skip=not last)
        self._optimizer.step()
        self._clipping.after()
        self._optimizer.zero_grad(set_to_none=True)

    def _require_poisson(self) -> None:
        batches, plan = self._batches, self._plan
        if type(batches) is not PoissonBatches:
            raise _refused("sampling", "the loader is not Poisson, and no other has an epsilon here")
        if (batches.units, batches.rate) != (plan.units, plan.sampling_rate):
            raise _refused("sampling", "the loader has other units or another rate than what was planned")

    def _claim_keys(self) -> int:
        """Notes down this attempt's keys before they are used, and how many attempts there were."""
        coins = hashlib.sha256(b"deidrelease coins key\n" + self._batches.coins.key).hexdigest()
        keys = [self._noise.fingerprint, coins]
        path = self._folder / "keys.json"
        earlier: list[list[str]] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
        if any(key in attempt for attempt in earlier for key in keys):
            raise _refused("noise", "its key, or that of the coins, was used by an earlier attempt")
        write_text(path, json.dumps([*earlier, keys]) + "\n")
        return len(earlier) + 1

    def _require_numbers(self) -> None:
        # Weights are safe to look at: noise has been added to all that they know.
        if not all(torch.isfinite(p).all() for p in self._parameters.values()):
            problem = Problem("dp", "the weights are no numbers any more", "lower dp.learning_rate, and run again")
            raise ModelError("Training diverged.", [problem])

    def _save(self) -> None:
        content = {
            "plan": asdict(self._plan),
            "weights": {name: p.detach() for name, p in self._parameters.items()},
            "optimizer": self._optimizer.state_dict(),
            "step": self._step,
            "events": [[*kind, steps] for kind, steps in self._events.items()],
            "sampling": asdict(self._sampling.counts),
        }
        save_atomically(content, self._folder / "state.pt")
        self._saved_at = time.monotonic()

    def _resume(self) -> None:
        path = self._folder / "state.pt"
        if not path.exists():
            return
        content: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        if content["plan"] != asdict(self._plan):
            raise _refused("plan", "the checkpoint was made under another plan; remove the stage's partial folder")
        with torch.no_grad():
            for name, parameter in self._parameters.items():
                parameter.copy_(content["weights"][name])
        self._optimizer.load_state_dict(content["optimizer"])
        self._step = content["step"]
        self._events = Counter({(rate, noise): steps for rate, noise, steps in content["events"]})
        self._sampling = SamplingWitness(self._plan, SamplingCounts(**content["sampling"]))
        logger.info("resumed at step %d of %d", self._step, self._plan.steps)


def _refused(check: str, what: str) -> PrivacyError:
    remedy = "report this unless you changed the program; nothing was promised"
    return PrivacyError("No epsilon is stated.", [Problem(f"check of {check}", what, remedy)])

"""Makes nodes as Ray tasks, on this machine or on a cluster that sees the ablation and its corpus by the same paths.

What travels is the ablation and recipes; what comes back is how each ended. Notes and models pass through the shared
folder alone. A task asks for a GPU where the config says `compute.device: cuda`: Ray hides those nobody asked for.
"""

from dataclasses import dataclass, field
from typing import Any

from deidrelease.ablation.attempts import KILLED, Attempt, attempt, crash, headline
from deidrelease.ablation.loading import Ablation
from deidrelease.ablation.making import Artefacts
from deidrelease.ablation.workers import Opening
from deidrelease.errors import DeidReleaseError
from deidrelease.models.loading import quieten
from deidrelease.ray_engine import connected

_held: dict[str, Artefacts] = {}


@dataclass(slots=True)
class OnRay:
    """At most `jobs` nodes under way; a task whose process dies has failed, and is not begun again by itself."""

    ablation: Ablation
    opening: Opening
    jobs: int
    _told: list[Any] = field(default_factory=list)
    _waiting: dict[Any, str] = field(default_factory=dict)

    @property
    def free(self) -> int:
        """How many more can be under way."""
        return self.jobs - len(self._waiting)

    def take(self, recipe: str) -> None:
        """Submits it.

        Raises:
            ConfigError: Ray is not installed.
        """
        ray = connected(self.jobs)
        if not self._told:
            self._told = [ray.put((self.ablation, self.opening))]
        gpus = 1 if self.ablation.base.compute.device == "cuda" else 0
        task = ray.remote(_make).options(max_retries=0, num_gpus=gpus)
        # In a list the reference stays one: a process fetches the ablation once, and not with every recipe.
        self._waiting[task.remote(self._told, self._told[0].hex(), recipe)] = recipe

    def ended(self) -> list[Attempt]:
        """Waits for the first."""
        ray = connected(self.jobs)
        done, _ = ray.wait(list(self._waiting), num_returns=1)
        return [self._fetched(ray, reference) for reference in done]

    def close(self) -> None:
        """Leaves the cluster as it is; what is under way there is cancelled."""
        for reference in self._waiting:
            connected(self.jobs).cancel(reference, force=True)
        self._waiting.clear()

    def _fetched(self, ray: Any, reference: Any) -> Attempt:
        recipe = self._waiting.pop(reference)
        try:
            fetched: Attempt = ray.get(reference)
        except ray.exceptions.RayError:
            return Attempt(recipe, KILLED)
        return fetched


def _make(told: list[Any], name: str, recipe: str) -> Attempt:
    try:
        artefacts = _opened(told, name)
    except DeidReleaseError as error:
        return Attempt(recipe, headline(error))
    except Exception as error:  # noqa: BLE001  # its message may quote a note, and Ray would print it
        return Attempt(recipe, crash(error))
    return attempt(artefacts, recipe)


def _opened(told: list[Any], name: str) -> Artefacts:
    if name not in _held:
        import ray

        quieten()
        ablation, opening = ray.get(told[0])
        _held.clear()
        _held[name] = opening(ablation)
    return _held[name]

"""Where nodes are made: in this process, or in several that each hold the whole graph and are told recipes."""

import os
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from multiprocessing import get_context
from typing import Protocol

from deidrelease.ablation.attempts import KILLED, Attempt, attempt
from deidrelease.ablation.loading import Ablation
from deidrelease.ablation.making import Artefacts
from deidrelease.models.loading import quieten
from deidrelease.orphans import end_with_parent

_artefacts: Artefacts | None = None
Opening = Callable[[Ablation], Artefacts]


class Workers(Protocol):
    """Takes recipes whose inputs are made, and tells how each ended, in any order."""

    @property
    def free(self) -> int:
        """How many more recipes can be taken now."""
        ...

    def take(self, recipe: str) -> None:
        """Begins to make a node."""
        ...

    def ended(self) -> list[Attempt]:
        """Waits until at least one of those taken has ended."""
        ...

    def close(self) -> None:
        """Gives back what it held."""
        ...


@dataclass(slots=True)
class InProcess:
    """One after the other, here."""

    artefacts: Artefacts
    _taken: list[str] = field(default_factory=list)

    @property
    def free(self) -> int:
        """One at a time."""
        return 1 - len(self._taken)

    def take(self, recipe: str) -> None:
        """Puts it aside."""
        self._taken.append(recipe)

    def ended(self) -> list[Attempt]:
        """Makes what was taken."""
        taken, self._taken = self._taken, []
        return [attempt(self.artefacts, recipe) for recipe in taken]

    def close(self) -> None:
        """Nothing is left open."""


@dataclass(slots=True)
class Processes:
    """Over `jobs` processes; one that is killed takes those beside it along, and is followed by others."""

    ablation: Ablation
    opening: Opening
    jobs: int
    _pool: ProcessPoolExecutor | None = None
    _waiting: dict[Future[Attempt], str] = field(default_factory=dict)

    @property
    def free(self) -> int:
        """Processes without work."""
        return self.jobs - len(self._waiting)

    def take(self, recipe: str) -> None:
        """Hands it to a process."""
        if self._pool is None:
            # spawn: a fork would copy the locks of whatever threads the libraries have begun.
            told = (self.ablation, self.opening, max(1, (os.cpu_count() or 1) // self.jobs))
            self._pool = ProcessPoolExecutor(self.jobs, get_context("spawn"), _begin, told)
        try:
            future = self._pool.submit(_make, recipe)
        except BrokenProcessPool as error:
            future = Future()
            future.set_exception(error)
        self._waiting[future] = recipe

    def ended(self) -> list[Attempt]:
        """Waits for the first."""
        done, _ = wait(self._waiting, return_when=FIRST_COMPLETED)
        if any(isinstance(future.exception(), BrokenProcessPool) for future in done):
            done, _ = wait(self._waiting)  # none of them is going on
            self.close()
        return [_result(future, self._waiting.pop(future)) for future in done]

    def close(self) -> None:
        """Waits for the processes, which are begun anew if there is more to do."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None


def _result(future: Future[Attempt], recipe: str) -> Attempt:
    return Attempt(recipe, KILLED) if isinstance(future.exception(), BrokenProcessPool) else future.result()


def _begin(ablation: Ablation, opening: Opening, threads: int) -> None:
    global _artefacts  # noqa: PLW0603  # a worker has one graph for its whole life
    end_with_parent()
    quieten()
    _artefacts = opening(ablation)
    if ablation.base.compute.threads is None:
        import torch

        torch.set_num_threads(threads)


def _make(recipe: str) -> Attempt:
    if _artefacts is None:
        raise RuntimeError("the worker was never begun")
    return attempt(_artefacts, recipe)

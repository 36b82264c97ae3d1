"""What a stage of a run has to do with the ledger: to say what it is going to do, and what it did.

A private step holds its corpus while it runs. Its id lies in the checkpoint, so that an attempt that goes on from there
goes on with the same step, and what both did counts once.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from deidrelease.artifacts import canonical_json, sha256_text, write_text
from deidrelease.errors import PrivacyError, Problem
from deidrelease.notes import Note
from deidrelease.privacy.entries import Step, documents
from deidrelease.privacy.events import PoissonGaussian, merged
from deidrelease.privacy.folder import has_ledgers, ledger_key
from deidrelease.privacy.kinship import subject_of
from deidrelease.privacy.ledger import Ledger, new_step
from deidrelease.privacy.totals import Budget
from deidrelease.results import PrivacyUnit

STEP = "ledger-step"


@dataclass(slots=True)
class RunningStep:
    """A private step in work.

    Attributes:
        ran: What the loop counted; None until it is known, and then all that was planned counts.
    """

    ran: tuple[PoissonGaussian, ...] | None = None

    def counted(self, events: Iterable[PoissonGaussian]) -> None:
        """Takes down what the chain of kept weights went through, as the loop's counters have it."""
        self.ran = tuple(events)


@dataclass(frozen=True, slots=True)
class Account:
    """Where the private steps of a run are written down.

    Attributes:
        folder: Of the ledgers.
        corpus: Reads the private corpus, all of it: a patient of the hold-out today may be trained on tomorrow.
        run_dir: Of the run.
        budget: Of the corpus; None where there is none.
        always: Whether a step without a bound is written down even where no ledger knows a patient of the corpus.
    """

    folder: Path
    corpus: Callable[[], Iterable[Note]] = field(repr=False)
    run_dir: Path
    budget: Budget | None = None
    always: bool = False

    def ledger(self) -> Ledger:
        """The ledger of the corpus, which is read for it."""
        key = ledger_key(self.folder)
        return Ledger(self.folder, key, subject_of(self.corpus(), key))

    def is_kept(self) -> bool:
        """Whether a training without differential privacy is written down too."""
        if self.always or self.budget is not None:
            return True
        return has_ledgers(self.folder) and self.ledger().exists()

    def spent_digest(self) -> str:
        """Changes whenever any run spends more on these patients, and by nothing else; no ledger, no change.

        Raises:
            PrivacyError: A ledger is damaged.
        """
        steps = self.ledger().steps() if has_ledgers(self.folder) else ()
        spent = [[step.id, step.state, step.group, documents(step.events)] for step in steps]
        return sha256_text(canonical_json(spent))

    @contextmanager
    def unbounded(self, stage: str, checkpoint: Path) -> Iterator[None]:
        """A training without differential privacy runs in this block.

        It is written down where a ledger is kept: where the settings ask for one, or there is one about any patient
        of the corpus, since a total that left it out would be too small.

        Raises:
            PrivacyError: There is a budget, which it would pass, or another run is at a private step on the corpus.
        """
        if not self.is_kept():
            yield
            return
        with self._step(stage, "sgd", "patient", None, None, 1, checkpoint):
            yield

    @contextmanager
    def private(
        self,
        stage: str,
        planned: Sequence[PoissonGaussian],
        delta: float,
        unit: PrivacyUnit,
        group: int,
        checkpoint: Path,
    ) -> Iterator[RunningStep]:
        """A training with differential privacy runs in this block, and says in it what it counted.

        Args:
            stage: Of the flow.
            planned: All that it is going to do.
            delta: That it was planned with.
            unit: Whose privacy the events are about.
            group: Most units that one patient is: 1, or the most notes of a patient.
            checkpoint: Folder of the attempt; goes when the stage is done.

        Raises:
            PrivacyError: The budget would be passed, or another run is at a private step on the corpus.
        """
        with self._step(stage, "dp-sgd", unit, tuple(planned), delta, group, checkpoint) as running:
            yield running

    def release(self, release_id: str, promised: bool) -> None:
        """Writes down that what this run made is going into a release; nothing where no ledger is kept.

        A run of the time before there was a ledger is written down as a step without a bound.

        Args:
            release_id: Of the release.
            promised: Whether it comes with a guarantee.

        Raises:
            PrivacyError: It does, and no private step of the run is on record; or the budget would be passed.
        """
        if not promised and not self.is_kept():
            return
        ledger = self.ledger()
        run = ledger.run_digest(self.run_dir)
        if not promised and run not in {step.run for step in ledger.steps()}:
            step = ledger.begin(
                run=run, stage="unrecorded", mechanism="unrecorded", unit="patient", planned=None, delta=None,
                budget=self.budget,
            )  # fmt: skip
            ledger.end(step, "done", None)
        ledger.release(release_id, run)

    @contextmanager
    def _step(
        self, stage: str, mechanism: str, unit: PrivacyUnit, planned: Sequence[PoissonGaussian] | None,
        delta: float | None, group: int, checkpoint: Path,
    ) -> Iterator[RunningStep]:  # fmt: skip
        ledger = self.ledger()
        with ledger.held():
            step, goes_on = _step_in(checkpoint, ledger, planned)
            if finished := ledger.finished(step):
                # Killed after the training and before its stage was whole: the checkpoint has all, and adds nothing.
                running = RunningStep()
                yield running
                _require_nothing_new(finished, running)
                return
            if goes_on:
                ledger.resume(step, self.budget)
            else:
                run = ledger.run_digest(self.run_dir)
                ledger.begin(
                    run=run, stage=stage, mechanism=mechanism, unit=unit, planned=planned, delta=delta, group=group,
                    budget=self.budget, step=step,
                )  # fmt: skip
            running = RunningStep()
            try:
                yield running
            except BaseException:
                ledger.end(step, "failed", running.ran)
                raise
            ledger.end(step, "done", running.ran)
            _require_planned(running.ran, planned)


def _require_planned(ran: Sequence[PoissonGaussian] | None, planned: Sequence[PoissonGaussian] | None) -> None:
    """Refuses a training that did other steps, or more of them, than the budget was asked for."""
    if ran is None or planned is None:
        return
    allowed = {(event.sampling_rate, event.noise_multiplier): event.steps for event in merged(planned)}
    if any(e.steps > allowed.get((e.sampling_rate, e.noise_multiplier), 0) for e in merged(ran)):
        problem = Problem("training", "took steps that were not planned", "report this: it is a fault of the program")
        raise PrivacyError("What ran is written down, and nothing is promised of it.", [problem])


def _require_nothing_new(finished: Step, running: RunningStep) -> None:
    ran = None if running.ran is None else merged(running.ran)
    if ran != (None if finished.events is None else merged(finished.events)):
        what = "a training that is done on record has counted other steps since"
        problem = Problem(STEP, what, "remove the stage's partial folder, and run again")
        raise PrivacyError("What this training spent is not known.", [problem])


def _step_in(checkpoint: Path, ledger: Ledger, planned: Sequence[PoissonGaussian] | None) -> tuple[str, bool]:
    """The step of the attempt, and whether it goes on; a new one is noted here before it begins in the ledger.

    An attempt with another plan is another step, and the one before goes on counting.
    """
    path = checkpoint / STEP
    if path.exists():
        step = path.read_text(encoding="utf-8").strip()
        known = ledger.find(step)
        if known is None or known.planned == planned:
            return step, known is not None
    step = new_step()
    write_text(path, step + "\n")
    return step, False

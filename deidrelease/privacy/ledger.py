"""The ledger of a private corpus: every private step of every run, added up over all of them.

It lies with the ledgers of the site's other corpora in one folder, under the keyed digest of its corpus. A step is
written down before it begins and counts in full from then on; only its recorded end can make it count as what ran.
"""

import fcntl
import math
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from deidrelease.errors import PrivacyError, Problem
from deidrelease.keys import SiteKey
from deidrelease.privacy.chain import Chain
from deidrelease.privacy.entries import (
    FORMAT,
    Entry,
    Opened,
    Outcome,
    Released,
    Step,
    documents,
    parse_entry,
    steps_of,
)
from deidrelease.privacy.events import PoissonGaussian
from deidrelease.privacy.folder import folder_lock
from deidrelease.privacy.kinship import Subject, read_marks, write_marks
from deidrelease.privacy.totals import Budget, Total, epsilon_of, total_of
from deidrelease.results import PrivacyUnit


@dataclass(frozen=True, slots=True)
class Ledger:
    """The ledger of one corpus.

    Attributes:
        folder: Of the site's ledgers.
        key: Of that folder.
        subject: Whom the ledger is about.
    """

    folder: Path
    key: SiteKey
    subject: Subject

    @property
    def chain(self) -> Chain:
        """The file."""
        return _chain(self.folder, self.subject.name, self.key)

    def exists(self) -> bool:
        """Whether anything was recorded of this corpus, or of another with any of its patients."""
        return self.chain.exists() or bool(self._kin())

    def steps(self) -> tuple[Step, ...]:
        """Every private step of this corpus, and of all others of the folder that share a patient with it.

        Raises:
            PrivacyError: A ledger is damaged.
        """
        return tuple(step for chain in self._chains() for step in steps_of(_entries(chain)))

    def find(self, step: str) -> Step | None:
        """The step with this id, if it ever began on this corpus."""
        return next((known for known in steps_of(_entries(self.chain)) if known.id == step), None)

    def finished(self, step: str) -> Step | None:
        """The step with this id if it is done on this corpus; what it told of a patient does not change any more."""
        return next(
            (known for known in steps_of(_entries(self.chain)) if (known.id, known.state) == (step, "done")), None
        )

    def releases(self) -> tuple[Released, ...]:
        """What was released of them."""
        entries = (entry for chain in self._chains() for _, entry in _entries(chain))
        return tuple(entry for entry in entries if isinstance(entry, Released))

    def total(self, delta: float) -> Total:
        """What all recorded steps together told of a patient."""
        return total_of(self.steps(), self.releases(), delta)

    def check_budget(self, planned: Sequence[PoissonGaussian] | None, budget: Budget, group: int = 1) -> None:
        """Holds what was spent and what is planned to `budget`.

        Args:
            planned: What would be spent; None where that has no bound.
            budget: Of the corpus.
            group: Most units that one patient is.

        Raises:
            PrivacyError: It would be passed; the message says what remains.
        """
        steps = self.steps()
        before = epsilon_of(steps, budget.delta)
        after = math.inf if planned is None else epsilon_of(steps, budget.delta, ((tuple(planned), group),))
        if not after <= budget.epsilon:
            raise _over_budget(before, after, budget)

    def begin(
        self,
        *,
        run: str,
        stage: str,
        mechanism: str,
        unit: PrivacyUnit,
        planned: Sequence[PoissonGaussian] | None,
        delta: float | None,
        group: int = 1,
        budget: Budget | None = None,
        step: str | None = None,
    ) -> str:
        """Writes down that a private step may run, after holding it to `budget`; gives its id.

        Args:
            run: As `run_digest` gives it.
            stage: Of the flow.
            mechanism: Such as `dp-sgd`, or `sgd` for a training without a bound.
            unit: Whose privacy the events are about.
            planned: What it is going to do at most; None where nothing bounds it.
            delta: That it was planned with; None exactly where `planned` is.
            group: Most units that one patient is.
            budget: Of the corpus; None where there is none.
            step: An id made before, so that a kill in between does not leave a step that nobody knows; else a new one.

        Raises:
            PrivacyError: The budget would be passed, or a ledger of the folder is damaged; nothing is begun then.
        """
        with folder_lock(self.folder):
            self.steps()  # a ledger that cannot be read may be about these patients
            if budget is not None:
                self.check_budget(planned, budget, group)
            self._open()
            return self._begin(step or new_step(), run, stage, mechanism, unit, planned, delta, group)

    def resume(self, step: str, budget: Budget | None = None) -> None:
        """Writes down that a step goes on from its checkpoint; it counts in full again, once.

        Raises:
            PrivacyError: There is no such step, or the budget is passed.
        """
        with folder_lock(self.folder):
            if self.find(step) is None:
                problem = Problem(str(self.chain.path), "knows no such step", "begin the stage anew")
                raise PrivacyError("A private step cannot be resumed.", [problem])
            self.chain.append({"kind": "resume", "at": _now(), "id": step})
            if budget is not None:
                self.check_budget((), budget)

    def end(self, step: str, outcome: Outcome, ran: Sequence[PoissonGaussian] | None) -> None:
        """Writes down how a step ended and what ran; None where that is not known, and all that was planned counts."""
        self.chain.append({"kind": "end", "at": _now(), "id": step, "outcome": outcome, "events": documents(ran)})

    def release(self, release_id: str, run: str) -> None:
        """Writes down that what a run made goes into a release.

        Raises:
            PrivacyError: No private step of the run is recorded.
        """
        with folder_lock(self.folder):
            if run not in {step.run for step in steps_of(_entries(self.chain))}:
                remedy = "name the folder under which the run was made, and the ledger folder that it used"
                problem = Problem(str(self.chain.path), "knows no private step of this run", remedy)
                raise PrivacyError("What was spent for this release is not known.", [problem])
            self.chain.append({"kind": "release", "at": _now(), "release_id": release_id, "run": run})

    def repair(self) -> int:
        """Takes a cut-off last line away and writes down that it did; gives its bytes, 0 where nothing was cut off.

        No step is lost by it: a step begins only once its line is on disk, and without its end it counts in full.
        """
        with folder_lock(self.folder):
            return self.chain.repair({"kind": "repair", "at": _now()})

    def run_digest(self, run_dir: Path) -> str:
        """What stands for a run's folder."""
        return self.key.digest("run", str(run_dir.resolve()))

    @contextmanager
    def held(self) -> Iterator[None]:
        """Holds the corpus for one private step; the lock goes with the process, however it ends.

        Raises:
            PrivacyError: Another process is at a private step on this corpus.
        """
        with self.chain.path.with_suffix(".lock").open("a") as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                remedy = "wait for it to end, or stop it, then run again"
                problem = Problem(str(self.chain.path), "another run is at a private step on this corpus", remedy)
                raise PrivacyError("The private corpus is in use.", [problem]) from None
            yield

    def _open(self) -> None:
        if self.chain.exists() and self.chain.entries():
            return
        write_marks(self.chain.path.with_suffix(".marks"), self.subject.marks)
        entry = {"kind": "open", "at": _now(), "format": FORMAT, "corpus": self.subject.name}
        self.chain.append({**entry, "marks_sha256": self.subject.digest()})

    def _begin(
        self, step: str, run: str, stage: str, mechanism: str, unit: PrivacyUnit,
        planned: Sequence[PoissonGaussian] | None, delta: float | None, group: int,
    ) -> str:  # fmt: skip
        for earlier in steps_of(_entries(self.chain)):
            # Its checkpoint is gone: nobody will resume it, and all that was planned goes on counting.
            if earlier.state == "begun" and (earlier.run, earlier.stage) == (run, stage):
                self.end(earlier.id, "killed", None)
        whose = {"run": run, "stage": stage, "mechanism": mechanism, "unit": unit, "group": group}
        entry = {"kind": "begin", "at": _now(), "id": step, **whose, "events": documents(planned), "delta": delta}
        parse_entry(entry, str(self.chain.path))
        self.chain.append(entry)
        return step

    def _chains(self) -> list[Chain]:
        own = [self.chain] if self.chain.exists() else []
        return [*own, *self._kin()]

    def _kin(self) -> list[Chain]:
        """The other ledgers of the folder whose corpora have a patient of this one."""
        names = sorted(path.stem for path in {*self.folder.glob("*.jsonl"), *self.folder.glob("*.head")})
        chains = [_chain(self.folder, name, self.key) for name in dict.fromkeys(names) if name != self.subject.name]
        return [chain for chain in chains if self._is_kin(chain)]

    def _is_kin(self, chain: Chain) -> bool:
        entries = [entry for _, entry in _entries(chain)]
        if not entries:
            return False
        [digest] = [entry.marks_sha256 for entry in entries if isinstance(entry, Opened)]
        return self.subject.shares(read_marks(chain.path.with_suffix(".marks"), digest))


def new_step() -> str:
    """An id for a step that no other has."""
    return secrets.token_hex(16)


def _chain(folder: Path, name: str, key: SiteKey) -> Chain:
    return Chain(folder / f"{name}.jsonl", key)


def _entries(chain: Chain) -> list[tuple[str, Entry]]:
    """The entries of a ledger with their places; the first says whose it is, and it has to be the file's own."""
    if not chain.exists():
        return []
    places = [(f"{chain.path}:{number}", entry) for number, entry in enumerate(chain.entries(), 1)]
    entries = [(where, parse_entry(entry, where)) for where, entry in places]
    for number, (where, entry) in enumerate(entries):
        if isinstance(entry, Opened) != (number == 0):
            raise _misplaced(where)
    if entries and isinstance(entries[0][1], Opened) and entries[0][1].corpus != chain.path.stem:
        raise _misplaced(entries[0][0])
    return entries


def _misplaced(where: str) -> PrivacyError:
    problem = Problem(where, "is not the ledger of the corpus that its name says", "restore it from a backup")
    return PrivacyError("The ledger is damaged, so no private step is taken.", [problem])


def _over_budget(before: float, after: float, budget: Budget) -> PrivacyError:
    said = f"{budget.epsilon:.4g} at delta {budget.delta:.1e}"
    if math.isinf(before):
        what = f"allows epsilon {said}; a training without a bound is on record, so nothing remains"
    elif math.isinf(after):
        what = f"allows epsilon {said}; {before:.4g} is spent, and this step has no bound"
    else:
        what = f"allows epsilon {said}; {before:.4g} is spent, and with this step it would be {after:.4g}"
    remains = max(0.0, budget.epsilon - before) if math.isfinite(before) else 0.0
    remedy = "ask for a smaller epsilon, or decide anew what a patient may be exposed to"
    problem = Problem("privacy.budget", f"{what} (about {remains:.4g} remains)", remedy)
    return PrivacyError("The step would pass the privacy budget of this corpus; it was not begun.", [problem])


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")

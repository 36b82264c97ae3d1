"""A site with its ledgers, and what its steps add up to."""

from pathlib import Path

from deidrelease.notes import Note
from deidrelease.privacy.account import Account
from deidrelease.privacy.accountant import epsilon_by_pld
from deidrelease.privacy.events import PoissonGaussian

DELTA = 1e-5
PLANNED = PoissonGaussian(0.1, 2.0, 50)
RAN = PoissonGaussian(0.1, 2.0, 30)


def notes(*patients: str) -> list[Note]:
    return [Note(f"n-{patient}-{number}", patient, "Seen.") for number, patient in enumerate(patients)]


WARD = notes("ann", "bob", "ann", "cyd")


class Site:
    """A site with its ledgers, a corpus and a run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.attempts = 0

    def account(self, corpus: list[Note] = WARD, run: str = "run", **more: object) -> Account:
        return Account(self.folder / "ledgers", lambda: corpus, self.folder / run, **{"always": True, **more})  # type: ignore[arg-type]

    def checkpoint(self) -> Path:
        self.attempts += 1
        return self.folder / f"checkpoint-{self.attempts}"

    def train(self, account: Account, stage: str = "adapt", ran: PoissonGaussian | None = RAN) -> None:
        with account.private(stage, [PLANNED], DELTA, "patient", 1, self.checkpoint()) as step:
            if ran is not None:
                step.counted([ran])


def total(account: Account) -> float:
    return account.ledger().total(DELTA).epsilon


def alone(*events: PoissonGaussian) -> float:
    return epsilon_by_pld(events, DELTA)

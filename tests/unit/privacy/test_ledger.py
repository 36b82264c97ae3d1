"""The ledger: what counts, when, and for whom."""

import json
import math
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from multiprocessing import get_context
from pathlib import Path

import pytest

pytest.importorskip("dp_accounting", reason="needs deidrelease[dp]")

from deidrelease.errors import PrivacyError
from deidrelease.notes import Note
from deidrelease.privacy.account import STEP, Account
from deidrelease.privacy.accountant import epsilon_by_pld
from deidrelease.privacy.events import PoissonGaussian
from deidrelease.privacy.folder import KEY, has_ledgers, ledger_folder
from deidrelease.privacy.total_document import parse_total, total_document
from deidrelease.privacy.totals import Budget

pytestmark = pytest.mark.slow

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


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    yield Site(tmp_path)


def total(account: Account) -> float:
    return account.ledger().total(DELTA).epsilon


def alone(*events: PoissonGaussian) -> float:
    return epsilon_by_pld(events, DELTA)


def test_a_step_counts_as_what_ran(site: Site) -> None:
    account = site.account()
    site.train(account)
    assert total(account) == alone(RAN) < alone(PLANNED)
    [step] = account.ledger().steps()
    assert (step.state, step.stage, step.mechanism, step.unit) == ("done", "adapt", "dp-sgd", "patient")


def test_a_step_without_counters_counts_as_planned(site: Site) -> None:
    account = site.account()
    site.train(account, ran=None)
    assert total(account) == alone(PLANNED)


def test_within_a_step_all_that_is_planned_counts(site: Site) -> None:
    account = site.account()
    with account.private("adapt", [PLANNED], DELTA, "patient", 1, site.checkpoint()) as step:
        found = account.ledger().total(DELTA)
        assert (found.epsilon, found.unfinished) == (alone(PLANNED), 1)
        step.counted([RAN])
    assert account.ledger().total(DELTA).unfinished == 0


def test_a_step_that_fails_has_spent_what_ran(site: Site) -> None:
    account = site.account()
    with (
        pytest.raises(ZeroDivisionError),
        account.private("adapt", [PLANNED], DELTA, "patient", 1, site.checkpoint()) as step,
    ):
        step.counted([RAN])
        raise ZeroDivisionError
    [found] = account.ledger().steps()
    assert (found.state, found.events) == ("failed", (RAN,))


def test_a_step_that_fails_before_it_has_counted_has_spent_its_plan(site: Site) -> None:
    account = site.account()
    with (
        pytest.raises(KeyboardInterrupt),
        account.private("adapt", [PLANNED], DELTA, "patient", 1, site.checkpoint()),
    ):
        raise KeyboardInterrupt
    assert total(account) == alone(PLANNED)


_KILLED = """
import os, signal, sys
from pathlib import Path
from deidrelease.notes import Note
from deidrelease.privacy.account import Account
from deidrelease.privacy.events import PoissonGaussian
folder = Path(sys.argv[1])
ward = [Note(f"n-{p}-{i}", p, "Seen.") for i, p in enumerate(["ann", "bob", "ann", "cyd"])]
account = Account(folder / "ledgers", lambda: ward, folder / "run", None, True)
with account.private("adapt", [PoissonGaussian(0.1, 2.0, 50)], 1e-5, "patient", 1, folder / "checkpoint-1"):
    os.kill(os.getpid(), signal.SIGKILL)
"""


def killed(site: Site) -> None:
    ended = subprocess.run([sys.executable, "-c", _KILLED, str(site.folder)], check=False)
    assert ended.returncode == -signal.SIGKILL


def test_kill_9_between_begin_and_end_counts_in_full(site: Site) -> None:
    killed(site)
    account = site.account()
    found = account.ledger().total(DELTA)
    assert (found.epsilon, found.unfinished) == (alone(PLANNED), 1)


def test_what_goes_on_after_a_kill_counts_once(site: Site) -> None:
    killed(site)
    account = site.account()
    site.train(account, ran=PLANNED)  # from the same checkpoint folder
    assert total(account) == alone(PLANNED)
    [step] = account.ledger().steps()
    assert step.state == "done"


def test_what_begins_anew_after_a_kill_counts_again(site: Site) -> None:
    killed(site)
    site.attempts = 1  # its checkpoint is gone
    account = site.account()
    site.train(account)
    assert [step.state for step in account.ledger().steps()] == ["killed", "done"]
    assert total(account) == alone(PLANNED, RAN)


def test_a_kill_after_the_end_and_before_publishing_counts_once(site: Site) -> None:
    account = site.account()
    site.train(account, ran=PLANNED)
    site.attempts = 0
    site.train(account, ran=PLANNED)
    assert total(account) == alone(PLANNED)


def test_the_id_lies_in_the_checkpoint_before_the_step_begins(site: Site) -> None:
    """A kill between the two leaves an id that nobody knows, and no step that nobody will resume."""
    account, checkpoint = site.account(), site.checkpoint()
    checkpoint.mkdir()
    (checkpoint / STEP).write_text("0" * 32 + "\n")
    site.attempts = 0
    site.train(account)
    [step] = account.ledger().steps()
    assert step.id == "0" * 32


def test_runs_and_releases_are_told_apart_and_composed(site: Site) -> None:
    first, second = site.account(run="one"), site.account(run="two")
    site.train(first)
    site.train(second, "annotator")
    site.train(second, "adapt", PLANNED)
    second.release("ab" * 16, promised=True)
    found = first.ledger().total(DELTA)
    one, two = first.ledger().run_digest(first.run_dir), first.ledger().run_digest(second.run_dir)
    assert {share.name: share.epsilon for share in found.runs} == {one: alone(RAN), two: alone(RAN, PLANNED)}
    assert [(share.name, share.epsilon) for share in found.releases] == [("ab" * 16, alone(RAN, PLANNED))]
    assert found.epsilon == alone(RAN, RAN, PLANNED)
    assert alone(RAN, PLANNED) < found.epsilon < alone(RAN) + alone(RAN, PLANNED)


def test_a_training_without_a_bound_makes_the_sum_infinite(site: Site) -> None:
    account = site.account()
    site.train(account)
    with account.unbounded("annotator", site.checkpoint()):
        pass
    found = account.ledger().total(DELTA)
    assert (found.epsilon, found.bounded_epsilon, found.unbounded) == (math.inf, alone(RAN), 1)
    assert parse_total(total_document(found)).epsilon == math.inf
    assert json.loads(json.dumps(total_document(found), allow_nan=False))["epsilon"] is None


def test_without_a_ledger_nothing_is_written(site: Site) -> None:
    account = site.account(always=False)
    with account.unbounded("adapt", site.checkpoint()):
        pass
    account.release("ab" * 16, promised=False)
    assert not (site.folder / "ledgers").exists()


def test_where_there_is_a_ledger_of_these_patients_everything_is_written(site: Site) -> None:
    site.train(site.account())
    quiet = site.account(always=False, run="another")
    with quiet.unbounded("adapt", site.checkpoint()):
        pass
    assert total(quiet) == math.inf
    elsewhere = site.account(notes("dan"), always=False)
    with elsewhere.unbounded("adapt", site.checkpoint()):
        pass
    assert not elsewhere.ledger().exists()


def test_a_corpus_that_grew_has_spent_what_it_had(site: Site) -> None:
    site.train(site.account())
    grown = site.account([*WARD, *notes("dan")])
    assert total(grown) == alone(RAN)
    site.train(grown)
    assert total(grown) == total(site.account()) == alone(RAN, RAN)


def long_notes(*patients: str) -> list[Note]:
    return [
        Note(f"n{i}", patient, f"Seen on the ward on day {i}, in good spirits, and sent home.")
        for i, patient in enumerate(patients)
    ]


def test_patients_by_other_ids_have_spent_what_they_had(site: Site) -> None:
    """As where `corpus.patients` is set to note: the texts are the same."""
    site.train(site.account(long_notes("ann", "bob")))
    assert total(site.account(long_notes("p1", "p2"))) == alone(RAN)
    assert total(site.account(long_notes("p1"))) == alone(RAN)


def test_what_may_be_said_of_anybody_is_no_mark(site: Site) -> None:
    site.train(site.account())
    assert [note.text for note in WARD] == ["Seen."] * 4
    assert total(site.account([Note("n", "dan", "Seen.")])) == 0


def test_other_patients_have_spent_nothing(site: Site) -> None:
    site.train(site.account())
    assert total(site.account(notes("dan", "eve"))) == 0


def test_notes_as_units_count_by_patient(site: Site) -> None:
    account = site.account()
    event = PoissonGaussian(1.0, 20.0, 10)
    with account.private("adapt", [event], DELTA, "note", 2, site.checkpoint()) as step:
        step.counted([event])
    # Without sampling a group of two is half the noise.
    assert total(account) == pytest.approx(alone(PoissonGaussian(1.0, 10.0, 10)), rel=0.01)


def test_the_budget_is_held_and_says_what_remains(site: Site) -> None:
    account = site.account(budget=Budget(alone(RAN, PLANNED) + 0.01, DELTA))
    site.train(account)
    site.train(account)  # planned in full it still fits
    with pytest.raises(PrivacyError, match=r"about 0\.\d+ remains") as error:
        site.train(account)
    assert error.value.exit_code == 3
    assert "privacy.budget" in str(error.value)
    assert total(account) == alone(RAN, RAN)  # nothing was begun


def test_a_training_without_a_bound_passes_every_budget(site: Site) -> None:
    account = site.account(budget=Budget(100, DELTA))
    with pytest.raises(PrivacyError, match="no bound"), account.unbounded("adapt", site.checkpoint()):
        raise AssertionError("it began")
    with site.account().unbounded("adapt", site.checkpoint()):
        pass
    with pytest.raises(PrivacyError, match="nothing remains"):
        site.train(account)


def test_two_at_once_on_one_corpus_the_second_is_refused(site: Site) -> None:
    account = site.account()
    with account.private("adapt", [PLANNED], DELTA, "patient", 1, site.checkpoint()):
        with pytest.raises(PrivacyError, match="in use"):
            site.train(site.account(run="another"))
        site.train(site.account(notes("dan")))  # another corpus is free
    assert len(account.ledger().steps()) == 1


def _try(folder: str, run: str, budget: float) -> None:
    site = Site(Path(folder) / run)
    site.folder.mkdir(exist_ok=True)
    corpus = [*WARD, *notes(run)]  # each its own corpus, about the same patients
    account = Account(Path(folder) / "ledgers", lambda: corpus, site.folder, Budget(budget, DELTA), True)
    try:
        site.train(account, ran=PLANNED)
    except PrivacyError:
        os._exit(3)
    os._exit(0)


def test_a_race_for_the_last_of_a_budget_has_one_winner(site: Site) -> None:
    context = get_context("spawn")
    budget = alone(PLANNED) * 1.2
    runs = [context.Process(target=_try, args=(str(site.folder), f"run{i}", budget)) for i in range(3)]
    for run in runs:
        run.start()
    for run in runs:
        run.join(240)
    assert sorted(run.exitcode or 0 for run in runs) == [0, 3, 3]
    assert total(site.account()) == alone(PLANNED)


def test_a_ledger_without_its_key_is_no_new_one(site: Site) -> None:
    account = site.account()
    site.train(account)
    (site.folder / "ledgers" / KEY).unlink()
    with pytest.raises(PrivacyError, match="without their key"):
        total(account)


def test_patients_that_were_changed_are_missed(site: Site) -> None:
    site.train(site.account())
    [path] = (site.folder / "ledgers").glob("*.marks")
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(PrivacyError, match="whom a ledger is about"):
        total(site.account(notes("dan")))


def test_a_cut_off_line_stops_every_private_step_until_it_is_repaired(site: Site) -> None:
    account = site.account()
    site.train(account)
    [path] = (site.folder / "ledgers").glob("*.jsonl")
    with path.open("ab") as stream:
        stream.write(b'{"at":"20')
    for corpus in (WARD, notes("dan")):  # it may be about any patient
        with pytest.raises(PrivacyError, match="cut off"):
            site.train(site.account(corpus))
    assert account.ledger().repair() == 9
    assert account.ledger().repair() == 0
    site.train(account)
    assert total(account) == alone(RAN, RAN)


def test_nothing_private_stands_in_any_file_or_message(site: Site) -> None:
    account = site.account(budget=Budget(1e-3, DELTA))
    with pytest.raises(PrivacyError) as error:
        site.train(account)
    site.train(site.account())
    folder = site.folder / "ledgers"
    told = str(error.value) + "".join(p.read_text() for p in folder.iterdir() if p.suffix in {".jsonl", ".head"})
    assert not any(word in told for word in ("ann", "bob", "cyd", "Seen", str(account.run_dir)))
    assert (folder.stat().st_mode & 0o777, (folder / KEY).stat().st_mode & 0o777) == (0o700, 0o600)


def test_an_attempt_with_another_plan_is_another_step(site: Site) -> None:
    """A newer library may calibrate otherwise: then what the checkpoint went through counts as well."""
    killed(site)
    account, other = site.account(), PoissonGaussian(0.1, 2.5, 50)
    with account.private("adapt", [other], DELTA, "patient", 1, site.checkpoint()) as step:
        step.counted([other])
    assert total(account) == alone(PLANNED, other)
    site.attempts = 0
    with account.private("adapt", [other], DELTA, "patient", 1, site.checkpoint()) as step:
        step.counted([other])  # goes on with the new one
    assert total(account) == alone(PLANNED, other)


@pytest.mark.parametrize(
    "ran", [PoissonGaussian(0.1, 2.0, 51), PoissonGaussian(0.1, 1.9, 50), PoissonGaussian(0.2, 2.0, 1)]
)
def test_what_was_not_planned_is_written_down_and_promises_nothing(site: Site, ran: PoissonGaussian) -> None:
    account = site.account()
    with pytest.raises(PrivacyError, match="not planned"):
        site.train(account, ran=ran)
    assert total(account) == alone(ran)


def test_a_release_of_a_run_that_nobody_recorded(site: Site) -> None:
    site.train(site.account())
    with pytest.raises(PrivacyError, match="not known"):
        site.account(run="moved").release("ab" * 16, promised=True)
    # Without a promise it is written down late, as what it is: something without a bound.
    site.account(run="before").release("cd" * 16, promised=False)
    found = site.account().ledger().total(DELTA)
    assert (found.epsilon, [share.name for share in found.releases]) == (math.inf, ["cd" * 16])


def test_where_ledgers_lie(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ledger_folder(tmp_path) == tmp_path
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert ledger_folder(None) == tmp_path / "deidrelease" / "ledgers"
    monkeypatch.setenv("XDG_STATE_HOME", "not/absolute")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert ledger_folder(None) == tmp_path / "home" / ".local" / "state" / "deidrelease" / "ledgers"
    assert not has_ledgers(ledger_folder(None))


@pytest.mark.parametrize("change", [{"unbounded": 1}, {"epsilon": -1.0}, {"more": 1}, {"format": "x"}, {"delta": 2.0}])
def test_a_document_that_is_no_total(site: Site, change: dict[str, object]) -> None:
    site.train(site.account())
    document = total_document(site.account().ledger().total(DELTA))
    assert parse_total(document).epsilon == alone(RAN)
    with pytest.raises(PrivacyError):
        parse_total({**document, **change})

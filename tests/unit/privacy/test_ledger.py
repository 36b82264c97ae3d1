"""The ledger: what counts, and when."""

import json
import math
import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("dp_accounting", reason="needs deidrelease[dp]")

from made.ledger_sites import DELTA, PLANNED, RAN, WARD, Site, alone, notes, total

from deidrelease.errors import PrivacyError
from deidrelease.privacy.account import STEP
from deidrelease.privacy.events import PoissonGaussian
from deidrelease.privacy.folder import KEY, has_ledgers, ledger_folder
from deidrelease.privacy.total_document import parse_total, total_document
from deidrelease.privacy.totals import Budget

pytestmark = pytest.mark.slow


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


def test_a_ledger_without_its_key_is_no_new_one(site: Site) -> None:
    account = site.account()
    site.train(account)
    (site.folder / "ledgers" / KEY).unlink()
    with pytest.raises(PrivacyError, match="without their key"):
        total(account)


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

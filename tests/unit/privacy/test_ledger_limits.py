"""What a ledger refuses: steps beyond the budget, and two at once."""

import os
from multiprocessing import get_context
from pathlib import Path

import pytest

pytest.importorskip("dp_accounting", reason="needs deidrelease[dp]")

from made.ledger_sites import DELTA, PLANNED, RAN, WARD, Site, alone, notes, total

from deidrelease.errors import PrivacyError
from deidrelease.privacy.account import Account
from deidrelease.privacy.totals import Budget

pytestmark = pytest.mark.slow


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

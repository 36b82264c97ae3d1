"""What the private trainings of a run are going to spend, and where that is written down."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from deidrelease.errors import DeidReleaseError, Problem
from deidrelease.formats import open_corpus
from deidrelease.models.private.plan import Plan, plan_of
from deidrelease.notes import Corpus
from deidrelease.privacy.account import Account
from deidrelease.privacy.accountant import epsilon_by_pld
from deidrelease.privacy.folder import has_ledgers, ledger_folder
from deidrelease.privacy.totals import Budget, epsilon_of
from deidrelease.settings import ReleaseConfig

STAGES = ("annotator", "adapt")


def account_of(config: ReleaseConfig) -> Account:
    """Where the private steps of a run are written down, and what they may spend."""
    corpus, privacy = config.corpus, config.privacy

    def notes() -> Corpus:
        return open_corpus(corpus.path, corpus.format, corpus.reading())

    budget = None if privacy.budget is None else Budget(privacy.budget.epsilon, privacy.budget.delta)
    # A run with a guarantee is told with all that it did: an annotator without one included.
    always = any(told is not None for told in (privacy.ledger, config.adapt.dp, config.annotator.dp))
    return Account(ledger_folder(privacy.ledger), notes, config.run_dir, budget, always)


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What can be known of the private trainings of a run before the first.

    Attributes:
        facts: A sentence a training with a guarantee: its epsilon, delta, noise and steps.
        problems: What `run` would refuse.
    """

    facts: tuple[str, ...]
    problems: tuple[Problem, ...]


def foresee(config: ReleaseConfig, train_notes: Mapping[int, int]) -> Foreseen:
    """Plans the trainings of `config` without running them, and holds them to the budget of the corpus.

    Args:
        config: Of the run.
        train_notes: For each train patient, by any number, how many notes there are.
    """
    plans: dict[str, tuple[Plan, int]] = {}
    problems: list[Problem] = []
    for stage in STAGES:
        try:
            if planned := _planned(config, stage, train_notes):
                plans[stage] = planned
        except DeidReleaseError as error:
            problems += error.problems or [Problem(f"{stage}.dp", error.summary, "see the message")]
    facts = tuple(_fact(config, stage, *planned) for stage, planned in plans.items())
    return Foreseen(facts, (*problems, *_over_budget(config, plans)))


def _planned(config: ReleaseConfig, stage: str, train_notes: Mapping[int, int]) -> tuple[Plan, int] | None:
    settings = getattr(config, stage)
    if settings.dp is None or not train_notes:
        return None
    canaries = _canaries(config, stage)
    if settings.dp.unit == "patient":
        return plan_of(settings.dp, len(train_notes) + canaries, settings.warmup), 1
    return plan_of(settings.dp, sum(train_notes.values()) + canaries, settings.warmup), max(train_notes.values())


def _canaries(config: ReleaseConfig, stage: str) -> int:
    """How many canaries are going to be units of their own: half of them, give or take what the coins decide."""
    planted = config.adapt.canaries if stage == "adapt" else None
    return 0 if planted is None else planted.count // 2


def _fact(config: ReleaseConfig, stage: str, plan: Plan, group: int) -> str:
    unit = getattr(config, stage).dp.unit
    most = ""
    if group > 1:
        epsilon = epsilon_by_pld([plan.event], plan.delta, group)
        most = f"; group factor {group}: epsilon {epsilon:.4g} for the patient with most notes"
    canaries = _canaries(config, stage)
    units = f"{plan.units} train {unit}s" + (f", about {canaries} canaries among them" if canaries else "")
    return (
        f"{stage}.dp: epsilon {plan.epsilon:g} at delta {plan.delta:.2g} for one of {units}: "
        f"{plan.steps} steps of {plan.batch} {unit}s on average, noise multiplier {plan.noise_multiplier:.4g}{most}"
    )


def _over_budget(config: ReleaseConfig, plans: Mapping[str, tuple[Plan, int]]) -> Iterator[Problem]:
    account = account_of(config)
    if account.budget is None:
        return
    try:
        steps = account.ledger().steps() if has_ledgers(account.folder) else ()
    except DeidReleaseError as error:
        yield from error.problems
        return
    before = epsilon_of(steps, account.budget.delta)
    parts = [((plan.event,), group) for plan, group in plans.values()]
    after = epsilon_of(steps, account.budget.delta, parts) if len(plans) == len(STAGES) else math.inf
    if not after <= account.budget.epsilon:
        yield _passed(before, after, account.budget)


def _passed(before: float, after: float, budget: Budget) -> Problem:
    spent = f"{before:.4g} is spent" if math.isfinite(before) else "steps without a bound are on record"
    planned = f"it would be {after:.4g} with this run" if math.isfinite(after) else "this run would have no bound"
    remains = max(0.0, budget.epsilon - before)
    what = f"allows epsilon {budget.epsilon:.4g} at delta {budget.delta:.2g}: {spent}, {planned}"
    remedy = f"about {remains:.4g} remains: ask for smaller epsilons, set dp for annotator and adapt, or leave it out"
    return Problem("privacy.budget", what, remedy)

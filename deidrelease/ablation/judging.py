"""Holds the audits of each cell against a policy: a cell passes only where every one of its runs does.

The audits' results are read from the artefacts themselves, whose receipts they have to match, and not from the table:
a number in a table carries neither the settings of its audit nor what was not measured.
"""

import datetime
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from deidrelease import artifacts
from deidrelease.ablation.outcomes import CellOutcome, CellRun, Outcomes
from deidrelease.auditing.result import read_result
from deidrelease.auditing.writing import RESULT
from deidrelease.errors import ArtifactError
from deidrelease.policy import Policy
from deidrelease.policy.judging import Waivers, judge

ARTEFACTS, AUDIT = "artefacts", "audit_artefact"
NO_RESULT = "audit"
"""Stands for a rule's name where a run has no audit that could be held against any."""


@dataclass(frozen=True, slots=True)
class CellVerdict:
    """What a policy says of a cell.

    Attributes:
        runs: How many runs it has, one for each fold and seed.
        passed: How many of them pass.
        blocking: Rule to the number of runs in which it blocks, most first.
    """

    runs: int
    passed: int
    blocking: Mapping[str, int]

    @property
    def passes(self) -> bool:
        """Whether every run does."""
        return self.passed == self.runs > 0


def judge_cells(outcomes: Outcomes, out: Path, policy: Policy, now: datetime.date) -> dict[str, CellVerdict]:
    """The verdict of each whole cell, by id. No waiver counts: a waiver is for one corpus that is to be released.

    Args:
        outcomes: Of the ablation.
        out: Its folder.
        policy: Resolved.
        now: The day.
    """
    known: dict[str, tuple[str, ...]] = {}
    return {cell.id: _judge(cell, out, policy, now, known) for cell in outcomes.whole}


def _judge(
    cell: CellOutcome, out: Path, policy: Policy, now: datetime.date, known: dict[str, tuple[str, ...]]
) -> CellVerdict:
    found = [_blocking(run, out, policy, now, known) for run in cell.runs]
    counted = Counter(rule for rules in found for rule in rules)
    return CellVerdict(len(found), sum(not rules for rules in found), dict(counted.most_common()))


def _blocking(
    run: CellRun, out: Path, policy: Policy, now: datetime.date, known: dict[str, tuple[str, ...]]
) -> tuple[str, ...]:
    """Names of the rules that block; empty only where there is an intact result that the policy passes."""
    name = run.values.get(AUDIT)
    if not isinstance(name, str) or Path(name).name != name:
        return (NO_RESULT,)
    if name not in known:
        known[name] = _blocking_of(out / ARTEFACTS / name, policy, now)
    return known[name]


def _blocking_of(folder: Path, policy: Policy, now: datetime.date) -> tuple[str, ...]:
    receipt = artifacts.read_receipt(folder)
    if receipt is None or RESULT not in receipt.outputs or artifacts.damage(folder, receipt):
        return (NO_RESULT,)
    try:
        verdict = judge(policy, read_result(folder / RESULT), Waivers(), now)
    except ArtifactError:
        return (NO_RESULT,)
    if verdict.passed:
        return ()
    return tuple(judgement.rule for judgement in verdict.blocking) or (NO_RESULT,)

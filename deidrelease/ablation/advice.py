"""Puts a recommendation into words: what is chosen, what was passed over and why, and what it is no proof of."""

import math
from collections.abc import Iterator, Sequence

from deidrelease.ablation.judging import NO_RESULT, CellVerdict
from deidrelease.ablation.recommending import COSTS, Candidate, Recommendation
from deidrelease.ablation.wording import cell_text, difference_text, plain, score_text, seconds_text

_MOST_TOLD = 12
_MOST_RULES = 4


def advice(found: Recommendation) -> str:
    """All lines of it."""
    chosen = _none(found) if found.chosen is None else _chosen(found, found.chosen)
    return "\n".join([*chosen, *_passed_over(found), *_caveats(found)])


def _chosen(found: Recommendation, chosen: Candidate) -> Iterator[str]:
    yield f"Recommended: {_name(chosen)}"
    for axis, level in chosen.cell.levels.items():
        yield f"  {axis}: {'null' if level is None else level}"
    yield f"  F1 of the synthetic tagger {score_text(chosen.f1)}; {_gap(found, chosen)}."
    passed = f"{chosen.verdict.passed} of {chosen.verdict.runs} runs"
    yield f"  Passes {found.policy.name} {found.policy.version} in {passed}."
    yield f"  Cost {_cost(chosen)}; cheapest by {COSTS[found.cost]}."


def _none(found: Recommendation) -> Iterator[str]:
    yield (
        f"No cell can be recommended: none is both within {plain(found.margin)} of the best F1, judged by its "
        f"interval, and passed by {found.policy.name} {found.policy.version} in every run."
    )
    yield f"  Best F1: {_name(found.best)}, {score_text(found.best.f1)}; {_blocked(found.best.verdict)}."
    passing = [each for each in found.candidates if each.verdict.passes]
    if passing:
        nearest = max(passing, key=lambda each: each.to_best.low)
        yield f"  Nearest of the {len(passing)} that pass: {_name(nearest)}; {_gap(found, nearest)}."
    else:
        yield "  No cell passes the policy."


def _gap(found: Recommendation, each: Candidate) -> str:
    if each is found.best:
        return "the best of all"
    reach = "within" if each.within else "not shown to be within"
    return f"minus the best {difference_text(each.to_best)}, {reach} the margin of {plain(found.margin)}"


def _passed_over(found: Recommendation) -> Iterator[str]:
    """Why each cheaper cell was not taken; where none was taken, why no cell was."""
    cheaper = list(found.candidates)
    if found.chosen is not None:
        cheaper = cheaper[: cheaper.index(found.chosen)]
    if cheaper:
        yield f"{'Cheaper' if found.chosen else 'All'} cells, and why not:"
    for each in cheaper[:_MOST_TOLD]:
        reasons = [] if each.within else [_gap(found, each)]
        reasons += [] if each.verdict.passes else [_blocked(each.verdict)]
        yield f"  {_name(each)}: {'; '.join(reasons)}"
    if len(cheaper) > _MOST_TOLD:
        yield f"  {len(cheaper) - _MOST_TOLD} more"


def _blocked(verdict: CellVerdict) -> str:
    if verdict.passes:
        return "passes the policy"
    rules = [_rule(name, count, verdict.runs) for name, count in verdict.blocking.items()]
    more = f" and {len(rules) - _MOST_RULES} more" if len(rules) > _MOST_RULES else ""
    return (
        f"blocked in {verdict.runs - verdict.passed} of {verdict.runs} runs by {', '.join(rules[:_MOST_RULES])}{more}"
    )


def _rule(name: str, count: int, runs: int) -> str:
    told = "the lack of an intact audit" if name == NO_RESULT else name
    return told if count == runs else f"{told} (in {count})"


def _caveats(found: Recommendation) -> Iterator[str]:
    if found.left_out:
        yield f"{found.left_out} cell(s) are not done in every run and were not considered."
    if not found.policy.signable:
        yield f"{found.policy.name} is a smoke test: nothing can be signed or released under it."
    n = len(found.candidates)
    yield (
        f"Chosen among {n} cell(s), with an interval of 95% and a verdict for each by itself: of many cells one may "
        "stand out by luck. This is no release and no permission: run the chosen settings on all patients, and let the "
        "gate judge what that run makes."
    )


def _name(each: Candidate) -> str:
    return cell_text(each.cell) or f"cell {each.cell.id}"


def _cost(each: Candidate) -> str:
    patients = each.cell.mean("gold_patients_annotator")
    told = [] if patients is None else [f"{patients:,.0f} annotated patients"]
    return ", ".join([seconds_text(each.cell.mean("seconds")), *told])


def as_document(found: Recommendation) -> dict[str, object]:
    """The same as JSON values, for programs; what was not measured is null."""
    return {
        "recommended": found.chosen.cell.id if found.chosen else None,
        "best": found.best.cell.id,
        "margin": found.margin,
        "cost": found.cost,
        "policy": {"name": found.policy.name, "version": found.policy.version, "sha256": found.policy.sha256()},
        "left_out": found.left_out,
        "candidates": [_record(each) for each in found.candidates],
    }


def _record(each: Candidate) -> dict[str, object]:
    return {
        "cell": each.cell.id,
        "settings": dict(each.cell.levels),
        "f1": _numbers(each.f1.value, each.f1.low, each.f1.high),
        "minus_best": _numbers(each.to_best.value, each.to_best.low, each.to_best.high),
        "within_margin": each.within,
        "runs": each.verdict.runs,
        "runs_passed": each.verdict.passed,
        "blocking": dict(each.verdict.blocking),
        "cost": [None if math.isinf(part) else part for part in each.cost],
    }


def _numbers(*numbers: float) -> Sequence[float]:
    return [round(number, 6) for number in numbers]

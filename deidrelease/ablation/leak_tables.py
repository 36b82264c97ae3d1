"""What each cell leaks, as a table: numbers of audits that were measured in every run, and what a policy says."""

from collections.abc import Iterator, Mapping, Sequence

from deidrelease.ablation.judging import NO_RESULT, CellVerdict
from deidrelease.ablation.markdown import MOST_ROWS, cut_off, table
from deidrelease.ablation.outcomes import CellOutcome
from deidrelease.ablation.slices import LEAKS
from deidrelease.ablation.wording import cell_text, plain

_DECISIVE = ("verbatim", "near_duplicate", "pii_replay", "linkage")


def leak_tables(cells: Sequence[CellOutcome], verdicts: Mapping[str, CellVerdict], policy: str) -> Iterator[str]:
    """Lines of Markdown: what the audits found in each cell, and in how many runs the policy of that name passes it."""
    there = [metric for metric in LEAKS if any(cell.leak(metric) for cell in cells)]
    if not there:
        yield "No audit has measured any cell: nothing is known of what any of them leaks, and that is no good sign."
        yield ""
        return
    rows = [
        [
            cell_text(cell),
            _decisive(cell),
            *(_leak(cell, metric) for metric in there),
            _verdict(verdicts[cell.id]),
        ]
        for cell in cells
    ]
    yield (
        "Decisive: copied spans, notes, identifiers and linked pairs that no chance explains, counted in the worst "
        "run. All else: mean over runs, and in brackets the least lower and the greatest upper end of the runs' "
        f"intervals. Policy: `{policy}`; how many runs pass, and what blocks most often in the others."
    )
    yield ""
    yield from table(["cell", "decisive", *(metric.replace(".", " ") for metric in there), "passes"], rows[:MOST_ROWS])
    yield from cut_off(rows)


def _decisive(cell: CellOutcome) -> str:
    counts = [[run.number(f"audit.{audit}.decisive") for audit in _DECISIVE] for run in cell.runs]
    worst = max(sum(count or 0.0 for count in of_run) for of_run in counts)
    if all(cell.leak(f"{audit}.decisive") for audit in _DECISIVE):
        return f"{worst:,.0f}"
    # What an audit that lacks power has found all the same is found; that it found nothing would be no news.
    return f"{worst:,.0f} or more; not measured in every run" if worst else "not measured in every run"


def _leak(cell: CellOutcome, metric: str) -> str:
    leak = cell.leak(metric)
    if leak is None:
        return "not measured in every run"
    mean, (low, high) = leak
    return f"{plain(mean)} [{plain(low)}, {plain(high)}]"


def _verdict(verdict: CellVerdict) -> str:
    told = f"{verdict.passed} of {verdict.runs}"
    first = next(iter(verdict.blocking), None)
    if first is None:
        return told
    return f"{told}; {'no intact audit' if first == NO_RESULT else first} in {verdict.blocking[first]}"

"""Runs stages one after the other and resumes by itself; `deidrelease.work` says how one of them is made."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from deidrelease import artifacts
from deidrelease.artifacts import Receipt
from deidrelease.errors import ArtifactError, Problem
from deidrelease.work import Finished, Stage, Standing, State, Work, bring_up_to_date, digest_in, standing_of, work_of


@dataclass(frozen=True, slots=True)
class Source:
    """Something the run reads but did not make: where it lies and how to digest its content."""

    path: Path
    digest: Callable[[], str]


def run(
    stages: Sequence[Stage],
    run_dir: Path,
    sources: Mapping[str, Source],
    seed: int,
    until: str | None = None,
    begin: Callable[[], None] = lambda: None,
) -> Iterator[Finished]:
    """Brings `stages`, given in an order in which each follows what it reads, up to date, yielding each as it is done.

    Args:
        stages: All stages of the flow.
        run_dir: Made if needed, readable by its owner only, and locked while this runs.
        sources: What the stages read that no stage makes.
        seed: From which every stage derives its own.
        until: The last stage to run; all by default.
        begin: Called once the folder is locked, to write what belongs to the run as a whole.

    Raises:
        ArtifactError: Another process runs in the folder, or `until` names no stage.
    """
    if until is not None and until not in (names := [stage.name for stage in stages]):
        raise ArtifactError("No such stage.", [Problem("--until", f"names {until}", f"one of {', '.join(names)}")])
    run_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    with artifacts.locked(run_dir):
        begin()
        receipts: dict[str, Receipt] = {}
        digests = {name: source.digest() for name, source in sources.items()}
        for stage in stages:
            paths = {name: sources[name].path if name in sources else run_dir / name for name in stage.after}
            finished = bring_up_to_date(_work(stage, digests, receipts, seed), paths, run_dir / stage.name)
            receipts[stage.name] = finished.receipt
            yield finished
            if stage.name == until:
                return


def standings(stages: Sequence[Stage], run_dir: Path, sources: Mapping[str, Source], seed: int) -> list[Standing]:
    """What is done, stale, missing or begun, and why, without running or changing anything."""
    receipts: dict[str, Receipt] = {}
    digests = {name: source.digest() for name, source in sources.items()}
    found = []
    for stage in stages:
        waits = [name for name in stage.after if name not in digests and name.split("/")[0] not in receipts]
        if waits:
            standing = _waiting(stage, run_dir, waits)
        else:
            standing = standing_of(_work(stage, digests, receipts, seed), run_dir / stage.name)
        found.append(standing)
        if standing.state == "done" and standing.receipt is not None:
            receipts[stage.name] = standing.receipt
    return found


def _work(stage: Stage, digests: Mapping[str, str], receipts: Mapping[str, Receipt], seed: int) -> Work:
    inputs = {name: digests[name] if name in digests else _input_digest(name, receipts) for name in stage.after}
    return work_of(stage, inputs, seed)


def _input_digest(name: str, receipts: Mapping[str, Receipt]) -> str:
    stage, _, file = name.partition("/")
    return digest_in(receipts[stage], file)


def _waiting(stage: Stage, run_dir: Path, waits: Sequence[str]) -> Standing:
    state: State = "stale" if artifacts.read_receipt(run_dir / stage.name) else "missing"
    return Standing(stage.name, state, f"waits for {', '.join(waits)}")

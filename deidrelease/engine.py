"""Maps shards to tallies and adds them up: in this process, over processes, or on a Ray cluster.

All three read the same shards in the same order and add the tallies in that order, so their sums are equal to the
byte. What an engine ships is an audit, its index and a shard; what comes back is a tally.
"""

import pickle
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from typing import Any, Protocol

from deidrelease.contracts import Arm, Audit, Corpora, Shard
from deidrelease.errors import AuditError, Problem
from deidrelease.notes import Corpus, Note

SHARD_CHARACTERS = 2_000_000
"""About how much text a worker gets at once: enough to keep it busy for a moment, little enough to hold many times."""

_scan: Callable[[Shard], Any] | None = None


class Engine(Protocol):
    """Where scans run."""

    def tally(self, audit: Audit, index: Any, corpora: Corpora, seen: Callable[[Shard], None]) -> Any:
        """The sum of the scans over all shards of the arms that `audit` wants; `seen` hears of each shard once done."""
        ...


@dataclass(frozen=True, slots=True)
class LocalEngine:
    """Scans in this process, or in `workers` of its own.

    Attributes:
        workers: Processes; 1 stays in this one.
        shard_characters: About how much text a shard holds.
    """

    workers: int = 1
    shard_characters: int = SHARD_CHARACTERS

    def tally(self, audit: Audit, index: Any, corpora: Corpora, seen: Callable[[Shard], None]) -> Any:
        """Adds in reading order; at most two shards a worker are under way, so memory stays bounded."""
        shards = shards_of(audit, corpora, self.shard_characters)
        scan = partial(audit.scan, index)
        if self.workers == 1:
            return added((_done(scan(shard), shard, seen) for shard in shards), audit)
        # spawn: a fork would copy the locks of whatever threads the libraries have begun.
        with get_context("spawn").Pool(self.workers, _begin, (pickle.dumps(scan),)) as pool:
            results = _in_order(pool, shards, 2 * self.workers)
            return added((_done(tally, shard, seen) for tally, shard in results), audit)


def shards_of(audit: Audit, corpora: Corpora, characters: int = SHARD_CHARACTERS) -> Iterator[Shard]:
    """The shards that `audit` wants, arm by arm, each arm with at least one, which may be empty."""
    for arm in audit.arms:
        corpus = corpora.arm(arm)
        yield from _shards(arm, corpus, characters) if corpus is not None else [Shard(arm, ())]


def added(tallies: Iterable[Any], audit: Audit) -> Any:
    """The sum of `tallies`, in order.

    Raises:
        AuditError: There is none: the audit wants no arm.
    """
    total = None
    for tally in tallies:
        total = tally if total is None else total + tally
    if total is None:
        raise AuditError("An audit looks at nothing.", [Problem(audit.name, "wants no arm", "name its arms")])
    return total


def _shards(arm: Arm, corpus: Corpus, characters: int) -> Iterator[Shard]:
    batch: list[Note] = []
    size, any_yet = 0, False
    for note in corpus:
        batch.append(note)
        size += len(note.text)
        if size >= characters:
            yield Shard(arm, tuple(batch))
            batch, size, any_yet = [], 0, True
    if batch or not any_yet:
        yield Shard(arm, tuple(batch))


def _done(tally: Any, shard: Shard, seen: Callable[[Shard], None]) -> Any:
    seen(shard)
    return tally


def _begin(scan: bytes) -> None:
    global _scan  # noqa: PLW0603  # a worker has one scan for its whole life
    _scan = pickle.loads(scan)  # noqa: S301  # written by the parent a moment ago


def _run(shard: Shard) -> Any:
    if _scan is None:
        raise RuntimeError("the worker was never begun")
    return _scan(shard)


def _in_order(pool: Any, shards: Iterator[Shard], most: int) -> Iterator[tuple[Any, Shard]]:
    waiting: list[tuple[Any, Shard]] = []
    for shard in shards:
        waiting.append((pool.apply_async(_run, (shard,)), shard))
        if len(waiting) >= most:
            result, first = waiting.pop(0)
            yield result.get(), first
    for result, shard in waiting:
        yield result.get(), shard

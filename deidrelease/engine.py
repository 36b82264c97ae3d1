"""Maps shards to tallies and adds them up: in this process, over processes, or on a Ray cluster.

All three read the same shards in the same order and add the tallies in that order, so their sums are equal to the
byte. What an engine ships is an audit, its index and a shard; what comes back is a tally.
"""

import pickle
import traceback
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from typing import Any, Protocol, TypeVar

from deidrelease.contracts import Arm, Audit, Corpora, Shard
from deidrelease.errors import AuditError, DeidReleaseError, Problem
from deidrelease.notes import Corpus, Note
from deidrelease.orphans import end_with_parent

SHARD_CHARACTERS = 2_000_000
"""About how much text a worker gets at once: enough to keep it busy for a moment, little enough to hold many times."""

T = TypeVar("T")

_scan: Callable[[Shard], Any] | None = None


@dataclass(frozen=True, slots=True)
class Crash:
    """How a scan ended in a worker.

    Attributes:
        kind: Name of the exception's class.
        frames: File and line of each call, from the outermost inwards; no message.
        error: What the user can mend, if it was that.
    """

    kind: str
    frames: tuple[tuple[str, int], ...]
    error: DeidReleaseError | None = None


class WorkerCrash(Exception):  # noqa: N818  # it stands for another exception, whose name it carries
    """A scan that crashed in a worker."""

    def __init__(self, crash: Crash) -> None:
        self.crash = crash
        super().__init__(crash.kind)


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
        # An executor and not a Pool: a worker that the system kills is an error there, and waited for here for ever.
        with ProcessPoolExecutor(self.workers, get_context("spawn"), _begin, (pickle.dumps(scan),)) as pool:
            results = _in_order(pool, shards, 2 * self.workers)
            return added((_done(tally, shard, seen) for tally, shard in results), audit)


def shards_of(audit: Audit, corpora: Corpora, characters: int = SHARD_CHARACTERS) -> Iterator[Shard]:
    """The shards that `audit` wants, arm by arm, each arm with at least one, which may be empty.

    Of notes that are at hand they are the same objects every time, so that audits share what they derive of them.
    """
    for arm in audit.arms:
        corpus = corpora.arm(arm)
        if corpus is None:
            yield Shard(arm, ())
        elif corpus.is_held:
            yield from corpora.derived.once(_held_shards, arm, corpus, characters)
        else:
            yield from _shards(arm, corpus, characters)


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


def _held_shards(arm: Arm, corpus: Corpus, characters: int) -> tuple[Shard, ...]:
    return tuple(_shards(arm, corpus, characters))


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


def guarded(work: Callable[[T], Any], on: T) -> Any:
    """What a worker sends back: `work(on)`, or a `Crash`; never an exception: others print those, text and all."""
    try:
        return work(on)
    except DeidReleaseError as error:
        return Crash(type(error).__name__, (), error)
    except Exception as error:  # noqa: BLE001  # its message may quote a note: only kind and place may travel
        frames = traceback.extract_tb(error.__traceback__)
        return Crash(type(error).__name__, tuple((frame.filename, frame.lineno or 0) for frame in frames))


def taken(outcome: Any) -> Any:
    """What `guarded` sent, where it is no crash.

    Raises:
        DeidReleaseError: Something that the user can mend.
        WorkerCrash: Whatever else was raised.
    """
    if not isinstance(outcome, Crash):
        return outcome
    raise outcome.error or WorkerCrash(outcome)


def _done(tally: Any, shard: Shard, seen: Callable[[Shard], None]) -> Any:
    seen(shard)
    return tally


def _begin(scan: bytes) -> None:
    global _scan  # noqa: PLW0603  # a worker has one scan for its whole life
    end_with_parent()
    _scan = pickle.loads(scan)  # noqa: S301  # written by the parent a moment ago


def _run(shard: Shard) -> Any:
    if _scan is None:
        raise RuntimeError("the worker was never begun")
    return guarded(_scan, shard)


def _in_order(pool: ProcessPoolExecutor, shards: Iterator[Shard], most: int) -> Iterator[tuple[Any, Shard]]:
    waiting: list[tuple[Future[Any], Shard]] = []
    for shard in shards:
        waiting.append((pool.submit(_run, shard), shard))
        if len(waiting) >= most:
            future, first = waiting.pop(0)
            yield taken(future.result()), first
    for future, shard in waiting:
        yield taken(future.result()), shard

"""Audits side by side, each whole in a process of its own; what they report is what they report one after the other.

A scan that is spread over processes waits for its notes to be sent, and everything before and behind it stays in one of
them. An audit as a whole needs nothing of the others. So with several of both it is the audits that are spread; what
they share, such as notes cut into words, is made once in each process.
"""

import logging
import multiprocessing
import pickle
from collections.abc import Iterable, Mapping
from concurrent.futures import Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from importlib import import_module
from multiprocessing import get_context
from types import TracebackType
from typing import Any, Self

from deidrelease.auditing.crashes import told
from deidrelease.auditing.result import CorpusFacts
from deidrelease.auditing.single import AuditRun, log_outcome, run_one, run_that_died
from deidrelease.contracts import Arm, Audit, Corpora
from deidrelease.engine import LocalEngine, WorkerCrash, guarded, taken
from deidrelease.memory import collect_seldom
from deidrelease.orphans import end_with_parent
from deidrelease.progress_board import Mirror, board_of, writing_to_slot

_LOOKS = 0.1
"""Seconds between two looks at how far the processes are."""
_DIED = "its process was ended from outside, as the system does where memory is short; fewer --workers need less"

_board: Any = None
_corpora: tuple[Corpora, Mapping[Arm, CorpusFacts]] | None = None


class SideBySide:
    """Processes that run whole audits; they begin on entering, and are gone on leaving, whatever they were doing.

    Args:
        audits: Name to audit.
        engine: How many processes there are; where they outnumber the audits, each audit scans in several.
    """

    def __init__(self, audits: Mapping[str, Audit], engine: LocalEngine) -> None:
        self._audits = dict(audits)
        self._workers = min(engine.workers, len(audits))
        self._engine = LocalEngine(max(1, engine.workers // len(audits)), engine.shard_characters)
        self._slots = {name: slot for slot, name in enumerate(audits)}
        self._board = board_of(len(audits))

    def __enter__(self) -> Self:
        self._others = multiprocessing.active_children()
        self._pool = self._begun(self._workers)
        # A process begins when there is something to do, and takes a second to load what the audits need.
        for _ in range(self._workers):
            self._pool.submit(_load, sorted({type(audit).__module__ for audit in self._audits.values()}))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(wait=kind is None, cancel_futures=True)
        for process in multiprocessing.active_children():
            if process not in self._others:
                process.kill()

    def run(self, corpora: Corpora, facts: Mapping[Arm, CorpusFacts]) -> list[AuditRun]:
        """Runs them all; the reports are in the order of the audits.

        Raises:
            DeidReleaseError: Something that the user can mend.
        """
        task = partial(_run, pickle.dumps((corpora, facts), pickle.HIGHEST_PROTOCOL), self._engine)
        finished: dict[str, AuditRun] = {}
        # What takes longest begins first, else one process works on it when the others are done.
        names = sorted(self._audits, key=lambda name: -self._audits[name].cost)
        finished |= dict(self._outcomes(self._pool, names, task, corpora.seed))
        # One that brings its process down takes all that were running with it: each gets a process of its own.
        for name in [name for name in names if name not in finished]:
            with self._begun(1) as pool:
                finished |= dict(self._outcomes(pool, [name], task, corpora.seed))
            if name not in finished:
                finished[name] = self._died(name, _DIED, corpora.seed)
        return [finished[name] for name in self._audits]

    def _outcomes(
        self, pool: ProcessPoolExecutor, names: Iterable[str], task: Any, seed: int
    ) -> Iterable[tuple[str, AuditRun]]:
        """Of each of `names` as it ends; of none that was lost with its process."""
        waiting: dict[Future[Any], str] = {}
        mirror = Mirror(self._board)
        try:
            for name in names:
                try:
                    sent = pickle.dumps((name, self._audits[name]), pickle.HIGHEST_PROTOCOL)
                    waiting[pool.submit(task, sent, self._slots[name])] = name
                except BrokenProcessPool:
                    break
                except Exception as error:  # noqa: BLE001  # an audit that cannot travel must not stop the others
                    yield name, self._died(name, told(error, self._audits[name]), seed)
            while waiting:
                done, _ = wait(waiting, _LOOKS)
                mirror.show()
                for future in done:
                    name = waiting.pop(future)
                    try:
                        run = taken(future.result())
                    except BrokenProcessPool:
                        continue
                    except WorkerCrash as error:
                        run = self._died(name, told(error, self._audits[name]), seed)
                    else:
                        log_outcome(run)
                    yield name, run
        finally:
            mirror.close()

    def _died(self, name: str, reason: str, seed: int) -> AuditRun:
        run = run_that_died(name, self._audits[name], seed, reason)
        log_outcome(run)
        return run

    def _begun(self, workers: int) -> ProcessPoolExecutor:
        # spawn: a fork would copy the locks of whatever threads the libraries have begun.
        return ProcessPoolExecutor(workers, get_context("spawn"), _begin, (self._board,))


def _begin(board: Any) -> None:
    global _board  # noqa: PLW0603  # the same for the whole life of the process
    end_with_parent()
    collect_seldom()
    # What became of an audit is told by the process that asked.
    logging.disable()
    _board = board


def _load(modules: list[str]) -> None:
    for module in modules:
        import_module(module)


def _run(sent: bytes, engine: LocalEngine, audit: bytes, slot: int) -> Any:
    return guarded(partial(_run_sent, sent, engine, audit), slot)


def _run_sent(sent: bytes, engine: LocalEngine, audit: bytes, slot: int) -> AuditRun:
    name, each = pickle.loads(audit)  # noqa: S301  # written by the parent a moment ago
    corpora, facts = _unpacked(sent)
    with writing_to_slot(_board, slot):
        return run_one(name, each, corpora, facts, engine)


def _unpacked(sent: bytes) -> tuple[Corpora, Mapping[Arm, CorpusFacts]]:
    """The same objects for every audit that this process runs, so that what is derived of them is made once."""
    global _corpora  # noqa: PLW0603  # a process serves one run
    if _corpora is None:
        _corpora = pickle.loads(sent)  # noqa: S301  # written by the parent a moment ago
    return _corpora

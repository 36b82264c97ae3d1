"""Audits side by side, each whole in a process of its own; what they report is what they report one after the other.

A scan that is spread over processes waits for its notes to be sent, and everything before and behind it stays in one of
them. An audit as a whole needs nothing of the others. So with several of both it is the audits that are spread; what
they share, such as notes cut into words, is made once in each process.
"""

import logging
import multiprocessing
import pickle
import signal
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from contextvars import copy_context
from functools import partial
from importlib import import_module
from multiprocessing import get_context
from threading import Event, Lock, Thread
from types import TracebackType
from typing import Any, Self

from deidrelease.auditing.crashes import told
from deidrelease.auditing.result import CorpusFacts
from deidrelease.auditing.single import AuditRun, finished, run_one, run_that_died
from deidrelease.contracts import Arm, Audit, Corpora
from deidrelease.engine import LocalEngine, WorkerCrash, guarded, taken
from deidrelease.memory import collect_seldom
from deidrelease.orphans import end_with_parent
from deidrelease.progress_board import Mirror, board_of, writing_to_slot

_LOOKS = 0.1
"""Seconds between two looks at how far the processes are."""
_DIED = "its process was ended from outside, as the system does where memory is short; fewer --workers need less"

_board: Any = None
_corpora: Corpora | None = None


class SideBySide:
    """Processes that run whole audits; they begin on entering, and are gone on leaving, whatever they were doing.

    Notes that are at hand stay in this process too, which then runs audits as the others do. Where notes are streamed,
    all audits run in other processes, and begin while this one still reads the corpora for the first time.

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
        # What takes longest begins first, else one process works on it when the others are done.
        # An audit of another package may be older than these two attributes.
        self._left = sorted(audits, key=lambda name: -getattr(audits[name], "cost", 1.0))
        self._derives = {name: getattr(audit, "derives", "") for name, audit in audits.items()}
        self._pools: list[ProcessPoolExecutor] = []
        self._futures: dict[str, Future[Any]] = {}
        self._unsendable: dict[str, str] = {}
        self._task: Any = None
        self._busy = 0
        self._lock, self._at_rest = Lock(), Event()

    def __enter__(self) -> Self:
        self._others = multiprocessing.active_children()
        for _ in range(self._workers - 1):
            self._pools.append(pool := self._begun())
            # A process begins when there is something to do, and takes a second to load what the audits need.
            pool.submit(_load, sorted({type(audit).__module__ for audit in self._audits.values()}))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            self._left.clear()
        for pool in self._pools:
            pool.shutdown(wait=kind is None, cancel_futures=True)
        for process in multiprocessing.active_children():
            if process not in self._others:
                process.kill()

    def begin(self, corpora: Corpora) -> None:
        """Begins all processes on corpora that are streamed; later calls do nothing.

        The corpora may yet turn out to have defects, or to share patients. Then nothing comes of it: only `run` hands
        out results.
        """
        if self._task is None:
            self._pools.append(self._begun())
            self._start(corpora, {})

    def run(self, corpora: Corpora, facts: Mapping[Arm, CorpusFacts]) -> list[AuditRun]:
        """Runs them all; the reports are in the order of the audits.

        Raises:
            DeidReleaseError: Something that the user can mend.
        """
        notes = {arm: each.notes for arm, each in facts.items()}
        runs: dict[str, AuditRun] = {}
        with self._shown():
            if self._task is None:
                self._start(corpora, notes)
                name = None
                while (name := self._next(name)) is not None:
                    runs[name] = finished(run_one(name, self._audits[name], corpora, notes, self._engine), facts)
                    self._take(runs, facts, corpora.seed)
            while not self._at_rest.wait(_LOOKS):
                self._take(runs, facts, corpora.seed)
            self._take(runs, facts, corpora.seed)
            # Once more, alone: there may have been too little memory for two.
            for name in [name for name in self._audits if name not in runs]:
                self._pools.append(pool := self._begun())
                self._futures = {name: pool.submit(self._task, self._sent(name), self._slots[name])}
                wait(self._futures.values())
                self._take(runs, facts, corpora.seed)
                if name not in runs:
                    runs[name] = finished(run_that_died(name, self._audits[name], corpora.seed, _DIED), facts)
        return [runs[name] for name in self._audits]

    def _start(self, corpora: Corpora, notes: Mapping[Arm, int]) -> None:
        self._task = partial(_run, pickle.dumps(corpora, pickle.HIGHEST_PROTOCOL), notes, self._engine)
        self._busy = len(self._pools)
        for pool in self._pools:
            self._feed(pool)

    def _next(self, before: str | None = None) -> str | None:
        """The longest of what is left; of what shares with the audit that the process did before, where there is any.

        Whoever asks first gets it: this process, or one of the others.
        """
        with self._lock:
            if not self._left:
                return None
            shared = self._derives[before] if before else ""
            like = (name for name in self._left if shared and self._derives[name] == shared)
            self._left.remove(name := next(like, self._left[0]))
            return name

    def _feed(self, pool: ProcessPoolExecutor, name: str | None = None, _: object = None) -> None:
        """Gives a process at rest the next audit, and another one when that is done, as long as there are any."""
        while (name := self._next(name)) is not None:
            try:
                future = pool.submit(self._task, self._sent(name), self._slots[name])
            except BrokenProcessPool:
                self._left.insert(0, name)
                break
            except Exception as error:  # noqa: BLE001  # an audit that cannot travel must not stop the others
                self._unsendable[name] = told(error, self._audits[name])
                continue
            self._futures[name] = future
            future.add_done_callback(partial(self._feed, pool, name))
            return
        with self._lock:
            self._busy -= 1
            if not self._busy:
                self._at_rest.set()

    def _take(self, runs: dict[str, AuditRun], facts: Mapping[Arm, CorpusFacts], seed: int) -> None:
        """Adds what the processes have finished to `runs`; nothing of what was lost with its process."""
        for name, reason in list(self._unsendable.items()):
            del self._unsendable[name]
            runs[name] = finished(run_that_died(name, self._audits[name], seed, reason), facts)
        for name, future in list(self._futures.items()):
            if name in runs or not future.done():
                continue
            try:
                run = taken(future.result())
            except BrokenProcessPool:
                continue
            except WorkerCrash as error:
                run = run_that_died(name, self._audits[name], seed, told(error, self._audits[name]))
            runs[name] = finished(run, facts)

    @contextmanager
    def _shown(self) -> Iterator[None]:
        """Inside the block a thread shows how far the other processes are."""
        mirror, over = Mirror(self._board), Event()

        def look() -> None:
            while not over.wait(_LOOKS):
                mirror.show()
            mirror.close()

        thread = Thread(target=copy_context().run, args=(look,), name="audit-progress", daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def _sent(self, name: str) -> bytes:
        return pickle.dumps((name, self._audits[name]), pickle.HIGHEST_PROTOCOL)

    def _begun(self) -> ProcessPoolExecutor:
        """One process: several of one executor would all be ended where one of them is killed."""
        # spawn: a fork would copy the locks of whatever threads the libraries have begun.
        return ProcessPoolExecutor(1, get_context("spawn"), _begin, (self._board,))


def _begin(board: Any) -> None:
    global _board  # noqa: PLW0603  # the same for the whole life of the process
    end_with_parent()
    # Who presses Ctrl-C at a terminal asks all its processes; the one that began this one ends it, without a traceback.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    collect_seldom()
    # What became of an audit is told by the process that asked.
    logging.disable()
    _board = board


def _load(modules: list[str]) -> None:
    for module in modules:
        import_module(module)


def _run(sent: bytes, notes: Mapping[Arm, int], engine: LocalEngine, audit: bytes, slot: int) -> Any:
    return guarded(partial(_run_sent, sent, notes, engine, audit), slot)


def _run_sent(sent: bytes, notes: Mapping[Arm, int], engine: LocalEngine, audit: bytes, slot: int) -> AuditRun:
    name, each = pickle.loads(audit)  # noqa: S301  # written by the parent a moment ago
    corpora = _unpacked(sent)
    with writing_to_slot(_board, slot):
        return run_one(name, each, corpora, notes, engine)


def _unpacked(sent: bytes) -> Corpora:
    """The same object for every audit that this process runs, so that what is derived of its notes is made once."""
    global _corpora  # noqa: PLW0603  # a process serves one run
    if _corpora is None:
        _corpora = pickle.loads(sent)  # noqa: S301  # written by the parent a moment ago
    return _corpora

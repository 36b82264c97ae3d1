"""How far work is in other processes: each writes into its own slot of shared memory, and one process reads them all.

Nothing is sent, so a process that is killed in the middle of a word leaves nobody waiting. A reader may see a slot half
written; what it shows is then wrong for the blink of an eye.
"""

import ctypes
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from multiprocessing.sharedctypes import RawArray
from typing import Any

from deidrelease import progress

_LETTERS = 96


class _Slot(ctypes.Structure):
    _fields_ = (
        ("number", ctypes.c_long),  # of the step, 0 where there is none
        ("what", ctypes.c_char * _LETTERS),
        ("total", ctypes.c_double),  # below 0 where it is not known
        ("done", ctypes.c_double),
    )


@dataclass(slots=True)
class _Written:
    """The listener of a process: its latest step stands in the slot; of steps within steps, the inner one."""

    slot: Any
    steps: "list[_WrittenStep]" = field(default_factory=list)
    begun: int = 0

    def begin(self, what: str, total: float | None, done: float) -> progress.Step:
        self.begun += 1
        self.steps.append(_WrittenStep(self, self.begun, what, total, done))
        self.show()
        return self.steps[-1]

    def end(self, step: progress.Step) -> None:
        if isinstance(step, _WrittenStep) and step in self.steps:
            self.steps.remove(step)
        self.show()

    def show(self) -> None:
        self.slot.number = 0
        if self.steps:
            inner = self.steps[-1]
            self.slot.what = inner.what.encode("utf-8", "replace")[:_LETTERS]
            self.slot.total = -1 if inner.total is None else inner.total
            self.slot.done = inner.done
            self.slot.number = inner.number


@dataclass(slots=True, eq=False)
class _WrittenStep:
    listener: _Written
    number: int
    what: str
    total: float | None
    done: float

    def advance(self, amount: float, **figures: float) -> None:  # noqa: ARG002  # a slot holds no figures
        self.done += amount
        if self.listener.steps[-1:] == [self]:
            self.listener.slot.done = self.done


@contextmanager
def writing_to_slot(board: Any, slot: int) -> Iterator[None]:
    """Steps inside the block show in `slot` of `board`."""
    with progress.listening(_Written(board[slot])):
        try:
            yield
        finally:
            board[slot].number = 0


def board_of(slots: int) -> Any:
    """So many empty slots, to be handed to processes when they begin."""
    return RawArray(_Slot, slots)


@dataclass(slots=True)
class Mirror:
    """Shows here, through `progress`, what the slots of a board say; to be asked again and again."""

    board: Any
    _shown: dict[int, tuple[int, progress.Step, float, ExitStack]] = field(default_factory=dict)

    def show(self) -> None:
        """Takes over what has changed."""
        for place, slot in enumerate(self.board):
            number, done = slot.number, slot.done
            if place in self._shown and self._shown[place][0] != number:
                self._shown.pop(place)[3].close()
            if not number:
                continue
            if place not in self._shown:
                stack = ExitStack()
                what, total = slot.what.decode("utf-8", "replace"), None if slot.total < 0 else slot.total
                self._shown[place] = number, stack.enter_context(progress.step(what, total, done)), done, stack
            _, step, before, stack = self._shown[place]
            if done > before:
                step.advance(done - before)
                self._shown[place] = number, step, done, stack

    def close(self) -> None:
        """Takes everything off."""
        while self._shown:
            self._shown.popitem()[1][3].close()

"""How long work says how far it is, without knowing who listens.

The command line puts a listener in place; without one nothing is shown. Only counts and rates pass through here.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol


class Step(Protocol):
    """One piece of long work."""

    def advance(self, amount: float, **figures: float) -> None:
        """Says that `amount` more is done, and any figures worth showing, such as a loss."""
        ...


class Listener(Protocol):
    """Shows steps to a person."""

    def begin(self, what: str, total: float | None, done: float) -> Step:
        """Called when a step starts; `done` is what an earlier, killed attempt left."""
        ...

    def end(self, step: Step) -> None:
        """Called when a step ends, well or not."""
        ...


class _Silence:
    def advance(self, amount: float, **figures: float) -> None:
        """Shows nothing."""


_listener: ContextVar[Listener | None] = ContextVar("listener", default=None)


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Shows all steps inside the block through `listener`."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


@contextmanager
def step(what: str, total: float | None = None, done: float = 0) -> Iterator[Step]:
    """Opens a step of `total` units, `done` of which are finished already."""
    listener = _listener.get()
    if listener is None:
        yield _Silence()
        return
    shown = listener.begin(what, total, done)
    try:
        yield shown
    finally:
        listener.end(shown)

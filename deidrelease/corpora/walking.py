"""Going through the notes of a corpus while saying how far it is."""

from collections.abc import Iterable, Iterator
from typing import TypeVar

from deidrelease import progress

_T = TypeVar("_T")
# A bar that moves at every note would take longer to draw than a note takes to read.
_EVERY = 256


def counted(items: Iterable[_T], what: str) -> Iterator[_T]:
    """Yields `items`, and shows their count as the step `what`."""
    with progress.step(what) as step:
        for number, item in enumerate(items, 1):
            yield item
            if number % _EVERY == 0:
                step.advance(_EVERY)

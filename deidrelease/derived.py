"""What several audits compute of the same notes: made when it is first asked for, and at hand from then on.

Cutting notes into words, reading their values and laying the release out cost as much as many an audit. What is made of
a shard lives as long as the shard: of notes that stay in memory for the run it serves every audit, of notes that are
streamed past it serves one and is gone. So it is bounded by what is held anyway.
"""

from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


class Derived:
    """Results of functions, each computed once.

    Whoever asks gets the very object that others got, and must not change it. Travels empty between processes: what was
    derived can be derived again.
    """

    __slots__ = ("_made",)

    def __init__(self) -> None:
        self._made: dict[tuple[object, ...], tuple[tuple[object, ...], Any]] = {}

    def once(self, make: Callable[..., T], *asked: object) -> T:
        """`make(*asked)`, computed the first time; texts and numbers are told apart by value, all else by identity."""
        key = (make, *(one if isinstance(one, str | int) else id(one) for one in asked))
        if key not in self._made:
            # The arguments stay with the result, so that no other object can take over an identity.
            self._made[key] = asked, make(*asked)
        made: T = self._made[key][1]
        return made

    def __reduce__(self) -> tuple[type["Derived"], tuple[()]]:
        return Derived, ()

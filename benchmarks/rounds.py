"""Measures contenders in turn, round by round, so that a machine's moods meet all of them alike."""

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Rates:
    """What each contender reached in each round, in units a second; rounds in the same order for all."""

    by_name: Mapping[str, Sequence[float]]

    def median(self, name: str) -> float:
        """The contender's middle round."""
        return statistics.median(self.by_name[name])

    def ratio(self, name: str, peer: str) -> tuple[float, float, float]:
        """Median, least and greatest of the rounds' own ratios of `name` to `peer`."""
        ratios = [ours / theirs for ours, theirs in zip(self.by_name[name], self.by_name[peer], strict=True)]
        return statistics.median(ratios), min(ratios), max(ratios)


def interleave(
    contenders: Mapping[str, Callable[[], float]], rounds: int, clock: Callable[[], float] = time.perf_counter
) -> Rates:
    """Runs every contender once a round, in an order that turns by one each round.

    Args:
        contenders: Name to work; each call returns how many units it did.
        rounds: How often; one round more, unmeasured, is the caller's to run as a warm-up.
        clock: In seconds; `time.process_time` where all contenders work in one thread of this process.
    """
    names = list(contenders)
    rates: dict[str, list[float]] = {name: [] for name in names}
    for number in range(rounds):
        turn = number % len(names)
        for name in names[turn:] + names[:turn]:
            begun = clock()
            units = contenders[name]()
            rates[name].append(units / (clock() - begun))
    return Rates(rates)


def show(title: str, rates: Rates, unit: str, columns: Mapping[str, Mapping[str, str]] | None = None) -> None:
    """Prints a row a contender: median rate, ratio of the first contender to it, and `columns` by name."""
    first = next(iter(rates.by_name))
    more = columns or {}
    width = max(len(name) for name in rates.by_name) + 2
    print(f"\n{title}")
    print(f"{'':<{width}}{unit + ' (median)':>24}{f'{first} is … times as fast':>34}", *(f"{c:>14}" for c in more))
    for name in rates.by_name:
        middle, low, high = rates.ratio(first, name)
        ratio = "" if name == first else f"{middle:.2f} ({low:.2f}-{high:.2f})"
        cells = (f"{cells.get(name, ''):>14}" for cells in more.values())
        print(f"{name:<{width}}{rates.median(name):>24,.1f}{ratio:>34}", *cells)

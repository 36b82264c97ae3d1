"""Where the marks of a small picture stand: an estimate on its scale, with its control and the limit it has to keep.

The template draws them as SVG. Nothing is measured in text and nothing is looked up in a font, so the same numbers
give the same picture everywhere (docs/decisions/0008).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from deidrelease.report.release_page.format_1.figures import estimate as shown
from deidrelease.report.release_page.format_1.figures import number

WIDTH, _MARGIN = 240.0, 8.0
_ROOM = 0.04  # beyond the outermost mark, as a share of the scale


@dataclass(frozen=True, slots=True)
class Mark:
    """An estimate as horizontal places: the interval's ends and the value."""

    low: str
    value: str
    high: str
    bar: str


@dataclass(frozen=True, slots=True)
class Zone:
    """What lies beyond a limit: from `start` on, `width` wide, with the limit itself at `limit`."""

    start: str
    width: str
    limit: str


@dataclass(frozen=True, slots=True)
class Strip:
    """One picture.

    Attributes:
        told: All of it in words.
        left: The scale's left end.
        right: The scale's right end.
        main: The release.
        control: What it is compared with; None where there is nothing.
        zones: One for each limit.
    """

    told: str
    left: str
    right: str
    main: Mark | None
    control: Mark | None
    zones: tuple[Zone, ...]


@dataclass(frozen=True, slots=True)
class Limits:
    """What a rule permits; None for no such bound."""

    at_most: float | None = None
    at_least: float | None = None


@dataclass(frozen=True, slots=True)
class _Scale:
    start: float
    end: float

    def place(self, value: float) -> float:
        share = (value - self.start) / (self.end - self.start)
        return _MARGIN + min(max(share, 0.0), 1.0) * (WIDTH - 2 * _MARGIN)

    def mark(self, estimate: Mapping[str, Any] | None) -> Mark | None:
        if estimate is None:
            return None
        low, value, high = (self.place(estimate[end]) for end in ("low", "value", "high"))
        return Mark(_place(low), _place(value), _place(high), _place(high - low))

    def zones(self, limits: Limits) -> tuple[Zone, ...]:
        found = []
        if limits.at_most is not None:
            place = self.place(limits.at_most)
            found.append(Zone(_place(place), _place(WIDTH - _MARGIN - place), _place(place)))
        if limits.at_least is not None:
            place = self.place(limits.at_least)
            found.append(Zone(_place(_MARGIN), _place(place - _MARGIN), _place(place)))
        return tuple(found)


def draw_strip(
    main: Mapping[str, Any] | None,
    control: Mapping[str, Any] | None = None,
    limits: Limits = Limits(),
    names: tuple[str, str] = ("release", "hold-out control"),
    scale: tuple[float, float] | None = None,
) -> Strip:
    """Places `main` and `control` on `scale`; without one, on a scale that holds zero, both, and the limits."""
    start, end = scale or _fitting(main, control, limits)
    chosen = _Scale(start, end)
    return Strip(
        told=_told(main, control, limits, names),
        left=number(start),
        right=_rounded(end),
        main=chosen.mark(main),
        control=chosen.mark(control),
        zones=chosen.zones(limits),
    )


def _fitting(main: Mapping[str, Any] | None, control: Mapping[str, Any] | None, limits: Limits) -> tuple[float, float]:
    values = [float(of[end]) for of in (main, control) if of is not None for end in ("low", "value", "high")]
    values += [float(limit) for limit in (limits.at_most, limits.at_least) if limit is not None]
    start, end = min(0.0, *values, 0.0), max(0.0, *values, 0.0)
    room = (end - start) * _ROOM or 1.0
    return (start - room if start < 0 else 0.0), end + room


def _told(
    main: Mapping[str, Any] | None, control: Mapping[str, Any] | None, limits: Limits, names: tuple[str, str]
) -> str:
    parts = [f"{names[0]} {shown(main)}"]
    if control is not None:
        parts.append(f"{names[1]} {shown(control)}")
    parts += [f"{word} {number(bound)}" for word, bound in (("at most", limits.at_most), ("at least", limits.at_least))
              if bound is not None]  # fmt: skip
    return "; ".join(parts)


def _rounded(end: float) -> str:
    return number(float(f"{end:.2g}"))


def _place(value: float) -> str:
    return f"{value + 0.0:.1f}"

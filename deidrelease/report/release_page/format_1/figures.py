"""How numbers, dates and values are written: the same everywhere, whatever the locale or the library.

Whole numbers are grouped by commas. Others get three decimals from 0.1 on, fewer from ten on, and three significant
digits below; what is under a ten-thousandth, or a million and more, is written with a power of ten. The full digits
stand in the bundle's JSON. Python rounds correctly and alike on every platform, whatever the locale.
"""

from collections.abc import Mapping
from typing import Any

from deidrelease.report.release_page.report_error import ReportError

_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
_MINUS = "\N{MINUS SIGN}"
_EN_DASH = "\N{EN DASH}"
_LARGE, _SMALL, _LARGEST = 1e6, 1e-4, 2**53
_DECIMALS = ((1000.0, 0), (100.0, 1), (10.0, 2), (0.1, 3))


def number(value: float) -> str:
    """`1,234`, `1,798`, `46.37`, `0.733`, `0.00578`, `2.34e-12`."""
    if _is_whole(value):
        return _signed(f"{int(value):,}")
    size = abs(value)
    if size >= _LARGE or size < _SMALL:
        return _signed(f"{value:.2e}")
    for least, digits in _DECIMALS:
        if size >= least:
            return _signed(f"{value:,.{digits}f}")
    return _signed(f"{value:#.3g}")


def exact(value: float) -> str:
    """As `number`, with six significant digits: beside a limit, rounding must not look like keeping it."""
    return number(value) if _is_whole(value) else _signed(f"{value:,.6g}")


def estimate(record: Mapping[str, Any] | None) -> str:
    """`0.733 [0.677, 0.790]`; without brackets where nothing was sampled."""
    if record is None:
        return "not defined"
    if record["low"] == record["high"]:
        return number(record["value"])
    return f"{number(record['value'])} [{number(record['low'])}, {number(record['high'])}]"


def confidence(record: Mapping[str, Any] | None) -> str:
    """`95%`; `counted` where there is nothing to be confident of."""
    if record is None:
        return ""
    return "exact" if record["low"] == record["high"] else f"{record['confidence'] * 100:.6g}%"


def moment(written: str) -> str:
    """`21 November 2026, 10:00 UTC` of `2026-11-21T10:00:00Z`; seconds only where they are not zero.

    Raises:
        ReportError: There is no such month.
    """
    day, _, clock = written.partition("T")
    year, month, date = (int(part) for part in day.split("-"))
    if not 1 <= month <= len(_MONTHS):
        raise ReportError("metadata/release.json: a date names no month")
    shown = clock.removesuffix("Z").removesuffix(":00")
    return f"{date} {_MONTHS[month - 1]} {year}, {shown} UTC"


def plain(value: Any) -> str:
    """A setting in one line: text as it is, lists by commas, objects by `name: value`, names sorted."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return exact(value)
    if isinstance(value, Mapping):
        return "; ".join(f"{name}: {plain(value[name])}" for name in sorted(value)) or "none"
    if isinstance(value, list | tuple):
        return ", ".join(plain(item) for item in value) or "none"
    return str(value)


def counted(count: int, one: str, more: str) -> str:
    """`1 note`, `2 notes`."""
    return f"{number(count)} {one if count == 1 else more}"


def small_cell(count: int, least: int = 10) -> str:
    """A count of people or of their mentions: below `least` only that it is."""
    return number(count) if count >= least else f"1{_EN_DASH}{least - 1}" if count else "0"


def _is_whole(value: float) -> bool:
    return abs(value) < _LARGEST and value == int(value)


def _signed(digits: str) -> str:
    """With a minus sign for a hyphen, and powers of ten without zeros before them."""
    mantissa, mark, power = digits.partition("e")
    return (mantissa + (f"e{int(power)}" if mark else "")).replace("-", _MINUS)

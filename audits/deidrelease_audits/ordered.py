"""Distinct values by plain sorts."""

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Kind = TypeVar("Kind", bound=np.generic)


def distinct_sorted(values: NDArray[Kind]) -> NDArray[Kind]:
    """The different ones of `values`, ascending; (n,) in and out.

    What `np.unique` gives. That puts whole numbers into a hash table, from numpy 2.3 on, which takes several times as
    long as sorting them.
    """
    ordered = np.sort(values)
    return ordered[_new(ordered)]


def distinct_counted(values: NDArray[Kind]) -> tuple[NDArray[Kind], NDArray[np.int64]]:
    """The different ones of `values`, ascending, and how often each stands; (n,) twice."""
    ordered = np.sort(values)
    starts = np.flatnonzero(_new(ordered))
    return ordered[starts], np.diff(np.append(starts, len(ordered)))


def distinct_placed(values: NDArray[Kind]) -> tuple[NDArray[Kind], NDArray[np.int64]]:
    """The different ones of `values`, ascending, and the place of each of `values` among them; (n,), (n_values,)."""
    order = np.argsort(values)
    ordered = values[order]
    new = _new(ordered)
    places = np.empty(len(values), np.int64)
    places[order] = np.cumsum(new) - 1
    return ordered[new], places


def _new(ordered: NDArray[Kind]) -> NDArray[np.bool_]:
    """Whether each differs from the one before it."""
    new = np.ones(len(ordered), np.bool_)
    np.not_equal(ordered[1:], ordered[:-1], out=new[1:])
    return new

"""Distinct values by a plain sort."""

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
    return ordered[np.append(True, ordered[1:] != ordered[:-1])] if len(ordered) else ordered

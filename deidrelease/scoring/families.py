"""Many tests in one run: the chance that any of them errs, and not each of them, is to stay at the level."""

from collections.abc import Mapping


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """Holm's step-down adjusted p-values, which hold the family-wise error (Holm 1979, Scand. J. Statistics 6)."""
    ordered = sorted(p_values.items(), key=lambda item: (item[1], item[0]))
    adjusted, largest = {}, 0.0
    for rank, (name, p) in enumerate(ordered):
        largest = max(largest, min(1.0, (len(ordered) - rank) * p))
        adjusted[name] = largest
    return adjusted

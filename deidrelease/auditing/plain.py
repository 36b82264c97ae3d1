"""A conclusion in Python's own values: what numpy computed is written, read back and compared like anything else."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from deidrelease.contracts import Conclusion, Finding
from deidrelease.results import Estimate

_OFFSETS = ("start", "end", "private_start", "private_end")
_TEXTS = ("synthetic_note", "private_note", "value")


def plain_values(values: Mapping[str, object]) -> dict[str, Any]:
    """`values` as JSON would give them back, keys sorted.

    Raises:
        TypeError: Something in them is no JSON value.
        ValueError: A number in them is not finite.
    """
    text = json.dumps(values, sort_keys=True, allow_nan=False, default=_number)
    plain: dict[str, Any] = json.loads(text)
    return plain


def plain_conclusion(conclusion: Conclusion) -> Conclusion:
    """The same conclusion without a number of numpy's; raises as `plain_values` does."""
    return replace(
        conclusion,
        metrics={name: _estimate(estimate) for name, estimate in conclusion.metrics.items()},
        control={name: _estimate(estimate) for name, estimate in conclusion.control.items()},
        p_value=None if conclusion.p_value is None else float(conclusion.p_value),
        null=plain_values(conclusion.null),
        breakdown=plain_values(conclusion.breakdown),
        findings=tuple(_finding(finding) for finding in conclusion.findings),
    )


def _estimate(estimate: Estimate) -> Estimate:
    value, low, high = float(estimate.value), float(estimate.low), float(estimate.high)
    return Estimate(value, low, high, float(estimate.confidence), int(estimate.n), str(estimate.method))


def _finding(finding: Finding) -> Finding:
    values = [(name, getattr(finding, name)) for name in (*_OFFSETS, *_TEXTS)]
    # Of ten thousand findings nearly all are plain already.
    if all(type(value) is (int if name in _OFFSETS else str) for name, value in values):
        return finding
    plain = {name: int(value) if name in _OFFSETS else str(value) for name, value in values}
    return replace(finding, **plain)  # type: ignore[arg-type]  # each under the name of its own field


def _number(value: Any) -> Any:
    if hasattr(value, "dtype") and hasattr(value, "item") and value.ndim == 0:
        return value.item()
    raise TypeError("no JSON value")

"""Whether a conclusion can be told at all: what an audit may get wrong about itself must not become a pass."""

from math import isfinite
from typing import get_args

from deidrelease.contracts import Audit, Conclusion
from deidrelease.results import Status


def flaw(audit: Audit, conclusion: Conclusion) -> str:
    """What is wrong with the form of `conclusion`, without quoting it; empty where nothing is."""
    if conclusion.status not in get_args(Status):
        return "its status is none that is known"
    if conclusion.status != "measured" and not conclusion.reason:
        return "it is not measured and does not say why"
    if set(conclusion.metrics) - set(audit.metrics):
        return "it gives metrics that it does not declare"
    if conclusion.status == "measured" and not conclusion.metrics:
        return "it calls itself measured and gives no metric"
    if not _finite(conclusion):
        return "a number of its result is not finite, or no probability where it has to be one"
    if not all(isinstance(cell, str) for cells in conclusion.breakdown.values() for cell in cells.values()):
        return "its breakdown holds something that is no text"
    return ""


def _finite(conclusion: Conclusion) -> bool:
    estimates = [*conclusion.metrics.values(), *conclusion.control.values()]
    numbers = [x for e in estimates for x in (e.value, e.low, e.high, e.confidence)]
    p = conclusion.p_value
    return all(map(isfinite, numbers)) and (p is None or 0 <= p <= 1)

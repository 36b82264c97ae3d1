"""A verdict as a document, and back; a document whose parts contradict each other is none."""

from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, get_args

from deidrelease.errors import PolicyError, Problem
from deidrelease.results import Estimate, Judgement, Outcome, Severity, Standing, Verdict
from deidrelease.signing.strict_json import canonical, parse_strict

VERDICT_FORMAT = "deidrelease.verdict/1"
_TEXTS = ("rule", "metric", "judged", "limit", "what", "because", "remedy", "waiver")


def verdict_document(verdict: Verdict) -> dict[str, Any]:
    """As JSON values; holds nothing that the result, the policy and the waivers do not."""
    record = asdict(verdict)
    record["judgements"] = [asdict(judgement) for judgement in verdict.judgements]
    return {"format": VERDICT_FORMAT, **record, "statements": list(verdict.statements)}


def verdict_bytes(verdict: Verdict) -> bytes:
    """The document as canonical JSON (RFC 8785): equal verdicts give equal bytes."""
    return canonical(verdict_document(verdict))


def read_verdict(path: Path) -> Verdict:
    """Reads a `verdict.json`.

    Raises:
        PolicyError: It is missing, of an unknown format, or not whole.
    """
    try:
        return parse_verdict(parse_strict(path.read_bytes(), "the verdict"))
    except (OSError, ValueError):
        problem = Problem(str(path), "is missing or no verdict of this version", "decide again: `deidrelease gate`")
        raise PolicyError("The verdict cannot be used.", [problem]) from None


def parse_verdict(document: Any) -> Verdict:
    """The verdict that `document` holds.

    Raises:
        ValueError: It is none, or says another outcome than its own judgements give.
    """
    if not isinstance(document, dict) or document.get("format") != VERDICT_FORMAT:
        raise ValueError(f"is not of the format {VERDICT_FORMAT}")
    _exactly(document, {"format", *(f.name for f in fields(Verdict))})
    verdict = Verdict(
        outcome=_one_of(document["outcome"], get_args(Outcome)),
        **{name: _typed(document[name], str) for name in ("policy", "policy_version", "policy_sha256", "data_digest")},
        **{name: _typed(document[name], int) for name in ("approvals", "valid_days")},
        signable=_typed(document["signable"], bool),
        judgements=tuple(_judgement(record) for record in _typed(document["judgements"], list)),
        refused_waivers={name: _typed(why, str) for name, why in _typed(document["refused_waivers"], dict).items()},
        statements=tuple(_typed(name, str) for name in _typed(document["statements"], list)),
    )
    if verdict.outcome != outcome_of(verdict.judgements, verdict.refused_waivers):
        raise ValueError("says another outcome than its own judgements give")
    return verdict


def outcome_of(judgements: tuple[Judgement, ...], refused: Mapping[str, str]) -> Outcome:
    """What judgements and refused waivers come to; a verdict without judgements has judged nothing, and blocks."""
    if refused or not judgements or any(judgement.blocks for judgement in judgements):
        return "blocked"
    return "pass-with-waivers" if any(judgement.waiver for judgement in judgements) else "pass"


def _judgement(record: Any) -> Judgement:
    _exactly(_typed(record, dict), {f.name for f in fields(Judgement)})
    return Judgement(
        **{name: _typed(record[name], str) for name in _TEXTS},
        standing=_one_of(record["standing"], get_args(Standing)),
        severity=_one_of(record["severity"], get_args(Severity)),
        estimate=None if record["estimate"] is None else _estimate(record["estimate"]),
    )


def _estimate(record: Any) -> Estimate:
    _exactly(_typed(record, dict), {f.name for f in fields(Estimate)})
    numbers = {name: _number(record[name]) for name in ("value", "low", "high", "confidence")}
    return Estimate(**numbers, n=_typed(record["n"], int), method=_typed(record["method"], str))


def _exactly(record: Mapping[str, Any], names: set[str]) -> None:
    if set(record) != names:
        raise ValueError("has other keys than belong there")


def _typed(value: Any, kind: type) -> Any:
    if type(value) is not kind:
        raise ValueError(f"holds something that is no {kind.__name__}")
    return value


def _number(value: Any) -> float:
    if type(value) not in (int, float):
        raise ValueError("holds something that is no number")
    return float(value)


def _one_of(value: Any, allowed: tuple[Any, ...]) -> Any:
    if value not in allowed:
        raise ValueError("says something that is not allowed there")
    return value

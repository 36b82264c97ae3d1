"""What the page tells of each audit, made ready for the template."""

from collections.abc import Mapping, Sequence
from typing import Any

from deidrelease.report.release_page.format_1.figures import confidence, estimate, number, plain
from deidrelease.report.release_page.format_1.glosses import gloss
from deidrelease.report.release_page.format_1.strips import Limits, Strip, draw_strip
from deidrelease.report.release_page.format_1.wording import ENDS, HIPAA, STANDINGS, STATUSES

BY_CLASS = ("hits_per_1k_tokens_", "detector_recall_")
"""Metrics of `pii_residual` that end in the letter of a class: the matrix of identifiers shows them."""
_FEW_COLUMNS = 3


def audit_views(
    result: Mapping[str, Any], verdict: Mapping[str, Any], policy: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """One for each audit, in the order in which they ran."""
    return [_audit(report, result, verdict, policy) for report in result["audits"]]


def of_one_class(audit: str, metric: str) -> bool:
    """Whether `metric` speaks of one class of identifiers alone."""
    return audit == "pii_residual" and metric[:-1] in BY_CLASS and metric[-1] in HIPAA


def _audit(
    report: Mapping[str, Any], result: Mapping[str, Any], verdict: Mapping[str, Any], policy: Mapping[str, Any]
) -> dict[str, Any]:
    name = report["audit"]
    sign, status = STATUSES[report["status"]]
    adjusted = result["family"]["adjusted"].get(name)
    judged = [judgement for judgement in verdict["judgements"] if judgement["metric"].partition(".")[0] == name]
    shown = [metric for metric in sorted(report["metrics"]) if _belongs(name, metric, judged)]
    return {
        **{key: report[key] for key in ("status", "reason", "threat_model", "says", "does_not_say")},
        "name": name,
        "version": number(report["version"]),
        "sign": sign,
        "words": status,
        "rows": [_metric(report, metric, judged, policy) for metric in shown],
        "elsewhere": len(shown) < len(report["metrics"]),
        "p_value": "" if report["p_value"] is None else number(report["p_value"]),
        "adjusted": "" if adjusted is None else number(adjusted),
        "settings": facts({**report["settings"], "seed": str(report["seed"])}),
        "null": facts(report["null"]),
        "tables": _tables(report["breakdown"]),
    }


def facts(values: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Names, sorted, with their values in a line each."""
    return [(name, plain(values[name])) for name in sorted(values)]


def _belongs(audit: str, metric: str, judged: Sequence[Mapping[str, Any]]) -> bool:
    full = f"{audit}.{metric}"
    return not of_one_class(audit, metric) or any(judgement["metric"] == full for judgement in judged)


def _metric(
    report: Mapping[str, Any], metric: str, judged: Sequence[Mapping[str, Any]], policy: Mapping[str, Any]
) -> dict[str, Any]:
    found, control = report["metrics"][metric], report["control"].get(metric)
    full = f"{report['audit']}.{metric}"
    rules = [judgement for judgement in judged if judgement["metric"] == full]
    return {
        "name": metric,
        "gloss": gloss(report["audit"], metric),
        "found": estimate(found),
        "level": confidence(found),
        "n": number(found["n"]),
        "method": found["method"],
        "control": "" if control is None else estimate(control),
        "control_n": "" if control is None else number(control["n"]),
        "control_method": "" if control is None or control["method"] == found["method"] else control["method"],
        "rules": [_rule(judgement) for judgement in rules],
        "strip": _strip(found, control, _tightest(rules, policy)),
    }


def _rule(judgement: Mapping[str, Any]) -> dict[str, str]:
    sign, words = STANDINGS[judgement["standing"]]
    end = ENDS.get(judgement["judged"], "")
    return {"limit": judgement["limit"], "end": end, "style": judgement["standing"], "sign": sign, "words": words}


def _tightest(judgements: Sequence[Mapping[str, Any]], policy: Mapping[str, Any]) -> Limits:
    rules = [policy["rules"][judgement["rule"]] for judgement in judgements if judgement["rule"] in policy["rules"]]
    most = [rule["at_most"] for rule in rules if rule["at_most"] is not None]
    least = [rule["at_least"] for rule in rules if rule["at_least"] is not None]
    return Limits(min(most, default=None), max(least, default=None))


def _strip(found: Mapping[str, Any], control: Mapping[str, Any] | None, limits: Limits) -> Strip | None:
    """A picture where there is anything to compare with; a lone dot on its own scale would say nothing."""
    alone = control is None and limits == Limits() and found["low"] == found["high"]
    return None if alone else draw_strip(found, control, limits)


def _tables(breakdown: Mapping[str, Mapping[str, str]]) -> list[dict[str, Any]]:
    """Tables with much the same rows become one, a column each."""
    groups: list[tuple[set[str], list[str]]] = []
    for name in sorted(breakdown):
        rows = set(breakdown[name])
        fitting = next((group for group in groups if 2 * len(group[0] & rows) >= len(group[0] | rows)), None)
        if fitting is None:
            groups.append((rows, [name]))
        else:
            fitting[0].update(rows)
            fitting[1].append(name)
    return [_table(sorted(rows), names, breakdown) for rows, names in groups if rows]


def _table(rows: Sequence[str], names: Sequence[str], breakdown: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    cells = [(row, [breakdown[name].get(row, "\N{EN DASH}") for name in names]) for row in rows]
    gaps = any(set(rows) - set(breakdown[name]) for name in names)
    return {"columns": list(names), "rows": cells, "wide": len(names) > _FEW_COLUMNS, "gaps": gaps}

"""How well a tagger does that learned from the synthetic notes, beside one that learned from the private ones."""

from collections.abc import Mapping
from typing import Any

from deidrelease.report.release_page.format_1.figures import confidence, counted, estimate, small_cell
from deidrelease.report.release_page.format_1.strips import draw_strip
from deidrelease.report.release_page.format_1.wording import SCORES

_FEWEST = 10
_NAMES = ("synthetic tagger", "gold tagger")
_WHOLE = (0.0, 1.0)


def utility_view(utility: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Tables and pictures of the evaluation; None where there was none."""
    if utility is None:
        return None
    gold, synthetic = utility["gold_tagger"], utility["synthetic_tagger"]
    return {
        **{key: utility[key] for key in ("test_set", "says", "does_not_say")},
        "sizes": ", ".join(
            (
                counted(gold["patients"], "patient", "patients"),
                counted(gold["notes"], "note", "notes"),
                counted(gold["mentions"], "mention of personal information", "mentions of personal information"),
            )
        ),
        "level": next((confidence(score) for score in _scores(gold["overall"]) if score), ""),
        "rows": [_score(name, utility) for name in _names(gold["overall"])],
        "labels": [_label(label, gold, synthetic) for label in sorted(gold["per_label"])],
        "hidden": _FEWEST,
    }


def _scores(overall: Mapping[str, Any]) -> list[Any]:
    return [overall[name] for name in sorted(overall)]


def _names(overall: Mapping[str, Any]) -> list[str]:
    known = [name for name in SCORES if name in overall]
    return known + sorted(set(overall) - set(known))


def _score(name: str, utility: Mapping[str, Any]) -> dict[str, Any]:
    gold, synthetic = (utility[tagger]["overall"].get(name) for tagger in ("gold_tagger", "synthetic_tagger"))
    return {
        "name": SCORES.get(name, name),
        "gold": estimate(gold),
        "synthetic": estimate(synthetic),
        "difference": estimate(utility["synthetic_minus_gold"].get(name)),
        "strip": draw_strip(synthetic, gold, names=_NAMES, scale=_WHOLE),
    }


def _label(label: str, gold: Mapping[str, Any], synthetic: Mapping[str, Any]) -> dict[str, Any]:
    support = gold["per_label"][label]["support"]
    told, other = (tagger["per_label"].get(label, {}).get("strict_f1") for tagger in (synthetic, gold))
    # A score over a handful of mentions tells of those mentions one by one.
    shown = support >= _FEWEST and all(score is None or score["n"] >= _FEWEST for score in (told, other))
    return {
        "name": label,
        "support": small_cell(support),
        "shown": shown,
        "gold": estimate(other) if shown else "",
        "synthetic": estimate(told) if shown else "",
        "strip": draw_strip(told, other, names=_NAMES, scale=_WHOLE) if shown else None,
    }

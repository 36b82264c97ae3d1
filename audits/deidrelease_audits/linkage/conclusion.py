"""From a sum of tallies to what linkage may say."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Literal

from deidrelease.contracts import Conclusion, Finding
from deidrelease.results import Estimate, bucketed
from deidrelease_audits.asked_power import lacking_power, told_power
from deidrelease_audits.linkage.combinations import Bands, Combination, unique_combinations
from deidrelease_audits.linkage.incidents import Found, Incident, RarePlaces, incidents, rare_places
from deidrelease_audits.linkage.null import DECISIVE, SURPRISING, Null
from deidrelease_audits.linkage.tally import LinkageTally, PrivateArm
from deidrelease_audits.linkage.verdict import Judged, judged
from deidrelease_audits.statistics import (
    exact_count,
    exact_value,
    holm,
    hypergeometric_p,
    poisson_bounds,
    residual,
    wilson,
)
from deidrelease_audits.values import Haystack

ARMS: tuple[PrivateArm, ...] = ("train", "holdout")


@dataclass(frozen=True, slots=True)
class Asked:
    """The settings that the conclusion needs.

    Attributes:
        rare: The most holders of a rare value.
        detectable: Matched train patients that have to be detectable at the fewest, see `asked_power`.
        meanings: Whether there was a label map.
    """

    rare: int
    detectable: int
    meanings: bool


def concluded(haystack: Haystack, bands: Bands, tally: LinkageTally, asked: Asked) -> Conclusion:
    """Judges the sum of all tallies."""
    if reason := _nothing_to_measure(len(haystack), tally, asked):
        return Conclusion("inconclusive", reason)
    seen = rare_places(haystack, tally.holders, asked.rare)
    arms, null = judged(len(haystack), seen, tally, asked.rare)
    alone = unique_combinations(haystack, bands, tally.items)
    combined: dict[PrivateArm, list[Combination]] = {
        "train": _of(alone, tally, "train"),
        "holdout": _of(alone, tally, "holdout"),
    }
    train, control = arms["train"], arms["holdout"]
    reason = lacking_power(train.patients, control.patients, asked.detectable)
    metrics = _metrics(len(haystack), train, len(combined["train"]))
    p_value = None
    if control.patients:
        p_value = _p_value(train, control)
        linked = train.strongly_linked, train.patients, control.strongly_linked, control.patients
        metrics["patients_excess"] = residual(*linked)
        method = "hypergeometric, one-sided (Fisher 1935), on patients with any and with a strong pair; Holm's minimum"
        metrics["p_value"] = exact_value(p_value, train.patients + control.patients, method)
    return Conclusion(
        "inconclusive" if reason else "measured",
        reason,
        metrics,
        _control(len(haystack), train.patients, control, len(combined["holdout"])),
        p_value,
        {**_null_told(null, train), **told_power(train.patients, control.patients)},
        _breakdown(seen, tally, arms, combined),
        (*_findings(haystack, arms), *_combined_findings(haystack, combined)),
    )


def _nothing_to_measure(notes: int, tally: LinkageTally, asked: Asked) -> str:
    if not asked.meanings:
        return "no label map says which private values identify, and whose they are: name one in corpus.labels"
    if not notes:
        return "the synthetic corpus has no notes: at least 1 is needed"
    if not len(tally.train):
        return f"there are no train patients: at least {asked.detectable} are needed"
    if not tally.values:
        return "no train note has an annotated value that identifies its patient: annotated notes are needed"
    return ""


def _p_value(train: Judged, control: Judged) -> float:
    """A leak of numbers and names shows among strong pairs, one of towns and professions among all: both are asked."""
    strong = hypergeometric_p(train.strongly_linked, train.patients, control.strongly_linked, control.patients)
    every = hypergeometric_p(train.linked, train.patients, control.linked, control.patients)
    return min(holm({"strong": strong, "all": every}).values())


def _metrics(notes: int, train: Judged, combinations: int) -> dict[str, Estimate]:
    return {
        "same_patient_pairs": exact_count(len(train.incidents), notes),
        "notes_linking": wilson(train.notes, notes),
        "unique_combinations": exact_count(combinations, notes),
        "decisive": exact_count(train.certain, notes),
    }


def _control(notes: int, train: int, control: Judged, combinations: int) -> dict[str, Estimate]:
    if not control.patients:
        return {}
    scale = train / control.patients
    return {
        "same_patient_pairs": _scaled(len(control.incidents), scale, control.patients),
        "notes_linking": wilson(control.notes, notes),
        "unique_combinations": _scaled(combinations, scale, control.patients),
        "decisive": _scaled(control.certain, scale, control.patients),
    }


def _scaled(count: int, scale: float, patients: int) -> Estimate:
    low, high = poisson_bounds(count)
    method = f"count on the hold-out times {scale:.3g}, Poisson interval (Garwood 1936)"
    return Estimate(count * scale, low * scale, high * scale, 0.95, patients, method)


def _null_told(null: Null, train: Judged) -> dict[str, object]:
    return {
        "statement": "The note is another patient's, and holds each value of the pair independently. The chance of "
        "one value: a character model of its label fitted on other patients, times the largest factor by which that "
        "model erred on pairs of different private patients and on hold-out values in the release.",
        "fails": "Families, shared clinicians, copied text and one person under two patient ids give several patients "
        "the same values together. Pairs of labels seen to do so are excluded, as are two values beside a clinician; "
        "a sort that was never seen is not.",
        "threshold": DECISIVE,
        "refuting": SURPRISING,
        "pairs_searched": train.searched,
        "sampled_patients": null.patients,
        "patients_sharing_two_values": bucketed(null.doubles),
        "inflation": {group: _factor(g.inflation) for group, g in sorted(null.groups.items())},
        "excluded_label_pairs": [" + ".join(pair) for pair in sorted(null.refuted)],
    }


def _factor(inflation: float) -> float | str:
    """Three digits; words where a value recurred that is rarer than any of the sample: no result holds an infinity."""
    return float(f"{inflation:.3g}") if isfinite(inflation) else "no bound"


def _of(alone: list[Combination], tally: LinkageTally, arm: PrivateArm) -> list[Combination]:
    train = set(tally.train.patients.tolist())
    return [found for found in alone if (found.patient in train) == (arm == "train")]


def _breakdown(
    seen: RarePlaces,
    tally: LinkageTally,
    arms: Mapping[PrivateArm, Judged],
    combined: Mapping[PrivateArm, list[Combination]],
) -> dict[str, dict[str, str]]:
    providers = Counter(found.arm for found in incidents(seen, tally.holders, own=False))
    tables: dict[str, dict[str, str]] = {"provider pairs": {arm: bucketed(providers[arm]) for arm in ARMS}}
    for arm in ARMS:
        pairs = Counter(kinds for found in arms[arm].incidents for kinds in {_labels(*pair) for pair in found.pairs})
        tables[f"pairs by label, {arm}"] = _cells(pairs)
        kinds = Counter(" + ".join(sorted({kind for kind, _ in found.items})) for found in combined[arm])
        tables[f"combinations by kind, {arm}"] = _cells(kinds)
    return tables


def _labels(first: Found, second: Found) -> str:
    return " + ".join(sorted((first.holding.group, second.holding.group)))


def _cells(counts: Counter[str]) -> dict[str, str]:
    return {name: bucketed(count) for name, count in sorted(counts.items())}


def _findings(haystack: Haystack, arms: Mapping[PrivateArm, Judged]) -> Iterator[Finding]:
    """One finding for each value of an incident; its severity that of the gravest pair it is in."""
    for arm in ARMS:
        for incident, decisive in zip(arms[arm].incidents, arms[arm].decisive, strict=True):
            grave = {found.key for pair in decisive for found in pair}
            for found in {found.key: found for pair in incident.pairs for found in pair}.values():
                yield _finding(haystack, incident, found, found.key in grave)


def _finding(haystack: Haystack, incident: Incident, found: Found, decisive: bool) -> Finding:
    note, start, end = found.holding.place
    severity: Literal["decisive", "match"] = "decisive" if decisive else "match"
    synthetic = haystack.note_ids[incident.note]
    where = (synthetic, *found.place)
    return Finding("linkage", "pair", severity, *where, note, start, end, found.key, incident.arm)


def _combined_findings(haystack: Haystack, combined: Mapping[PrivateArm, list[Combination]]) -> Iterator[Finding]:
    """One finding for each item; where a combination stands, and whose it is, the tallies do not keep."""
    for arm in ARMS:
        for found in combined[arm]:
            for kind, text in found.items:
                value = f"{kind}: {text}"
                yield Finding(
                    "linkage", "combination", "match", haystack.note_ids[found.note], 0, 0, value=value, arm=arm
                )

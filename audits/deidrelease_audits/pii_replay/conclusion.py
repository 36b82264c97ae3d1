"""From evidence to the numbers of `pii_replay`, with the hold-out beside them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf, log2

from deidrelease.contracts import Conclusion
from deidrelease.labels import LabelMap
from deidrelease.results import Estimate, bucketed
from deidrelease_audits.asked_power import lacking_power, told_power
from deidrelease_audits.pii_replay.comparisons import Tests, excess, patients_of, tests_of
from deidrelease_audits.pii_replay.evidence import FUZZY, Trust, Unique, is_own, of_arm, trust_of, unique_values
from deidrelease_audits.pii_replay.findings import findings_of
from deidrelease_audits.pii_replay.null import LIMIT, Chance, decisive, fitted
from deidrelease_audits.pii_replay.scan import ReplayIndex
from deidrelease_audits.pii_replay.tally import ReplayTally
from deidrelease_audits.statistics import exact_count, residual, wilson

FLAGGED_AT = 0.05
IMPROBABLE = 1e-4
"""Expected number of chance finds, in all that was searched, below which a fuzzy find is judged apart from others."""
_OFF = {(True, True): "off", (True, False): "off but for improbable values", (False, True): "off for improbable values"}
_DISTINCT = "distinct values, counted"
_FAILS = (
    "Patients who share a value for a reason that no model of chance knows (family members, the same person under two "
    "ids, text copied from note to note, numbers of an institution, keyboard patterns such as 12345678) look like "
    "replay. Where the private notes or the hold-out show such sharing, values of that class up to that size are not "
    "called decisive; where they do not show it, they may be."
)


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that the numbers are made of.

    Attributes:
        tally: Of all shards.
        uniques: Every found value of a single patient, of both arms.
        trust: Which fuzzy kinds count.
        chance: The null.
        proven: The decisive ones, of train.
        sizes: Patients of train and of the hold-out.
    """

    tally: ReplayTally
    uniques: Sequence[Unique]
    trust: Trust
    chance: Chance
    proven: Sequence[Unique]
    sizes: tuple[int, int]

    def own(self, *, fuzzy: bool) -> list[Unique]:
        """Values that can be a patient's own: those found exactly, or with `fuzzy` those found only otherwise."""
        return [one for one in self.uniques if one.own and bool(one.exact) != fuzzy]

    def counted(self, *, fuzzy: bool) -> list[Unique]:
        """Of `own` those found by a kind that is counted.

        Kinds are switched off by the hold-out's finds, so no arms are compared on what is left: it favours it.
        """
        return [one for one in self.own(fuzzy=fuzzy) if self.trust.trusted(one)]


def concluded(index: ReplayIndex, tally: ReplayTally, audit: str, detectable: int, limit: float) -> Conclusion:
    """Judges the whole tally."""
    if index.label_map is None:
        reason = "Nobody said what the labels mean, so no value is known to identify. Name a label map."
        return Conclusion("inconclusive", reason)
    evidence = evidence_of(index, tally, index.label_map, limit)
    reason = lacking_power(*evidence.sizes, detectable)
    tests = None
    metrics, control = _counts(evidence)
    if evidence.sizes[0] and evidence.sizes[1]:
        tests = _tests(index, evidence)
        metrics |= _comparisons(evidence, tests)
    shown = [one for one in evidence.uniques if one.own or index.label_map[one.label].surrogate == "date"]
    return Conclusion(
        status="inconclusive" if reason else "measured",
        reason=reason,
        metrics=metrics,
        control=control,
        p_value=tests.p_value if tests else None,
        null={**_null(evidence), **told_power(*evidence.sizes)},
        breakdown=_breakdown(evidence, index.label_map, tests),
        findings=findings_of(index, shown, evidence.proven, audit),
    )


def evidence_of(index: ReplayIndex, tally: ReplayTally, label_map: LabelMap, limit: float) -> Evidence:
    """What was found, what of it counts, and what of that no chance explains."""
    uniques = unique_values(tally, label_map)
    chance = fitted(index.squeezed, tally, uniques)
    improbable = frozenset(one for one in uniques if not one.exact and chance.by_chance(one) < IMPROBABLE)
    trust = trust_of(uniques, tally, improbable, limit)
    proven = decisive(chance, [one for one in of_arm(uniques, "train") if trust.trusted(one)])
    sizes = len(tally.patients.train), len(tally.patients.holdout)
    return Evidence(tally, uniques, trust, chance, proven, sizes)


def _counts(evidence: Evidence) -> tuple[dict[str, Estimate], dict[str, Estimate]]:
    """What needs no hold-out, and the same of the hold-out scaled to train's size."""
    metrics: dict[str, Estimate] = {}
    control: dict[str, Estimate] = {}
    train, holdout = evidence.sizes
    for name, fuzzy in (("unique_identifiers", False), ("fuzzy_identifiers", True)):
        values = evidence.counted(fuzzy=fuzzy)
        metrics[name] = exact_count(len(of_arm(values, "train")), train, _DISTINCT)
        if holdout:
            scaled = len(of_arm(values, "holdout")) * train / holdout
            control[name] = exact_count(scaled, holdout, f"{_DISTINCT}, times train patients per hold-out patient")
    exact = evidence.own(fuzzy=False)
    everyone = max(train + holdout, 1)
    bits = log2(everyone)
    method = "-log2 of each found unique value's share of all private patients, summed"
    metrics["rarity_bits"] = exact_count(bits * len(of_arm(exact, "train")), train, method)
    metrics["decisive"] = exact_count(len(evidence.proven), train, f"counted; chance below {LIMIT:g} under the null")
    if train:
        metrics["rate"] = wilson(patients_of(exact, "train"), train)
    if holdout:
        scaled = bits * len(of_arm(exact, "holdout")) * train / holdout
        control["rarity_bits"] = exact_count(scaled, holdout, method)
        control["rate"] = wilson(patients_of(exact, "holdout"), holdout)
    return metrics, control


def _comparisons(evidence: Evidence, tests: Tests) -> dict[str, Estimate]:
    exact, fuzzy = evidence.own(fuzzy=False), evidence.own(fuzzy=True)
    (train, holdout), people = evidence.sizes, sum(evidence.sizes)
    matched = [*exact, *fuzzy]
    flagged = len(tests.flagged(FLAGGED_AT))
    return {
        "unique_excess": excess(exact, evidence.sizes),
        "fuzzy_excess": excess(fuzzy, evidence.sizes),
        "patients_excess": residual(patients_of(matched, "train"), train, patients_of(matched, "holdout"), holdout),
        "p_value": exact_count(tests.p_value, people, "smallest of the classes' tests and the pooled one, after Holm"),
        "flagged_classes": exact_count(flagged, people, f"classes whose p is at most {FLAGGED_AT} after Holm"),
    }


def _tests(index: ReplayIndex, evidence: Evidence) -> Tests:
    """Weighed by the bits that are left when chance had all its opportunities; the weights know nothing of the arm."""
    matched = [*evidence.own(fuzzy=False), *evidence.own(fuzzy=True)]
    weights = {one: _weight(evidence.chance.by_chance(one)) for one in matched}
    return tests_of(matched, weights, evidence.sizes, index.seed)


def _weight(expected: float) -> float:
    return 1.0 if expected in (0.0, inf) else 1.0 + max(0.0, -log2(expected))


def _null(evidence: Evidence) -> dict[str, object]:
    refuted = evidence.chance.refuted
    false = {kind: sum(n for (_, k, _), n in evidence.trust.false.items() if k == kind) for kind in FUZZY}
    return {
        "is": "The text was written without the patient's value: a window of its shape equals it as the character "
        "model of its class says, and all that was searched counts as opportunity.",
        "limit": LIMIT,
        "fails": _FAILS,
        "classes refuted wholly": sum(one.covers(10**9, 10**9) for one in refuted.values()),
        "classes refuted up to a size": sum(not one.covers(10**9, 10**9) for one in refuted.values()),
        "hold-out values searched": sum(evidence.trust.searched.values()),
        **{f"hold-out values found by chance ({kind}, only)": bucketed(count) for kind, count in false.items()},
    }


def _breakdown(evidence: Evidence, label_map: LabelMap, tests: Tests | None) -> dict[str, Mapping[str, str]]:
    tables: dict[str, Mapping[str, str]] = {}
    labels = sorted({label for label, _ in evidence.tally.searched})
    for arm in ("train", "holdout"):
        exact = [one for one in evidence.uniques if one.arm == arm and one.exact]
        other = [one for one in evidence.uniques if one.arm == arm and not one.exact and evidence.trust.trusted(one)]
        for name, values in (("exact", exact), ("other spellings", other)):
            cells = {_class_of(label_map, label): bucketed(sum(o.label == label for o in values)) for label in labels}
            tables[f"unique values found, {name}, {arm}"] = cells
        tables[f"patients with a unique value found, {arm}"] = {
            _class_of(label_map, label): bucketed(patients_of([one for one in exact if one.label == label], arm))
            for label in labels
        }
    tables["rate"] = {_class_of(label_map, label): _rate(evidence, label) for label in labels}
    tables["not counted: finds hold-out values by chance"] = {
        f"{label}, {kind}": _OFF[(label, kind, False) in evidence.trust.off, (label, kind, True) in evidence.trust.off]
        for label, kind in sorted({(label, kind) for label, kind, _ in evidence.trust.off})
    }
    if tests:
        tables["p after Holm"] = {name: f"{p:.2g}" for name, p in sorted(tests.adjusted.items())}
    return tables


def _rate(evidence: Evidence, label: str) -> str:
    """Share of the train patients that hold a value of the label of whom a unique one was found."""
    holding = evidence.tally.of_label.get(label)
    exact = [one for one in evidence.uniques if one.exact and one.label == label]
    found, people = patients_of(exact, "train"), len(holding.train) if holding else 0
    if people == 0 or 0 < found < 10:
        return "0" if found == 0 else f"under 10 of {bucketed(people)}"
    return str(wilson(found, people))


def _class_of(label_map: LabelMap, label: str) -> str:
    meaning = label_map[label]
    own = "" if is_own(label_map, label) else ", not tested"
    return f"{meaning.hipaa or '-'} {meaning.whose} {label}{own}"

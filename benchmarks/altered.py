"""What it costs to find altered values: hold-out values, which nothing has seen, that each kind of spelling finds.

    python benchmarks/altered.py CORPORA --seeds 50 --size 120

The releases are those of `power.py` with altered identifiers; by default of the seeds below 100, which served to tune.
A value counts as found by a kind where it does not stand in the release exactly. `pii_replay` lists all that it finds,
and leaves a kind out of its counts, label by label, where the hold-out shows too many: the last columns.
"""

import argparse
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from drawing import split
from planting import Planted
from power import PLANS, audited, meddocan

from deidrelease.auditing.result import AuditResult
from deidrelease.contracts import Finding
from deidrelease.labels import LabelMap, load_label_map
from deidrelease.notes import Note
from deidrelease_audits.statistics import clopper_pearson
from deidrelease_audits.values import values_of

_OFF = "not counted: finds hold-out values by chance"
_SAME = "same"
"""What the audit's table calls the kind that its findings call `spelling`."""
Place = tuple[str, int, int]


@dataclass(slots=True)
class Tally:
    """Sums over releases; keys are a label and a kind, or an alteration.

    Attributes:
        searched: Label to hold-out values, each once a note.
        chance: Label and kind to hold-out values found in no other way.
        chance_counted: Those of them that the audit counts.
        planted: Label and alteration to values planted.
        found: Those whose place is among the findings.
        counted: Those that the audit counts.
    """

    searched: Counter[str] = field(default_factory=Counter)
    chance: Counter[tuple[str, str]] = field(default_factory=Counter)
    chance_counted: Counter[tuple[str, str]] = field(default_factory=Counter)
    planted: Counter[tuple[str, str]] = field(default_factory=Counter)
    found: Counter[tuple[str, str]] = field(default_factory=Counter)
    counted: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add_hold_out(self, notes: Sequence[Note], result: AuditResult, label_map: LabelMap) -> None:
        """What of the hold-out was found, by chance as nothing has seen it."""
        labels: dict[Place, str] = {}
        for note in notes:
            once = {(value.label, value.key) for value, _ in values_of(note, label_map)}
            self.searched.update(label for label, _ in once)
            labels |= {(note.note_id, span.start, span.end): value.label for value, span in values_of(note, label_map)}
        off = switched_off(result)
        for place, kinds in found_otherwise(result.findings, "holdout"):
            for kind in kinds:
                self.chance[labels[place], kind] += 1
                self.chance_counted[labels[place], kind] += (labels[place], kind) not in off

    def add_planted(self, planted: Iterable[Planted], result: AuditResult) -> None:
        """What of the planted values was found, and counted."""
        off = switched_off(result)
        for one in planted:
            kinds = {
                named(finding)
                for finding in result.findings
                if finding.arm == "train"
                and finding.synthetic_note == one.synthetic_note
                and finding.start < one.end
                and one.start < finding.end
            }
            self.planted[one.label, one.kind] += 1
            self.found[one.label, one.kind] += bool(kinds)
            counted = "exact" in kinds or any((one.label, kind) not in off for kind in kinds)
            self.counted[one.label, one.kind] += bool(kinds) and counted


def named(finding: Finding) -> str:
    """The kind of a finding, as the audit's tables have it."""
    return _SAME if finding.kind == "spelling" else finding.kind


def switched_off(result: AuditResult) -> set[tuple[str, str]]:
    """Labels and kinds that are not counted."""
    report = result.report("pii_replay")
    assert report is not None
    pairs = (key.rsplit(", ", 1) for key in report.breakdown[_OFF])
    return {(label, kind) for label, kind in pairs}


def found_otherwise(findings: Iterable[Finding], arm: str) -> Iterator[tuple[Place, set[str]]]:
    """The values of an arm that stand in the release in other spellings alone, by their private place."""
    kinds: dict[Place, set[str]] = defaultdict(set)
    for finding in findings:
        if finding.arm == arm:
            kinds[finding.private_note, finding.private_start, finding.private_end].add(named(finding))
    return ((place, those) for place, those in kinds.items() if "exact" not in those)


def shown(tally: Tally) -> str:
    """Two tables in Markdown."""
    rows = ["| label, kind | hold-out values found so | of | share | counted |", "|---|---|---|---|---|"]
    for (label, kind), count in sorted(tally.chance.items()):
        share = clopper_pearson(count, tally.searched[label])
        interval = f"{share.value:.2%} [{share.low:.2%}, {share.high:.2%}]"
        counted = tally.chance_counted[label, kind]
        rows.append(f"| {label}, {kind} | {count} | {tally.searched[label]:,} | {interval} | {counted} |")
    rows += ["", "| label, alteration | planted | found | counted |", "|---|---|---|---|"]
    for label, kind in sorted(tally.planted):
        planted, found, counted = (one[label, kind] for one in (tally.planted, tally.found, tally.counted))
        rows.append(f"| {label}, {kind} | {planted} | {found} | {counted} |")
    sums = [sum(one.values()) for one in (tally.planted, tally.found, tally.counted)]
    return "\n".join([*rows, f"| all | {' | '.join(map(str, sums))} |"])


def main() -> None:
    """Audits and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpora", type=Path, help="the folder that holds meddocan/")
    parser.add_argument("--seeds", type=int, default=50)
    parser.add_argument("--first", type=int, default=0, help="the first seed; those below 100 served to tune (0)")
    parser.add_argument("--size", type=int, default=120, help="patients in train, hold-out and release each")
    options = parser.parse_args()
    label_map, tally = load_label_map("meddocan"), Tally()
    for seed in range(options.first, options.first + options.seeds):
        parts = split(meddocan(options.corpora), options.size, seed)
        made = PLANS["altered"](parts, label_map, np.random.default_rng([seed, *b"altered"]))
        result = audited(made.notes, parts.train, parts.holdout, label_map, seed, ("pii_replay",))
        tally.add_hold_out(parts.holdout, result, label_map)
        tally.add_planted(made.planted, result)
        print(f"\rseed {seed}", end="", flush=True)
    print(f"\n{shown(tally)}")


if __name__ == "__main__":
    main()

"""What it costs to find altered values: hold-out values, which nothing has seen, that each kind of spelling finds.

    python benchmarks/altered.py CORPORA --seeds 50 --size 120

The releases are those of `power.py` with altered identifiers; by default of the seeds below 100, which served to tune.
A value counts as found by a kind where it does not stand in the release exactly. `pii_replay` lists all that it finds,
and leaves a kind out of its counts, label by label, where the hold-out shows too many: the last columns.
"""

import argparse
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from drawing import Split
from planting import Planting
from power import corpora_of, drawn

from deidrelease.engine import LocalEngine
from deidrelease.labels import LabelMap, load_label_map
from deidrelease.surrogates.normal import squeezed
from deidrelease_audits.pii_replay.audit import PiiReplay
from deidrelease_audits.pii_replay.conclusion import Evidence, evidence_of
from deidrelease_audits.statistics import clopper_pearson


@dataclass(slots=True)
class Tally:
    """Sums over releases; keys are a label and a kind, or a label and an alteration.

    Attributes:
        searched: Label to hold-out values, each once a note.
        chance: Hold-out values found in no other way.
        chance_counted: Those of them that the audit counts.
        planted: Values planted.
        found: Those that the audit found.
        counted: Those of them that it counts.
    """

    searched: Counter[str] = field(default_factory=Counter)
    chance: Counter[tuple[str, str]] = field(default_factory=Counter)
    chance_counted: Counter[tuple[str, str]] = field(default_factory=Counter)
    planted: Counter[tuple[str, str]] = field(default_factory=Counter)
    found: Counter[tuple[str, str]] = field(default_factory=Counter)
    counted: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add(self, evidence: Evidence, planted: Planting) -> None:
        """Adds one release."""
        trusted = evidence.trust.trusted
        self.searched.update(evidence.trust.searched)
        for one in evidence.uniques:
            if one.arm == "holdout" and not one.exact and (one.own or "date-format" in one.kinds):
                self.chance.update((one.label, kind) for kind in one.kinds)
                if trusted(one):
                    self.chance_counted.update((one.label, kind) for kind in one.kinds)
        train = {(one.label, one.squeezed): one for one in evidence.uniques if one.arm == "train"}
        for value in planted.planted:
            found = train.get((value.label, squeezed(value.value)))
            self.planted[value.label, value.kind] += 1
            self.found[value.label, value.kind] += found is not None
            self.counted[value.label, value.kind] += found is not None and trusted(found)


def evidence(made: Planting, parts: Split, label_map: LabelMap, seed: int) -> Evidence:
    """What `pii_replay` found, before it is summed up."""
    corpora, audit = corpora_of(made.notes, parts.train, parts.holdout, label_map, seed), PiiReplay()
    index = audit.index(corpora)
    tally = LocalEngine().tally(audit, index, corpora, lambda _: None)
    return evidence_of(index, tally, label_map, audit.false_positives)


def shown(tally: Tally) -> str:
    """Two tables in Markdown."""
    rows = ["| label, kind | hold-out values found so | of | share | counted |", "|---|---|---|---|---|"]
    for (label, kind), count in sorted(tally.chance.items()):
        share = clopper_pearson(count, tally.searched[label])
        interval = f"{share.value:.2%} [{share.low:.2%}, {share.high:.2%}]"
        counted = tally.chance_counted[label, kind]
        rows.append(f"| {label}, {kind} | {count} | {tally.searched[label]:,} | {interval} | {counted} |")
    found, counted, searched = (sum(one.values()) for one in (tally.chance, tally.chance_counted, tally.searched))
    rows += [f"| all, of all labels | {found} | {searched:,} | {found / searched:.2%} | {counted} |"]
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
        parts, made = drawn(options.corpora, options.size, seed, "altered")
        tally.add(evidence(made, parts, label_map, seed), made)
        print(f"\rseed {seed}", end="", flush=True)
    print(f"\n{shown(tally)}")


if __name__ == "__main__":
    main()

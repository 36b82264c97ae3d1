"""Power and false alarms of the audits: what they say of releases in which leaks were planted, and of clean ones.

    python benchmarks/power.py CORPORA --seeds 50 --size 120 --out power-120.jsonl
    python benchmarks/power.py CORPORA --seeds 50 --size 120 --out power-120.jsonl --show --picture docs/pictures/power

Patients of MEDDOCAN train + dev are drawn at random into train, hold-out and a release of notes of other patients of
the same source, `--size` patients each: a release that has seen nothing. Then leaks are planted in it. Every line of
the output is one release: what was planted, how many of the planted places stand in the findings, and what each audit
said. Lines that are there already are not done again, so a run that was stopped goes on.
"""

import argparse
import json
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import planting
from drawing import Split, meddocan, split
from planting import Planted, Planting

from deidrelease.auditing.choosing import chosen_audits
from deidrelease.auditing.result import AuditResult
from deidrelease.auditing.running import audit
from deidrelease.contracts import Corpora, Finding
from deidrelease.engine import LocalEngine
from deidrelease.keys import SiteKey
from deidrelease.labels import LabelMap, load_label_map
from deidrelease.notes import Corpus, Held, Note
from deidrelease.results import Estimate
from deidrelease_audits.statistics import clopper_pearson

AUDITS = ("verbatim", "near_duplicate", "pii_replay", "linkage", "membership")
EXCESSES = ("patients_excess", "unique_excess", "fuzzy_excess")
MANY = (1, 2, 3, 5, 8)
Plan = Callable[[Split, LabelMap, np.random.Generator], Planting]


def _clean(parts: Split, _: LabelMap, __: np.random.Generator) -> Planting:
    return Planting(parts.synthetic, ())


def _identifiers(many: int | None) -> Plan:
    return lambda parts, label_map, rng: planting.plant_identifiers(parts, label_map, rng, many)


def _insurance_numbers(parts: Split, label_map: LabelMap, rng: np.random.Generator) -> Planting:
    return planting.plant_identifiers(parts, label_map, rng, labels=("ID_ASEGURAMIENTO",))


def _altered_insurance_numbers(parts: Split, label_map: LabelMap, rng: np.random.Generator) -> Planting:
    return planting.plant_altered(parts, label_map, rng, kinds=("edit", "spacing"), labels=("ID_ASEGURAMIENTO",))


def _altered(many: int | None) -> Plan:
    return lambda parts, label_map, rng: planting.plant_altered(parts, label_map, rng, many)


def _pairs(many: int | None) -> Plan:
    return lambda parts, label_map, rng: planting.plant_pairs(parts, label_map, rng, many)


def _halves(many: int) -> Plan:
    return lambda parts, _, rng: planting.plant_half_copies(parts, rng, many)


def _spans(tokens: int) -> Plan:
    return lambda parts, _, rng: planting.plant_spans(parts, rng, tokens)


PLANS: dict[str, Plan] = {
    "clean": _clean,
    # The peers' table: 5 to 9 values or pairs, 2 half-copied notes.
    "identifiers": _identifiers(None),
    "altered": _altered(None),
    "numbers": _insurance_numbers,
    "altered-numbers": _altered_insurance_numbers,
    "pairs": _pairs(None),
    "halves": _halves(2),
    **{f"identifiers-{many}": _identifiers(many) for many in MANY},
    **{f"altered-{many}": _altered(many) for many in MANY},
    **{f"pairs-{many}": _pairs(many) for many in MANY},
    **{f"halves-{many}": _halves(many) for many in MANY},
    "copy": lambda parts, _, rng: planting.plant_verbatim(parts, rng, 1),
    **{f"span-{tokens}": _spans(tokens) for tokens in (8, 13, 25, 50, 100)},
}
BARS = ("clean", "numbers", "altered-numbers", "identifiers", "altered", "pairs", "halves", "copy", "span-8")


def release(corpora: Path, size: int, seed: int, plan: str, audits: tuple[str, ...] = AUDITS) -> dict[str, object]:
    """Makes one release, audits it, and says how that went; equal arguments give equal lines."""
    parts, made = drawn(corpora, size, seed, plan)
    result = audited(made.notes, parts.train, parts.holdout, load_label_map("meddocan"), seed, audits)
    return {
        "size": size,
        "seed": seed,
        "plan": plan,
        "planted": len(made.planted),
        "found": sum(found(one, result.findings) for one in made.planted),
        "audits": {report.audit: _said(result, report.audit) for report in result.audits},
    }


def drawn(corpora: Path, size: int, seed: int, plan: str) -> tuple[Split, Planting]:
    """The arms of a seed, and the release that a plan makes of them; equal arguments draw the same."""
    parts = split(meddocan(corpora), size, seed)
    rng = np.random.default_rng([seed, *plan.encode()])
    return parts, PLANS[plan](parts, load_label_map("meddocan"), rng)


def audited(
    synthetic: Iterable[Note],
    train: Iterable[Note],
    holdout: Iterable[Note],
    label_map: LabelMap,
    seed: int,
    audits: tuple[str, ...] = AUDITS,
) -> AuditResult:
    """The audits named, over notes at hand."""
    corpora = corpora_of(synthetic, train, holdout, label_map, seed)
    return audit(corpora, chosen_audits(audits), LocalEngine())


def corpora_of(
    synthetic: Iterable[Note], train: Iterable[Note], holdout: Iterable[Note], label_map: LabelMap, seed: int
) -> Corpora:
    """Notes at hand, as audits take them."""
    arms = [Corpus(name, (Held(tuple(notes)),)) for name, notes in
            (("synthetic", synthetic), ("train", train), ("holdout", holdout))]  # fmt: skip
    return Corpora(*arms, label_map=label_map, language="es", tagger=None, key=SiteKey(bytes(32)), seed=seed)


def found(planted: Planted, findings: Iterable[Finding]) -> bool:
    """Whether some finding touches the place of what was planted."""
    return any(
        finding.arm == "train"
        and finding.synthetic_note == planted.synthetic_note
        and finding.start < planted.end
        and planted.start < finding.end
        for finding in findings
    )


def _said(result: AuditResult, name: str) -> dict[str, object]:
    report = result.report(name)
    assert report is not None
    decisive = report.metrics.get("decisive")
    return {
        "status": report.status,
        "reason": report.reason,
        "decisive": None if decisive is None else decisive.value,
        "p": report.p_value,
        "adjusted": result.family.get(name),
        "covers_zero": {
            excess: report.metrics[excess].low <= 0 <= report.metrics[excess].high
            for excess in EXCESSES
            if excess in report.metrics
        },
    }


def _lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


def _work(options: argparse.Namespace) -> None:
    done = {(line["size"], line["seed"], line["plan"]) for line in _lines(options.out)}
    wanted = [
        (options.size, seed, plan)
        for seed in range(options.first, options.first + options.seeds)
        for plan in options.plans.split(",")
    ]
    left = [job for job in wanted if job not in done]
    with ProcessPoolExecutor(options.workers) as pool, options.out.open("a", encoding="utf-8") as stream:
        jobs = [pool.submit(release, options.corpora, *job, options.audits) for job in left]
        for number, job in enumerate(jobs, 1):
            stream.write(json.dumps(job.result()) + "\n")
            stream.flush()
            print(f"\r{number} of {len(left)} releases", end="", flush=True)
    print()


def share(lines: list[dict[str, object]], holds: Callable[[Mapping[str, object]], bool]) -> Estimate:
    """The share of releases of which something holds, with its exact interval."""
    return clopper_pearson(sum(holds(line["audits"]) for line in lines), len(lines))  # type: ignore[arg-type]


def _decisive(audits: Mapping[str, object], names: Iterable[str]) -> bool:
    return any((audits[name]["decisive"] or 0) >= 1 for name in names if name in audits)  # type: ignore[index]


def _fires(audits: Mapping[str, object], name: str) -> bool:
    p = audits[name]["p"]  # type: ignore[index]
    return p is not None and p <= 0.05


def summary(lines: list[dict[str, object]]) -> str:
    """Markdown: for every plan how often something is decisive, and how much of the planted was found."""
    names = [name for name in AUDITS if name in lines[0]["audits"]]  # type: ignore[operator]
    rows = ["| planted | releases | decisive, any audit | " + " | ".join(names) + " | planted places found |"]
    rows.append("|" + "---|" * (len(names) + 4))
    for plan in dict.fromkeys(line["plan"] for line in lines):
        chosen = [line for line in lines if line["plan"] == plan]
        whole = share(chosen, lambda audits: _decisive(audits, names))
        cells = [f"{share(chosen, lambda audits, name=name: _decisive(audits, [name])).value:.2f}" for name in names]
        planted, found = (sum(line[key] for line in chosen) for key in ("planted", "found"))  # type: ignore[misc]
        places = f"{found}/{planted}" if planted else "-"
        rows.append(f"| {plan} | {len(chosen)} | {_short(whole)} | {' | '.join(cells)} | {places} |")
    return "\n".join([*rows, "", *_false_alarms([line for line in lines if line["plan"] == "clean"], names)])


def _false_alarms(clean: list[dict[str, object]], names: list[str]) -> list[str]:
    if not clean:
        return []
    rows = ["| clean releases | p ≤ 0.05 | excess covers 0 | not measured |", "|---|---|---|---|"]
    for name in names:
        covers = [
            f"{excess} {_short(share(having, lambda a, e=excess, n=name: a[n]['covers_zero'][e]))}"
            for excess in EXCESSES
            if (having := [line for line in clean if excess in line["audits"][name]["covers_zero"]])  # type: ignore[index]
        ]
        fires = share(clean, lambda audits, name=name: _fires(audits, name))
        unmeasured = sum(line["audits"][name]["status"] != "measured" for line in clean)  # type: ignore[index]
        rows.append(f"| {name} | {_short(fires)} | {'; '.join(covers) or '-'} | {unmeasured} |")
    return rows


def _short(estimate: Estimate) -> str:
    return f"{estimate.value:.2f} [{estimate.low:.2f}, {estimate.high:.2f}]"


def draw(lines: list[dict[str, object]], target: Path) -> None:
    """Power curves: the share of releases with a decisive match, over how much was planted."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.subplots()
    for shift, kind in enumerate(("identifiers", "altered", "pairs", "halves")):
        points = [(0, "clean"), *((many, f"{kind}-{many}") for many in MANY)]
        having = [(many, [line for line in lines if line["plan"] == plan]) for many, plan in points]
        shares = [(many, share(chosen, lambda a: _decisive(a, AUDITS))) for many, chosen in having if chosen]
        xs = [many + 0.06 * shift for many, _ in shares]
        ys = [estimate.value for _, estimate in shares]
        errors = [[e.value - e.low for _, e in shares], [e.high - e.value for _, e in shares]]
        axes.errorbar(xs, ys, errors, marker="o", capsize=2, label=kind)
    size, seeds = lines[0]["size"], len({line["seed"] for line in lines})
    axes.set(
        xlabel="planted in the release (0: clean)", ylabel="share of releases with a decisive match", ylim=(0, 1.03)
    )
    axes.set_title(f"MEDDOCAN, {size} patients in each arm, {seeds} seeds, exact 95% intervals")
    axes.legend(loc="lower right")
    target.parent.mkdir(parents=True, exist_ok=True)
    for suffix in (".svg", ".png"):
        figure.savefig(target.with_suffix(suffix), metadata={"Date": None} if suffix == ".svg" else None)


def main() -> None:
    """Makes what is missing, then shows all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpora", type=Path, help="the folder that holds meddocan/")
    parser.add_argument("--out", type=Path, required=True, help="a line for each release; begun anew or gone on with")
    parser.add_argument("--seeds", type=int, default=50)
    parser.add_argument("--first", type=int, default=100, help="the first seed; those below 100 served to tune (100)")
    parser.add_argument("--size", type=int, default=120, help="patients in train, hold-out and release each")
    parser.add_argument("--plans", default=",".join(BARS), help=f"of {', '.join(PLANS)}")
    parser.add_argument(
        "--audits",
        type=lambda names: tuple(names.split(",")),
        default=AUDITS,
        help="leave out membership, which counts nothing as decisive, and the curves take half as long (all)",
    )
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--show", action="store_true", help="only show what stands in --out")
    parser.add_argument("--picture", type=Path, help="also draw power curves into PICTURE.svg and .png")
    options = parser.parse_args()
    if not options.show:
        _work(options)
    lines = [line for line in _lines(options.out) if line["size"] == options.size]
    print(summary(lines))
    if options.picture:
        draw(lines, options.picture)


if __name__ == "__main__":
    main()

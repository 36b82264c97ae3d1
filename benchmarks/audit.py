"""Speed and memory of the audits, each against its peer in the same run.

    python benchmarks/audit.py verbatim memory replay near ci workers growth --corpora DIR [--rounds N]

`DIR` holds `meddocan/`; the corpora are made of it, see `copies.py`. Where memory or start-up counts, every contender
is a child process of its own, and memory is that process's VmHWM. Rounds take the contenders in an order that turns;
shown are medians, and of ratios the least and greatest round too. Where oracle and audit give different numbers, the
benchmark fails: a fast wrong answer is none.
"""

import argparse
import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from audit_searches import near, replay
from copies import Paths, source_notes, write_corpora

SCANNING = ("verbatim", "near_duplicate", "pii_replay", "linkage", "membership", "diversity")
_HERE = Path(__file__).parent
_CHARACTERS = 2_900
"""About how long a note of MEDDOCAN is."""


def verbatim(folder: Path, options: argparse.Namespace) -> None:
    """The verbatim audit, and its search alone, from text against a suffix array of both sides."""
    paths = _corpora(folder, options, _notes(options.megabytes), 0)
    sides = ["--synthetic", paths.synthetic, "--train", paths.train]
    both = ["--normal", "words", "raw"]
    print(
        f"\nverbatim: {options.megabytes} MB private, {options.synthetic:,} synthetic notes, both normal forms, seconds"
    )
    rounds = _rounds(
        options.rounds,
        {
            "audit, whole": ["audit", "--only", "verbatim", *sides, "--at-hand"],
            "search alone": ["matching", *sides, *both],
            "suffix array, whole": ["suffix-array", *sides, *both],
            "search, words alone": ["matching", *sides],
            "suffix array, words alone": ["suffix-array", *sides],
        },
    )
    _agree(rounds["audit, whole"][0]["answer"], rounds["suffix array, whole"][0]["answer"])
    _agree(rounds["search alone"][0]["answer"], rounds["suffix array, whole"][0]["answer"])
    _table(rounds, "seconds", {"audit, whole": "suffix array, whole", "search alone": "suffix array, whole",
                               "search, words alone": "suffix array, words alone"})  # fmt: skip


def memory(folder: Path, options: argparse.Namespace) -> None:
    """Peak memory of the verbatim audit against a set of 13-gram strings, both reading a streamed corpus."""
    paths = _corpora(folder, options, _notes(options.megabytes), 0)
    print(f"\nmemory: {options.megabytes} MB private, {options.synthetic:,} synthetic notes, peak MB of the process")
    rounds = _rounds(
        options.rounds,
        {
            "verbatim audit": ["audit", "--only", "verbatim", "--synthetic", paths.synthetic, "--train", paths.train],
            "set of 13-grams": ["13-grams", "--train", paths.train],
            "imports alone": ["nothing"],
        },
    )
    _table(rounds, "peak", {"verbatim audit": "set of 13-grams"})


def growth(folder: Path, options: argparse.Namespace) -> None:
    """Every scanning audit on a private corpus and on one 20 times as large: peak memory, and processor time."""
    small = _corpora(folder / "small", options, _notes(options.small), options.holdout)
    large = _corpora(folder / "large", options, _notes(options.small * options.times), options.holdout)
    print(f"\ngrowth: {options.small} MB of train and {options.times} times that")
    print(f"{'':<16}{'MB':>8}{'MB, large':>12}{'ratio':>8}{'scan s':>10}{'scan s, large':>15}{'for each copy':>15}")
    for name in options.audits.split(","):
        contenders = {
            size: [
                "audit",
                "--only",
                name,
                "--synthetic",
                small.synthetic,
                "--train",
                paths.train,
                "--holdout",
                paths.holdout,
            ]
            for size, paths in (("small", small), ("large", large))
        }
        rounds = _rounds(options.rounds, contenders)
        one, many = (min(r["peak"] for r in rounds[size]) / 1e6 for size in contenders)
        scan, scans = (min(r["scan"] for r in rounds[size]) for size in contenders)
        for_each = scans / scan / options.times
        print(f"{name:<16}{one:>8.0f}{many:>12.0f}{many / one:>8.2f}{scan:>10.2f}{scans:>15.2f}{for_each:>15.2f}")


def workers(folder: Path, options: argparse.Namespace) -> None:
    """Two processes against one over a large private side, start-up of the processes included.

    First what the machine allows: two processes that count have nothing to wait for but each other's core. Then the
    command with all audits, which two processes share out between them; then the scan of each alone.
    """
    allowed = sorted(_twice_at_once() for _ in range(max(3, options.rounds)))
    print(
        f"\nworkers: two processes that only count do {median(allowed):.2f} times as much as one "
        f"({allowed[0]:.2f}-{allowed[-1]:.2f}) on this machine"
    )
    paths = _corpora(folder, options, _notes(options.megabytes), options.holdout)
    print(f"\nworkers: {options.audits} together, {options.megabytes} MB private")
    contenders = {f"{n} process{'es'[: 2 * n - 2]}": _command(paths, options, n) for n in (2, 1)}
    _show_commands(_timed(folder, options.rounds, contenders), {"2 processes": "1 process"})
    sides = ["--synthetic", paths.synthetic, "--train", paths.train, "--holdout", paths.holdout]
    for name in options.audits.split(","):
        print(f"\nworkers: {name}, {options.megabytes} MB private, seconds of the scan")
        contenders = {
            f"{n} process{'es'[: 2 * n - 2]}": ["audit", "--only", name, *sides, "--workers", n] for n in (2, 1)
        }
        rounds = _rounds(options.rounds, contenders)
        _agree(*(rounds[contender][0]["answer"] for contender in contenders))
        _table(rounds, "scan_wall", {"2 processes": "1 process"})


def ci(folder: Path, options: argparse.Namespace) -> None:
    """The command, start-up included, against the same audits in plain Python: 1,000 notes against 1,000."""
    paths = _corpora(folder, options, options.private, options.holdout)
    sizes = f"{options.synthetic:,} synthetic, {options.private:,} private, {options.holdout:,} hold-out notes"
    print(f"\nci: {sizes}; {options.audits}")
    oracle = [sys.executable, _HERE / "oracles.py", paths.synthetic, paths.train, paths.holdout]
    contenders = {
        "deidrelease audit": _command(paths, options, 1),
        "the same in two processes": _command(paths, options, 2),
        "plain Python": [*oracle, "--only", options.audits],
    }
    rounds = _timed(folder, options.rounds, contenders)
    result = json.loads((folder / "deidrelease audit" / "result.json").read_text())
    reports = {report["audit"]: report for report in result["audits"]}
    for name, told in json.loads(rounds["plain Python"][-1]["told"]).items():
        print(f"  {name:<16} oracle {told['seconds']:>6.1f} s; audit {reports[name]['status']}")
        _agree({m: e["value"] for m, e in reports[name]["metrics"].items()}, told["metrics"], name)
    _show_commands(rounds, dict.fromkeys(list(contenders)[:2], "plain Python"))


def _command(paths: Paths, options: argparse.Namespace, workers: int) -> list[object]:
    """The command line of an audit, but for the folder that it writes."""
    sides = [paths.synthetic, "--private", paths.train, "--holdout", paths.holdout]
    meaning = ["--labels", "meddocan", "--language", "es", "--key", paths.synthetic.parent / "site.key"]
    program = Path(sys.executable).parent / "deidrelease"
    return [program, "audit", *sides, *meaning, "--only", options.audits, "--workers", workers, "--out"]


def _twice_at_once() -> float:
    """How many times as much two processes do at once as one does, of work that shares nothing."""
    counting = [sys.executable, "-c", "for _ in range(60_000_000): pass"]
    began = time.perf_counter()
    subprocess.run(counting, check=True)
    alone = time.perf_counter() - began
    began = time.perf_counter()
    for child in [subprocess.Popen(counting) for _ in range(2)]:
        child.wait()
    return 2 * alone / (time.perf_counter() - began)


def _timed(folder: Path, rounds: int, contenders: Mapping[str, Sequence[object]]) -> dict[str, list[dict[str, Any]]]:
    """Wall and processor time of each command, its children's included, and what it printed.

    Commands that end in `--out` get a folder of their own; what they wrote there must be the same, to the byte.
    """
    names, told = list(contenders), {name: [] for name in contenders}
    for number in range(rounds):
        turn = number % len(names)
        for name in names[turn:] + names[:turn]:
            argv = list(contenders[name])
            if argv[-1] == "--out":
                shutil.rmtree(folder / name, ignore_errors=True)
                argv.append(folder / name)
            began = time.perf_counter(), _children()
            printed = _run(argv)
            seconds, cpu = time.perf_counter() - began[0], _children() - began[1]
            told[name].append({"seconds": seconds, "cpu": cpu, "told": printed})
    written = {name: (folder / name / "result.json").read_bytes() for name in names if (folder / name).is_dir()}
    if len(set(written.values())) > 1:
        raise SystemExit(f"different results: {', '.join(written)}")
    return told


def _show_commands(rounds: Mapping[str, Sequence[Mapping[str, Any]]], pairs: Mapping[str, str]) -> None:
    for what, title in (("seconds", "seconds"), ("cpu", "seconds of processor time")):
        print(title)
        _table(rounds, what, pairs)


def _notes(megabytes: float) -> int:
    return max(1, round(megabytes * 1e6 / _CHARACTERS))


def _corpora(folder: Path, options: argparse.Namespace, train: int, holdout: int) -> Paths:
    return write_corpora(folder, source_notes(options.corpora), options.synthetic, train, holdout, options.seed)


def _rounds(rounds: int, contenders: Mapping[str, Sequence[object]]) -> dict[str, list[dict[str, Any]]]:
    """What each contender's child said in each round."""
    names, told = list(contenders), {name: [] for name in contenders}
    for number in range(rounds):
        turn = number % len(names)
        for name in names[turn:] + names[:turn]:
            told[name].append(json.loads(_run([sys.executable, _HERE / "audit_contender.py", *contenders[name]])))
    return told


def _run(argv: Sequence[object]) -> str:
    done = subprocess.run([str(part) for part in argv], check=False, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"a contender failed:\n{done.stderr[-2000:]}")
    return done.stdout


def _children() -> float:
    """Seconds of processor time of all children that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _agree(ours: Mapping[str, float], theirs: Mapping[str, float], name: str = "") -> None:
    """Ends the benchmark where two give different numbers for one metric."""
    shared = ours.keys() & theirs.keys()
    wrong = {m: (ours[m], theirs[m]) for m in sorted(shared) if abs(ours[m] - theirs[m]) > 1e-9 * max(1, abs(ours[m]))}
    if wrong or not shared:
        raise SystemExit(f"{name or 'two contenders'} disagree: {wrong or 'no metric in common'}")


def _table(rounds: Mapping[str, Sequence[Mapping[str, Any]]], what: str, pairs: Mapping[str, str]) -> None:
    """A row a contender: the median, and how many times as much its peer takes."""
    unit = 1e6 if what == "peak" else 1.0
    for name, told in rounds.items():
        column = [round_[what] for round_ in told]
        row = f"  {name:<28}{median(column) / unit:>10.2f}"
        if name in pairs:
            ratios = sorted(peer[what] / ours for peer, ours in zip(rounds[pairs[name]], column, strict=True))
            row += f"   {pairs[name]} takes {median(ratios):.2f} times as much ({ratios[0]:.2f}-{ratios[-1]:.2f})"
        print(row)


BENCHMARKS: Mapping[str, Callable[[Path, argparse.Namespace], None]] = {
    "verbatim": verbatim,
    "memory": memory,
    "replay": replay,
    "near": near,
    "ci": ci,
    "workers": workers,
    "growth": growth,
}


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("benchmarks", nargs="+", choices=BENCHMARKS, metavar="NAME", help=", ".join(BENCHMARKS))
    parser.add_argument("--corpora", type=Path, required=True, help="the folder that holds meddocan/")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--megabytes", type=float, default=30, help="private text for verbatim, memory and workers (30)"
    )
    parser.add_argument("--small", type=float, default=4, help="private text for growth, the smaller (4)")
    parser.add_argument("--times", type=int, default=20, help="how much larger the larger is (20)")
    parser.add_argument("--synthetic", type=int, default=1000, help="notes (1000)")
    parser.add_argument("--private", type=int, default=1000, help="notes for ci and near (1000)")
    parser.add_argument("--holdout", type=int, default=500, help="notes (500)")
    parser.add_argument("--values", type=int, default=20_000, help="for replay (20000)")
    parser.add_argument("--audits", default=",".join(SCANNING), help="for growth, workers and ci")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    for name in options.benchmarks:
        with tempfile.TemporaryDirectory() as folder:
            BENCHMARKS[name](Path(folder), options)


if __name__ == "__main__":
    main()

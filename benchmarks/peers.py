"""The releases of `power.py` given to other tools: whether their own numbers tell a planted release from a clean one.

    python benchmarks/peers.py CORPORA --seeds 20 --out peers.jsonl --peer synthtexteval=VENV/bin/python --peer ...

Each peer runs in its own interpreter (`peer_contender.py`), as their dependencies clash. They get the very releases
that `power.py` makes of the same seeds, and all direct identifiers of train, where they ask for values. `plain` are two
counts that need no tool: runs of 13 words, and identifiers that stand in the release. They are always made.

A planted release counts as told where a number exceeds that of *all* clean releases of the table. This favours the
peers, and `plain` too: nobody who audits a release has clean ones of the same source to compare with. Our own audits
look at one release alone.

Lines that stand in --out are not made again, so a run that was stopped goes on.
"""

import argparse
import json
import os
import re
import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from statistics import fmean

from drawing import Split
from oracle_values import Occurrences
from planting import Planting
from power import drawn

from deidrelease.labels import LabelMap, load_label_map
from deidrelease.notes import Note
from deidrelease_audits.values import values_of

PLANS = ("clean", "identifiers", "altered", "pairs", "halves")
WORDS = 13
_CONTENDER = Path(__file__).with_name("peer_contender.py")
Line = dict[str, object]


def identifiers(notes: Iterable[Note], label_map: LabelMap) -> set[str]:
    """All direct identifiers of the notes' patients, common ones and short ones too, as one who just searches does."""
    return {
        value.key
        for note in notes
        for value, _ in values_of(note, label_map)
        if value.identifies == "direct" and value.whose == "patient"
    }


def plain(parts: Split, release: Sequence[Note]) -> Line:
    """The two plain counts, in the form of a peer's line."""
    text = Occurrences(release)

    def standing(notes: Iterable[Note]) -> int:
        return sum(any(text.of(value)) for value in identifiers(notes, load_label_map("meddocan")))

    train = standing(parts.train)
    numbers = {
        f"runs of {WORDS} words": len(_runs(parts.train) & _runs(release)),
        "identifiers": train,
        "identifiers minus the hold-out's": train - standing(parts.holdout),
    }
    return {"version": "", "numbers": numbers}


def _runs(notes: Iterable[Note]) -> set[tuple[str, ...]]:
    runs: set[tuple[str, ...]] = set()
    for note in notes:
        words = re.findall(r"\w+", note.text.lower())
        runs.update(zip(*(words[shift:] for shift in range(WORDS)), strict=False))
    return runs


def write(folder: Path, parts: Split, made: Planting) -> None:
    """What a contender reads: three files of notes, with the identifiers of each note's patient."""
    label_map = load_label_map("meddocan")
    folder.mkdir()
    for arm, notes in (("train", parts.train), ("holdout", parts.holdout), ("release", made.notes)):
        with (folder / f"{arm}.jsonl").open("w", encoding="utf-8") as stream:
            for note in notes:
                values = sorted(
                    {
                        (value.label, note.value(span))
                        for value, span in values_of(note, label_map)
                        if value.identifies == "direct" and value.whose == "patient"
                    }
                )
                stream.write(json.dumps({"note_id": note.note_id, "text": note.text, "values": values}) + "\n")


def asked(peer: str, python: str, folders: Sequence[Path]) -> list[Line]:
    """The peer's lines, one a folder.

    Raises:
        RuntimeError: The peer failed. What it wrote to stderr is not quoted, as it may hold text of the notes.
    """
    offline = {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    command = [python, str(_CONTENDER), peer, *map(str, folders)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | offline)
    if done.returncode:
        raise RuntimeError(f"{peer} ended with {done.returncode}; run {_CONTENDER.name} by hand to see why")
    return [json.loads(line) for line in done.stdout.splitlines()]


def _work(options: argparse.Namespace) -> None:
    peers = {"plain": "", **dict(entry.split("=", 1) for entry in options.peer)}
    done = {(line["peer"], line["seed"], line["plan"]) for line in _lines(options.out)}
    releases = cache(lambda seed, plan: drawn(options.corpora, options.size, seed, plan))
    with options.out.open("a", encoding="utf-8") as stream:
        for seed in range(options.first, options.first + options.seeds):
            for peer, python in peers.items():
                plans = [plan for plan in options.plans.split(",") if (peer, seed, plan) not in done]
                drawings = [releases(seed, plan) for plan in plans]
                for plan, told in zip(plans, _told(peer, python, drawings), strict=True):
                    stream.write(json.dumps({"peer": peer, "seed": seed, "plan": plan, **told}) + "\n")
                stream.flush()
            releases.cache_clear()
            print(f"\rseed {seed}", end="", flush=True)
    print()


def _told(peer: str, python: str, drawings: Sequence[tuple[Split, Planting]]) -> list[Line]:
    if peer == "plain":
        return [plain(parts, made.notes) for parts, made in drawings]
    # Only the owner can enter a temporary directory.
    with tempfile.TemporaryDirectory(prefix="peers-") as scratch:
        folders = [Path(scratch) / str(number) for number in range(len(drawings))]
        for folder, (parts, made) in zip(folders, drawings, strict=True):
            write(folder, parts, made)
        return asked(peer, python, folders) if folders else []


def _lines(path: Path) -> list[Line]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


def table(lines: Sequence[Line]) -> str:
    """Markdown: a row for each number of each peer; means, and how many releases lie beyond the worst clean one."""
    plans = [plan for plan in PLANS if any(line["plan"] == plan for line in lines)]
    rows = [f"| number | {' | '.join(plans)} |", "|" + "---|" * (len(plans) + 1)]
    for peer in dict.fromkeys(line["peer"] for line in lines):
        of_peer = [line for line in lines if line["peer"] == peer]
        for name in of_peer[0]["numbers"]:  # type: ignore[attr-defined]
            of_plans = [[line["numbers"][name] for line in of_peer if line["plan"] == plan] for plan in plans]  # type: ignore[index]
            cells = _cells(of_plans)
            rows.append(f"| {peer} {of_peer[0]['version']}: {name} | {' | '.join(cells)} |")
    return "\n".join(rows)


def _cells(of_plans: Sequence[Sequence[float]]) -> list[str]:
    clean, *planted = of_plans
    first = f"{fmean(clean):.4g} ({min(clean):.4g} to {max(clean):.4g})"
    told = [f"{fmean(some):.4g}, told {sum(one > max(clean) for one in some)} of {len(some)}" for some in planted]
    return [first, *told]


def main() -> None:
    """Makes what is missing, then shows all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpora", type=Path, help="the folder that holds meddocan/")
    parser.add_argument("--out", type=Path, required=True, help="a line for each peer and release; gone on with")
    parser.add_argument("--peer", action="append", default=[], metavar="NAME=PYTHON", help="repeatable; names: PEERS")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first", type=int, default=100, help="the first seed; power.py's (100)")
    parser.add_argument("--size", type=int, default=120, help="patients in train, hold-out and release each")
    parser.add_argument("--plans", default=",".join(PLANS), help="clean must be among them")
    parser.add_argument("--show", action="store_true", help="only show what stands in --out")
    options = parser.parse_args()
    if not options.show:
        _work(options)
    print(table(_lines(options.out)))


if __name__ == "__main__":
    main()

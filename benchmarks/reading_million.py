"""One million notes: peak memory and speed of reading them all, beside `json.loads` alone over the same lines.

Short notes of the fictitious hospital, each from one of its sentences on, written as JSONL, and with `--folder` as BRAT
too: two million files in one folder. Each reading runs in a child process of its own. Memory is VmHWM of that process;
speed is megabytes of the JSONL a second, whatever is read, so that the figures compare. `json.loads` is the floor: it
makes a dict of each line and checks nothing.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from statistics import median

from deidrelease.demo import hospital
from deidrelease.formats.table import FORMATS, open_corpus
from deidrelease.notes import Note, Span

CHARACTERS = 300
_CHILD = """
import json, sys, time
from pathlib import Path
from deidrelease.formats.table import open_corpus
from deidrelease.memory import peak_bytes
how, path = sys.argv[1], Path(sys.argv[2])
began, count = time.perf_counter(), 0
if how == "json.loads":
    with path.open("rb") as stream:
        for line in stream:
            json.loads(line)
            count += 1
elif how == "deidrelease":
    for _ in open_corpus(path):
        count += 1
print(json.dumps([count, time.perf_counter() - began, peak_bytes()]))
"""


def main() -> None:
    """Measures and prints."""
    options = _options()
    folder = Path(tempfile.mkdtemp(dir=options.where))
    try:
        paths = {"jsonl": folder / "notes.jsonl"}
        FORMATS["jsonl"].write(_notes(options.notes), paths["jsonl"])
        megabytes = paths["jsonl"].stat().st_size / 1e6
        print(f"{options.notes:,} notes, {megabytes:,.0f} MB of JSONL")
        if options.folder:
            paths["brat"] = folder / "brat"
            FORMATS["brat"].write(open_corpus(paths["jsonl"]), paths["brat"])
        _measure(paths, megabytes, options.rounds)
    finally:
        shutil.rmtree(folder)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--notes", type=int, default=1_000_000)
    parser.add_argument("--folder", action="store_true", help="BRAT too: two files a note")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--where", help="folder for the corpora, which are removed in the end")
    return parser.parse_args()


def _notes(count: int) -> Iterator[Note]:
    """So many short notes: the hospital's, cut, under ids of their own."""
    source = [_short(note) for note in hospital.notes(500)]
    numbered = (replace(note, note_id=f"n{number:07}") for number, note in enumerate(_endless(source)))
    return islice((replace(note, patient_id=f"p{int(note.note_id[1:]) // 3:07}") for note in numbered), count)


def _endless(notes: list[Note]) -> Iterator[Note]:
    while True:
        yield from notes


def _short(note: Note) -> Note:
    text = note.text[:CHARACTERS]
    spans = tuple(Span(span.start, span.end, span.label) for span in note.spans if span.end <= len(text))
    return replace(note, text=text, spans=spans)


def _measure(paths: dict[str, Path], megabytes: float, rounds: int) -> None:
    print(f"{'':<24}{'seconds':>10}{'MB/s':>10}{'of json.loads':>20}{'peak MB':>10}")
    contenders = [("json.loads", "json.loads", paths["jsonl"]), ("deidrelease, JSONL", "deidrelease", paths["jsonl"])]
    if "brat" in paths:
        contenders.append(("deidrelease, BRAT", "deidrelease", paths["brat"]))
    # Round by round, so that a busy minute of the machine falls on all of them.
    results = [[_child(how, path) for _, how, path in contenders] for _ in range(rounds)]
    floor = [seconds for _, seconds, _ in (round_[0] for round_ in results)]
    for (name, _, _), column in zip(contenders, zip(*results, strict=True), strict=True):
        seconds = median(seconds for _, seconds, _ in column)
        ratios = sorted(least / seconds for least, (_, seconds, _) in zip(floor, column, strict=True))
        ratio = f"{median(ratios):.2f} ({ratios[0]:.2f}-{ratios[-1]:.2f})"
        peak = min(peak for _, _, peak in column)
        print(f"{name:<24}{seconds:>10.1f}{megabytes / seconds:>10.1f}{ratio:>20}{peak / 1e6:>10.1f}")
    _, _, imports = _child("nothing", paths["jsonl"])
    print(f"{'imports alone':<24}{'':>40}{imports / 1e6:>10.1f}")


def _child(how: str, path: Path) -> tuple[int, float, int]:
    command = [sys.executable, "-c", _CHILD, how, str(path)]
    count, seconds, peak = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return count, seconds, peak


if __name__ == "__main__":
    main()

"""Peak memory and speed of reading a corpus: 20 times the notes must not take more memory.

Corpora of the fictitious hospital, in JSONL and BRAT, `--patients` a language and 20 times as many. Memory is VmHWM
of a child process that reads and digests the corpus and does nothing else. Speed is megabytes of text a second; the
peer is `datasets.load_dataset("json", streaming=True)`, in a process that has imported both before the clock starts,
with the same digest taken of the same lines, and without any.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from rounds import interleave, show

from deidrelease.demo import hospital
from deidrelease.formats.table import FORMATS, open_corpus
from deidrelease.models.loading import go_offline
from deidrelease.notes import Note, Span, digest_of

_CHILD = """
import sys
from pathlib import Path
from deidrelease.formats.table import open_corpus
from deidrelease.memory import peak_bytes
if len(sys.argv) > 1:
    open_corpus(Path(sys.argv[1])).digest()
print(peak_bytes())
"""


def main() -> None:
    """Measures and prints."""
    options = _options()
    with tempfile.TemporaryDirectory() as folder:
        paths = _write(Path(folder), options.patients, options.times)
        _memory(paths, options.times, options.rounds)
        _speed(paths, options.rounds)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--patients", type=int, default=100, help="a language, in the smaller corpus (100)")
    parser.add_argument("--times", type=int, default=20, help="how much larger the larger corpus is (20)")
    parser.add_argument("--rounds", type=int, default=3)
    return parser.parse_args()


def _write(folder: Path, patients: int, times: int) -> dict[tuple[str, str], Path]:
    paths = {}
    for size, count in (("small", patients), ("large", patients * times)):
        source = folder / f"{size}.jsonl"
        FORMATS["jsonl"].write(hospital.notes(count), source)
        FORMATS["brat"].write(open_corpus(source), folder / size)
        paths["jsonl", size], paths["brat", size] = source, folder / size
        print(f"{size}: {sum(1 for _ in open_corpus(source)):,} notes, {source.stat().st_size / 1e6:.1f} MB of JSONL")
    return paths


def _memory(paths: dict[tuple[str, str], Path], times: int, rounds: int) -> None:
    print(f"\n{'peak memory, MB':<16}{'small':>12}{f'{times} times':>12}{'ratio':>10}")
    for name in ("jsonl", "brat"):
        small, large = (min(_peak(str(paths[name, size])) for _ in range(rounds)) for size in ("small", "large"))
        print(f"{name:<16}{small / 1e6:>12.1f}{large / 1e6:>12.1f}{large / small:>10.2f}")
    print(f"{'imports alone':<16}{min(_peak() for _ in range(rounds)) / 1e6:>12.1f}")


def _peak(*path: str) -> int:
    done = subprocess.run([sys.executable, "-c", _CHILD, *path], check=True, capture_output=True, text=True)
    return int(done.stdout)


def _speed(paths: dict[tuple[str, str], Path], rounds: int) -> None:
    go_offline(download=False)
    import datasets

    source = paths["jsonl", "large"]
    megabytes = source.stat().st_size / 1e6

    def rows() -> Iterator[dict[str, object]]:
        yield from datasets.load_dataset("json", data_files=str(source), split="train", streaming=True)

    def as_note(row: dict[str, object]) -> Note:
        # The shortest way back to a note that a user of `datasets` would write.
        record = json.loads(json.dumps(row))
        return Note(**{**record, "spans": tuple(Span(**span) for span in record["spans"])})

    def worth(work: Callable[[], object]) -> Callable[[], float]:
        def measured() -> float:
            work()
            return megabytes

        return measured

    contenders = {
        "deidrelease, read": worth(lambda: sum(1 for _ in open_corpus(source))),
        "deidrelease, digest": worth(lambda: open_corpus(source).digest()),
        "deidrelease, digest BRAT": worth(lambda: open_corpus(paths["brat", "large"]).digest()),
        "datasets, read": worth(lambda: sum(1 for _ in rows())),
        "datasets, digest": worth(lambda: digest_of(map(as_note, rows()))),
    }
    show("JSONL of the larger corpus", interleave(contenders, rounds), "MB/s")


if __name__ == "__main__":
    main()

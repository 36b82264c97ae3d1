"""How fast `verify` reads a bundle, held against `sha256sum` over the same bytes in the same run.

    PYTHONPATH=tests python benchmarks/verify.py --megabytes 1000

Makes a bundle of that size, in shards, and times in turn, `--rounds` times: `sha256sum` over all of its files, and
`verify` of the folder and of the ZIP. The ratio is that of the medians; the issue asks for 0.7 at the least. The peak
of memory is that of the process that verifies.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

SHARD_MEGABYTES = 125
_VERIFY = """
import json, sys, time
from datetime import datetime
from pathlib import Path
from deidrelease.bundle.verification import verify
from deidrelease.memory import peak_bytes
from deidrelease.signing.trust import load_trust
trust = load_trust(Path(sys.argv[2]))
begin = time.perf_counter()
found = verify(Path(sys.argv[1]), trust, datetime.fromisoformat(sys.argv[3]), None)
seconds = time.perf_counter() - begin
print(json.dumps([found.ok, [f.code for f in found.failures], seconds, peak_bytes()]))
"""


def _made(place: Path, megabytes: int) -> tuple[Path, Path]:
    """A bundle with so much text, and the trust policy that takes it."""
    from made.bundles import Plan, make_bundle, trust_of

    from deidrelease.bundle.archive import write_archive
    from deidrelease.notes import Note
    from deidrelease.signing.trust import trust_document

    text = "Sin cambios desde el control anterior; sigue igual. " * 19_000
    notes = tuple(Note(f"s{number}", f"s{number}", f"{number} {text}") for number in range(megabytes))
    make_bundle(place / "b", Plan(notes=notes, shard_notes=SHARD_MEGABYTES))
    write_archive(place / "b", place / "b.zip")
    (place / "trust.yaml").write_text(trust_document(trust_of()))
    return place / "b", place / "trust.yaml"


def _verified(path: Path, trust: Path) -> tuple[float, int]:
    from made.bundles import NOW

    command = [sys.executable, "-c", _VERIFY, str(path), str(trust), NOW.isoformat()]
    said = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    assert said[0], said[1]
    return said[2], said[3]


def _summed(files: Sequence[Path]) -> float:
    begin = time.perf_counter()
    subprocess.run(["sha256sum", *map(str, files)], stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - begin


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        bundle, trust = _made(Path(name), options.megabytes)
        files = [path for path in bundle.rglob("*") if path.is_file()]
        size = sum(path.stat().st_size for path in files)
        peaks: list[int] = []

        def verified(path: Path) -> float:
            seconds, peak = _verified(path, trust)
            peaks.append(peak)
            return seconds

        runs: dict[str, Callable[[], float]] = {
            "sha256sum": lambda: _summed(files),
            "verify, folder": lambda: verified(bundle),
            "verify, ZIP": lambda: verified(bundle.with_suffix(".zip")),
        }
        # In turn, so that none has a quiet minute for itself.
        rounds = [{name: run() for name, run in runs.items()} for _ in range(options.rounds)]
    middle = {name: statistics.median(each[name] for each in rounds) for name in runs}
    for name, seconds in middle.items():
        ratio = middle["sha256sum"] / seconds
        print(f"{name:<15} {seconds:7.2f} s  {size / seconds / 1e6:7.0f} MB/s  {ratio:5.2f} x sha256sum")
    print(f"peak memory of verify {max(peaks) / 1e6:.0f} MB, for {size / 1e6:.0f} MB")


if __name__ == "__main__":
    main()

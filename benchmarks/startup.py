"""Wall time of `deidrelease --help`, against the interpreter that starts and does nothing."""

import argparse
import subprocess
import sys
from collections.abc import Callable

from rounds import interleave, show

COMMANDS = {
    "deidrelease --help": ["-m", "deidrelease.cli.main", "--help"],
    "python -c pass": ["-c", "pass"],
}


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    options = parser.parse_args()

    def start(command: list[str]) -> Callable[[], float]:
        def work() -> float:
            subprocess.run([sys.executable, *command], check=True, stdout=subprocess.DEVNULL)
            return 1.0

        return work

    contenders = {name: start(command) for name, command in COMMANDS.items()}
    interleave(contenders, 1)  # compiles and fills the file cache
    rates = interleave(contenders, options.rounds)
    show(
        f"{options.rounds} rounds", rates, "starts/s", {"seconds": {n: f"{1 / rates.median(n):.3f}" for n in COMMANDS}}
    )


if __name__ == "__main__":
    main()

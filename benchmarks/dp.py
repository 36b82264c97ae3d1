"""What differential privacy costs: a step of DP-SGD against a plain step with LoRA, at equal batch and length.

    python benchmarks/dp.py                                       # starter:smollm2-135m, 4 rows of 256 tokens
    python benchmarks/dp.py --model starter:gemma3-270m --batch 8 --length 512 --physical 4

Each contender runs in a process of its own, so that its peak memory is its own, weights and libraries included. Both
take whole optimiser steps over the same made-up rows: the plain one as `adapt` takes them, the private one through
`PrivateTrainer`, with noise, witnesses and counters. Time is processor time, since others may compete for the machine;
with `--threads 1` nothing waits for anything. Each round runs both. Neither drops anything out: a private step never
does, and what masks cost would only make the plain one look slower.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from rounds import Rates

from deidrelease.memory import peak_bytes, reset_peak
from deidrelease.models.causal.language_model import LanguageModel, make_language_model
from deidrelease.models.causal.loss import NextTokenLoss
from deidrelease.models.devices import Place, find_place
from deidrelease.models.loading import go_offline
from deidrelease.settings import AdaptSettings, ComputeSettings, DpSettings

MOST_TIME, MOST_MEMORY = 1.25, 1.3
CONTENDERS = ("dp", "plain")


def made_up_rows(size: int, batch: int, length: int) -> list[list[int]]:
    """Rows of random tokens; what they say makes no step longer or shorter."""
    import numpy as np

    rng = np.random.default_rng(0)
    return [rng.integers(3, size, length).tolist() for _ in range(batch)]


def model_of(arguments: argparse.Namespace, private: bool) -> tuple[LanguageModel, Place]:
    """The language model with its adapter, on its device."""
    dp = DpSettings(epsilon=8) if private else None
    settings = AdaptSettings(
        model=arguments.model, lora={"rank": arguments.rank, "dropout": 0.0}, quantization="none", dp=dp
    )  # type: ignore[arg-type]
    place = find_place(ComputeSettings(device=arguments.device, threads=arguments.threads))
    return make_language_model(settings, (), place, 0, download=False), place


def plain_steps(arguments: argparse.Namespace) -> Iterator[float]:
    """Processor time at the end of each plain step."""
    import torch

    from deidrelease.models.training import adamw

    language_model, place = model_of(arguments, private=False)
    rows = made_up_rows(language_model.plain.config.vocab_size, arguments.batch, arguments.length)
    parameters = {n: p for n, p in language_model.model.named_parameters() if p.requires_grad}
    optimizer = adamw(parameters, 1e-4, 0.01)
    loss = NextTokenLoss(language_model.plain, language_model.closing, place.device)
    language_model.model.train()
    parts = [rows[i : i + arguments.physical] for i in range(0, len(rows), arguments.physical)]
    reset_peak()
    for _ in range(arguments.steps):
        for part in parts:
            with place.autocast():
                value = loss(part) / len(parts)
            value.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(parameters.values(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        yield time.process_time()


def private_steps(arguments: argparse.Namespace) -> list[float]:
    """Processor time at the beginning of each private step."""
    from deidrelease.models.private.plan import Plan
    from deidrelease.models.private.training import PrivateTrainer
    from deidrelease.privacy.poisson import Coins, PoissonBatches

    language_model, place = model_of(arguments, private=True)
    rows = made_up_rows(language_model.plain.config.vocab_size, arguments.batch, arguments.length)
    # With a chance of 1 every unit is in every step, so that both contenders see the same batches.
    plan = Plan(
        arguments.batch, arguments.batch, 1.0, arguments.steps, 1.0, 1e-2, 8.0, 1.0, 1e-4, 0.0, arguments.physical
    )
    begun: list[float] = []

    def draw(_: int, units: Sequence[int]) -> list[list[int]]:
        if not begun:
            reset_peak()
        begun.append(time.process_time())
        return [rows[unit] for unit in units]

    loss = NextTokenLoss(language_model.plain, language_model.closing, place.device)
    probes = [row[: 8 + 3 * i] for i, row in enumerate(rows[:2])]
    with tempfile.TemporaryDirectory() as folder:
        trainer = PrivateTrainer(
            language_model.model,
            place,
            plan,
            PoissonBatches(Coins.fresh(), plan.units, 1.0),
            draw,
            loss.means,
            probes,
            Path(folder),
        )
        trainer.fit("training")
    return begun


def measured(arguments: argparse.Namespace) -> dict[str, Any]:
    """Seconds of each step but the first, and the peak in bytes, of one contender in this process."""
    moments = list(plain_steps(arguments)) if arguments.only == "plain" else private_steps(arguments)
    seconds = [after - before for before, after in pairwise(moments)]
    return {"seconds": seconds[1:], "peak": peak_bytes()}


def in_own_process(contender: str) -> dict[str, Any]:
    """What `measured` says of a contender in a new process."""
    command = [sys.executable, __file__, *sys.argv[1:], "--only", contender]
    out = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    found: dict[str, Any] = json.loads(out.splitlines()[-1])
    return found


def main() -> None:
    """Runs both contenders in turn, and prints ratios beside what is wanted."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="starter:smollm2-135m")
    parser.add_argument("--batch", type=int, default=4, help="rows a step")
    parser.add_argument("--physical", type=int, default=4, help="rows at once")
    parser.add_argument("--length", type=int, default=256)
    parser.add_argument("--rank", type=int, default=8)
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--only", choices=CONTENDERS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    go_offline(download=False)
    if arguments.only:
        print(json.dumps(measured(arguments)))
        return
    rounds = [{name: in_own_process(name) for name in CONTENDERS} for _ in range(arguments.rounds)]
    steps = Rates({n: [1 / statistics.median(found[n]["seconds"]) for found in rounds] for n in CONTENDERS})
    slower, least, greatest = steps.ratio("plain", "dp")
    peaks = {name: max(found[name]["peak"] for found in rounds) for name in CONTENDERS}
    for name in CONTENDERS:
        print(f"{name:<6}{1 / steps.median(name):>9.2f} s a step{peaks[name] / 2**30:>9.2f} GiB at most")
    print(
        f"a private step takes {slower:.2f} ({least:.2f}-{greatest:.2f}) times a plain one; wanted: {MOST_TIME} at most"
    )
    print(f"and {peaks['dp'] / peaks['plain']:.2f} times its memory; wanted: {MOST_MEMORY} at most")


if __name__ == "__main__":
    main()

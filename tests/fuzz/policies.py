"""Throws broken files at the readers of policies, waivers and verdicts: each is read, or refused by a `PolicyError`.

    PYTHONPATH=tests python -m fuzz.policies --inputs 100000

Each input is a well-formed file, mutated. What must hold: no other exception, an end within ten seconds, and where a
policy is read, one that survives its own canonical form.
"""

import argparse
import datetime
import json
import random
import signal
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from fuzz.readers import mutated

from deidrelease.errors import PolicyError
from deidrelease.policy import (
    load_policy,
    open_waivers,
    raw_bytes,
    read_resolved,
    read_verdict,
    shipped,
    verdict_document,
)
from deidrelease.policy.waiver_files import read_claim
from deidrelease.results import Estimate, Judgement, Verdict

SECONDS = 10
_PIECES = (
    b"&a ", b"*a", b"<<: *a\n", b"!!python/object:os.system ", b"!!int ", b"!!binary ", b"? ", b"- ", b": ", b"|\n",
    b">-\n", b"---\n", b"...\n", b"%YAML 1.1\n", b"[" * 300, b"{a: " * 300, b"\n" + b"  " * 300, b".inf", b".nan",
    b"-0.0", b"1" * 5000, b"1:1:1:1", b"0x1F", b"0b1", b"1e400", b"1.0e+400", b"2026-02-30", b"~", b"yes", b"'",
    b'"\\ud800"', b'"\\U00110000"', b"extends: research\n", b"extends: ../p.yaml\n", b"extends: /dev/zero\n",
    b"extends: [a, b]\n", b"rules:\n", b"  any:\n", b"coverage:\n", b"#", b"\xe2\x80\xa8", b"\xc2\x85", b"\xef\xbf\xbe",
)  # fmt: skip
_SMALL = b"""\
name: small
version: 1.0.0
extends: ./parent.yaml
requires: [verbatim]
statements: {seen: I have seen it.}
waivers: {max_days: 3}
rules:
  one: {metric: verbatim.decisive, judge: high, at_most: 0, because: x}
  two:
    metric: membership.auc
    judge: low
    at_most: 0.6
    severity: warn
    because: >-
      some words
coverage:
  A: {how: searched, by: [verbatim.decisive]}
"""
_PARENT = b"name: parent\nversion: 1.0.0\nrules:\n  p: {metric: dp.delta, judge: low, at_most: 1, because: x}\n"
_CLAIM = b"""\
id: w-1
policy: small
rule: two
data_digest: "0000000000000000000000000000000000000000000000000000000000000000"
justification: "why"
requester: "A"
issued: 2026-11-20
expires: 2026-11-22
"""


@dataclass(frozen=True)
class Aim:
    """Well-formed inputs, and what reads one from a file."""

    seeds: tuple[bytes, ...]
    read: Callable[[Path], object]


def aims() -> dict[str, Aim]:
    """What there is to break, by name."""
    whole = tuple(raw_bytes(name) for name in shipped())
    resolved = load_policy("ci-smoke").canonical(), load_policy("hipaa-safe-harbor").canonical()
    return {
        # The large files are rare: each takes as long as fifty small ones.
        "policy": Aim((_SMALL, _PARENT) * 100 + whole, _policy),
        "waiver": Aim((_CLAIM,), read_claim),
        "resolved": Aim(resolved, lambda path: read_resolved(path.read_bytes())),
        "waivers": Aim((_envelopes(),), lambda path: open_waivers(path.read_bytes(), [], datetime.date(2026, 11, 21))),
        "verdict": Aim((_verdict(),), read_verdict),
    }


def fuzz(aim: Aim, inputs: int, seed: int, folder: Path) -> dict[str, int]:
    """Throws `inputs` mutations; returns how many ended how."""
    rng, ends = random.Random(seed), {"read": 0, "refused": 0}
    (folder / "parent.yaml").write_bytes(_PARENT)
    path = folder / "p.yaml"
    for number in range(inputs):
        data = _broken(aim, rng) if number >= len(set(aim.seeds)) else list(dict.fromkeys(aim.seeds))[number]
        path.write_bytes(data)
        signal.alarm(SECONDS)
        try:
            aim.read(path)
            ends["read"] += 1
        except PolicyError as error:
            assert error.problems, "a refusal names no problem"
            str(error).encode("utf-8")
            ends["refused"] += 1
        except BaseException:
            kept = Path(tempfile.mkdtemp(prefix="fuzz-policy-")) / "input"
            kept.write_bytes(data)
            print(f"the input is kept in {kept}")
            raise
        finally:
            signal.alarm(0)
    return ends


def _broken(aim: Aim, rng: random.Random) -> bytes:
    data = mutated(rng.choice(aim.seeds), rng.choice(aim.seeds), rng)
    if rng.random() < 0.5:
        place = rng.randint(0, len(data))
        data = data[:place] + rng.choice(_PIECES) + data[place:]
    return data


def _policy(path: Path) -> None:
    policy = load_policy(path)
    assert read_resolved(policy.canonical()) == policy


def _envelopes() -> bytes:
    from made.policies import claim_of, key_of, signed

    with tempfile.TemporaryDirectory() as place:
        key_of(Path(place) / "k", "Bo", "waiver")
        return signed(Path(place) / "k", Path(place) / "w.json", claim_of("a"), claim_of("b", id="w-2"))


def _verdict() -> bytes:
    estimate = Estimate(0.7, 0.6, 0.8, 0.95, 9, "m")
    broken = Judgement("a", "b.c", "broken", "block", "low", estimate, "at most 0.5", "w", "b", "r")
    verdict = Verdict("blocked", "p", "1.0.0", "0" * 64, True, "0" * 64, (broken,), {"w": "expired"}, 1, ("s",), 3)
    return json.dumps(verdict_document(verdict)).encode()


def _timed_out(*_: object) -> None:
    raise TimeoutError(f"a reader took more than {SECONDS} s")


def main() -> None:
    """Fuzzes each in turn."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", choices=list(aims()))
    parser.add_argument("--inputs", type=int, default=100_000, help="each (100000)")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    signal.signal(signal.SIGALRM, _timed_out)
    memory = Path("/dev/shm")
    for name, aim in aims().items():
        if options.only and name not in options.only:
            continue
        with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as place:
            begin = time.perf_counter()
            ends = fuzz(aim, options.inputs, options.seed, Path(place))
            print(f"{name}: {options.inputs} inputs in {time.perf_counter() - begin:.0f} s: {ends}", flush=True)


if __name__ == "__main__":
    main()

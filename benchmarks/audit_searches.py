"""Two searches of the audits, timed in this process: values in a release, and near-duplicates."""

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
from copies import source_notes, write_corpora
from rounds import interleave, show

from deidrelease.contracts import Corpora, Shard
from deidrelease.formats import open_corpus
from deidrelease.keys import SiteKey
from deidrelease.labels import load_label_map
from deidrelease.notes import Note
from deidrelease_audits.near_duplicate.audit import NearDuplicate
from deidrelease_audits.values import Haystack, find_values, values_of

_SHARD = 700
"""Notes in two million characters, which is what an engine gives a worker at once."""


def replay(folder: Path, options: argparse.Namespace) -> None:
    """Values found as whole words, with their places, against Aho-Corasick alone on the same text."""
    import ahocorasick_rs

    source = source_notes(options.corpora)
    release = list(open_corpus(write_corpora(folder, source, options.synthetic, 1, 1, options.seed).synthetic))
    values = many_values(source, options.values, options.seed)
    text = "\n".join(note.text for note in release)
    found: dict[str, int] = {}

    def ours() -> float:
        found["find_values, text laid out"] = len(find_values(Haystack.of(release), values))
        return len(text) / 1e6

    haystack = Haystack.of(release)

    def searching() -> float:
        found["find_values"] = len(find_values(haystack, values))
        return len(text) / 1e6

    def alone() -> float:
        matches = ahocorasick_rs.AhoCorasick(values).find_matches_as_indexes(text, overlapping=True)
        found["ahocorasick_rs alone"] = len(matches)
        return len(text) / 1e6

    contenders = {"find_values": searching, "find_values, text laid out": ours, "ahocorasick_rs alone": alone}
    _warmed(contenders)
    rates = interleave(contenders, options.rounds, time.process_time)
    places = {name: f"{count:,}" for name, count in found.items()}
    show(f"replay: {len(values):,} values in {len(text) / 1e6:.1f} MB", rates, "MB/s", {"places": places})


def near(folder: Path, options: argparse.Namespace) -> None:
    """Private notes a second that the near-duplicate audit compares with every synthetic one."""
    paths = write_corpora(
        folder, source_notes(options.corpora), options.synthetic, 4 * options.private, options.holdout, options.seed
    )
    train = tuple(open_corpus(paths.train))
    corpora = Corpora(
        open_corpus(paths.synthetic), open_corpus(paths.train), open_corpus(paths.holdout), load_label_map("meddocan"),
        "es", None, SiteKey(bytes(32)),
    )  # fmt: skip
    audit = NearDuplicate()
    index = audit.index(corpora)

    def scanned(notes: tuple[Note, ...]) -> Callable[[], float]:
        def measured() -> float:
            for first in range(0, len(notes), _SHARD):
                audit.scan(index, Shard("train", notes[first : first + _SHARD]))
            return len(notes)

        return measured

    sizes = {f"{times} x {options.private:,}": scanned(train[: times * options.private]) for times in (4, 1)}
    _warmed(sizes)
    before = time.process_time()
    rates = interleave(sizes, options.rounds)
    busy = (time.process_time() - before) / options.rounds
    show(f"near: scan against {options.synthetic:,} synthetic notes and the reference", rates, "notes/s")
    total = 5 * options.private
    print(f"of processor time: {total / busy:,.0f} notes a second; slowest round {_slowest(rates.by_name):,.0f}")


def many_values(source: list[Note], many: int, seed: int) -> list[str]:
    """All distinct values of `source`, and made ones of the same shapes: digits for digits, letters for letters."""
    label_map = load_label_map("meddocan")
    real = sorted({value.key for note in source for value, _ in values_of(note, label_map)})
    values, rng = dict.fromkeys(real[:many]), np.random.default_rng(seed)
    letters = list("aeiourslntdcmpb")
    while len(values) < many:
        model = real[rng.integers(len(real))]
        made = [
            str(rng.integers(10)) if c.isdecimal() else _letter(c, letters, rng) if c.isalpha() else c for c in model
        ]
        values["".join(made)] = None
    return list(values)


def _letter(like: str, letters: list[str], rng: np.random.Generator) -> str:
    letter = letters[rng.integers(len(letters))]
    return letter.upper() if like.isupper() else letter


def _slowest(by_name: object) -> float:
    return min(median(rates) for rates in dict(by_name).values())  # type: ignore[call-overload]


def _warmed(contenders: dict[str, Callable[[], float]]) -> None:
    for contender in contenders.values():
        contender()

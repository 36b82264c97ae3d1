"""The cells of an ablation: each a whole configuration, its shares of gold notes, and its synthetic corpus's size."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from deidrelease.artifacts import canonical_json, sha256_text
from deidrelease.errors import Problem
from deidrelease.models.loading import SCRATCH
from deidrelease.settings import ReleaseConfig

ADAPT, ANNOTATOR, BOTH, SYNTHETIC = "share.adapt", "share.annotator", "share.both", "synthetic.share"
SHARES = (ADAPT, ANNOTATOR, BOTH, SYNTHETIC)
Level = str | int | float | bool | None
_FIXED = ("run_dir", "seed", "corpus", "split", "audit", "gate", "privacy", "compute", "evaluate")
"""Sections that decide no result of a cell, or the same for all: no axis, and no part of a cell's name."""
_SIZES = ("generate.count", "generate.multiple")
_ID_DIGITS = 12


@dataclass(frozen=True, slots=True)
class Cell:
    """One point of the grid.

    Attributes:
        levels: Varied key to its value here, also where the cell does not set it.
        config: Of the whole run.
        adapt_share: Of the fold's train patients, those that the language model learns from.
        annotator_share: Those that the annotator learns from.
        synthetic_share: Synthetic notes as a multiple of the fold's train notes; None where the config says a number.
    """

    levels: Mapping[str, Level]
    config: ReleaseConfig
    adapt_share: float
    annotator_share: float
    synthetic_share: float | None

    @property
    def id(self) -> str:
        """First digits of the SHA-256 over all that decides its results, whichever of it is varied."""
        told = self.config.model_dump(mode="json", exclude=set(_FIXED))
        shares = [self.adapt_share, self.annotator_share, self.synthetic_share]
        return sha256_text(canonical_json([told, shares]))[:_ID_DIGITS]

    def synthetic_notes(self, train_notes: int) -> int:
        """How many synthetic notes the cell has, where the fold has `train_notes`."""
        if self.synthetic_share is None:
            return self.config.generate.count or 1
        return max(1, round(self.synthetic_share * train_notes))


def refused(key: str) -> str | None:
    """Why `key` cannot be varied; None where it can."""
    if key in SHARES:
        return None
    section, dot, _ = key.partition(".")
    if section in _FIXED or not (dot or key == "synthetic_dev"):
        return "cannot be varied: it is the same for all cells of an ablation, or decides no result"
    if key in _SIZES:
        return f"cannot be varied: {SYNTHETIC} says how large the synthetic corpus is, for folds of any size"
    return None


def share_problems(values: Mapping[str, Any], where: Callable[[str], str]) -> list[Problem]:
    """What is wrong with the shares of one cell, before its configuration is looked at."""
    problems = []
    for key in (key for key in SHARES if key in values):
        share, positive = values[key], key not in (ADAPT,)
        most = 1000 if key == SYNTHETIC else 1
        if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share <= most:
            problems.append(Problem(where(key), "is no share", f"write numbers from 0 to {most}"))
        elif positive and share == 0:
            problems.append(Problem(where(key), "is 0: nothing can be learnt from no note", f"only {ADAPT} may be 0"))
    if BOTH in values and {ADAPT, ANNOTATOR} & values.keys():
        what = f"stands beside {ADAPT} or {ANNOTATOR} in one cell"
        problems.append(Problem(where(BOTH), what, "use either, or list such cells under cells"))
    return problems


def make_cell(values: Mapping[str, Any], config: ReleaseConfig, varied: tuple[str, ...]) -> Cell:
    """The cell with these `values` of varied keys, whose configuration is `config`, already with them.

    Raises:
        ValueError: The shares and the configuration do not go together; the message says why.
    """
    both = values.get(BOTH)
    adapt = float(values.get(ADAPT, 1 if both is None else both))
    annotator = float(values.get(ANNOTATOR, 1 if both is None else both))
    synthetic = values.get(SYNTHETIC, None if config.generate.count else config.generate.multiple)
    if adapt == 0 and config.adapt.model == SCRATCH:
        raise ValueError(f"{ADAPT} is 0, and a model made from nothing has nothing to say: name a pretrained one")
    if adapt == 0 and config.adapt.canaries is not None:
        raise ValueError(f"{ADAPT} is 0, and canaries are planted among notes that are learnt from: leave them out")
    dumped = config.model_dump(mode="json")
    shares = {ADAPT: adapt, ANNOTATOR: annotator, BOTH: both, SYNTHETIC: synthetic}
    levels = {key: shares[key] if key in SHARES else _level(dumped, key) for key in varied}
    return Cell(levels, config, adapt, annotator, None if synthetic is None else float(synthetic))


def _level(dumped: Mapping[str, Any], key: str) -> Level:
    """The value of `key`, as a table can hold it; None where its section is left out."""
    value: Any = dumped
    for part in key.split("."):
        if value is None:
            return None
        value = value[part]
    return json.dumps(value, sort_keys=True) if isinstance(value, list | dict) else value

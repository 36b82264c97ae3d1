"""An ablation: what is varied, over which folds and seeds, and what is measured of each cell."""

from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from deidrelease.settings.base import Section, Share

AUDITS = ("verbatim", "pii_replay", "linkage", "near_duplicate", "membership", "diversity")


class AblationSettings(Section):
    """A grid of runs that share what they can. Keys of `grid` and `cells` are settings of a run, or these shares.

    `share.adapt`: of each fold's train patients (and dev patients) those whose notes the language model learns from; 0
    takes the pretrained model as it is. `share.annotator`: those that the annotator learns from. `share.both`: the
    same patients for both. `synthetic.share`: synthetic notes, as a multiple of the fold's train notes, whatever share
    of them was learnt from. The patients of a smaller share are among those of a larger one, and the notes of a
    smaller synthetic corpus are the first ones of a larger.
    """

    out: Path = Field(description="Folder that the ablation fills; private, never to be shared.")
    base: str | dict[str, Any] = Field(
        description="What is not varied: the path of a run's YAML, or its keys. Its `run_dir`, `audit.only` and `gate` "
        "count for nothing here; its `split.train` and `split.dev` divide what a fold does not hold out."
    )
    folds: Annotated[int, Field(ge=2, le=100)] = Field(5, description="Each holds out another part of the patients.")
    seeds: Annotated[list[Annotated[int, Field(ge=0, le=2**53 - 1)]], Field(min_length=1)] | None = Field(
        None,
        description="Each trains anew, with other patients in a share; the base's by default, which divides the "
        "patients for all.",
    )
    grid: dict[str, Annotated[list[Any], Field(min_length=1)]] = Field(
        default_factory=dict, description="Key to values: every combination is a cell."
    )
    cells: list[dict[str, Any]] = Field(default_factory=list, description="Cells beside those of the grid, key by key.")
    audits: list[str] = Field(
        list(AUDITS), description="Audits of every cell; none with []. Their train notes are those that adapt saw."
    )
    margin: Share = Field(0.02, description="For `ablate recommend`: F1 that may be given up.")
    policy: str = Field("research", description="For `ablate recommend`: what a cell has to pass in every fold.")

"""Training with a guarantee: what is promised, to whom, and at what cost."""

from typing import Literal, Self

from pydantic import Field, model_validator

from deidrelease.settings.base import Count, Positive, Section


class DpSettings(Section):
    """DP-SGD (Abadi et al. 2016); the noise is calibrated to `epsilon`, and what was spent is what is reported.

    With it, `epochs`, `patience`, `keep`, `batch_size`, `accumulation`, `grouping`, `learning_rate` and
    `weight_decay` of the section around it count for nothing, and nothing is dropped out: the number of steps is fixed
    before the first, and the last weights are kept.
    """

    epsilon: Positive = Field(description="The target; the noise is the least that keeps the training within it.")
    delta: Literal["auto"] | float = Field(
        "auto", description="`auto`: below 1 / (number of units)^1.1; it is printed and recorded."
    )
    unit: Literal["patient", "note"] = Field(
        "patient", description="What is protected: all notes of a patient together, or each note by itself."
    )
    clip: Literal["automatic"] | float = Field(
        1.0, description="Largest norm of a unit's gradient; `automatic` scales each to norm 1 (Bu et al. 2023)."
    )
    batch: Count | None = Field(
        None, description="Units a step, on average; by default a quarter of all, at most 256. Large ones pay."
    )
    epochs: Positive = Field(10.0, description="How often a unit is drawn, on average; ignored where `steps` is set.")
    steps: Count | None = Field(None, description="Optimiser steps.")
    learning_rate: Positive = Field(1e-3, description="Of Adam; DP wants a higher one (Li et al. 2022).")
    physical_batch: Count = Field(
        4, description="Units that are in memory at once; changes how much memory a step takes, and nothing else."
    )

    @model_validator(mode="after")
    def _is_a_guarantee(self) -> Self:
        # An epsilon of three digits is arithmetic, not privacy; a delta of one in a hundred gives a patient away.
        if self.epsilon > 100:
            raise ValueError("an epsilon above 100 promises nothing: leave dp out, or ask for less")
        if self.delta != "auto" and not 0 < self.delta <= 1e-2:
            raise ValueError("a delta is above 0, and above 0.01 promises nothing: use auto")
        if self.clip != "automatic" and not self.clip > 0:
            raise ValueError("clip must be above 0, or automatic")
        return self

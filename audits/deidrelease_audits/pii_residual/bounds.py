"""How many identifiers there may be, given how many were hit and how many of the known ones a detector finds."""

from collections.abc import Sequence
from dataclasses import dataclass

from deidrelease.results import Estimate
from deidrelease_audits.pii_residual.detectors import FAMILIES
from deidrelease_audits.pii_residual.gold_recall import GoldRecall
from deidrelease_audits.pii_residual.hit_counts import HitCounts, family_column

METHOD = "upper bound: hits (Garwood 1936, widened) over the least recall (Wilson), Bonferroni; low end: hits / recall"


@dataclass(frozen=True, slots=True)
class ResidualBounds:
    """Upper bounds of the identifiers per 1,000 tokens, family by family.

    With H hits expected among M true mentions, of which a share r would be hit as of the family, `r M <= H`: so
    `M <= H_high / r_low`. No hit counts as false, which only widens the bound. Each of the two bounds of each family
    errs with at most `(1 - confidence) / (2 families)`, so all hold together with `confidence` (Bonferroni).

    Attributes:
        bounded: Family to its bound.
        unbounded: Families of which hits or annotated mentions exist and no share above 0 can be relied on to be found.
        unseen: Families without a hit and without an annotated mention.
        total: Of all families asked for; None where one of them has no bound.
    """

    bounded: dict[str, Estimate]
    unbounded: tuple[str, ...]
    unseen: tuple[str, ...]
    total: Estimate | None

    @classmethod
    def of(cls, hits: HitCounts, recall: GoldRecall, families: Sequence[str], confidence: float) -> "ResidualBounds":
        """For each of `families`, names of `FAMILIES`.

        Raises:
            ValueError: There are no tokens.
        """
        columns = {name: family_column(place) for place, name in enumerate(FAMILIES) if name in families}
        unseen = tuple(name for name, at in columns.items() if not hits.hits[at] and not recall.has(at))
        asked = {name: at for name, at in columns.items() if name not in unseen}
        each = 1 - (1 - confidence) / max(1, len(asked))
        found = {name: _bound(hits, recall, at, each, confidence) for name, at in asked.items()}
        bounded = {name: bound for name, bound in found.items() if bound is not None}
        unbounded = tuple(name for name in found if name not in bounded)
        total = _sum(list(bounded.values()), confidence, hits.notes) if asked and not unbounded else None
        return cls(bounded, unbounded, unseen, total)


def _bound(hits: HitCounts, recall: GoldRecall, column: int, each: float, confidence: float) -> Estimate | None:
    """The bound of one family; None where recall may be 0, or nobody can say what it is."""
    if not recall.has(column) or (share := recall.recall(column, each)).low <= 0:
        return None
    scale = 1000 / hits.tokens
    high = hits.bounds(column, each)[1] / share.low * scale
    seen = int(hits.hits[column]) / share.value * scale
    return Estimate(high, min(seen, high), high, confidence, hits.notes, METHOD)


def _sum(parts: Sequence[Estimate], confidence: float, notes: int) -> Estimate:
    high = sum(part.high for part in parts)
    return Estimate(high, min(sum(part.low for part in parts), high), high, confidence, notes, f"{METHOD}; summed")

"""The audit `pii_replay`: private values that stand in the synthetic text."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import ClassVar

from deidrelease.contracts import Arm, Conclusion, Corpora, Shard
from deidrelease_audits.pii_replay.conclusion import concluded
from deidrelease_audits.pii_replay.evidence import FALSE_POSITIVES
from deidrelease_audits.pii_replay.scan import ReplayIndex, scanned
from deidrelease_audits.pii_replay.tally import ReplayTally


@dataclass(frozen=True, slots=True)
class PiiReplay:
    """Searches all annotated values of the private notes, of both arms, in the raw synthetic text.

    Attributes:
        detectable: Matched train patients that have to be detectable at the fewest, see `asked_power`.
        false_positives: Share of hold-out values that a fuzzy kind may find by chance and still be counted.
    """

    detectable: int = 5
    false_positives: float = FALSE_POSITIVES

    name: ClassVar[str] = "pii_replay"
    version: ClassVar[int] = 2
    arms: ClassVar[tuple[Arm, ...]] = ("train", "holdout")
    cost: ClassVar[float] = 6
    derives: ClassVar[str] = "values"
    metrics: ClassVar[Mapping[str, str]] = {
        "unique_identifiers": "Distinct direct identifiers of one train patient, and of no one else, that stand "
        "exactly in the synthetic text.",
        "unique_excess": "The same minus its count for the hold-out, scaled to equal size.",
        "fuzzy_identifiers": "Distinct direct identifiers of one train patient that stand there only in another "
        "spelling, by ways of finding that seldom find hold-out values.",
        "fuzzy_excess": "All that stand there only in another spelling, however found, minus the same of the hold-out, "
        "scaled to equal size.",
        "rate": "Share of train patients of whom at least one such identifier stands there exactly.",
        "patients_excess": "Share of train patients with an identifier found, in any spelling, beyond the hold-out's.",
        "p_value": "Smallest p of the classes' tests and the pooled one, after Holm.",
        "flagged_classes": "How many classes of identifiers are found with more train than hold-out patients.",
        "rarity_bits": "-log2 of the found unique identifiers' share of all private patients, summed.",
        "decisive": "Distinct identifiers found that no chance explains, whatever the hold-out shows.",
    }
    threat_model: ClassVar[str] = (
        "Someone who reads the release and knows, or can look up, the identifiers of a patient: a name, a record "
        "number, an address."
    )
    says: ClassVar[str] = (
        "How many identifiers that belong to one train patient alone stand in the release, how many would by chance, "
        "and how many of them chance cannot explain."
    )
    does_not_say: ClassVar[str] = (
        "That a single common name was copied and not invented; that values which nobody annotated are absent; that "
        "dates which were shifted in time are; that a value with two edits, or a short one with one, would have been "
        "seen. Values of providers and institutions are listed and not tested. No excess does not mean no replay: the "
        "hold-out tells only what it is large enough for."
    )

    def settings(self) -> Mapping[str, object]:
        """Everything that decides the result besides the corpora."""
        return asdict(self)

    def index(self, corpora: Corpora) -> ReplayIndex:
        """Lays the release out for searching."""
        return ReplayIndex.of(corpora)

    def scan(self, index: ReplayIndex, shard: Shard) -> ReplayTally:
        """Searches the values of `shard`.

        Raises:
            CorpusError: The label map does not know a label.
        """
        return scanned(index, shard)

    def conclude(self, index: ReplayIndex, tally: ReplayTally) -> Conclusion:
        """Judges the sum of all tallies."""
        return concluded(index, tally, self.name, self.detectable, self.false_positives)

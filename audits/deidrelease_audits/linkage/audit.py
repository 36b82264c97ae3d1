"""Linkage: do values of one private patient stand together in one synthetic note?

One rare value may be chance; two of the same patient in one note say whose note it was.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import ClassVar

from deidrelease.contracts import Arm, Conclusion, Corpora, Shard
from deidrelease.keys import SiteKey
from deidrelease.labels import LabelMap
from deidrelease_audits.linkage.combinations import Bands, age_bands, item_number, items_of
from deidrelease_audits.linkage.conclusion import Asked, concluded
from deidrelease_audits.linkage.held import Held, held_of
from deidrelease_audits.linkage.tally import HeldItems, Holding, LinkageTally, PatientSums, PrivateArm, joined, smallest
from deidrelease_audits.patients import patient_number
from deidrelease_audits.values import Haystack, keys_found, values_in


@dataclass(frozen=True, slots=True, eq=False)
class LinkageIndex:
    """The synthetic side, and what reading the private side needs.

    Attributes:
        haystack: The synthetic notes.
        bands: Of the ages that they write.
        label_map: Of the private labels; None where nobody said.
        key: Under which patients are numbered.
    """

    haystack: Haystack
    bands: Bands
    label_map: LabelMap | None
    key: SiteKey


@dataclass(frozen=True, slots=True)
class Linkage:
    """Looks for two or more rare values of the same private patient in one synthetic note.

    Attributes:
        rare: The most patients, of both arms together, that may hold a rare value.
        detectable: Matched train patients that have to be detectable at the fewest, see `asked_power`.
        sampled: Patients on whose pairs the null is fitted.
    """

    rare: int = 3
    detectable: int = 5
    sampled: int = 512

    name: ClassVar[str] = "linkage"
    version: ClassVar[int] = 1
    arms: ClassVar[tuple[Arm, ...]] = ("train", "holdout")
    cost: ClassVar[float] = 5
    derives: ClassVar[str] = "values"
    metrics: ClassVar[Mapping[str, str]] = {
        "same_patient_pairs": "How often a synthetic note holds two or more rare values of one train patient.",
        "notes_linking": "Share of synthetic notes that do so for at least one train patient.",
        "unique_combinations": "How often a synthetic note holds three or more kinds of common facts, such as age, "
        "date, place and institution, that a train patient, and no other private patient, has together.",
        "patients_excess": "Share of train patients with a pair of direct identifiers or full dates, not both beside "
        "a clinician, beyond the share that chance gives the hold-out.",
        "p_value": "Chance of at least so many of the matched patients being train patients if nothing was learnt, "
        "for all pairs and for those of direct identifiers and full dates, corrected for asking twice.",
        "decisive": "How many of the pairs are too improbable for chance: fewer than one in a million is expected in "
        "all that was searched.",
    }
    threat_model: ClassVar[str] = (
        "Somebody who knows one fact of a patient, such as a name or a date of birth, reads the release, and takes "
        "what stands beside it in the same note for that patient's too."
    )
    says: ClassVar[str] = (
        "How many synthetic notes hold, as exact text, two rare values of one private patient, whether that happens "
        "more to train patients than to patients whom nothing saw, and which cases chance does not explain."
    )
    does_not_say: ClassVar[str] = (
        "That no patient can be linked. Altered values (a changed digit, another date format, other capitals) are "
        "not searched, nor values that the private annotation missed, nor links through clinical prose. What a "
        "clinician and his patients share is counted, or counted apart, but is never decisive. A decisive pair may "
        "be one person under two patient ids, or a family: look at the finding."
    )

    def settings(self) -> Mapping[str, object]:
        """The fields."""
        return asdict(self)

    def index(self, corpora: Corpora) -> LinkageIndex:
        """Reads the synthetic notes once."""
        release = corpora.release
        bands = age_bands([note.text for note in release.notes])
        return LinkageIndex(release.once(Haystack.of), bands, corpora.label_map, corpora.key)

    def scan(self, index: LinkageIndex, shard: Shard) -> LinkageTally:
        """Searches the values of the shard in the synthetic notes and keeps who holds those found.

        Raises:
            CorpusError: The label map does not know a label.
        """
        arm = _private(shard.arm)
        patients = [patient_number(index.key, note.patient_id) for note in shard.notes]
        held, found = _held(index, shard)
        sums = PatientSums.of(patients, [len({h.value.key for h in values if h.strong}) for values in held])
        by_patient = list(zip(patients, held, (note.note_id for note in shard.notes), strict=True))
        return LinkageTally(
            most=self.rare + 1,
            sampled=self.sampled,
            values=sum(h.own for values in held for h in values) if arm == "train" else 0,
            train=sums if arm == "train" else PatientSums(),
            holdout=sums if arm == "holdout" else PatientSums(),
            holders=self._holders(by_patient, found, arm),
            items=_items(index, by_patient, found),
            sample=self._sample(by_patient),
        )

    def conclude(self, index: LinkageIndex, tally: LinkageTally) -> Conclusion:
        """Filters by rarity, pairs what stands together, and judges it against the hold-out and the null."""
        known = index.label_map is not None
        return concluded(index.haystack, index.bands, tally, Asked(self.rare, self.detectable, known))

    def _holders(self, notes: list["_Read"], found: frozenset[str], arm: PrivateArm) -> dict[str, dict[int, Holding]]:
        holders: dict[str, dict[int, Holding]] = {}
        for patient, values, note in notes:
            for held in values:
                if (value := held.value.key) in found:
                    place = (note, held.span.start, held.span.end)
                    holding = Holding(arm, frozenset([held.group]), held.own, held.strong, held.told, place)
                    holders[value] = dict(joined(holders.get(value, {}), {patient: holding}, self.rare + 1))
        return holders

    def _sample(self, notes: list["_Read"]) -> dict[int, frozenset[tuple[str, str]]]:
        chosen = smallest({patient: frozenset[tuple[str, str]]() for patient, _, _ in notes}, self.sampled)
        for patient, values, _ in notes:
            if patient in chosen:
                chosen[patient] |= {(held.told, held.group) for held in values if held.strong}
        return chosen


_Read = tuple[int, list[Held], str]
"""Of a private note: the patient's number, the values, the note's id."""


def _private(arm: Arm) -> PrivateArm:
    if arm == "synthetic":
        raise ValueError("linkage scans the private arms only")
    return arm


def _held(index: LinkageIndex, shard: Shard) -> tuple[list[list[Held]], frozenset[str]]:
    """What each note holds, and which values of theirs stand in the release."""
    if index.label_map is None:
        return [[] for _ in shard.notes], frozenset()
    held = [held_of(values) for values in shard.once(values_in, index.label_map)]
    return held, keys_found(shard, index.haystack, index.label_map)


def _items(index: LinkageIndex, notes: list[_Read], found: frozenset[str]) -> HeldItems:
    bands = frozenset(band for _, band in index.bands)
    pairs, items = set(), {}
    numbers: dict[tuple[str, str], int] = {}
    for patient, values, _ in notes:
        for held in values:
            for item in items_of(held, held.value.key in found, bands):
                number = numbers.setdefault(item, 0) or item_number(index.key, *item)
                numbers[item], items[number] = number, item
                pairs.add((patient, number))
    return HeldItems.of(pairs, items)

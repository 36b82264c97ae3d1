"""Searches the private values of a shard in the release."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Self

from deidrelease.contracts import Corpora, Shard
from deidrelease.keys import SiteKey
from deidrelease.labels import LabelMap
from deidrelease_audits.full_dates import days_of
from deidrelease_audits.patients import BothArms, PatientMaxima, patient_number
from deidrelease_audits.pii_replay.character_counts import CharacterCounts
from deidrelease_audits.pii_replay.spellings import find_edits, find_forms
from deidrelease_audits.pii_replay.tally import SAMPLE, Found, Holders, Mention, Owners, PrivateArm, ReplayTally, Sample
from deidrelease_audits.pii_replay.written_days import days_in
from deidrelease_audits.text.squeezing import SqueezedText, squeeze
from deidrelease_audits.values import Haystack, Value, keys_found, values_in


@dataclass(frozen=True, slots=True, eq=False)
class ReplayIndex:
    """The release, laid out for every way of searching it.

    Attributes:
        haystack: For exact values.
        squeezed: For other spellings.
        days: Every full date, as ordinal, to where it is written: note, start, end.
        label_map: What labels mean; None where nobody said.
        key: Of the site.
        seed: For the permutation test.
    """

    haystack: Haystack
    squeezed: SqueezedText
    days: Mapping[int, tuple[tuple[int, int, int], ...]]
    label_map: LabelMap | None
    key: SiteKey
    seed: int

    @classmethod
    def of(cls, corpora: Corpora) -> Self:
        """Reads the synthetic corpus once."""
        release = corpora.release
        texts = [note.text for note in release.notes]
        days: dict[int, list[tuple[int, int, int]]] = {}
        for number, text in enumerate(texts):
            for day, start, end in days_in(text):
                days.setdefault(day, []).append((number, start, end))
        frozen = {day: tuple(places) for day, places in days.items()}
        haystack, squeezed = release.once(Haystack.of), SqueezedText.of(texts)
        return cls(haystack, squeezed, frozen, corpora.label_map, corpora.key, corpora.seed)


@dataclass(frozen=True, slots=True)
class _Held:
    """A value and one patient of the shard who holds it."""

    value: Value
    squeezed: str
    patient: int
    mention: Mention


def is_patients_own(value: Value) -> bool:
    """Whether a value can point to a patient by itself: direct, and not known to be a provider's or institution's."""
    return value.identifies == "direct" and value.whose not in ("provider", "institution")


def identity(key: str) -> str:
    """What makes two spellings one value: the squeezed form; a value without letters and digits is its own."""
    return squeeze(key) or key


def scanned(index: ReplayIndex, shard: Shard) -> ReplayTally:
    """The tally of one shard.

    Raises:
        CorpusError: The label map does not know a label.
    """
    if shard.arm == "synthetic":
        raise ValueError("private notes are searched in synthetic ones, and not the other way round")
    numbers = [patient_number(index.key, note.patient_id) for note in shard.notes]
    patients = PatientMaxima.from_mapping(dict.fromkeys(numbers, 1))
    if index.label_map is None:
        return ReplayTally(patients=_one_arm(shard.arm, patients))
    held = list(_held(index.label_map, shard, numbers))
    exact = keys_found(shard, index.haystack, index.label_map)
    once = Counter((one.value.label, one.squeezed) for one in held)
    values = {squeezed: index.key.number("value", squeezed) for squeezed in {one.squeezed for one in held}}
    return ReplayTally(
        _found(shard.arm, held, _ways_of(index, held, exact), values),
        _one_arm(shard.arm, patients),
        _of_label(shard.arm, held),
        dict(Counter((one.value.label, shard.arm) for one in held)),
        CharacterCounts.of(once),
        _samples(held, values),
        Owners.of([values[one.squeezed] for one in held], [one.patient for one in held]),
    )


def _held(label_map: LabelMap, shard: Shard, patients: Sequence[int]) -> Iterable[_Held]:
    """Each value of each note once, under each of its labels."""
    for note, values, patient in zip(shard.notes, shard.once(values_in, label_map), patients, strict=True):
        seen = set()
        for value, span in values:
            if (value.label, value.key) not in seen:
                seen.add((value.label, value.key))
                yield _Held(value, identity(value.key), patient, (note.note_id, span.start, span.end))


def _ways_of(index: ReplayIndex, held: Sequence[_Held], exact: frozenset[str]) -> list[frozenset[str]]:
    """For each of `held` in which ways it stands in the release; `exact` are the keys that stand there as they are.

    What is told of one value is decided by that value and its own label: by nothing that stands beside it in the shard.
    """
    own = sorted({(one.value.key, one.value.kind) for one in held if is_patients_own(one.value)})
    keys = [key for key, _ in own]
    ways: dict[tuple[str, str], set[str]] = {}
    for spelling in (*find_forms(index.squeezed, keys, [kind for _, kind in own]), *find_edits(index.squeezed, keys)):
        ways.setdefault(own[spelling.value], set()).add(spelling.kind)
    dates = {one.value.key for one in held if one.value.kind == "date"}
    dated = {key for key in dates if any(day in index.days for day in days_of(key))}
    found = []
    for one in held:
        kinds: set[str] = {"exact"} if one.value.key in exact else set()
        if is_patients_own(one.value):
            kinds |= ways.get((one.value.key, one.value.kind), set())
        if one.value.kind == "date" and one.value.key in dated:
            kinds.add("date-format")
        found.append(_kinds(frozenset(kinds)))
    return found


def _found(
    arm: PrivateArm, held: Sequence[_Held], ways: Sequence[frozenset[str]], numbers: Mapping[str, int]
) -> dict[str, Found]:
    """Squeezed value to how it was found, and who holds it so."""
    grown: dict[str, _Ways] = {}
    for one, kinds in zip(held, ways, strict=True):
        if kinds:
            grown.setdefault(one.squeezed, _Ways()).add(one, kinds)
    return {squeezed: grown[squeezed].found(arm, numbers[squeezed]) for squeezed in sorted(grown)}


@dataclass(frozen=True, slots=True)
class _Ways:
    """A `Found` as it grows."""

    exact: set[str] = field(default_factory=set)
    spellings: set[str] = field(default_factory=set)
    kinds: set[str] = field(default_factory=set)
    mentions: dict[str, list[tuple[int, Mention]]] = field(default_factory=dict)

    def add(self, one: _Held, kinds: frozenset[str]) -> None:
        if "exact" in kinds:
            self.exact.add(one.value.key)
        if kinds - {"exact"}:
            self.spellings.add(one.value.key)
        self.kinds.update(kinds)
        self.mentions.setdefault(one.value.label, []).append((one.patient, one.mention))

    def found(self, arm: PrivateArm, number: int) -> Found:
        holders = {label: Holders.of(arm, those) for label, those in self.mentions.items()}
        return Found(frozenset(self.exact), frozenset(self.spellings), _kinds(frozenset(self.kinds)), holders, number)


@lru_cache(maxsize=64)
def _kinds(kinds: frozenset[str]) -> frozenset[str]:
    """One object for all that were found in the same ways: there are thousands of values, and a dozen of ways."""
    return kinds


def _one_arm(arm: PrivateArm, patients: PatientMaxima) -> BothArms:
    return BothArms(train=patients) if arm == "train" else BothArms(holdout=patients)


def _of_label(arm: PrivateArm, held: Iterable[_Held]) -> dict[str, BothArms]:
    patients: dict[str, list[tuple[int, int]]] = {}
    for one in held:
        patients.setdefault(one.value.label, []).append((one.patient, 1))
    return {label: _one_arm(arm, PatientMaxima.of(patients[label])) for label in sorted(patients)}


def _samples(held: Iterable[_Held], values: Mapping[str, int]) -> dict[str, Sample]:
    """Only of values that can be a patient's own: no other is ever called decisive."""
    samples: dict[str, Sample] = {}
    rows: dict[str, dict[str, set[int]]] = {}
    for one in held:
        if is_patients_own(one.value):
            rows.setdefault(one.value.label, {}).setdefault(one.squeezed, set()).add(one.patient)
    for label, patients in sorted(rows.items()):
        numbers = sorted((values[squeezed], squeezed) for squeezed in patients)[:SAMPLE]
        samples[label] = Sample(
            {number: (squeezed, tuple(sorted(patients[squeezed])[:2])) for number, squeezed in numbers}
        )
    return samples

"""Searches the private values of a shard in the release."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Self

from deidrelease.contracts import Corpora, Shard
from deidrelease.keys import SiteKey
from deidrelease.labels import LabelMap
from deidrelease_audits.full_dates import days_of
from deidrelease_audits.patients import BothArms, PatientMaxima, patient_number
from deidrelease_audits.pii_replay.character_counts import CharacterCounts
from deidrelease_audits.pii_replay.spellings import find_edits, find_forms
from deidrelease_audits.pii_replay.tally import SAMPLE, Found, Holders, Mention, PrivateArm, ReplayTally, Sample
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
    distinct = sorted({one.value.key: one.value for one in held}.items())
    exact = keys_found(shard, index.haystack, index.label_map)
    found = _found(index, [value for _, value in _own_first(held, distinct)], exact)
    once = Counter((one.value.label, one.squeezed) for one in held)
    return ReplayTally(
        _with_holders(shard.arm, found, held),
        _one_arm(shard.arm, patients),
        _of_label(shard.arm, held),
        dict(Counter((one.value.label, shard.arm) for one in held)),
        CharacterCounts.of(once),
        _samples(index.key, held),
    )


def _held(label_map: LabelMap, shard: Shard, patients: Sequence[int]) -> Iterable[_Held]:
    """Each value of each note once, under each of its labels."""
    for note, values, patient in zip(shard.notes, shard.once(values_in, label_map), patients, strict=True):
        seen = set()
        for value, span in values:
            if (value.label, value.key) not in seen:
                seen.add((value.label, value.key))
                yield _Held(value, identity(value.key), patient, (note.note_id, span.start, span.end))


def _own_first(held: Iterable[_Held], distinct: list[tuple[str, Value]]) -> list[tuple[str, Value]]:
    """Where a text has two labels, the one by which it can be a patient's decides how it is searched."""
    own = {one.value.key: one.value for one in held if is_patients_own(one.value)}
    dates = {one.value.key: one.value for one in held if one.value.kind == "date"}
    return [(key, own.get(key) or dates.get(key) or value) for key, value in distinct]


def _found(index: ReplayIndex, values: list[Value], exact: frozenset[str]) -> dict[str, Found]:
    """Squeezed value to how it was found; `exact` are the keys that stand there as they are."""
    own = [value for value in values if is_patients_own(value)]
    keys = [value.key for value in own]
    other = {(keys[one.value], one.kind) for one in find_forms(index.squeezed, keys, [value.kind for value in own])}
    other |= {(keys[one.value], one.kind) for one in find_edits(index.squeezed, keys)}
    dates = (value.key for value in values if value.kind == "date")
    other |= {(key, "date-format") for key in dates if any(day in index.days for day in days_of(key))}
    found = {identity(key): _Ways() for key in (*exact, *(key for key, _ in other))}
    for key in exact:
        found[identity(key)].exact.add(key)
    for key, kind in other:
        found[identity(key)].spellings.add(key)
        found[identity(key)].kinds.add(kind)
    return {squeezed: ways.found() for squeezed, ways in found.items()}


@dataclass(frozen=True, slots=True)
class _Ways:
    """A `Found` as it grows."""

    exact: set[str] = field(default_factory=set)
    spellings: set[str] = field(default_factory=set)
    kinds: set[str] = field(default_factory=set)

    def found(self) -> Found:
        kinds = self.kinds | {"exact"} if self.exact else self.kinds
        return Found(frozenset(self.exact), frozenset(self.spellings), _kinds(frozenset(kinds)))


@lru_cache(maxsize=64)
def _kinds(kinds: frozenset[str]) -> frozenset[str]:
    """One object for all that were found in the same ways: there are thousands of values, and a dozen of ways."""
    return kinds


def _with_holders(arm: PrivateArm, found: Mapping[str, Found], held: Iterable[_Held]) -> dict[str, Found]:
    mentions: dict[str, dict[str, list[tuple[int, Mention]]]] = {}
    for one in held:
        if one.squeezed in found:
            labels = mentions.setdefault(one.squeezed, {})
            labels.setdefault(one.value.label, []).append((one.patient, one.mention))
    return {
        key: replace(found[key], holders={label: Holders.of(arm, those) for label, those in mentions[key].items()})
        for key in sorted(found)
    }


def _one_arm(arm: PrivateArm, patients: PatientMaxima) -> BothArms:
    return BothArms(train=patients) if arm == "train" else BothArms(holdout=patients)


def _of_label(arm: PrivateArm, held: Iterable[_Held]) -> dict[str, BothArms]:
    patients: dict[str, list[tuple[int, int]]] = {}
    for one in held:
        patients.setdefault(one.value.label, []).append((one.patient, 1))
    return {label: _one_arm(arm, PatientMaxima.of(patients[label])) for label in sorted(patients)}


def _samples(key: SiteKey, held: Iterable[_Held]) -> dict[str, Sample]:
    """Only of values that can be a patient's own: no other is ever called decisive."""
    samples: dict[str, Sample] = {}
    rows: dict[str, dict[str, set[int]]] = {}
    for one in held:
        if is_patients_own(one.value):
            rows.setdefault(one.value.label, {}).setdefault(one.squeezed, set()).add(one.patient)
    for label, values in sorted(rows.items()):
        numbers = sorted((key.number("value", squeezed), squeezed) for squeezed in values)[:SAMPLE]
        kept = {number: (squeezed, tuple(sorted(values[squeezed])[:2])) for number, squeezed in numbers}
        samples[label] = Sample(kept)
    return samples

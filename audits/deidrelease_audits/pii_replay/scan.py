"""Searches the private values of a shard in the release."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Self

from deidrelease.contracts import Corpora, Shard
from deidrelease.keys import SiteKey
from deidrelease.labels import LabelMap
from deidrelease_audits.patients import BothArms, PatientMaxima, patient_number
from deidrelease_audits.pii_replay.character_counts import CharacterCounts
from deidrelease_audits.pii_replay.spellings import find_edits, find_forms
from deidrelease_audits.pii_replay.tally import SAMPLE, Found, Holders, PrivateArm, ReplayTally, Sample, added_by_key
from deidrelease_audits.pii_replay.written_days import days_in, days_of
from deidrelease_audits.text.squeezing import SqueezedText, squeeze
from deidrelease_audits.values import Haystack, Value, find_values, values_of


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
        notes = list(corpora.synthetic)
        texts = [note.text for note in notes]
        days: dict[int, list[tuple[int, int, int]]] = {}
        for number, text in enumerate(texts):
            for day, start, end in days_in(text):
                days.setdefault(day, []).append((number, start, end))
        frozen = {day: tuple(places) for day, places in days.items()}
        haystack, squeezed = Haystack.of(notes), SqueezedText.of(texts)
        return cls(haystack, squeezed, frozen, corpora.label_map, corpora.key, corpora.seed)


@dataclass(frozen=True, slots=True)
class _Held:
    """A value and one patient of the shard who holds it."""

    value: Value
    squeezed: str
    patient: int
    holders: Holders


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
    patients = PatientMaxima.of((patient_number(index.key, note.patient_id), 1) for note in shard.notes)
    if index.label_map is None:
        return ReplayTally(patients=_one_arm(shard.arm, patients))
    held = list(_held(index.key, index.label_map, shard, shard.arm))
    distinct = sorted({one.value.key: one.value for one in held}.items())
    found = _found(index, [value for _, value in _own_first(held, distinct)])
    once = Counter((one.value.label, one.squeezed) for one in held)
    return ReplayTally(
        _with_holders(found, held),
        _one_arm(shard.arm, patients),
        _of_label(shard.arm, held),
        dict(Counter((one.value.label, shard.arm) for one in held)),
        CharacterCounts.of(once),
        _samples(index.key, held),
    )


def _held(key: SiteKey, label_map: LabelMap, shard: Shard, arm: PrivateArm) -> Iterable[_Held]:
    """Each value of each note once, under each of its labels."""
    label_map.require(Counter(span.label for note in shard.notes for span in note.spans))
    for note in shard.notes:
        patient = patient_number(key, note.patient_id)
        seen = set()
        for value, span in values_of(note, label_map):
            if (value.label, value.key) not in seen:
                seen.add((value.label, value.key))
                holders = Holders.one(arm, patient, (note.note_id, span.start, span.end))
                yield _Held(value, identity(value.key), patient, holders)


def _own_first(held: Iterable[_Held], distinct: list[tuple[str, Value]]) -> list[tuple[str, Value]]:
    """Where a text has two labels, the one by which it can be a patient's decides how it is searched."""
    own = {one.value.key: one.value for one in held if is_patients_own(one.value)}
    dates = {one.value.key: one.value for one in held if one.value.kind == "date"}
    return [(key, own.get(key) or dates.get(key) or value) for key, value in distinct]


def _found(index: ReplayIndex, values: list[Value]) -> dict[str, Found]:
    """Squeezed value to how it was found."""
    found: dict[str, Found] = {}

    def note(key: str, what: Found) -> None:
        found[identity(key)] = found.get(identity(key), Found()) + what

    for number in sorted(set(find_values(index.haystack, [value.key for value in values]).values.tolist())):
        key = values[number].key
        note(key, Found(exact=frozenset([key]), kinds=frozenset(["exact"])))
    own = [value for value in values if is_patients_own(value)]
    keys = [value.key for value in own]
    for spelling in (*find_forms(index.squeezed, keys, [v.kind for v in own]), *find_edits(index.squeezed, keys)):
        key = keys[spelling.value]
        note(key, Found(spellings=frozenset([key]), kinds=frozenset([spelling.kind])))
    for value in values:
        if value.kind == "date" and any(day in index.days for day in days_of(value.key)):
            note(value.key, Found(spellings=frozenset([value.key]), kinds=frozenset(["date-format"])))
    return found


def _with_holders(found: Mapping[str, Found], held: Iterable[_Held]) -> dict[str, Found]:
    holders: dict[str, dict[str, Holders]] = {}
    for one in held:
        if one.squeezed in found:
            labels = holders.setdefault(one.squeezed, {})
            labels[one.value.label] = labels.get(one.value.label, Holders()) + one.holders
    return {key: replace(found[key], holders=holders[key]) for key in sorted(found)}


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
        samples = added_by_key(samples, {label: Sample(kept)})
    return samples

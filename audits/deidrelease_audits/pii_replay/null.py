"""Which replayed values no chance explains: the null of `decisive`, how it is fitted, and where it was refuted.

Null: the synthetic text was written without this patient's value. Then each window of the text that has the value's
shape equals it with the chance that the character model of its class gives, and so the expected number of finds at
least as improbable as this one is `windows x spellings x` the sum of `2^-bits` over all values searched that have as
many bits or more.

The model is put to the test on patients that have nothing to do with one another: values that two private patients
share, and hold-out values that stand in the release. Where such a value should not have occurred, the model is refuted
for all values of the class that are no longer or no more improbable; where that happened three times, for the class.

Several finds count together: the j most improbable, of j different patients, are decisive if that many at least as
improbable have a chance below the limit by the Poisson tail. Looking at each j has a price: a factor of 10/9 for the
first and of 10 j (j - 1) for the others, whose inverses add up to 1.
What is left over then begins anew: a chance find does not become decisive in the company of a copy.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from deidrelease_audits.pii_replay.character_counts import Asked, model_of
from deidrelease_audits.pii_replay.evidence import Unique
from deidrelease_audits.pii_replay.tally import ReplayTally
from deidrelease_audits.text.squeezing import SqueezedText

LIMIT = 1e-6
"""Chance below which a find is decisive, all that was searched considered."""
TOGETHER = 1e-4
"""Finds that are likelier than this by themselves do not become decisive by being several."""
_INCOMPATIBLE = 0.05
"""Expected number of chance collisions below which one that is seen refutes the model."""
_TOO_MANY = 3
_LEAST_VALUES = 100
"""Fewer values than this fit no model of texts. Values that may be an institution's, for all that the label map says,
need as many of the hold-out: without it nothing would show that they recur."""


@dataclass(frozen=True, slots=True)
class Refuted:
    """Up to where chance was seen to do what the model forbids.

    Attributes:
        collisions: How many values refuted it.
        length: Characters of the longest.
        bits: Of the most improbable.
    """

    collisions: int = 0
    length: int = 0
    bits: float = 0.0

    def covers(self, length: int, bits: float) -> bool:
        """Whether a value of so many characters and bits is not believed."""
        return self.collisions >= _TOO_MANY or length <= self.length or bits <= self.bits


@dataclass(frozen=True, slots=True, eq=False)
class Windows:
    """In how many places of the release a value of some length could stand.

    Attributes:
        words: Places where a word begins, which is where a text may.
        of_digits: Length to windows that hold a number of so many digits.
    """

    words: int
    of_digits: Mapping[int, int]

    @classmethod
    def of(cls, text: SqueezedText, values: Iterable[str]) -> Self:
        """For all lengths that `values` have, and may have with one edit."""
        lengths = {len(value) + change for value in values if value.isdecimal() for change in (-1, 0, 1)}
        return cls(len(text.begins), {length: text.windows_of_digits(length) for length in sorted(lengths)})

    def fitting(self, squeezed: str, change: int = 0) -> int:
        """How many could hold `squeezed`, with as many characters more as `change` says."""
        return self.of_digits[len(squeezed) + change] if squeezed.isdecimal() else self.words


@dataclass(frozen=True, slots=True, eq=False)
class Tail:
    """The chances of a sample of one model's values, summed from the least on.

    Attributes:
        bits: Of the sample, ascending; (n,).
        sums: Of the chances of the value in that place and all behind it, and a zero; (n + 1,).
        each: How many train values one of the sample stands for.
    """

    bits: NDArray[np.float64]
    sums: NDArray[np.float64]
    each: float

    @classmethod
    def of(cls, bits: Sequence[float], each: float) -> Self:
        """From bits in any order."""
        ascending = np.sort(np.array(bits, np.float64))
        return cls(ascending, np.append(np.cumsum(np.exp2(-ascending[::-1]))[::-1], 0.0), each)

    def beyond(self, bits: float) -> float:
        """The summed chances of all train values of at least so many bits."""
        return self.each * float(self.sums[np.searchsorted(self.bits, bits)])


@dataclass(frozen=True, slots=True, eq=False)
class Chance:
    """The fitted null.

    Attributes:
        windows: Of the release.
        bits: Of each found value, by a model that was not fitted on its own patient's mentions of it.
        searched: Model to how many values were searched, in both arms.
        tails: Of each model.
        controls: Label to how many hold-out values were searched.
        refuted: Model to where it was refuted.
    """

    windows: "Windows"
    bits: Mapping[Asked, float]
    searched: Mapping[str, int]
    tails: Mapping[str, "Tail"]
    controls: Mapping[str, int]
    refuted: Mapping[str, Refuted] = field(default_factory=dict)

    def expected(self, unique: Unique) -> float:
        """Expected number of chance finds at least as improbable; infinite where the model is unfit or was refuted."""
        bits, model = self.bits[_asked(unique)], model_of(unique.label, unique.squeezed)
        refuted = self.refuted.get(model, Refuted()).covers(len(unique.squeezed), bits)
        return float("inf") if refuted or not self._is_fitted(unique, model) else self.by_chance(unique)

    def by_chance(self, unique: Unique) -> float:
        """Expected number of chance finds of its class at least as improbable, if the model holds."""
        bits, model = self.bits[_asked(unique)], model_of(unique.label, unique.squeezed)
        if model not in self.tails:
            return float("inf")
        # The value itself is searched whether the sample holds it or not.
        chances = 2.0**-bits + self.tails[model].beyond(bits)
        return float(opportunities(self.windows, unique, bits) * chances)

    def is_open(self, model: str) -> bool:
        """Whether anything of a class can be decisive: enough of it was seen, and it is not refuted wholly."""
        enough = model.endswith("9") or self.searched[model] >= _LEAST_VALUES
        return enough and self.refuted.get(model, Refuted()).collisions < _TOO_MANY

    def _is_fitted(self, unique: Unique, model: str) -> bool:
        # Numbers are at least as improbable as the cap of their bits says; words need a model that has seen many.
        if unique.whose == "unknown" and self.controls.get(unique.label, 0) < _LEAST_VALUES:
            return False
        return unique.squeezed.isdecimal() or self.searched[model] >= _LEAST_VALUES


def opportunities(release: Windows, unique: Unique, bits: float) -> float:
    """In how many places the value could have come about, times the spellings that would have been found there.

    One edit frees one character, of which `bits / length` are lost, at any of its places. Initials and other date
    formats leave too little to be decisive: their opportunities are infinite.
    """
    length = len(unique.squeezed)
    windows = [release.fitting(unique.squeezed, change) for change in (-1, 0, 1)]
    if unique.exact or "same" in unique.kinds:
        return windows[1]
    if "order" in unique.kinds:
        return windows[1] * length
    if "edit" in unique.kinds:
        freed: float = length * 2.0 ** (bits / length)
        return windows[1] * (freed + length - 1) + windows[0] * freed + windows[2] * (length + 1)
    return float("inf")


def fitted(text: SqueezedText, tally: ReplayTally, uniques: Sequence[Unique]) -> Chance:
    """Fits the null on both arms, and refutes it where pairs of different patients do."""
    controls = {label: count for (label, arm), count in tally.searched.items() if arm == "holdout"}
    collisions, sampled = _collisions(tally, uniques), _sampled(tally)
    bits = tally.characters.bits((*sampled, *collisions, *map(_asked, uniques)))
    windows = Windows.of(text, {squeezed for _, squeezed, _ in bits})
    searched = tally.characters.values
    chance = Chance(windows, bits, searched, _tails(tally, sampled, bits), controls)
    refuted: dict[str, Refuted] = {}
    for one in collisions:
        model, length = model_of(one[0], one[1]), len(one[1])
        if _pairs(chance, model, one[1]) * 2.0 ** -bits[one] < _INCOMPATIBLE:
            before = refuted.get(model, Refuted())
            most = max(before.length, length), max(before.bits, bits[one])
            refuted[model] = Refuted(before.collisions + 1, *most)
    return replace(chance, refuted=refuted)


def _collisions(tally: ReplayTally, uniques: Sequence[Unique]) -> list[Asked]:
    """Label, value and what to leave out, where two private patients share a value, or hold-out and text."""
    shared = {
        (label, squeezed): 0
        for label, sample in sorted(tally.samples.items())
        for squeezed, patients in sample.values.values()
        if len(patients) > 1
    }
    for one in uniques:
        if one.own and one.arm == "holdout" and (one.exact or one.kinds & {"same", "edit"}):
            shared.setdefault((one.label, one.squeezed), one.counted)
    return [(label, squeezed, counted) for (label, squeezed), counted in shared.items()]


def _sampled(tally: ReplayTally) -> list[Asked]:
    return [
        (label, squeezed, 1)
        for label, sample in sorted(tally.samples.items())
        for squeezed, _ in sample.values.values()
    ]


def _tails(tally: ReplayTally, sampled: Sequence[Asked], given: Mapping[Asked, float]) -> dict[str, Tail]:
    bits: dict[str, list[float]] = {}
    labels: dict[str, str] = {}
    for one in sampled:
        model = model_of(one[0], one[1])
        bits.setdefault(model, []).append(given[one])
        labels[model] = one[0]
    tails = {}
    for model, values in bits.items():
        train = tally.searched.get((labels[model], "train"), 0)
        both = train + tally.searched.get((labels[model], "holdout"), 0)
        each = max(1.0, tally.characters.values[model] / len(values)) * train / both
        tails[model] = Tail.of(values, each)
    return tails


def decisive(chance: Chance, uniques: Sequence[Unique], limit: float = LIMIT) -> list[Unique]:
    """Those of `uniques`, all of train, that no chance explains."""
    expected = {one: chance.expected(one) for one in uniques}
    left = sorted((one for one in uniques if expected[one] < TOGETHER), key=lambda one: (expected[one], one.squeezed))
    classes = max(1, sum(chance.is_open(model) for model in chance.tails))
    found: list[Unique] = []
    while group := _group(left, [classes * expected[one] for one in left], limit):
        found += left[:group]
        left = left[group:]
    return found


def _group(ranked: Sequence[Unique], expected: Sequence[float], limit: float) -> int:
    """The fewest of the first of `ranked` that together are beyond chance; 0 where all are not."""
    from scipy.special import gammainc

    patients: set[int] = set()
    for place, (one, mean) in enumerate(zip(ranked, expected, strict=True), 1):
        patients.add(one.patient)
        rank = len(patients)
        # P(Poisson(m) >= k) is the regularised lower incomplete gamma function of k at m.
        price = 10 / 9 if rank == 1 else 10 * rank * (rank - 1)
        if gammainc(rank, mean) * price < limit:
            return place
    return 0


def _asked(unique: Unique) -> Asked:
    return unique.label, unique.squeezed, unique.counted


def _pairs(chance: Chance, model: str, squeezed: str) -> float:
    """Pairs of values of different patients, and of hold-out values and places, among which a collision was seen."""
    count = chance.searched.get(model, 0)
    return count * count / 2 + count * chance.windows.fitting(squeezed)

"""From a tally to evidence: which found values belong to one patient alone, and which ways of finding are trusted."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

from deidrelease.labels import LabelMap
from deidrelease_audits.pii_replay.tally import Found, Holders, Mention, PrivateArm, ReplayTally

FUZZY = ("same", "order", "initials", "edit", "date-format")
FALSE_POSITIVES = 1e-3
"""Share of the hold-out's values that a fuzzy kind may find by chance, before it is switched off for a label."""


@dataclass(frozen=True, slots=True)
class Unique:
    """A found value that one private patient holds and no other of either arm.

    Attributes:
        squeezed: The value.
        label: Under which it counts: one by which it can be a patient's own, if it has any.
        whose: Value the label map says it is.
        own: Whether it is direct and not known to be a provider's or an institution's.
        arm: Of its patient.
        patient: Keyed number.
        exact: Spellings that stand in the release exactly; empty where it was found in other ways only.
        spellings: Those that stand there in other ways.
        kinds: How it was found; only trusted kinds.
        mention: In the private note.
        counted: How often it counts in the character model.
    """

    squeezed: str
    label: str
    whose: str
    own: bool
    arm: PrivateArm
    patient: int
    exact: frozenset[str]
    spellings: frozenset[str]
    kinds: frozenset[str]
    mention: Mention
    counted: int


def unique_values(tally: ReplayTally, label_map: LabelMap) -> list[Unique]:
    """The found values of single patients of both arms, by squeezed form."""
    return [
        _unique(squeezed, found, label_map)
        for squeezed, found in sorted(tally.found.items())
        if tally.owners.is_of_one(found.number)
    ]


def _unique(squeezed: str, found: Found, label_map: LabelMap) -> Unique:
    everyone = reduce(Holders.__add__, found.holders.values(), Holders())
    own = [label for label in sorted(found.holders) if is_own(label_map, label)]
    label = (own or sorted(found.holders))[0]
    arm: PrivateArm = "train" if everyone.train else "holdout"
    mention = everyone.train_mention or everyone.holdout_mention
    if mention is None:
        raise ValueError("a value without a mention")
    patient = (*everyone.train, *everyone.holdout)[0]
    counted = found.holders[label].counted
    return Unique(
        squeezed,
        label,
        label_map[label].whose,
        bool(own),
        arm,
        patient,
        found.exact,
        found.spellings,
        found.kinds,
        mention,
        counted,
    )


def is_own(label_map: LabelMap, label: str) -> bool:
    """Whether values of a label can point to a patient by themselves."""
    meaning = label_map[label]
    return meaning.identifies == "direct" and meaning.whose not in ("provider", "institution")


Way = tuple[str, str, bool]
"""Label, kind, and whether of values that chance would hardly have found."""


@dataclass(frozen=True, slots=True)
class Trust:
    """How often each fuzzy kind finds a hold-out value that is not exactly there: by chance, since nothing saw it.

    Values that are so long or rare that chance would hardly have found them are judged apart: common names that turn up
    in capitals say nothing against a rare one that does.

    Attributes:
        false: Way to how many hold-out values it found.
        searched: Label to how many hold-out values were searched.
        improbable: Found values that chance would hardly have found, of both arms.
        off: Ways that are not counted.
    """

    false: Mapping[Way, int]
    searched: Mapping[str, int]
    improbable: frozenset[Unique]
    off: frozenset[Way]

    def trusted(self, unique: Unique) -> bool:
        """Whether a value was found exactly or by a kind that is counted."""
        improbable = unique in self.improbable
        return bool(unique.exact) or any((unique.label, kind, improbable) not in self.off for kind in unique.kinds)


def trust_of(
    uniques: Sequence[Unique], tally: ReplayTally, improbable: frozenset[Unique], limit: float = FALSE_POSITIVES
) -> Trust:
    """Switches off what finds more than `limit` of the hold-out's values, judged at the lower 95% bound.

    The lower end of the interval of Clopper and Pearson 1934: one chance find among a hundred values does not show a
    rate above one in a thousand.
    """
    from deidrelease_audits.statistics import clopper_pearson

    chance = [one for one in uniques if one.arm == "holdout" and not one.exact]
    false = Counter((one.label, kind, one in improbable) for one in chance for kind in one.kinds)
    searched = {label: count for (label, arm), count in tally.searched.items() if arm == "holdout"}
    off = {way for way, count in false.items() if clopper_pearson(count, max(count, searched[way[0]])).low > limit}
    return Trust(dict(false), searched, improbable, frozenset(off))


def of_arm(uniques: Sequence[Unique], arm: PrivateArm) -> list[Unique]:
    """Those that can be a patient's own, of one arm."""
    return [one for one in uniques if one.own and one.arm == arm]

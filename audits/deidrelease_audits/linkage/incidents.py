"""Where two rare values of one private patient stand in one synthetic note."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations

from deidrelease_audits.linkage.held import OF_PROVIDER, may_link, one_value
from deidrelease_audits.linkage.tally import Holders, Holding, PrivateArm
from deidrelease_audits.values import Haystack, find_values

Place = tuple[int, int]
"""First code point in the synthetic note, and behind the last."""


Places = Mapping[str, list[Place]]
"""Of each value."""

RarePlaces = Mapping[int, Places]
"""Of each synthetic note, by its index, in order."""


@dataclass(frozen=True, slots=True)
class Found:
    """A rare value of one patient in one synthetic note.

    Attributes:
        key: The value.
        place: Where it stands.
        holding: How the patient holds it.
    """

    key: str
    place: Place
    holding: Holding


@dataclass(frozen=True, slots=True)
class Incident:
    """Two or more rare values of one private patient in one synthetic note.

    Attributes:
        note: Index of the synthetic note.
        patient: Keyed number.
        arm: Where the patient is.
        pairs: Of values that are not one value and stand apart; at least one.
    """

    note: int
    patient: int
    arm: PrivateArm
    pairs: tuple[tuple[Found, Found], ...]


def rare_places(haystack: Haystack, holders: Mapping[str, Holders], rare: int) -> RarePlaces:
    """Where rare values stand.

    Args:
        haystack: The synthetic notes.
        holders: Of each value found there; of more than `rare` holders it matters only that there are more.
        rare: The most patients, of both arms together, that may hold a rare value.
    """
    keys = [key for key, held in sorted(holders.items()) if len(held) <= rare]
    places = find_values(haystack, keys)
    seen: dict[int, dict[str, list[Place]]] = defaultdict(lambda: defaultdict(list))
    rows = zip(places.values.tolist(), places.notes.tolist(), places.starts.tolist(), places.ends.tolist(), strict=True)
    for value, note, start, end in rows:
        seen[note][keys[value]].append((start, end))
    return {note: seen[note] for note in sorted(seen)}


def incidents(seen: RarePlaces, holders: Mapping[str, Holders], own: bool = True) -> list[Incident]:
    """All incidents, by synthetic note and patient.

    Args:
        seen: Where rare values stand.
        holders: Of each of them at least.
        own: Of the patients' own values; else of those of providers and institutions.
    """
    found = []
    for note, by_key in seen.items():
        for patient, places in sorted(_by_patient(by_key, holders, own).items()):
            if pairs := tuple(_pairs(places, holders, patient)):
                found.append(Incident(note, patient, _arm(pairs), pairs))
    return found


def notes_holding(seen: RarePlaces) -> Counter[str]:
    """In how many synthetic notes each rare value stands."""
    return Counter(key for by_key in seen.values() for key in by_key)


def _arm(pairs: tuple[tuple[Found, Found], ...]) -> PrivateArm:
    # Whoever stands in both arms was seen by the generator.
    return "train" if any(found.holding.arm == "train" for pair in pairs for found in pair) else "holdout"


def _by_patient(by_key: Places, holders: Mapping[str, Holders], own: bool) -> dict[int, dict[str, list[Place]]]:
    """For each patient the places of the values in question that lie inside no longer one of the same patient."""
    patients: dict[int, dict[str, list[Place]]] = defaultdict(dict)
    for key, places in by_key.items():
        for patient, holding in holders[key].items():
            if holding.own if own else not holding.own or OF_PROVIDER in holding.group:
                patients[patient][key] = places
    return {patient: _outermost(held) for patient, held in patients.items() if len(held) > 1}


def _outermost(held: Places) -> dict[str, list[Place]]:
    outer = outermost([place for places in held.values() for place in places])
    left = {key: [place for place in places if place in outer] for key, places in held.items()}
    return {key: places for key, places in left.items() if places}


def _pairs(held: Places, holders: Mapping[str, Holders], patient: int) -> Iterator[tuple[Found, Found]]:
    for (first, places), (second, others) in combinations(sorted(held.items()), 2):
        held_as = holders[first][patient], holders[second][patient]
        linking = may_link(held_as[0].group, held_as[1].group) or not (held_as[0].own and held_as[1].own)
        apart = disjoint(places, others) if linking else None
        if apart is not None and not one_value(first, second):
            yield Found(first, apart[0], held_as[0]), Found(second, apart[1], held_as[1])


def disjoint(first: list[Place], second: list[Place]) -> tuple[Place, Place] | None:
    """The first place of each, in reading order, that share no character; None where all overlap."""
    for a in first:
        for b in second:
            if a[1] <= b[0] or b[1] <= a[0]:
                return a, b
    return None


def outermost(places: list[Place]) -> set[Place]:
    """Those of `places` that lie inside no longer one."""
    kept, reach = set(), -1
    for start, end in sorted(places, key=lambda place: (place[0], -place[1])):
        if end > reach:
            kept.add((start, end))
            reach = end
    return kept

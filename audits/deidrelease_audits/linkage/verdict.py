"""Which incidents chance explains, arm by arm."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from deidrelease_audits.linkage.held import is_beside
from deidrelease_audits.linkage.incidents import Found, Incident, RarePlaces, incidents, notes_holding
from deidrelease_audits.linkage.null import DECISIVE, Null, fit_null, refuted_by
from deidrelease_audits.linkage.tally import Holders, LinkageTally, PrivateArm


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """What was found in one arm.

    Attributes:
        patients: Of the arm.
        searched: Pairs of strong values of one patient, times synthetic notes; scaled up from the sample.
        incidents: Of its patients.
        decisive: For each incident the pairs that chance does not explain.
    """

    patients: int
    searched: float
    incidents: tuple[Incident, ...]
    decisive: tuple[tuple[tuple[Found, Found], ...], ...]

    @property
    def linked(self) -> int:
        """Patients with a pair of any rare values."""
        return len({incident.patient for incident in self.incidents})

    @property
    def strongly_linked(self) -> int:
        """Patients with a pair of strong values of which one stands apart from any provider.

        Towns and ages meet by chance in one patient of six, and patients of one clinician are linked all together by
        what stands beside the clinician: both drown the few whom a leak adds.
        """
        return len({incident.patient for incident in self.incidents if any(map(_strong, incident.pairs))})

    @property
    def notes(self) -> int:
        """Synthetic notes with an incident."""
        return len({incident.note for incident in self.incidents})

    @property
    def certain(self) -> int:
        """Incidents that chance does not explain."""
        return sum(bool(pairs) for pairs in self.decisive)


def judged(
    notes_searched: int, seen: RarePlaces, tally: LinkageTally, rare: int
) -> tuple[Mapping[PrivateArm, Judged], Null]:
    """The incidents of both arms, and the null by which they were judged.

    The hold-out refutes pairs of groups for train; what it would itself call decisive is judged without that, as
    else it could never be.

    Args:
        notes_searched: How many synthetic notes there are.
        seen: Where the rare values stand in them.
        tally: Of both arms.
        rare: The most holders of a rare value.
    """
    found = incidents(seen, tally.holders)
    train = [incident for incident in found if incident.arm == "train"]
    control = [incident for incident in found if incident.arm == "holdout"]
    sampled = max(len(tally.sample), 1)
    # Synthetic notes times patients, for each patient of the sample: what one pair of the sample stands for.
    notes = {
        "train": notes_searched * len(tally.train) / sampled,
        "holdout": notes_searched * len(tally.holdout) / sampled,
    }
    null = fit_null(tally.sample, rare, _strays(seen, tally, rare), notes["holdout"]).knowing(found)
    final = replace(null, refuted=null.refuted | refuted_by(null, control, notes["holdout"]))
    return {
        "train": _judged(train, final, notes["train"], len(tally.train), tally.holders),
        "holdout": _judged(control, null, notes["holdout"], len(tally.holdout), tally.holders),
    }, final


def _judged(found: list[Incident], null: Null, notes: float, patients: int, holders: Mapping[str, Holders]) -> Judged:
    decisive = tuple(
        tuple(pair for pair in incident.pairs if _alone(pair, holders) and null.expected(pair, notes) < DECISIVE)
        for incident in found
    )
    return Judged(patients, len(null.tail) * notes, tuple(found), decisive)


def _strong(pair: tuple[Found, Found]) -> bool:
    return all(found.holding.strong for found in pair) and not all(is_beside(found.holding.group) for found in pair)


def _alone(pair: tuple[Found, Found], holders: Mapping[str, Holders]) -> bool:
    """Whether one private patient only holds both: what two patients share together, a third may."""
    return len(holders[pair[0].key].keys() & holders[pair[1].key].keys()) == 1


def _strays(seen: RarePlaces, tally: LinkageTally, rare: int) -> list[tuple[str, str, int]]:
    """Rare values of hold-out patients alone that stand in the release, with group and number of notes."""
    rarely = {
        key: min((holding.told, holding.group) for holding in held.values())
        for key, held in sorted(tally.holders.items())
        if len(held) <= rare and all(h.strong and h.arm == "holdout" for h in held.values())
    }
    notes = notes_holding(seen)
    return [(told, group, notes[key]) for key, (told, group) in rarely.items()]

"""What a ledger holds: each private step, how it ended, and what was released of it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from deidrelease.errors import PrivacyError, Problem
from deidrelease.privacy.events import PoissonGaussian
from deidrelease.results import PrivacyUnit

FORMAT = "deidrelease.ledger/1"
Outcome = Literal["done", "killed", "failed"]
Hex = Annotated[str, Field(pattern=r"^[0-9a-f]{32,64}$")]
Name = Annotated[str, Field(min_length=1, max_length=100)]
Group = Annotated[int, Field(ge=1)]


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    at: Name


class Opened(_Entry):
    """The first line: whose ledger it is, by keyed digest, and the marks of whom it is about."""

    kind: Literal["open"]
    format: Literal["deidrelease.ledger/1"]
    corpus: Hex
    marks_sha256: Hex


class Begun(_Entry):
    """A private step may run from here on; until its end is recorded all that was planned counts."""

    kind: Literal["begin"]
    id: Hex
    run: Hex
    stage: Name
    mechanism: Name
    unit: PrivacyUnit
    group: Group
    events: list[dict[str, Any]] | None
    delta: Annotated[float, Field(gt=0, lt=1)] | None


class Resumed(_Entry):
    """A step goes on from its checkpoint; what nobody has seen of the attempt before does not count twice."""

    kind: Literal["resume"]
    id: Hex


class Ended(_Entry):
    """A step ended; from here on what ran counts, not what was planned."""

    kind: Literal["end"]
    id: Hex
    outcome: Outcome
    events: list[dict[str, Any]] | None


class Released(_Entry):
    """What a run made was put into a release."""

    kind: Literal["release"]
    release_id: Hex
    run: Hex


class Repaired(_Entry):
    """A line that was cut off was taken away."""

    kind: Literal["repair"]
    dropped_bytes: Annotated[int, Field(ge=1)]
    dropped_sha256: Hex


Entry = Opened | Begun | Resumed | Ended | Released | Repaired
_ENTRY: TypeAdapter[Entry] = TypeAdapter(Annotated[Entry, Field(discriminator="kind")])


@dataclass(frozen=True, slots=True)
class Step:
    """A private step as the ledger has it.

    Attributes:
        id: Of its own.
        at: When it began, UTC.
        run: Keyed digest of the run's folder.
        stage: Of the flow.
        mechanism: Such as `dp-sgd`.
        unit: Whose privacy its events are about.
        group: Most units that one patient is; 1 where the unit is the patient.
        events: What counts: all that was planned, until an end says what ran. None: it has no bound.
        delta: That it was planned with; None where it has no bound.
        state: `begun`, or its outcome.
        planned: All that was planned, whatever ran; None where it has no bound.
    """

    id: str
    at: str
    run: str
    stage: str
    mechanism: str
    unit: PrivacyUnit
    group: int
    events: tuple[PoissonGaussian, ...] | None
    delta: float | None
    state: Literal["begun"] | Outcome
    planned: tuple[PoissonGaussian, ...] | None = None

    @property
    def bounded(self) -> bool:
        """Whether anything limits what it told of a patient."""
        return self.events is not None


def parse_entry(value: Mapping[str, Any], where: str) -> Entry:
    """The entry that a line holds.

    Raises:
        PrivacyError: It is none that this version knows; what cannot be read cannot be added up.
    """
    try:
        return _ENTRY.validate_python(value)
    except ValidationError:
        problem = Problem(where, "holds an entry that this version does not know", "use the version that wrote it")
        raise PrivacyError("The ledger cannot be added up, so no private step is taken.", [problem]) from None


def steps_of(entries: Iterable[tuple[str, Entry]]) -> tuple[Step, ...]:
    """The private steps in the order in which they began; each entry comes with its place.

    Raises:
        PrivacyError: Entries contradict one another.
    """
    steps: dict[str, Step] = {}
    for where, entry in entries:
        if isinstance(entry, Begun):
            if entry.id in steps:
                raise _contradictory(where, "begins a step that began before")
            steps[entry.id] = _begun(entry, where)
        elif isinstance(entry, Resumed):
            step = _known(steps, entry.id, where)
            # Even one that is done: a kill can come between its end and the publishing of what it made.
            steps[entry.id] = replace(step, state="begun", events=step.planned)
        elif isinstance(entry, Ended):
            step = _known(steps, entry.id, where)
            if step.state == "done":
                raise _contradictory(where, "ends a step that is done")
            steps[entry.id] = replace(step, state=entry.outcome, events=_counted(entry, step, where))
    return tuple(steps.values())


def documents(events: Sequence[PoissonGaussian] | None) -> list[dict[str, object]] | None:
    """Events as an entry holds them."""
    return None if events is None else [event.document() for event in events]


def _begun(entry: Begun, where: str) -> Step:
    events = _events(entry.events, where)
    if (events is None) != (entry.delta is None):
        raise _contradictory(where, "has a delta without events, or events without a delta")
    if entry.unit == "patient" and entry.group != 1:
        raise _contradictory(where, "counts a patient as several")
    return Step(
        entry.id, entry.at, entry.run, entry.stage, entry.mechanism, entry.unit, entry.group, events, entry.delta,
        "begun", events,
    )  # fmt: skip


def _counted(entry: Ended, step: Step, where: str) -> tuple[PoissonGaussian, ...] | None:
    """What an ended step counts as: never less than nothing known allows."""
    if step.planned is None:
        return None
    events = _events(entry.events, where)
    return step.planned if events is None else events


def _events(found: list[dict[str, Any]] | None, where: str) -> tuple[PoissonGaussian, ...] | None:
    return None if found is None else tuple(PoissonGaussian.from_document(event, where) for event in found)


def _known(steps: Mapping[str, Step], step: str, where: str) -> Step:
    if step not in steps:
        raise _contradictory(where, "speaks of a step that never began")
    return steps[step]


def _contradictory(where: str, what: str) -> PrivacyError:
    problem = Problem(where, what, "report this: the program wrote what it should not")
    return PrivacyError("The ledger contradicts itself, so no private step is taken.", [problem])

"""The guarantee: from what ran and nothing else, and read as strictly as it is written."""

import json
from dataclasses import replace

import pytest

pytest.importorskip("dp_accounting", reason="needs deidrelease[dp]")
pytest.importorskip("opacus", reason="needs deidrelease[dp]")

from deidrelease.errors import PrivacyError
from deidrelease.privacy.accountant import epsilon_by_pld
from deidrelease.privacy.events import PoissonGaussian
from deidrelease.privacy.guarantee import (
    events_of,
    guarantee,
    guarantee_document,
    parse_guarantee,
    patient_epsilon,
    require_recomputed,
)
from deidrelease.results import DpGuarantee

EVENT = PoissonGaussian(0.05, 2.0, 40)


def stated(unit: str = "patient", most: int = 3) -> DpGuarantee:
    return guarantee([EVENT], 1e-5, unit, 200, 1.0, most, ["The hold-out."])  # type: ignore[arg-type]


def test_it_states_what_was_spent() -> None:
    made = stated()
    assert made.epsilon == epsilon_by_pld([EVENT], 1e-5)
    assert made.epsilon <= made.epsilon_rdp
    assert (made.neighbouring, made.group_factor, made.sampler) == ("add or remove one patient", None, "poisson")
    assert made.accountant.startswith("PLD, dp-accounting ")
    assert events_of(made) == (EVENT,)


def test_it_is_read_as_written() -> None:
    for made in (stated(), stated("note"), replace(stated(), clip="automatic")):
        document = json.loads(json.dumps(guarantee_document(made)))
        assert parse_guarantee(document) == made
        require_recomputed(parse_guarantee(document))


def test_half_of_the_steps_of_a_killed_training_are_added_to_the_rest() -> None:
    half = PoissonGaussian(0.05, 2.0, 20)
    assert guarantee([half, half], 1e-5, "patient", 200, 1.0, 1, []) == replace(stated(), outside=())


@pytest.mark.parametrize("events", [[], [PoissonGaussian(0.1, 1.0, 0)], [PoissonGaussian(0.1, 0.0, 5)]])
def test_nothing_to_promise(events: list[PoissonGaussian]) -> None:
    with pytest.raises(PrivacyError, match="no epsilon is stated"):
        guarantee(events, 1e-5, "patient", 200, 1.0, 1, [])


def test_notes_as_units_come_with_the_group() -> None:
    made = stated("note", 2)
    assert (made.group_factor, made.neighbouring) == (2, "add or remove one note")
    assert patient_epsilon(replace(made, group_factor=1)) == made.epsilon
    assert patient_epsilon(stated()) == made.epsilon


@pytest.mark.slow
def test_the_patient_with_the_most_notes_has_less_privacy_than_a_note() -> None:
    made = stated("note", 2)
    assert made.epsilon < patient_epsilon(made)


_LIES = {
    "epsilon of another training": {"epsilon": 0.1, "epsilon_opacus": 0.1},
    "an epsilon that no accountant gave": {"epsilon": 0.1},
    "not finite": {"epsilon": float("inf")},
    "a number as text": {"epsilon": "1.0"},
    "delta of one": {"delta": 1.0},
    "units of nobody": {"units": 0},
    "shuffled": {"sampler": "shuffle"},
    "another unit": {"unit": "note"},
    "other neighbours": {"neighbouring": "replace one patient"},
    "a group without need": {"group_factor": 2},
    "no events": {"events": []},
    "an unknown event": {"events": [{"kind": "laplace"}]},
    "unsaid": {"outside": [""]},
    "more": {"more": True},
    "another format": {"format": "deidrelease.dp-guarantee/2"},
}


@pytest.mark.parametrize("lie", _LIES)
def test_a_document_that_says_what_cannot_be(lie: str) -> None:
    document = {**guarantee_document(stated()), **_LIES[lie]}
    with pytest.raises(PrivacyError):
        require_recomputed(parse_guarantee(document))


@pytest.mark.parametrize("key", sorted(guarantee_document(stated())))
def test_no_key_may_be_missing(key: str) -> None:
    document = guarantee_document(stated())
    del document[key]
    with pytest.raises(PrivacyError, match="no guarantee"):
        parse_guarantee(document)


@pytest.mark.parametrize("change", [{"steps": 20}, {"noise_multiplier": 4.0}, {"sampling_rate": 0.01}])
def test_fewer_steps_than_ran_are_noticed(change: dict[str, object]) -> None:
    document = guarantee_document(stated())
    document["events"] = [{**EVENT.document(), **change}]
    with pytest.raises(PrivacyError, match="another epsilon"):
        require_recomputed(parse_guarantee(document))

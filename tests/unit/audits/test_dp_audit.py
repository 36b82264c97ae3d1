"""The audit of differential privacy: it tells what was promised, with all that is outside, and never more."""

import json
from collections.abc import Mapping
from dataclasses import replace
from math import inf
from pathlib import Path
from typing import Any

import pytest
from made.notes_of import corpora_of
from made.promises import OUTSIDE, guarantee_folder, promise

from deidrelease.auditing.claims import flaw
from deidrelease.auditing.plain import plain_conclusion
from deidrelease.contracts import Conclusion, Corpora
from deidrelease.engine import LocalEngine
from deidrelease.errors import PrivacyError
from deidrelease.privacy.accountant import epsilon_by_pld, epsilon_of_parts
from deidrelease.privacy.guarantee import events_of
from deidrelease.privacy.stated import PRIVACY
from deidrelease.privacy.total_document import total_document
from deidrelease.privacy.totals import Total
from deidrelease_audits.dp.audit import DifferentialPrivacy

pytestmark = pytest.mark.slow

AUDIT = DifferentialPrivacy()
DELTA = 1e-4


def corpora(records: Mapping[str, Path]) -> Corpora:
    return replace(corpora_of(["one", "two", "three"], ["private"]), records=records)


def concluded(records: Mapping[str, Path]) -> Conclusion:
    given = corpora(records)
    index = AUDIT.index(given)
    found = AUDIT.conclude(index, LocalEngine().tally(AUDIT, index, given, lambda _: None))
    assert flaw(AUDIT, plain_conclusion(found)) == ""
    return found


def ledger(folder: Path, epsilon: float, unbounded: int = 0, delta: float = DELTA) -> Path:
    bounded = 0.5 if unbounded else epsilon
    total = Total(epsilon, delta, bounded, 5, unbounded, 1, runs=(), releases=())
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "total.json").write_text(json.dumps(total_document(total)))
    return folder / "total.json"


def test_a_promise_is_told_whole(tmp_path: Path) -> None:
    stated = promise(1.5)
    found = concluded({"adapt": guarantee_folder(tmp_path / "adapt", 1.5), "ledger": ledger(tmp_path, 4.0)})
    assert (found.status, found.reason) == ("measured", "")
    assert set(found.metrics) == set(DifferentialPrivacy.metrics)
    values = {name: estimate.value for name, estimate in found.metrics.items()}
    assert values["epsilon"] == pytest.approx(stated.epsilon)
    assert (values["delta"], values["cumulative_epsilon"], values["cumulative_delta"]) == (DELTA, 4.0, DELTA)
    assert found.metrics["epsilon"].n == 1000
    told = {
        name: found.null[f"adapt_{name}"] for name in ("unit", "neighbouring", "sampler", "outside", "group_factor")
    }
    assert told == {
        "unit": "patient", "neighbouring": "add or remove one patient", "sampler": "poisson", "outside": list(OUTSIDE),
        "group_factor": "none: the unit is the patient",
    }  # fmt: skip
    assert found.breakdown == {
        "adapt: steps by what they did": {"Poisson sampling at 0.1, noise multiplier 1.5": "100"}
    }
    assert found.null["synthetic_notes"] == 3
    assert found.null["ledger"] == "5 private steps of 0 runs; 1 of them without a recorded end"


def test_both_trainings_of_a_run_add_up(tmp_path: Path) -> None:
    records = {"adapt": guarantee_folder(tmp_path / "a", 1.5), "annotator": guarantee_folder(tmp_path / "b", 2.0)}
    events = [*events_of(promise(1.5)), *events_of(promise(2.0))]
    found = concluded(records)
    assert found.metrics["epsilon"].value == pytest.approx(epsilon_by_pld(events, DELTA))
    assert found.metrics["epsilon"].value > promise(1.5).epsilon
    assert "adapt and annotator" in found.metrics["epsilon"].method


def test_where_notes_are_the_unit_the_number_is_that_of_the_patient_with_the_most(tmp_path: Path) -> None:
    found = concluded({"adapt": guarantee_folder(tmp_path / "adapt", 3.0, "note", most_notes=4)})
    stated = promise(3.0, "note", most_notes=4)
    expected = epsilon_of_parts([(event, 4) for event in events_of(stated)], DELTA)
    assert found.metrics["epsilon"].value == pytest.approx(expected)
    assert found.metrics["epsilon"].value > 2 * stated.epsilon
    assert found.null["adapt_epsilon"] == stated.epsilon
    assert found.null["adapt_group_factor"] == 4


def test_without_a_promise_of_the_language_model_there_is_none(tmp_path: Path) -> None:
    (tmp_path / "adapt").mkdir()
    for records in ({}, {"adapt": tmp_path / "adapt"}, {"annotator": guarantee_folder(tmp_path / "b", 2.0)}):
        found = concluded(records)
        assert (found.status, found.metrics) == ("inconclusive", {})
        assert "adapt.dp" in found.reason


@pytest.mark.parametrize("records", [{}, {"ledger": 1}])
def test_without_a_sum_there_is_no_cumulative_number(tmp_path: Path, records: dict[str, int]) -> None:
    told = {"ledger": ledger(tmp_path, inf, unbounded=2)} if records else {}
    found = concluded({"adapt": guarantee_folder(tmp_path / "adapt", 1.5), **told})
    assert found.status == "measured"
    assert set(found.metrics) == {"epsilon", "delta"}
    expected = "no bound in sum, as 2 of them have none" if records else "this run only"
    assert expected in str(found.null["ledger"])


def test_a_ledger_without_this_run_is_a_failure(tmp_path: Path) -> None:
    folder = guarantee_folder(tmp_path / "adapt", 1.5)
    stated = promise(1.5).epsilon
    assert concluded({"adapt": folder, "ledger": ledger(tmp_path, stated)}).status == "measured"
    found = concluded({"adapt": folder, "ledger": ledger(tmp_path, stated * 0.9)})
    assert found.status == "failed"
    assert "missing" in found.reason


def smaller(document: Any) -> None:
    for name in ("epsilon", "epsilon_rdp", "epsilon_opacus"):
        document["guarantee"][name] /= 2


def other_sampler(document: Any) -> None:
    document["guarantee"]["sampler"] = "shuffled"


def fewer_steps(document: Any) -> None:
    document["guarantee"]["events"][0]["steps"] = 10


@pytest.mark.parametrize("lie", [smaller, other_sampler, fewer_steps])
def test_a_promise_that_its_events_do_not_bear_out_is_an_error(tmp_path: Path, lie: Any) -> None:
    folder = guarantee_folder(tmp_path / "adapt", 1.5)
    document = json.loads((folder / PRIVACY).read_text())
    lie(document)
    (folder / PRIVACY).write_text(json.dumps(document))
    with pytest.raises(PrivacyError):
        concluded({"adapt": folder})


@pytest.mark.parametrize(
    "text", ["", "{}", '{"format": "deidrelease.ledger-total/1", "epsilon": NaN}', '{"epsilon": 1, "epsilon": 2}']
)
def test_a_damaged_total_is_an_error(tmp_path: Path, text: str) -> None:
    path = ledger(tmp_path, 4.0)
    path.write_text(text)
    with pytest.raises(PrivacyError):
        concluded({"adapt": guarantee_folder(tmp_path / "adapt", 1.5), "ledger": path})


def test_a_total_without_a_bound_cannot_state_one(tmp_path: Path) -> None:
    path = ledger(tmp_path, inf, unbounded=1)
    document = json.loads(path.read_text())
    path.write_text(json.dumps({**document, "epsilon": 1.0}))
    with pytest.raises(PrivacyError):
        concluded({"adapt": guarantee_folder(tmp_path / "adapt", 1.5), "ledger": path})

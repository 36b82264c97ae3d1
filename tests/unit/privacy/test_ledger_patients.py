"""For whom a step counts: the patients, by whatever ids and in whatever corpus."""

import pytest

pytest.importorskip("dp_accounting", reason="needs deidrelease[dp]")

from made.ledger_sites import DELTA, RAN, WARD, Site, alone, notes, total

from deidrelease.errors import PrivacyError
from deidrelease.notes import Note
from deidrelease.privacy.events import PoissonGaussian

pytestmark = pytest.mark.slow


def test_a_corpus_that_grew_has_spent_what_it_had(site: Site) -> None:
    site.train(site.account())
    grown = site.account([*WARD, *notes("dan")])
    assert total(grown) == alone(RAN)
    site.train(grown)
    assert total(grown) == total(site.account()) == alone(RAN, RAN)


def long_notes(*patients: str) -> list[Note]:
    return [
        Note(f"n{i}", patient, f"Seen on the ward on day {i}, in good spirits, and sent home.")
        for i, patient in enumerate(patients)
    ]


def test_patients_by_other_ids_have_spent_what_they_had(site: Site) -> None:
    """As where `corpus.patients` is set to note: the texts are the same."""
    site.train(site.account(long_notes("ann", "bob")))
    assert total(site.account(long_notes("p1", "p2"))) == alone(RAN)
    assert total(site.account(long_notes("p1"))) == alone(RAN)


def test_what_may_be_said_of_anybody_is_no_mark(site: Site) -> None:
    site.train(site.account())
    assert [note.text for note in WARD] == ["Seen."] * 4
    assert total(site.account([Note("n", "dan", "Seen.")])) == 0


def test_other_patients_have_spent_nothing(site: Site) -> None:
    site.train(site.account())
    assert total(site.account(notes("dan", "eve"))) == 0


def test_notes_as_units_count_by_patient(site: Site) -> None:
    account = site.account()
    event = PoissonGaussian(1.0, 20.0, 10)
    with account.private("adapt", [event], DELTA, "note", 2, site.checkpoint()) as step:
        step.counted([event])
    # Without sampling a group of two is half the noise.
    assert total(account) == pytest.approx(alone(PoissonGaussian(1.0, 10.0, 10)), rel=0.01)


def test_patients_that_were_changed_are_missed(site: Site) -> None:
    site.train(site.account())
    [path] = (site.folder / "ledgers").glob("*.marks")
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(PrivacyError, match="whom a ledger is about"):
        total(site.account(notes("dan")))

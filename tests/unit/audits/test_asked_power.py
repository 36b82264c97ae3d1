"""When a hold-out is too small to say anything, and what it would take."""

import pytest

from deidrelease_audits.asked_power import asked_patients, lacking_power, told_power
from deidrelease_audits.statistics import hypergeometric_p


@pytest.mark.parametrize(("train", "asked"), [(3, 3), (40, 5), (120, 6), (1000, 50)])
def test_a_share_of_the_patients_but_no_fewer_than_a_few(train: int, asked: int) -> None:
    assert asked_patients(train, 5, 0.05) == asked


@pytest.mark.parametrize(
    ("train", "holdout", "enough"),
    [
        (120, 120, True),
        (346, 97, True),
        (120, 20, False),
        (900, 100, True),
        (120, 0, False),
        (4, 4, True),
        (4, 1, False),
    ],
)
def test_enough_is_what_can_fire(train: int, holdout: int, enough: bool) -> None:
    asked = asked_patients(train, 5, 0.05)
    assert (hypergeometric_p(asked, train, 0, holdout) <= 0.05) == enough
    assert (lacking_power(train, holdout, 5, 0.05) == "") == enough


def test_the_size_it_names_is_enough() -> None:
    reason = lacking_power(120, 20, 5, 0.05)
    needed = int(reason.split()[-1])
    assert str(20) in reason
    assert lacking_power(120, needed, 5, 0.05) == ""


def test_nobody_to_look_for_is_no_pass() -> None:
    assert "no train patient" in lacking_power(0, 100, 5, 0.05)
    assert "no hold-out" in lacking_power(100, 0, 5, 0.05)


def test_what_stays_unseen_is_told() -> None:
    assert told_power(120, 120) == {"detectable_patients": 5}
    assert told_power(10, 1) == {"detectable_patients": "none"}

"""Whether a hold-out is large enough to say anything, and how large one would be.

A test that could not have fired is no evidence. What has to be detectable is a share of the train patients, but no
fewer than a few: of 120 patients six, of a thousand fifty. A hold-out of a fifth of the patients can carry that where
there are two hundred and more of them; of fewer, it takes a larger part.
"""

from math import ceil

from deidrelease_audits.statistics import minimal_detectable, needed_patients

LEVEL = 0.05
SHARE = 0.05
"""Of the train patients: what happens to fewer, and to no one of the hold-out, an audit may miss."""


def asked_patients(train: int, least: int, share: float = SHARE) -> int:
    """How many matched train patients, beside none of the hold-out, the test must be able to tell from chance."""
    return min(train, max(least, ceil(share * train)))


def lacking_power(train: int, holdout: int, least: int, share: float = SHARE) -> str:
    """Why the hold-out cannot carry the test, with the size it would take; empty where it can.

    Args:
        train: Patients of train.
        holdout: Patients of the hold-out.
        least: Matched train patients that have to be detectable, at the fewest.
        share: Of the train patients that have to be.
    """
    if train == 0:
        return "there is no train patient to look for"
    asked = asked_patients(train, least, share)
    detected = minimal_detectable(train, holdout, LEVEL) if holdout else None
    if detected is not None and detected <= asked:
        return ""
    what = f"the hold-out of {holdout} patients is too small" if holdout else "there is no hold-out"
    return (
        f"{what}: to tell {asked} matched patients of {train} from chance at level {LEVEL:.0%}, it takes about "
        f"{needed_patients(train, asked)}"
    )


def told_power(train: int, holdout: int) -> dict[str, object]:
    """What the test can tell, for a report: effects below this stay unseen."""
    detected = minimal_detectable(train, holdout, LEVEL) if train and holdout else None
    return {"detectable_patients": "none" if detected is None else detected}

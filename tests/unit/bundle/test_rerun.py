"""The audits repeated on a bundle's notes: what comes out again, and what does not."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from made.finished_runs import KEY, LABELS, clean_result, corpus, private_notes, synthetic_notes
from made.promises import promise, promising

from deidrelease.bundle.layout import RELEASE
from deidrelease.bundle.rerun import Given, _standing, rerun
from deidrelease.bundle.shards import write_shards
from deidrelease.engine import LocalEngine
from deidrelease.errors import BundleError
from deidrelease.keys import SiteKey
from deidrelease.privacy.guarantee import guarantee_document
from deidrelease.results import Estimate

pytestmark = pytest.mark.slow


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    write_shards(synthetic_notes(), tmp_path)
    (tmp_path / "audit").mkdir()
    (tmp_path / "audit" / "result.json").write_text(json.dumps(clean_result().document()))
    promising(tmp_path, None)
    return tmp_path


def given(**other: object) -> Given:
    private = private_notes()
    arms = corpus("train", private["train"]), corpus("holdout", private["holdout"])
    return replace(Given(*arms, LABELS, KEY, None), **other)  # type: ignore[arg-type]


def test_the_same_corpora_give_the_same_numbers(bundle: Path) -> None:
    again = rerun(bundle, given(), LocalEngine())
    assert again.ok
    assert {number.standing for number in again.numbers} == {"equal"}
    assert again.corpora == {"synthetic": True, "train": True, "holdout": True}
    assert {number.audit for number in again.numbers} == {"verbatim", "pii_replay"}


def test_without_the_key_the_numbers_come_out_and_the_corpora_are_not_known(bundle: Path) -> None:
    again = rerun(bundle, given(key=None), LocalEngine())
    assert again.corpora == {"synthetic": True, "train": None, "holdout": None}
    assert again.ok, [number for number in again.numbers if not number.good]


def test_other_private_notes_are_told(bundle: Path) -> None:
    fewer = corpus("train", private_notes()["train"][:-3])
    for key in (KEY, None):
        again = rerun(bundle, given(train=fewer, key=key), LocalEngine())
        assert again.corpora["train"] is False
        assert not again.ok
    assert rerun(bundle, given(key=SiteKey(bytes(32))), LocalEngine()).corpora["train"] is False


def test_a_result_that_was_written_by_hand_does_not_come_out(bundle: Path) -> None:
    document = json.loads((bundle / "audit" / "result.json").read_text())
    report = next(report for report in document["audits"] if report["audit"] == "verbatim")
    told = report["metrics"]["longest_span_tokens"]
    told |= {"value": told["value"] - 9, "low": told["low"] - 9, "high": told["high"] - 9}
    report["metrics"].pop("decisive")
    (bundle / "audit" / "result.json").write_text(json.dumps(document))
    again = rerun(bundle, given(), LocalEngine())
    bad = {number.metric: number.standing for number in again.numbers if not number.good}
    assert bad == {"longest_span_tokens": "differs", "decisive": "missing"}
    assert not again.ok


@pytest.mark.parametrize(("share", "standing"), [(1.0, "equal"), (0.995, "differs"), (1.02, "differs")])
def test_what_is_promised_is_computed_again_from_its_steps(bundle: Path, share: float, standing: str) -> None:
    # So small a lie is below what `verify` alone is sure of; the accountant is.
    told = guarantee_document(promise(0.6))
    promising(bundle, {"adapt": {**told, "epsilon": told["epsilon"] * share}, "annotator": None})
    again = rerun(bundle, given(), LocalEngine())
    [number] = [number for number in again.numbers if number.audit == "release"]
    assert (number.metric, number.standing, again.ok) == ("adapt epsilon", standing, share == 1)
    assert number.now is not None and number.now.value == pytest.approx(told["epsilon"])


def test_without_a_release_document_nothing_is_repeated(bundle: Path) -> None:
    (bundle / RELEASE).unlink()
    with pytest.raises(BundleError, match="cannot be repeated"):
        rerun(bundle, given(), LocalEngine())


def test_what_the_audit_had_is_asked_for(bundle: Path, tmp_path: Path) -> None:
    for other, option in (
        ({"holdout": None}, "--holdout"),
        ({"label_map": None}, "--labels"),
        ({"tagger": tmp_path}, "--tagger"),
    ):
        with pytest.raises(BundleError, match=option):
            rerun(bundle, given(**other), LocalEngine())
    with pytest.raises(BundleError, match="is no folder"):
        rerun(bundle / "none", given(), LocalEngine())


def estimate(low: float, value: float, high: float) -> Estimate:
    return Estimate(value, low, high, 0.95, 10, "by hand")


@pytest.mark.parametrize(
    ("then", "now", "same", "apart", "standing"),
    [
        (estimate(3, 3, 3), estimate(3, 3, 3), True, 1e-9, "equal"),
        (estimate(3, 3, 3), estimate(4, 4, 4), True, 0.02, "differs"),  # a count
        (estimate(0.5, 0.5, 0.5), estimate(0.51, 0.51, 0.51), True, 1e-9, "differs"),
        (estimate(0.5, 0.5, 0.5), estimate(0.51, 0.51, 0.51), True, 0.02, "within"),  # drawn by another key
        (estimate(0.1, 0.2, 0.3), estimate(0.2, 0.25, 0.4), True, 1e-9, "within"),
        (estimate(0.1, 0.2, 0.3), estimate(0.31, 0.35, 0.4), True, 1e-9, "differs"),
        (estimate(3, 3, 3), estimate(4, 4, 4), False, 1e-9, "differs"),
        (None, estimate(4, 4, 4), True, 1e-9, "missing"),
        (estimate(4, 4, 4), None, True, 1e-9, "missing"),
    ],
)
def test_how_two_numbers_stand(
    then: Estimate | None, now: Estimate | None, same: bool, apart: float, standing: str
) -> None:
    assert _standing(then, now, same, apart) == standing

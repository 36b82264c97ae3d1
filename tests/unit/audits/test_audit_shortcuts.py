"""Faster ways to the same numbers: each against the plain way that it stands for."""

import sys
from subprocess import run

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deidrelease_audits.diversity.label_divergence import floor, jensen_shannon, label_divergence
from deidrelease_audits.membership.blind_classifier import FOLDS, PENALTY, _smoother
from deidrelease_audits.ordered import distinct_counted, distinct_placed, distinct_sorted
from deidrelease_audits.statistics import auc, auc_estimate, clopper_pearson, clopper_pearson_highs, patient_bootstrap
from deidrelease_audits.text.borders import is_border, kind_of, kinds_of
from deidrelease_audits.text.tokens import picked, tokenise_all


@given(st.lists(st.integers(0, 9)))
def test_distinct_values_are_those_of_numpy(values: list[int]) -> None:
    numbers = np.array(values, np.uint64)
    keys, places, counts = np.unique(numbers, return_inverse=True, return_counts=True)
    assert distinct_sorted(numbers).tolist() == keys.tolist()
    assert [part.tolist() for part in distinct_counted(numbers)] == [keys.tolist(), counts.tolist()]
    assert [part.tolist() for part in distinct_placed(numbers)] == [keys.tolist(), places.tolist()]


def test_upper_bounds_of_many_shares_are_those_of_each() -> None:
    shares = [(hits, n) for n in (1, 7, 400) for hits in range(n + 1)]
    highs = clopper_pearson_highs(*np.array(shares).T)
    assert highs.tolist() == [clopper_pearson(hits, n).high for hits, n in shares]


@given(st.text(alphabet="a1 \n.é\u0301٣ß😀\u2003\x1f"))
def test_kinds_and_borders_are_those_of_each_character(text: str) -> None:
    codes = np.array([ord(character) for character in text], np.uint32)
    kinds = kinds_of(codes)
    assert kinds.tolist() == [kind_of(character) for character in text]
    pairs = zip([0, *kinds.tolist()], kinds.tolist(), strict=False)
    assert is_border(kinds).tolist() == [a != b and bool({a, b} & {1, 2}) for a, b in pairs]


@given(st.lists(st.text(alphabet="ab ", max_size=9), max_size=5), st.data())
def test_picked_tokens_are_those_of_the_picked_texts(texts: list[str], data: st.DataObject) -> None:
    chosen = data.draw(st.permutations(range(len(texts))))[: data.draw(st.integers(0, len(texts)))]
    tokens, firsts = tokenise_all(texts, "words")
    codes, bounds = picked(tokens.codes, firsts, np.array(chosen, np.int64))
    alone, starts = tokenise_all([texts[number] for number in chosen], "words")
    assert codes.tolist() == alone.codes.tolist()
    assert bounds.tolist() == starts.tolist()


@pytest.mark.parametrize("grain", [1, 3, 50])
def test_the_auc_by_ranks_is_the_auc_to_the_last_bit(grain: int) -> None:
    rng = np.random.default_rng(grain)
    train, holdout = np.round(rng.normal(0.3, 1, 70) * grain), np.round(rng.normal(0, 1, 40) * grain)
    plain = patient_bootstrap(auc, (train, holdout), 5, 300)
    told = auc_estimate(train, holdout, 5, 300)
    assert (told.value, told.low, told.high) == (plain.value, plain.low, plain.high)
    with pytest.raises(ValueError, match="both arms"):
        auc_estimate(train, holdout[:0], 5, 300)


def test_the_divergence_by_group_totals_is_that_of_drawn_rows() -> None:
    rng = np.random.default_rng(0)
    ours, theirs = rng.multinomial(4, [0.5, 0.3, 0.2], 50).astype(float), rng.poisson(2, (60, 3)).astype(float)
    plain = patient_bootstrap(jensen_shannon, (ours, theirs), 3, 200)
    told = label_divergence(ours, theirs, 3, 200)
    assert (told.value, told.low, told.high) == (plain.value, plain.low, plain.high)
    pooled, rng = np.concatenate([ours, theirs]), np.random.default_rng(3)
    dealt = [rng.permutation(len(pooled)) for _ in range(200)]
    values = [jensen_shannon(pooled[order[:50]], pooled[order[50:]]) for order in dealt]
    assert floor(ours, theirs, 3, 200) == (float(np.mean(values)), float(np.quantile(values, 0.95)))


def test_one_inverse_serves_all_folds() -> None:
    rows = np.random.default_rng(2).normal(size=(43, 60))
    smoother = _smoother(rows, np.random.default_rng(7))
    folds = np.random.default_rng(7).permutation(43) % FOLDS
    kernel, plain = rows @ rows.T, np.zeros((43, 43))
    for fold in range(FOLDS):
        test, rest = np.flatnonzero(folds == fold), np.flatnonzero(folds != fold)
        fitted = kernel[np.ix_(rest, rest)] + PENALTY * np.eye(len(rest))
        weights = np.linalg.solve(fitted, kernel[np.ix_(rest, test)]).T
        plain[np.ix_(test, rest)] = weights - weights.mean(axis=1, keepdims=True)
    assert np.abs(smoother - plain).max() < 1e-12


def test_an_audit_that_is_not_wanted_is_not_loaded() -> None:
    script = "import sys\nfrom deidrelease.auditing.choosing import chosen_audits\n"
    script += "assert list(chosen_audits(['diversity'])) == ['diversity']\n"
    script += "names = ('canary', 'linkage', 'pii_replay')\n"
    script += "assert not [name for name in names if f'deidrelease_audits.{name}' in sys.modules]\n"
    script += "assert 'deidrelease.settings' not in sys.modules and 'ssl' not in sys.modules"
    done = run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr

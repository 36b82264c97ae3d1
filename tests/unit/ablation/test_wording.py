"""Sentences, numbers and levels: no sentence says more than the interval and the test allow."""

from dataclasses import replace

import numpy as np
import pytest

from deidrelease.ablation.comparing import Comparison, Question, Side
from deidrelease.ablation.markdown import table
from deidrelease.ablation.pictures.style import apart
from deidrelease.ablation.wording import comparison_text, level_text, levels_text, p_text, plain, signed
from deidrelease.results import Estimate

MINUS = "\N{MINUS SIGN}"
AFTER = (
    "A and B cannot be told apart after the correction for all comparisons (difference +.010 [+.002, +.018], "
    "Holm p = .300, the same sign in 3 of 3 folds)."
)
APART = (
    "A and B cannot be told apart: the interval and the test do not agree (difference +.010 [~.002, +.022], "
    "Holm p = .020, the same sign in 3 of 3 folds)."
)
FOLDS = (
    "A and B cannot be told apart: the folds do not agree (difference +.010 [+.002, +.018], Holm p = .020, the same "
    "sign in 2 of 3 folds)."
)


def comparison(value: float, low: float, high: float, p: float, holm: float, told_apart: bool) -> Comparison:
    question = Question("x", Side(("a",), "synthetic"), Side(("b",), "synthetic"))
    return Comparison(question, Estimate(value, low, high, 0.95, 40, "made"), p, holm, 30, 3, 3, told_apart)


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (comparison(0.031, 0.02, 0.042, 1e-6, 1e-5, True),
         "A scores higher than B (difference +.031 [+.020, +.042], Holm p < .001, the same sign in 3 of 3 folds)."),
        (comparison(-0.031, -0.042, -0.02, 0.001, 0.04, True),
         "A scores lower than B (difference ~.031 [~.042, ~.020], Holm p = .040, the same sign in 3 of 3 folds)."),
        (comparison(0.003, -0.01, 0.016, 0.6, 1.0, False),
         "A and B cannot be told apart (difference +.003 [~.010, +.016], Holm p = 1, the same sign in 3 of 3 folds)."),
        (comparison(0.01, 0.002, 0.018, 0.02, 0.3, False), AFTER),
        (comparison(0.01, -0.002, 0.022, 0.001, 0.02, False), APART),
        (replace(comparison(0.01, 0.002, 0.018, 0.001, 0.02, False), folds=2), FOLDS),
    ],
)  # fmt: skip
def test_a_sentence_says_no_more_than_was_found(found: Comparison, told: str) -> None:
    assert comparison_text(found, "A", "B") == told.replace("~", MINUS)


def test_numbers_and_levels_in_words() -> None:
    assert [plain(x) for x in (0.8934, 1.0, 0.0, -0.25, 0.0003)] == [".893", "1.000", ".000", f"{MINUS}.250", ".0003"]
    assert [signed(x) for x in (0.5, -0.5, 0.0)] == ["+.500", f"{MINUS}.500", ".000"]
    assert [p_text(p) for p in (0.0001, 0.0432, 1.0, 0.9999)] == ["p < .001", "p = .043", "p = 1", "p = 1"]
    assert level_text("share.adapt", 0.05) == "5%"
    assert level_text("synthetic.share", 4) == "400%"
    assert level_text("adapt.dp.epsilon", None) == "without"
    assert levels_text({"share.both": 0.05, "adapt.dp.epsilon": None}) == "gold 5%, without epsilon"
    assert level_text("adapt.epochs", 2.0) == "2"
    assert level_text("adapt.pseudonymise", True) == "true"


def test_a_level_cannot_break_the_table() -> None:
    assert table(["a"], [["x | y\n| z"]])[2] == "| x \\| y \\| z |"


def test_names_at_the_ends_of_lines_are_kept_apart() -> None:
    assert apart([0.5, 0.9], 0.1) == pytest.approx([0.5, 0.9])
    assert apart([0.51, 0.5], 0.1) == pytest.approx([0.555, 0.455])
    assert np.diff(sorted(apart([0.5, 0.5, 0.5], 0.1))) == pytest.approx([0.1, 0.1])

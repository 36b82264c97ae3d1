"""Where listed values stand: the longest first, each place once, nothing marked by a guess."""

import pytest

from deidrelease.formats.locating import Listed, locate


def found(text: str, listed: str, mend: bool = False) -> tuple[list[str], list[str], list[str]]:
    """Places as start-end/label, problems and fixes as where/kind; `listed` is LABEL=VALUE, several split by |."""
    pairs = [one.split("=") for one in listed.split("|")]
    located = locate(text, [Listed(f"f:{n}", label, value) for n, (label, value) in enumerate(pairs, 1)], mend)
    assert all(text[span.start : span.end] == span.covered for span in located.spans)
    return (
        [f"{span.start}-{span.end}/{span.label}" for span in located.spans],
        [f"{problem.where}/{problem.kind}" for problem in located.problems],
        [f"{fix.where}/{fix.kind}" for fix in located.fixes],
    )


@pytest.mark.parametrize(
    ("text", "listed", "spans"),
    [
        ("Ana saw Ana", "A=Ana|B=Ana", ["0-3/A", "8-11/B"]),
        ("Ana, Anabel", "A=Ana", ["0-3/A"]),  # as a word of its own it stands once
        ("UCSF (UCSF-12)", "LOC=UCSF|ID=UCSF-12", ["0-4/LOC", "6-13/ID"]),  # the longer one takes its place first
        ("x12x", "ID=12", ["1-3/ID"]),  # inside a word, but it is the only place
        ("aaa", "A=aa", ["0-2/A"]),
        ("May 5, 2020", "D=May 5|Y=2020", ["0-5/D", "7-11/Y"]),
    ],
)
def test_values_are_marked_where_they_stand(text: str, listed: str, spans: list[str]) -> None:
    assert found(text, listed) == (spans, [], [])


def test_a_value_that_occurs_more_often_than_listed_is_ambiguous() -> None:
    assert found("Ana saw Ana, Anabel", "A=Ana") == ([], ["f:1/ambiguous-value"], [])
    assert found("Ana saw Ana, Anabel", "A=Ana", mend=True) == (["0-3/A", "8-11/A"], [], ["f:1/ambiguous-value"])
    # Inside words only: then every place is marked, because it cannot be told which one is meant.
    assert found("x12x y12y", "A=12", mend=True) == (["1-3/A", "6-8/A"], [], ["f:1/ambiguous-value"])


def test_a_value_that_does_not_occur_often_enough_is_a_problem() -> None:
    assert found("Ana", "A=Eva") == ([], ["f:1/unlocated-value"], [])
    assert found("Ana", "A=Ana|B=Ana") == ([], ["f:2/unlocated-value"], [])
    assert found("Ana Lee", "A=Ana Lee|B=Lee", mend=True) == (["0-7/A"], ["f:2/unlocated-value"], [])


def test_mending_takes_one_form_of_an_apostrophe_for_the_other() -> None:
    assert found("St. Ann\u2019s", "L=Ann's") == ([], ["f:1/unlocated-value"], [])
    assert found("St. Ann\u2019s", "L=Ann's", mend=True) == (["4-9/L"], [], ["f:1/unlocated-value"])


def test_a_hopeless_amount_of_values_is_refused_rather_than_looked_for() -> None:
    located = locate("x" * 10**6, [Listed("f:1", "A", "y")] * 1001, mend=False)
    assert [problem.kind for problem in located.problems] == ["too-large"]

"""Which synthetic notes the second tagger learns from, and which it stops early on."""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deidrelease.notes import Corpus, Held, Note, Span
from deidrelease.stages.train import sides


def note(number: int, tagged: bool) -> Note:
    return Note(f"synthetic-{number:07d}", f"p{number}", "Eva called.", (Span(0, 3, "NAME"),) if tagged else ())


def held(notes: Iterable[Note]) -> Corpus:
    return Corpus("synthetic", (Held(tuple(notes)),))


@given(st.lists(st.booleans(), min_size=2, max_size=40), st.integers(0, 2**32), st.sampled_from([0.0, 0.1, 0.5]))
def test_every_note_is_on_one_side_and_one_with_pii_is_to_stop_early_on(
    tagged: list[bool], seed: int, share: float
) -> None:
    corpus = held(note(number, each) for number, each in enumerate(tagged))
    train, dev = (list(side) for side in sides(corpus, share, seed))
    assert sorted(each.note_id for each in (*train, *dev)) == [each.note_id for each in corpus]
    assert any(each.spans for each in dev) == any(tagged)
    if share == 0.0 and any(tagged):
        assert len(dev) == 1


@pytest.mark.parametrize("more", [1, 30])
def test_more_notes_move_none_that_a_share_has_drawn(more: int) -> None:
    few, many = (held(note(number, True) for number in range(count)) for count in (40, 40 + more))
    _, dev = sides(few, 0.5, 3)
    _, later = sides(many, 0.5, 3)
    known = {each.note_id for each in few}
    assert [each.note_id for each in dev] == [each.note_id for each in later if each.note_id in known]

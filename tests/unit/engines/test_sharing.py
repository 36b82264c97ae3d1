"""What audits compute of the same notes is computed once, lives as long as the notes, and changes no result."""

import json
import pickle
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pytest
from made.linked import MEANINGS
from made.near_copies import invented_notes
from made.notes_of import KEY, corpus_of

from deidrelease.auditing.running import audit
from deidrelease.contracts import Audit, Corpora, Shard
from deidrelease.derived import Derived
from deidrelease.engine import LocalEngine, shards_of
from deidrelease.notes import Corpus, Held, Note, Span
from deidrelease_audits.diversity import Diversity
from deidrelease_audits.linkage import Linkage
from deidrelease_audits.membership import Membership
from deidrelease_audits.near_duplicate import NearDuplicate
from deidrelease_audits.pii_replay import PiiReplay
from deidrelease_audits.text.tokens import words_of
from deidrelease_audits.verbatim import Verbatim

AUDITS: dict[str, Audit] = {
    made.name: made
    for made in (Diversity(), Linkage(), Membership(permutations=20), NearDuplicate(), PiiReplay(), Verbatim())
}


def held(name: str, notes: list[Note]) -> Corpus:
    return Corpus(name, (Held(tuple(notes)),))


def with_values(notes: list[Note]) -> list[Note]:
    """Each note with two of its last words as a name and the one before as a town."""
    marked = []
    for note in notes:
        *before, town, first, last = note.text.removesuffix(".").split(" ")
        start = len(" ".join(before)) + 1
        name = start + len(town) + 1
        spans = Span(start, name - 1, "TOWN"), Span(name, name + len(first) + 1 + len(last), "NAME")
        marked.append(replace(note, spans=spans))
    return marked


def corpora() -> Corpora:
    train, holdout = with_values(invented_notes("t", 40, 1)), with_values(invented_notes("h", 40, 2))
    synthetic = [replace(note, note_id=f"s-{note.note_id}") for note in (*train[:5], *invented_notes("s", 25, 3))]
    sides = held("synthetic", synthetic), held("train", train), held("holdout", holdout)
    return Corpora(*sides, MEANINGS, "es", None, KEY)


def test_a_function_is_called_once_for_the_same_notes_and_settings() -> None:
    calls: list[int] = []

    def counted(notes: tuple[Note, ...], more: int) -> list[int]:
        calls.append(more)
        return [len(notes) + more]

    shard = Shard("train", (Note("a", "p", "text"),))
    assert shard.once(counted, 1) is shard.once(counted, 1)
    assert shard.once(counted, 2) == [3]
    assert calls == [1, 2]


def test_equal_objects_are_two_unless_they_are_texts_or_numbers() -> None:
    store, first, second = Derived(), [1], [1]
    assert store.once(sorted, first) is store.once(sorted, first)
    assert store.once(sorted, first) is not store.once(sorted, second)
    assert store.once(list, "".join(["a", "b"])) is store.once(list, "ab")


def test_what_fails_is_not_remembered() -> None:
    store = Derived()
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            store.once(divmod, 1, 0)


def test_a_store_travels_empty() -> None:
    shard = Shard("train", (Note("a", "p", "one two"),))
    before = len(pickle.dumps(shard))
    shard.once(words_of)
    assert len(pickle.dumps(shard)) == before
    assert pickle.loads(pickle.dumps(shard)) == shard


def test_shards_of_notes_at_hand_are_the_same_objects_for_every_audit() -> None:
    given = corpora()
    first, second = (list(shards_of(Verbatim(), given, 2000)) for _ in range(2))
    assert len(first) > 2
    assert all(one is other for one, other in zip(first, second, strict=True))
    assert given.release is given.release
    assert replace(given, train=given.synthetic).release is not given.release


@dataclass(frozen=True, slots=True)
class Streamed:
    """Notes that are made anew at each reading, as those of a file are."""

    notes: tuple[Note, ...]

    def read(self) -> Iterator[object]:
        return Held(self.notes).read()


def test_nothing_is_kept_of_notes_that_are_streamed() -> None:
    given = corpora()
    streams = [Corpus(part.name, (Streamed(tuple(part)),)) for part in (given.synthetic, given.train)]
    given = replace(given, synthetic=streams[0], train=streams[1], holdout=None)
    first, second = (list(shards_of(Verbatim(), given)) for _ in range(2))
    assert not any(one is other for one, other in zip(first, second, strict=True))
    assert given.release is not given.release


def test_nobody_can_write_into_what_is_shared() -> None:
    tokens, firsts = Shard("train", (Note("a", "p", "one two"),)).once(words_of)
    for array in (tokens.codes, tokens.starts, tokens.ends, firsts):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


def test_together_in_any_order_and_alone_audits_say_the_same() -> None:
    def told(audits: dict[str, Audit], given: Corpora) -> dict[str, str]:
        reports = audit(given, audits, LocalEngine(shard_characters=4000)).document()["audits"]
        return {report["audit"]: json.dumps(report) for report in reports}  # type: ignore[attr-defined]

    given = corpora()
    together = told(AUDITS, given)
    assert not any('"failed"' in report for report in together.values())
    assert told(dict(reversed(AUDITS.items())), given) == together
    streamed = replace(given, train=corpus_of(*given.train), synthetic=corpus_of(*given.synthetic))
    for name in ("linkage", "near_duplicate", "pii_replay"):
        assert told({name: AUDITS[name]}, streamed) == {name: together[name]}


def test_shared_values_are_found_as_by_themselves() -> None:
    given = corpora()
    shard = next(shards_of(PiiReplay(), given))
    fresh = Shard(shard.arm, shard.notes)
    linkage, replay = Linkage(), PiiReplay()
    linkage.scan(linkage.index(given), shard)
    index = replay.index(given)
    after, alone = replay.scan(index, shard), replay.scan(index, fresh)
    assert after.found == alone.found
    assert alone.found
    assert np.array_equal(after.patients.train.patients, alone.patients.train.patients)

from hypothesis import given, settings
from hypothesis import strategies as st
from made.linked import corpora, marked, plain, slowly_linked

from deidrelease.contracts import Shard
from deidrelease_audits.linkage.audit import Linkage

values = st.lists(st.sampled_from("abcdefgh"), max_size=4)
private = st.lists(st.tuples(st.sampled_from("pqrst"), values), max_size=12)
release = st.lists(st.lists(st.sampled_from("abcdefgh"), max_size=5), min_size=1, max_size=5)


def notes_from(rows):
    return [
        marked(f"t{at}", *[part for value in held for part in (("NAME", value), ",")], "end", patient=patient)
        for at, (patient, held) in enumerate(rows)
    ]


@settings(max_examples=60, deadline=None)
@given(private, release, st.integers(1, 3))
def test_all_incidents_and_no_others(rows, words, rare):
    train, synthetic = notes_from(rows), [plain(f"s{at}", " ; ".join(row)) for at, row in enumerate(words)]
    audit = Linkage(rare=rare)
    index = audit.index(corpora(synthetic, train))
    conclusion = audit.conclude(index, audit.scan(index, Shard("train", tuple(train))))
    expected = slowly_linked([plain(n.note_id, n.text.replace(";", " ")) for n in synthetic], train, rare)
    if conclusion.metrics:
        assert conclusion.metrics["same_patient_pairs"].value == len(expected)
        assert {f.synthetic_note for f in conclusion.findings if f.kind == "pair"} == {note for note, _ in expected}
    else:
        assert not expected


@settings(max_examples=60, deadline=None)
@given(private, release, st.integers(0, 12), st.randoms(use_true_random=False))
def test_sums_do_not_depend_on_order_or_grouping(rows, words, cut, random):
    notes = notes_from(rows)
    audit = Linkage(rare=1, sampled=2)
    index = audit.index(corpora([plain(f"s{at}", " ; ".join(row)) for at, row in enumerate(words)], notes))
    whole = audit.scan(index, Shard("train", tuple(notes)))
    shuffled = random.sample(notes, len(notes))
    parts = (
        audit.scan(index, Shard("train", tuple(shuffled[:cut]))),
        audit.scan(index, Shard("train", tuple(shuffled[cut:]))),
    )
    assert parts[0] + parts[1] == whole == parts[1] + parts[0]
    held = audit.scan(index, Shard("holdout", tuple(notes[:3])))
    assert (parts[0] + parts[1]) + held == parts[0] + (held + parts[1])
    assert audit.conclude(index, parts[0] + parts[1]) == audit.conclude(index, whole)

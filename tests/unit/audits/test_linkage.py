import os
import pickle
from dataclasses import replace
from math import inf
from pathlib import Path

import numpy as np
import pytest
from made.linked import MEANINGS, corpora, linked, marked, people, plain, renamed, tally_of

from deidrelease.contracts import Audit, Shard
from deidrelease.errors import CorpusError
from deidrelease.formats import PatientSource, ReadOptions, open_corpus
from deidrelease.labels import find_label_map, load_label_map
from deidrelease.notes import Note
from deidrelease_audits.linkage.audit import Linkage
from deidrelease_audits.linkage.bits import CharacterModel
from deidrelease_audits.linkage.groups import GroupNull
from deidrelease_audits.statistics import clopper_pearson

FOUR = [
    marked("t1", ("NAME", "Ana Ruiz"), "number", ("NUMBER", "4711999"), "born", ("DATE", "03/03/1946")),
    marked("t2", ("NAME", "Ola Berg"), "number", ("NUMBER", "8250111"), "born", ("DATE", "12/12/1950")),
    marked("t3", ("NAME", "Eva Lind"), "number", ("NUMBER", "9031222"), "born", ("DATE", "01/07/1961")),
    marked("t4", ("NAME", "Per Holm"), "number", ("NUMBER", "1178333"), "born", ("DATE", "09/10/1972")),
]


def count(conclusion, name="same_patient_pairs"):
    return conclusion.metrics[name].value


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ("Ana Ruiz came with number 4711999 .", 1),  # two values of one patient
        ("Ana Ruiz came with number 8250111 .", 0),  # of two patients
        ("Ana Ruiz came , and Ana Ruiz left .", 0),  # one value twice
        ("Ana Ruiz 4711999 03/03/1946 ; Ola Berg 12/12/1950", 2),  # two patients, three values count once
    ],
)
def test_by_hand(text, pairs):
    conclusion = linked([plain("s1", text), plain("s2", "nothing here")], FOUR, people("h", 10, 1))
    assert count(conclusion) == pairs
    assert count(conclusion, "notes_linking") == (0.5 if pairs else 0)


@pytest.mark.parametrize(
    ("first", "second", "text", "pairs"),
    [
        (("NAME", "Ruiz"), ("NAME", "Ana Ruiz"), "Ana Ruiz and Ruiz", 0),  # a surname in a full name
        (("STREET", "Elm Road 5"), ("TOWN", "Elm"), "at Elm Road 5 in Elm", 0),
        (("DATE", "03/04/1946"), ("DATE", "3 April 1946"), "03/04/1946 is 3 April 1946", 0),  # one day
        (("NAME", "Ana-Ruiz"), ("NAME", "ANA RUIZ"), "Ana-Ruiz is ANA RUIZ", 0),  # two spellings
        (("NAME", "Kim Elm"), ("TOWN", "Elm Park"), "Kim Elm Park", 0),  # they overlap
        (("NAME", "Kim Elm"), ("TOWN", "Elm Park"), "Kim Elm of Elm Park", 1),
        (("NAME", "Ruiz"), ("DOCTOR", "Bo Ek"), "Ruiz saw Bo Ek", 0),  # a provider's is apart
        (("LICENCE", "551177"), ("DOCTOR", "Bo Ek"), "551177 is Bo Ek", 0),
        (("NAME", "Ruiz"), ("SEX", "male"), "Ruiz is male", 0),
        (("NAME", "Ruiz"), ("AGE", "77 years"), "Ruiz is 77 years", 1),
    ],
)
def test_what_is_one_value_and_whose(first, second, text, pairs):
    conclusion = linked([plain("s1", text)], [*FOUR, marked("t9", first, "and", second)], people("h", 10, 1))
    assert count(conclusion) == pairs


def test_address_that_spells_the_doctor_is_the_doctors():
    train = [
        marked("t1", ("NAME", "Ruiz"), "by", ("DOCTOR", "Bo Ekman"), ("STREET", "Elm Road 5"), ("EMAIL", "ekman@x.org"))
    ]
    both = linked([plain("s1", "Elm Road 5 , ekman@x.org , Bo Ekman")], train, people("h", 10, 1))
    assert count(both) == 0
    assert both.breakdown["provider pairs"]["train"] == "1-9"
    assert count(linked([plain("s1", "Ruiz , ekman@x.org")], train, people("h", 10, 1))) == 1


def test_only_rare_values_link():
    crowd = [marked(f"t{i}", ("NAME", "Ruiz"), "of", ("TOWN", "Elm")) for i in range(4)]
    found = [plain("s1", "Ruiz of Elm")]
    assert count(linked(found, crowd[:3])) == 3
    assert count(linked(found, crowd)) == 0
    assert count(linked(found, crowd[:3], [renamed(crowd[3], "somebody")])) == 0  # rarity is over both arms
    assert count(linked(found, crowd, audit=Linkage(rare=4))) == 4


def test_holders_in_other_shards_are_counted():
    audit, crowd = Linkage(), [marked(f"t{i}", ("NAME", "Ruiz"), ("TOWN", "Elm")) for i in range(4)]
    index = audit.index(corpora([plain("s1", "Ruiz of Elm")], crowd))
    parts = [audit.scan(index, Shard("train", (note,))) for note in crowd]
    assert count(audit.conclude(index, sum(parts[1:], parts[0]))) == 0


def test_values_of_one_patient_meet_across_notes_and_shards():
    audit = Linkage()
    notes = [marked("t1", ("NAME", "Ruiz"), patient="p"), marked("t2", ("NUMBER", "4711999"), patient="p")]
    index = audit.index(corpora([plain("s1", "Ruiz 4711999")], notes))
    tally = audit.scan(index, Shard("train", (notes[1],))) + audit.scan(index, Shard("train", (notes[0],)))
    assert tally == audit.scan(index, Shard("train", tuple(notes)))
    assert count(audit.conclude(index, tally)) == 1


def test_combination_that_one_patient_alone_has():
    def note(name, age, town, clinic):
        return marked(name, ("AGE", f"{age} years"), ("TOWN", town), ("CLINIC", clinic))

    train = [note("t1", 71, "Elm", "North"), note("t2", 71, "Elm", "South"), note("t3", 30, "Oak", "North")]
    release = [plain("s1", "A man, 74 years old, of Elm , seen at North .")]  # 70 to 74 is one band
    alone = linked(release, train, people("h", 10, 1))
    assert count(alone, "unique_combinations") == 1
    twice = linked(release, [*train, note("t4", 72, "Elm", "North")], people("h", 10, 1))
    assert count(twice, "unique_combinations") == 0
    held_out = linked(release, train, [*people("h", 10, 1), note("h99", 72, "Elm", "North")])
    assert count(held_out, "unique_combinations") == 0
    control = linked(release, people("t", 22, 2), [*people("h", 10, 1), note("h99", 72, "Elm", "North")])
    assert control.control["unique_combinations"].value == 2  # one of 11 patients, scaled to 22


def test_planted_pair_is_decisive_and_chance_is_not():
    train, holdout, others = people("t", 60, 1), people("h", 60, 2), people("s", 60, 3)
    clean = linked(others, train, holdout)
    assert clean.status == "measured"
    assert count(clean, "decisive") == 0
    name, number = (train[7].value(span) for span in train[7].spans[:2])
    planted = linked([*others, plain("x", f"Seen: {name}. Filed under {number}.")], train, holdout)
    assert count(planted, "decisive") == count(planted) == 1
    assert [(f.synthetic_note, f.private_note, f.value, f.severity) for f in planted.findings] == [
        ("x", "t7", number, "decisive"),
        ("x", "t7", name, "decisive"),
    ]
    for found in planted.findings:
        assert train[7].text[found.private_start : found.private_end] == found.value
        assert f"Seen: {name}. Filed under {number}."[found.start : found.end] == found.value


def test_pair_that_two_patients_share_is_not_decisive():
    train, holdout, others = people("t", 60, 1), people("h", 60, 2), people("s", 60, 3)
    name, number = (train[7].value(span) for span in train[7].spans[:2])
    twin = replace(train[7], note_id="twin", patient_id="twin")
    release = [*others, plain("x", f"{name} , {number} .")]
    assert count(linked(release, [*train, twin], holdout), "decisive") == 0
    # Where other patients share both sorts of values, as families do, a third's pair proves nothing either.
    family = [replace(note, note_id=f"k{i}", patient_id=f"k{i}") for i, note in enumerate(train[20:22])]
    refuted = linked(release, [*train, *family], holdout)
    assert count(refuted, "decisive") == 0
    assert refuted.null["excluded_label_pairs"] != []


def test_excess_and_p_tell_a_leak_of_many():
    train, holdout, others = people("t", 60, 1), people("h", 60, 2), people("s", 60, 3)
    leaks = [plain(f"x{i}", note.text) for i, note in enumerate(train[:12])]
    conclusion = linked([*others, *leaks], train, holdout)
    assert conclusion.p_value < 0.01
    assert conclusion.metrics["patients_excess"].low > 0
    reverse = linked([*others, *leaks], holdout, train)
    assert reverse.p_value == 1
    assert reverse.control["same_patient_pairs"].value == 12


@pytest.mark.parametrize(("holdout", "status"), [(0, "inconclusive"), (5, "inconclusive"), (60, "measured")])
def test_hold_out_too_small_is_said(holdout, status):
    conclusion = linked(people("s", 5, 3), people("t", 60, 1), people("h", holdout, 2))
    assert conclusion.status == status
    assert ("about 50" in conclusion.reason) == (status == "inconclusive")
    assert ("patients_excess" in conclusion.metrics) == bool(holdout)
    assert {"same_patient_pairs", "notes_linking", "unique_combinations", "decisive"} <= conclusion.metrics.keys()


def test_nothing_to_measure_is_inconclusive():
    assert linked([], FOUR).status == "inconclusive"
    assert linked(FOUR, []).status == "inconclusive"
    assert "annotated" in linked(FOUR, [plain("t1", "Ana Ruiz 4711999")], people("h", 60, 2)).reason
    audit, blind = Linkage(), replace(corpora(FOUR, FOUR, people("h", 10, 1)), label_map=None)
    index = audit.index(blind)
    conclusion = audit.conclude(index, tally_of(audit, index, FOUR))
    assert conclusion.status == "inconclusive"
    assert "label map" in conclusion.reason


def test_unknown_label_is_refused_without_its_value():
    with pytest.raises(CorpusError, match="ODD") as caught:
        linked([plain("s", "x")], [marked("t1", ("ODD", "Ana Ruiz"))])
    assert "Ana" not in str(caught.value)


def test_conclusion_holds_nothing_private():
    train, holdout = people("t", 60, 1), people("h", 60, 2)
    conclusion = linked([plain(f"x{i}", n.text) for i, n in enumerate([*train[:3], *holdout[:3]])], train, holdout)
    assert conclusion.findings
    told = repr(replace(conclusion, findings=()))
    for note in (*train, *holdout):
        assert all(note.value(span) not in told for span in note.spans)
        assert repr(note.note_id) not in told
        assert note.patient_id not in told


def test_contract():
    audit: Audit = Linkage()
    conclusion = linked(people("s", 5, 3), people("t", 60, 1), people("h", 60, 2))
    assert conclusion.metrics.keys() == audit.metrics.keys()
    assert conclusion.control.keys() <= audit.metrics.keys()
    assert audit.settings() == {"rare": 3, "detectable": 5, "sampled": 512}
    index = audit.index(corpora(FOUR, FOUR))
    again = pickle.loads(pickle.dumps(index))
    assert tally_of(Linkage(), again, FOUR) == pickle.loads(pickle.dumps(tally_of(Linkage(), index, FOUR)))


def test_bits_of_fair_digits_are_those_of_digits():
    rng = np.random.default_rng(5)
    numbers = ["".join(rng.choice(list("0123456789"), 9)) for _ in range(4000)]
    model = CharacterModel.of(dict.fromkeys(numbers, 1))
    bits = np.mean([model.bits(number, 1) for number in numbers[:200]])
    assert bits == pytest.approx(9 * np.log2(10), abs=0.5)
    # A pattern that many follow says little.
    assert CharacterModel.of({"12345678": 50, "90210555": 2}).bits("12345678", 1) < 5


@pytest.mark.slow
def test_on_meddocan():
    """Ten seeds of 120 patients: clean releases have nothing decisive, planted ones are found."""
    folder = os.environ.get("DEIDRELEASE_CORPORA")
    if not folder or not (Path(folder) / "meddocan").is_dir():
        pytest.skip("DEIDRELEASE_CORPORA names no folder with meddocan")
    source = Path(folder) / "meddocan" / "train"
    notes = list(open_corpus(source, "brat", ReadOptions(PatientSource.parse("note"), mend=True)))
    meanings = load_label_map(find_label_map("meddocan"))
    certain = 0
    for seed in range(10):
        order = np.random.default_rng(seed).permutation(len(notes))[:360]
        train, holdout, release = ([notes[at] for at in part] for part in np.split(order, 3))
        certain += _decisive(release, train, holdout, meanings)
        victim = next(n for n in train if {"ID_ASEGURAMIENTO", "ID_SUJETO_ASISTENCIA"} <= {s.label for s in n.spans})
        values = {s.label: victim.value(s) for s in victim.spans}
        leak = f"Consta {values['ID_ASEGURAMIENTO']}. Y {values['ID_SUJETO_ASISTENCIA']}."
        assert _decisive([*release, plain("leak", leak)], train, holdout, meanings) >= 1
    assert certain <= 1


def _decisive(release: list[Note], train: list[Note], holdout: list[Note], meanings) -> float:
    audit = Linkage()
    index = audit.index(replace(corpora(release, train, holdout), label_map=meanings))
    return audit.conclude(index, tally_of(audit, index, train, holdout)).metrics["decisive"].value


def test_meanings_cover_what_is_tested():
    assert {label.whose for label in MEANINGS.labels.values()} >= {"patient", "provider", "institution", "unknown"}


@pytest.mark.parametrize("bits", [10.0, 2000.0])
def test_a_value_is_no_rarer_than_was_seen_where_the_model_has_no_bound(bits):
    sample = np.array([5.0, 6.0])
    null = GroupNull(CharacterModel.of({"Ana": 2}), 1.0, inf, sample, np.empty(0), others=2)
    assert null._of_all([bits])[0] == pytest.approx(clopper_pearson(0, 2).high)

"""The audit `pii_replay`, on small corpora worked by hand."""

import pickle
import random
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made.private_notes import LABELS, corpora, note

from deidrelease.contracts import Arm, Conclusion, Shard
from deidrelease.errors import CorpusError
from deidrelease.labels import LabelMap
from deidrelease.notes import Note
from deidrelease_audits import character_grams
from deidrelease_audits.pii_replay import findings
from deidrelease_audits.pii_replay.audit import PiiReplay
from deidrelease_audits.pii_replay.scan import ReplayIndex
from deidrelease_audits.pii_replay.tally import Owners, ReplayTally

AUDIT = PiiReplay()


def _audited(
    synthetic: Sequence[Note],
    train: Sequence[Note],
    holdout: Sequence[Note] | None,
    label_map: LabelMap | None = LABELS,
) -> Conclusion:
    index = AUDIT.index(corpora(synthetic, train, holdout, label_map))
    tally = AUDIT.scan(index, Shard("train", tuple(train)))
    return AUDIT.conclude(index, tally + AUDIT.scan(index, Shard("holdout", tuple(holdout or ()))))


def _patients(arm: str, count: int, seed: int) -> list[Note]:
    rng = random.Random(seed)
    return [
        note(f"{arm}{i}", f"Nº [RECORD {rng.randrange(10**11, 10**12)}] de [NAME P{i}{arm}].") for i in range(count)
    ]


def test_four_values_by_hand() -> None:
    train = [note("t1", "[NAME Ana Ruiz], [NAME Lola]"), note("t2", "[NAME Lola], [NAME Eva Gil]"), note("t3", "sana")]
    holdout = [note("h1", "[NAME Eva Gil], [NAME Marta Sanz]"), note("h2", "[RECORD 4455667]"), note("h3", "sano")]
    # Ana Ruiz is hers alone; two share Lola; the hold-out holds Eva Gil too; Marta Sanz is the control's.
    synthetic = [note("s1", "Vino Ana Ruiz con Lola y Eva Gil."), note("s2", "Marta Sanz; 4455667.")]
    found = _audited(synthetic, train, holdout)
    assert found.metrics["unique_identifiers"].value == 1
    assert found.control["unique_identifiers"].value == 2
    assert found.metrics["unique_excess"].value == -1
    assert found.metrics["rate"].value == pytest.approx(1 / 3)
    (ana,) = [finding for finding in found.findings if finding.arm == "train"]
    assert (ana.kind, ana.synthetic_note, ana.start, ana.end) == ("exact", "s1", 5, 13)
    assert (ana.private_note, ana.private_start, ana.private_end, ana.value) == ("t1", 0, 8, "Ana Ruiz")


def test_the_control_is_scaled_to_trains_size() -> None:
    train = [note(f"t{i}", "nada") for i in range(6)]
    found = _audited([note("s", "Eva Gil")], train, [note("h1", "[NAME Eva Gil]"), note("h2", "nada")])
    assert found.control["unique_identifiers"].value == 3
    assert found.metrics["unique_excess"].value == -3


@pytest.mark.parametrize(
    ("private", "written", "kind"),
    [
        ("[NAME Ana Ruíz Gil]", "ANA RUIZ GIL", "spelling"),
        ("[NAME Ana Ruiz Gil]", "Ruiz Gil, Ana", "order"),
        ("[NAME Ana Rodero Gil]", "A. Rodero Gil", "initials"),
        ("[RECORD 26 12345678 01]", "26 12345687 01", "edit"),
        ("[RECORD 26 12345678 01]", "261234567801", "spelling"),
        ("[DATE 03/04/2015]", "3 de abril de 2015", "date-format"),
    ],
)
def test_altered_values_are_found_as_what_they_are(private: str, written: str, kind: str) -> None:
    found = _audited([note("s", f"Consta {written} aquí.")], [note("t", private)], [note("h", "nada")])
    assert [(f.kind, f.start, f.end) for f in found.findings] == [(kind, 7, 7 + len(written))]
    assert found.metrics["unique_identifiers"].value == 0
    assert found.metrics["fuzzy_identifiers"].value == (kind != "date-format")


def test_what_a_provider_shares_with_no_one_is_not_tested() -> None:
    found = _audited([note("s", "Dra. Mar Sol")], [note("t", "[DOCTOR Mar Sol]")], [note("h", "nada")])
    assert found.metrics["unique_identifiers"].value == 0
    assert found.findings == ()
    assert found.breakdown["unique values found, exact, train"]["A provider DOCTOR, not tested"] == "1-9"


def test_a_long_number_is_decisive_and_a_short_one_is_not() -> None:
    train, holdout = _patients("t", 60, 1), _patients("h", 60, 2)
    (number, _), *_ = [[train[0].value(span) for span in train[0].spans]]
    clean = _patients("s", 60, 3)
    assert _audited(clean, train, holdout).metrics["decisive"].value == 0
    leaking = [*clean, note("leak", f"Ver {number}.")]
    found = _audited(leaking, train, holdout)
    assert found.metrics["decisive"].value == 1
    assert {f.value for f in found.findings if f.severity == "decisive"} == {number}
    short = [note("t0", "[RECORD 471193]"), *train[1:]]
    assert _audited([*clean, note("leak", "Ver 471193.")], short, holdout).metrics["decisive"].value == 0


def test_numbers_that_patients_were_seen_to_share_are_not_decisive() -> None:
    shared = [note(f"x{i}", f"[RECORD {n}]") for i, n in enumerate(("713905518264", "713905518264"))]
    train, holdout = [*_patients("t", 60, 1), *shared], _patients("h", 60, 2)
    number = train[0].value(train[0].spans[0])
    release = [*_patients("s", 60, 3), note("leak", f"Ver {number}.")]
    assert _audited(release, train, holdout).metrics["decisive"].value == 0
    assert _audited(release, train[:-1], holdout).metrics["decisive"].value == 1


def test_many_leaks_are_an_excess_in_their_class_and_no_leak_is_none() -> None:
    train, holdout, clean = _patients("t", 40, 1), _patients("h", 40, 2), _patients("s", 40, 3)
    leaks = [note(f"l{i}", "Ver " + one.value(one.spans[0])) for i, one in enumerate(train[:12])]
    found = _audited([*clean, *leaks], train, holdout)
    assert found.status == "measured"
    assert found.p_value is not None
    assert found.p_value < 0.01
    assert found.metrics["flagged_classes"].value == 1
    assert found.metrics["unique_excess"].low > 0
    assert found.metrics["patients_excess"].low > 0
    quiet = _audited(clean, train, holdout)
    assert quiet.p_value == 1
    assert quiet.metrics["unique_excess"].low <= 0 <= quiet.metrics["unique_excess"].high


@pytest.mark.parametrize(("holdout", "words"), [(None, "no hold-out"), (_patients("h", 3, 2), "too small")])
def test_without_enough_of_a_holdout_it_says_what_it_needs(holdout: list[Note] | None, words: str) -> None:
    train = _patients("t", 40, 1)
    found = _audited([note("s", "nada")], train, holdout)
    assert found.status == "inconclusive"
    assert words in found.reason
    assert "about 33" in found.reason
    assert found.metrics["unique_identifiers"].value == 0


def test_without_a_label_map_it_says_so() -> None:
    found = _audited([note("s", "nada")], _patients("t", 4, 1), _patients("h", 4, 2), None)
    assert found.status == "inconclusive"
    assert "label map" in found.reason


def test_a_label_that_the_map_does_not_know_stops_it() -> None:
    with pytest.raises(CorpusError):
        _audited([note("s", "nada")], [note("t", "[PET Rex]")], None)


def test_every_metric_is_explained_and_no_private_text_is_told() -> None:
    train, holdout = _patients("t", 40, 1), _patients("h", 40, 2)
    number = train[0].value(train[0].spans[0])
    found = _audited([note("s", f"Ver {number} de P0t.")], train, holdout)
    assert set(found.metrics) == set(AUDIT.metrics)
    assert found.findings
    told = repr((found.reason, found.metrics, found.control, found.null, found.breakdown))
    assert number not in told
    assert "P0t" not in told
    assert "t0" not in told


_NOTES = [
    note("a", "[NAME Ana Ruiz] [RECORD 1234567]", "p1"),
    note("b", "[NAME Ana Ruiz] [DATE 03/04/2015]", "p2"),
    note("c", "[NAME ANA RUIZ] [RECORD 1234576] [DOCTOR Mar Sol]", "p1"),
    note("d", "[NAME Eva Gil] [TOWN Soria]", "p3"),
    note("e", "[MAIL a@b.es] [RECORD 7654321] [NAME Ruiz, Ana]", "p4"),
]
_RELEASE = [note("s1", "Ana Ruiz, 1234567, 2015-04-03, Soria"), note("s2", "eva gil; 765432; a@b.es; Mar Sol")]


def _scanned(index: ReplayIndex, arm: Arm, notes: Sequence[Note]) -> ReplayTally:
    return AUDIT.scan(index, Shard(arm, tuple(notes)))


@given(st.permutations(_NOTES), st.integers(0, 5), st.integers(0, 5))
@settings(max_examples=40, deadline=None)
def test_order_and_shards_do_not_matter(notes: list[Note], first: int, second: int) -> None:
    index = AUDIT.index(corpora(_RELEASE, (), ()))
    cuts = sorted((first, second))
    parts = [notes[: cuts[0]], notes[cuts[0] : cuts[1]], notes[cuts[1] :]]
    added = _scanned(index, "train", parts[0]) + _scanned(index, "train", parts[1]) + _scanned(index, "train", parts[2])
    assert added == _scanned(index, "train", _NOTES)
    assert pickle.loads(pickle.dumps(added)) == added


_SPELLED = [
    note("a", "[NAME Ana] [NAME Eva Gil]"),
    note("b", "[NAME ANA] [DOCTOR Eva Gil]"),
    note("c", "[DOCTOR EVA GIL], [NAME Mar Sol-Paz]"),
    note("d", "[NAME Mar-Sol Paz] [DATE 03-04-2015]"),
    note("e", "[DATE 03/04/2015] [RECORD 26 12345678 01]"),
    note("f", "[RECORD 261234567801]"),
]
"""Two patients for each value, who write it differently or under another label, so that it is found of one alone."""


@given(st.permutations(_SPELLED), st.sets(st.integers(1, 5)))
@settings(max_examples=60, deadline=None)
def test_who_else_holds_a_value_is_known_however_the_notes_are_cut(notes: list[Note], cuts: set[int]) -> None:
    release = [note("s1", "Ana con Eva Gil y con Sol-Paz, Mar"), note("s2", "3 de abril de 2015; 26 12345687 01")]
    index = AUDIT.index(corpora(release, (), ()))
    edges = [0, *sorted(cuts), len(notes)]
    first, *others = [_scanned(index, "train", notes[a:b]) for a, b in pairwise(edges)]
    added = sum(others, start=first)
    assert added == _scanned(index, "train", _SPELLED)
    # Each is held by two patients, in one spelling or another: nobody's alone.
    found = AUDIT.conclude(index, added + _scanned(index, "holdout", ()))
    assert found.findings == ()
    assert found.metrics["unique_identifiers"].value == 0


_PAIRS = st.lists(st.tuples(st.integers(0, 9), st.integers(1, 4)), max_size=12)


@given(_PAIRS, _PAIRS)
def test_owners_add_up_to_those_of_all(one: list[tuple[int, int]], other: list[tuple[int, int]]) -> None:
    def owners(pairs: list[tuple[int, int]]) -> Owners:
        return Owners.of([value << 60 for value, _ in pairs], [patient << 40 for _, patient in pairs])

    whole = owners(one) + owners(other)
    assert whole == owners([*one, *other]) == owners(other) + owners(one)
    for value in {value for value, _ in (*one, *other)}:
        patients = {patient for v, patient in (*one, *other) if v == value}
        assert whole.is_of_one(value << 60) == (len(patients) == 1)


def test_the_two_arms_add_up_in_either_order() -> None:
    index = AUDIT.index(corpora(_RELEASE, (), ()))
    train, holdout = _scanned(index, "train", _NOTES[:3]), _scanned(index, "holdout", _NOTES[3:])
    assert train + holdout == holdout + train
    assert AUDIT.conclude(index, train + holdout) == AUDIT.conclude(index, holdout + train)


@pytest.mark.parametrize("piece", [1, 2])
def test_a_few_values_at_a_time_give_the_same_evidence_and_bits(piece: int, monkeypatch: pytest.MonkeyPatch) -> None:
    train, holdout = [*_NOTES, *_patients("t", 60, 5)], _patients("h", 60, 6)
    release = [*_RELEASE, note("s3", " ".join(each.text for each in (*train[5:25], *holdout[:15])))]
    at_once = _audited(release, train, holdout)
    assert len(at_once.findings) > 30
    monkeypatch.setattr(findings, "_PIECE", piece)
    monkeypatch.setattr(character_grams, "_PIECE", piece)
    assert _audited(release, train, holdout) == at_once


@given(st.permutations(_NOTES), st.integers(0, 1))
@settings(max_examples=30, deadline=None)
def test_a_value_of_several_patients_is_known_as_theirs_however_many_hold_it(notes: list[Note], more: int) -> None:
    """Of holders two are kept; that must do to tell what is one patient's alone."""
    others = [note(f"x{number}", "[NAME Ana Ruiz]", f"x{number}") for number in range(2 + more)]
    found = _audited(_RELEASE, [*notes, *others], ())
    assert not any(one.value == "Ana Ruiz" for one in found.findings)


RARE = ("Wenceslao Xirgu Kowalczyk", "Ildefonso Brzezinski Quiroga", "Hermenegilda Fuxjäger Ybarra")


def _of_four_letters(arm: str, seed: int) -> list[Note]:
    rng = random.Random(seed)
    return [note(f"{arm}{i}", f"[NAME {''.join(rng.choices('aelorsun', k=4)).title()}]") for i in range(60)]


def _in_capitals(train: Sequence[str], holdout: Sequence[str]) -> Conclusion:
    """Every name stands in the release in capitals, beside patients whose names are of four letters and easily had."""
    told = [note(f"caps{i}", f"Vino {name.upper()}.") for i, name in enumerate((*train, *holdout))]
    arms = {
        arm: [*_of_four_letters(arm, seed), *(note(f"{arm}-{i}", f"[NAME {n}]") for i, n in enumerate(names))]
        for arm, names, seed in (("t", train, 1), ("h", holdout, 2))
    }
    return _audited([*_patients("s", 30, 3), *told], arms["t"], arms["h"])


def test_common_names_found_by_chance_say_nothing_against_a_rare_one() -> None:
    found = _in_capitals([RARE[0], "Lola"], ["Rosa", "Elsa", "Sole"])
    assert found.metrics["fuzzy_identifiers"].value == 1
    assert found.control["fuzzy_identifiers"].value == 0
    assert found.breakdown["not counted: finds hold-out values by chance"] == {
        "NAME, same": "off but for improbable values"
    }
    # What is not counted is told all the same, and compared.
    assert {finding.value for finding in found.findings} == {RARE[0], "Lola", "Rosa", "Elsa", "Sole"}
    assert found.metrics["fuzzy_excess"].value == pytest.approx(2 - 3 * 62 / 63)


def test_rare_hold_out_names_that_are_there_say_something_against_rare_ones_alone() -> None:
    found = _in_capitals([RARE[0], "Lola"], RARE[1:])
    assert found.metrics["fuzzy_identifiers"].value == 1
    assert found.breakdown["not counted: finds hold-out values by chance"] == {
        "NAME, same": "off for improbable values"
    }

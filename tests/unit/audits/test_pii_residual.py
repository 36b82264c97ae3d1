"""Residual PII: rates, recall and bounds by hand, and the whole audit with Presidio's real patterns."""

import pickle
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from made.notes_of import KEY, corpus_of

from deidrelease.contracts import Conclusion, Corpora, Language, Shard
from deidrelease.engine import LocalEngine
from deidrelease.labels import load_label_map
from deidrelease.models.tagging.encoder import make_encoder
from deidrelease.notes import Note, Span
from deidrelease.scoring.intervals import wilson_bounds
from deidrelease.settings import ScratchEncoder, TaggerSettings
from deidrelease_audits.pii_residual.audit import PiiResidual
from deidrelease_audits.pii_residual.bounds import ResidualBounds
from deidrelease_audits.pii_residual.detectors import CLASSES, FAMILIES, DetectorChoice
from deidrelease_audits.pii_residual.gold_recall import GoldRecall
from deidrelease_audits.pii_residual.hit_counts import TOTAL, HitCounts, family_column
from deidrelease_audits.pii_residual.scan import ResidualIndex, ResidualTally
from deidrelease_audits.statistics import poisson_bounds

NAME, DATE, MAIL, RECORD = (CLASSES.index(letter) for letter in "ACFH")
DATES, NAMES, CONTACTS = (family_column(list(FAMILIES).index(name)) for name in ("dates", "names", "contacts"))
MAP = load_label_map("meddocan")


def counted(rows: Sequence[tuple[list[int], int]]) -> HitCounts:
    total = HitCounts()
    for classes, tokens in rows:
        total += HitCounts.of(classes, tokens)
    return total


def test_four_notes_by_hand() -> None:
    counts = counted([([MAIL, DATE], 100), ([MAIL], 100), ([], 100), ([DATE], 100)])
    assert counts.per_thousand(TOTAL).value == 10.0
    assert counts.per_thousand(MAIL).value == counts.per_thousand(CONTACTS).value == 5.0
    # No scatter beyond Poisson's: 2, 1, 0 and 1 about 1 give (1 + 0 + 1 + 0) / 3 < 1.
    assert counts.scatter(TOTAL) == 1.0
    assert counts.bounds(TOTAL) == poisson_bounds(4)
    assert counts.per_thousand(NAME).value == 0.0
    assert counts.per_thousand(NAME).high == pytest.approx(3.689 / 400 * 1000, rel=1e-3)


def test_crowded_hits_widen_the_interval() -> None:
    crowded, spread = counted([([MAIL] * 40, 100), *[([], 100)] * 39]), counted([([MAIL], 100)] * 40)
    assert crowded.per_thousand(MAIL).value == spread.per_thousand(MAIL).value
    # All 40 in one of 40 notes: (39**2 + 39) / 40 * 40 / 39.
    assert crowded.scatter(MAIL) == pytest.approx(40.0)
    assert crowded.per_thousand(MAIL).high > 3 * spread.per_thousand(MAIL).high


def gold(patient: int, text: str, spans: list[tuple[int, int, int]], hits: list[tuple[int, int, int]]) -> GoldRecall:
    note = Note(f"n{patient}", f"p{patient}", text, tuple(Span(s, e, "X") for s, e, _ in sorted(spans)))
    found = [(Span(s, e, "Y"), at) for s, e, at in hits]
    return GoldRecall.of(patient, note, [at for _, _, at in sorted(spans)], found)


def test_recall_by_hand() -> None:
    text = "Ana Ruiz 1/2/20 a@b.es"
    parts = [
        gold(1, text, [(0, 8, NAME), (9, 15, DATE)], [(0, 3, NAME), (4, 8, NAME), (9, 15, DATE)]),  # both; no blank
        gold(2, text, [(0, 8, NAME), (9, 15, DATE)], [(0, 7, NAME), (9, 15, MAIL)]),  # date, but as something else
        gold(2, text, [(0, 8, NAME)], []),  # the same patient's second note
        gold(3, text, [(9, 15, DATE), (16, 22, -1)], [(9, 22, DATE)]),  # one of no class counts nowhere
    ]
    recall = GoldRecall.summed(parts)
    assert recall.recall(NAME).value == pytest.approx(1 / 3)
    assert recall.recall(DATE).value == 1.0
    assert recall.recall(DATES).value == pytest.approx(2 / 3)
    assert recall.recall(TOTAL).value == pytest.approx(4 / 6)
    assert recall.annotated() == 3
    # All found: nothing varies, and three patients are what is counted, not the mentions.
    assert recall.recall(DATE).low == pytest.approx(wilson_bounds(1.0, 3)[0])
    assert recall == parts[3] + (parts[1] + parts[0]) + parts[2]


def test_one_hit_is_not_two_mentions_found() -> None:
    recall = gold(1, "1/2/20 3/4/20", [(0, 6, DATE), (7, 13, DATE)], [(0, 13, DATE)])
    assert recall.recall(DATE).value == 1.0
    assert recall.recall(DATES).value == 0.5


def many(found: int, missed: int, place: int) -> GoldRecall:
    hits = [(9, 15, place)]
    parts = [gold(i, "Ana Ruiz 1/2/20", [(9, 15, place)], hits if i < found else []) for i in range(found + missed)]
    return GoldRecall.summed(parts)


def test_the_upper_rate_by_hand_and_zero_hits_still_have_one() -> None:
    recall = many(40, 10, DATE)
    bounds = ResidualBounds.of(counted([([], 1000)]), recall, ["dates"], 0.95)
    low = wilson_bounds(0.8, 49)[0]  # 50 patients with a mention each, less one for the mean
    assert bounds.total is not None
    assert bounds.total.value == pytest.approx(poisson_bounds(0)[1] / low)
    assert bounds.total.low == 0.0
    some = ResidualBounds.of(counted([([DATE], 500), ([DATE], 500)]), recall, ["dates"], 0.95)
    assert some.total is not None
    assert some.total.value == pytest.approx(poisson_bounds(2)[1] / low)
    assert some.total.low == pytest.approx(2 / 0.8)


def test_what_is_never_found_or_never_annotated_has_no_bound() -> None:
    hits = counted([([MAIL], 1000)])
    bounds = ResidualBounds.of(hits, many(40, 0, DATE) + many(0, 40, NAME), list(FAMILIES), 0.95)
    assert set(bounds.bounded) == {"dates"}
    assert set(bounds.unbounded) == {"names", "contacts"}
    assert set(bounds.unseen) == {"places", "numbers", "others"}
    assert bounds.total is None


@given(st.lists(st.tuples(st.lists(st.integers(0, 17), max_size=4), st.integers(0, 50)), max_size=8), st.randoms())
def test_counts_add_in_every_order(rows: list[tuple[list[int], int]], random: object) -> None:
    shuffled = list(rows)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    half = len(rows) // 2
    assert counted(rows) == counted(shuffled) == counted(shuffled[half:]) + counted(shuffled[:half])


def corpora(
    synthetic: list[Note], holdout: list[Note] | None, *, language: Language | None = "es", known: bool = True
) -> Corpora:
    return Corpora(
        corpus_of(*synthetic),
        corpus_of(),
        None if holdout is None else corpus_of(*holdout),
        MAP if known else None,
        language,
        None,
        KEY,
    )


def concluded(made: Corpora, audit: PiiResidual | None = None) -> Conclusion:
    audit = audit or PiiResidual()
    index = audit.index(made)
    return audit.conclude(index, LocalEngine().tally(audit, index, made, lambda _: None))


def private(count: int) -> list[Note]:
    notes = []
    for i in range(count):
        text = f"Correo: persona{i}@hospital{i}.es. El paciente acude a consulta."
        notes.append(Note(f"h{i}", f"secret{i}", text, (Span(8, text.index(". "), "CORREO_ELECTRONICO"),)))
    return notes


DECLARED = Note("s0", "x0", "Correo: uno@clinica.es fin", (Span(8, 22, "CORREO_ELECTRONICO"),))
UNDECLARED = Note("s1", "x1", "Escribir a dos@clinica.es si hay fiebre")
CLEAN = Note("s2", "x2", "No hay fiebre ni dolor")


@pytest.fixture
def presidio() -> None:
    pytest.importorskip("presidio_analyzer", reason="the extra presidio is not installed")


@pytest.mark.usefixtures("presidio")
def test_an_undeclared_address_is_found_and_a_declared_one_expected() -> None:
    found = concluded(corpora([DECLARED, UNDECLARED, CLEAN], private(30)))
    assert (found.status, found.reason) == ("measured", "")
    assert found.metrics["untagged_hits"].value == 1
    assert found.metrics["hits_per_1k_tokens_F"].value == pytest.approx(2 / 18 * 1000)  # of 5, 8 and 5 words
    assert found.metrics["detector_recall_F"].value == 1.0
    assert found.metrics["upper_rate"].value > found.metrics["hits_per_1k_tokens"].high
    (finding,) = found.findings
    assert (finding.synthetic_note, finding.value) == ("s1", "dos@clinica.es")
    assert set(found.metrics) <= set(PiiResidual.metrics)


@pytest.mark.usefixtures("presidio")
def test_no_hit_has_an_upper_rate_all_the_same() -> None:
    found = concluded(corpora([CLEAN], private(30)))
    assert found.metrics["hits_per_1k_tokens"].value == 0
    assert found.metrics["upper_rate"].value > 3 / 5 * 1000


@pytest.mark.usefixtures("presidio")
def test_names_that_patterns_never_find_leave_the_rate_untold() -> None:
    named = [Note(f"g{i}", f"q{i}", "Ana Ruiz acude", (Span(0, 8, "NOMBRE_SUJETO_ASISTENCIA"),)) for i in range(30)]
    made = corpora([DECLARED], private(30) + named)
    found = concluded(made)
    assert found.status == "inconclusive"
    assert "names" in found.reason
    assert "upper_rate" not in found.metrics
    assert "upper_rate_contacts" in found.metrics
    narrowed = concluded(made, PiiResidual(families=("contacts",)))
    assert narrowed.status == "measured"
    assert "names" in narrowed.null["families_left_out_by_settings"]  # type: ignore[operator]


@pytest.mark.usefixtures("presidio")
@pytest.mark.parametrize(
    ("holdout", "known", "word"),
    [(None, True, "no hold-out"), (30, False, "no label map"), (5, True, "Only 5"), (0, True, "Only 0")],
)
def test_without_known_recall_it_is_inconclusive_and_hits_are_told(holdout: int | None, known: bool, word: str) -> None:
    found = concluded(corpora([UNDECLARED], None if holdout is None else private(holdout), known=known))
    assert found.status == "inconclusive"
    assert word in found.reason
    assert "at least 20 hold-out patients" in found.reason
    assert found.metrics["untagged_hits"].value == 1
    assert "upper_rate" not in found.metrics


def test_without_a_language_or_a_tagger_nothing_is_claimed() -> None:
    found = concluded(corpora([UNDECLARED], private(3), language=None))
    assert found.status == "inconclusive"
    assert "--language" in found.reason
    assert not found.metrics


def test_without_presidio_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deidrelease_audits.pii_residual.detectors.find_spec", lambda _: None)
    assert "pip install 'deidrelease[presidio]'" in DetectorChoice("es", None, 0.35).missing()


def test_a_tagger_alone_looks_without_presidio(tmp_path: Path) -> None:
    made = replace(corpora([UNDECLARED, CLEAN], private(25), language=None), tagger=random_tagger(tmp_path))
    found = concluded(made)
    assert found.null["detectors"] == "a tagger"
    assert found.metrics["hits_per_1k_tokens_A"].value > 0
    assert found.metrics["hits_per_1k_tokens_F"].value == 0
    assert found.null["annotated_holdout_patients"] == 25


def random_tagger(folder: Path) -> Path:
    """A real, untrained tagger of names, its head spread so that it tags; written as a stage would."""
    torch.manual_seed(0)
    torch.set_num_threads(1)
    scratch = ScratchEncoder(layers=1, hidden=32, heads=2, vocabulary=300, local_attention=8, dropout=0.0)
    settings = TaggerSettings(scratch=scratch, window=34, overlap=10)
    label = "NOMBRE_SUJETO_ASISTENCIA"
    encoder = make_encoder(settings, (label,), (n.text for n in private(9)), seed=1, download=False)
    with torch.no_grad():
        encoder.model.classifier.weight.mul_(20)
    encoder.save(folder / "model")
    (folder / "training.json").write_text('{"window": 34, "overlap": 10, "labels": ["' + label + '"]}')
    return folder


def test_an_unknown_family_is_refused() -> None:
    with pytest.raises(ValueError, match="no family"):
        PiiResidual(families=("faces",))


@pytest.mark.usefixtures("presidio")
def test_shards_add_up_in_every_order_and_nothing_private_is_told() -> None:
    audit, holdout = PiiResidual(), private(6)
    index: ResidualIndex = pickle.loads(pickle.dumps(audit.index(corpora([DECLARED], holdout))))

    def scanned(notes: Sequence[Note]) -> ResidualTally:
        return audit.scan(index, Shard("holdout", tuple(notes)))

    synthetic = audit.scan(index, Shard("synthetic", (DECLARED, UNDECLARED)))
    whole = scanned(holdout) + synthetic
    apart = [audit.scan(index, Shard("synthetic", (note,))) for note in (UNDECLARED, DECLARED)]
    assert whole == apart[0] + scanned(holdout[4:]) + (apart[1] + scanned(holdout[:4][::-1]))
    told = repr(audit.conclude(index, whole))
    assert "secret" not in told
    assert "persona" not in told

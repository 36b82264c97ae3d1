"""The canary audit: what was remembered shows, what was not does not, and what must not be blocks."""

import json
import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made.canaries import canary_folder, made_canaries
from made.notes_of import corpora_of, corpus_of
from made.promises import guarantee_folder, promise

from deidrelease.canaries.canary import Canary as PlantedNote
from deidrelease.canaries.record import CANARIES, CanaryRecord, write_record
from deidrelease.contracts import Conclusion, Corpora
from deidrelease.demo import hospital
from deidrelease.engine import LocalEngine
from deidrelease.errors import ArtifactError, PrivacyError
from deidrelease.notes import Note
from deidrelease.privacy.accountant import epsilon_by_pld
from deidrelease.privacy.guarantee import events_of
from deidrelease.privacy.stated import PRIVACY
from deidrelease_audits.canary.audit import Canary
from deidrelease_audits.canary.exposure import expected_exposure

AUDIT = Canary()
CANARIES_MADE = made_canaries(200)


def corpora(folder: Path | None, *texts: str) -> Corpora:
    notes = [note.text for note in hospital.notes(10, languages=("en",), seed=2)]
    made = corpora_of([*notes, *texts], ["private"], ["held out"])
    return replace(made, records={} if folder is None else {"adapt": folder})


def concluded(given: Corpora, audit: Canary = AUDIT) -> Conclusion:
    index = audit.index(given)
    return audit.conclude(index, LocalEngine(shard_characters=1000).tally(audit, index, given, lambda _: None))


def planted(canaries: tuple[PlantedNote, ...] = CANARIES_MADE) -> PlantedNote:
    return next(canary for canary in canaries if canary.inserted)


def kept_out() -> PlantedNote:
    return next(canary for canary in CANARIES_MADE if not canary.inserted)


def test_a_model_that_remembers_proves_an_epsilon(tmp_path: Path) -> None:
    found = concluded(corpora(canary_folder(tmp_path, CANARIES_MADE, 4.0)))
    assert (found.status, found.reason) == ("measured", "")
    assert set(found.metrics) == set(Canary.metrics)
    assert found.metrics["epsilon_lower"].value > 2
    assert found.metrics["epsilon_lower"].value <= found.metrics["ceiling"].value
    assert found.metrics["auc"].low > 0.98
    assert found.metrics["exposure_mean"].low > 4
    assert found.metrics["tpr_at_1pct_fpr"].value > 0.8
    assert abs(found.metrics["auc_text"].value - 0.5) < 0.2
    assert found.metrics["reproduced"].value == 0
    assert found.control["exposure_mean"].value == pytest.approx(1.4, abs=0.1)
    assert found.null["promised_epsilon"] == "none"
    assert found.null["delta"] == 1e-5
    assert found.findings == ()


def test_a_model_that_remembers_nothing_proves_nothing(tmp_path: Path) -> None:
    # Canaries and losses are drawn anew for each: one in twenty may prove something by chance, and hardly one does.
    proved, exposure = 0, []
    for seed in range(12):
        made = made_canaries(60)
        found = concluded(corpora(canary_folder(tmp_path / str(seed), made, 0.0, seed)))
        proved += found.metrics["epsilon_lower"].value > 0
        out = sum(not canary.inserted for canary in made)
        exposure.append(found.metrics["exposure_mean"].value - expected_exposure(out))
    assert proved <= 3
    assert abs(np.mean(exposure)) < 0.4


def test_what_the_base_knows_is_left_out(tmp_path: Path) -> None:
    folder = canary_folder(tmp_path, CANARIES_MADE, 0.0)
    document = json.loads((folder / CANARIES).read_text())
    for number, (canary, loss) in enumerate(zip(document["canaries"], document["losses"], strict=True)):
        easier = -3.0 if number % 7 == 0 else 0.0
        loss["base"] = 5.0 + easier
        loss["adapted"] = 5.0 + easier - (0.5 + 0.01 * (number % 3) if canary["inserted"] else 0.0)
    (folder / CANARIES).write_text(json.dumps(document))
    assert concluded(corpora(folder)).metrics["auc"].value == 1.0


@pytest.mark.parametrize("remembered", [0.0, 5.0])
def test_a_promise_that_the_canaries_refute_is_a_failure_that_names_a_fault(tmp_path: Path, remembered: float) -> None:
    folder = guarantee_folder(canary_folder(tmp_path, CANARIES_MADE, remembered), noise=4.0)
    found = concluded(corpora(folder))
    promised = found.null["promised_epsilon"]
    assert isinstance(promised, float)
    assert promised < 2
    assert found.null["could_be_refuted"] is True
    if remembered:
        assert found.status == "failed"
        assert "fault of the program" in found.reason
        assert f"{promised:.3f}" in found.reason
        assert found.metrics["epsilon_lower"].value > promised
    else:
        assert found.status == "measured"


def test_bound_and_promise_are_of_one_delta(tmp_path: Path) -> None:
    # The guarantee is at 1e-4, where canaries are weak; the same steps promise a larger epsilon at 1e-5.
    stated = promise(4.0)
    found = concluded(corpora(guarantee_folder(canary_folder(tmp_path, CANARIES_MADE, 0.0), noise=4.0)))
    assert (found.null["stated_epsilon"], found.null["stated_delta"]) == (stated.epsilon, 1e-4)
    assert found.null["delta"] == 1e-5
    assert found.null["promised_epsilon"] == pytest.approx(epsilon_by_pld(events_of(stated), 1e-5))
    own = Canary(delta=1e-3)
    found = concluded(corpora(tmp_path), own)
    assert (found.null["delta"], found.null["promised_epsilon"]) == (1e-4, stated.epsilon)


def test_a_promise_beyond_the_ceiling_cannot_be_refuted_and_that_is_told(tmp_path: Path) -> None:
    found = concluded(corpora(guarantee_folder(canary_folder(tmp_path, CANARIES_MADE, 9.0), noise=0.45)))
    assert found.status == "measured"
    assert found.null["could_be_refuted"] is False
    assert found.metrics["epsilon_lower"].value < found.metrics["ceiling"].value + 1e-9


@pytest.mark.parametrize(
    "written",
    [
        lambda c: f"Seen today. {c.text} Sent home.",
        lambda c: f"Code {c.identifiers[0]}",
        lambda c: f"nr {c.identifiers[1].replace(' ', '')}.",
        lambda c: f"her name was {c.words[2].upper()}",
    ],
    ids=["whole", "code", "digits without spaces", "one word in capitals"],
)
def test_a_canary_in_the_release_blocks_it(tmp_path: Path, written: object) -> None:
    text = written(planted())  # type: ignore[operator]
    found = concluded(corpora(canary_folder(tmp_path, CANARIES_MADE, 0.0), text))
    assert found.status == "failed"
    assert "gives away single notes" in found.reason
    assert found.metrics["reproduced"].value == 1 / sum(c.inserted for c in CANARIES_MADE)
    assert found.control["reproduced"].value == 0
    for finding in found.findings:
        assert finding.severity == "decisive"
        assert finding.arm == "train"
        assert text[finding.start : finding.end] == finding.value
        assert finding.private_note == planted().name
    assert not any(part in found.reason for part in (planted().name, *planted().words))


def test_a_canary_that_nobody_learnt_is_another_fault(tmp_path: Path) -> None:
    found = concluded(corpora(canary_folder(tmp_path, CANARIES_MADE, 0.0), kept_out().text))
    assert found.status == "failed"
    assert "something else" in found.reason
    assert found.metrics["reproduced"].value == 0
    assert found.control["reproduced"].value > 0
    assert {finding.arm for finding in found.findings} == {"holdout"}


def test_the_synthetic_text_alone_gives_planted_ones_away(tmp_path: Path) -> None:
    copies = [canary.text for canary in CANARIES_MADE if canary.inserted][:60]
    found = concluded(corpora(canary_folder(tmp_path, CANARIES_MADE, 0.0), *copies))
    assert found.metrics["auc_text"].low > 0.6
    assert found.null["text_epsilon_lower"] == found.metrics["epsilon_lower"].value > 1


def test_without_canaries_it_says_so(tmp_path: Path) -> None:
    for given in (corpora(None), corpora(tmp_path)):
        found = concluded(given)
        assert found.status == "inconclusive"
        assert "adapt.canaries" in found.reason
        assert not found.metrics


def test_too_few_say_nothing_but_still_block_where_one_is_given_away(tmp_path: Path) -> None:
    few = tuple(replace(canary, inserted=number < 2) for number, canary in enumerate(CANARIES_MADE[:20]))
    folder = canary_folder(tmp_path, few, 1.0)
    found = concluded(corpora(folder))
    assert (found.status, found.metrics) == ("inconclusive", {})
    assert "set adapt.canaries.count to 40" in found.reason
    assert concluded(corpora(folder, planted(few).text)).status == "failed"


@pytest.mark.parametrize(("train", "held_out", "arm"), [(True, False, "train"), (False, True, "hold-out")])
def test_a_canary_that_is_in_a_private_note_is_not_made_up(
    tmp_path: Path, train: bool, held_out: bool, arm: str
) -> None:
    # The training may not open the hold-out, and so cannot keep its canaries apart from it: the audit looks.
    real = f"Known as {kept_out().words[1].lower()}-."
    given = replace(
        corpora(canary_folder(tmp_path, CANARIES_MADE, 4.0)),
        train=corpus_of(Note("t", "t", real if train else "private")),
        holdout=corpus_of(Note("h", "h", real if held_out else "held out")),
    )
    found = concluded(given)
    assert (found.status, found.metrics) == ("inconclusive", {})
    assert f"private note ({arm})" in found.reason and "other canaries are made up" in found.reason
    assert kept_out().words[1].lower() not in found.reason.lower()
    # What blocks goes on blocking.
    guarantee_folder(tmp_path, noise=4.0)
    found = concluded(given)
    assert found.status == "failed"
    assert "fault of the program" in found.reason and f"private note ({arm})" in found.reason


def test_canaries_that_were_never_measured_say_nothing(tmp_path: Path) -> None:
    write_record(CanaryRecord(CANARIES_MADE, None), tmp_path / CANARIES)
    found = concluded(corpora(tmp_path))
    assert found.status == "inconclusive"
    assert "never measured" in found.reason


def test_a_damaged_file_stops_the_audit(tmp_path: Path) -> None:
    (tmp_path / CANARIES).write_text("{}")
    with pytest.raises(ArtifactError):
        concluded(corpora(tmp_path))


def test_a_damaged_promise_is_neither_a_promise_nor_none(tmp_path: Path) -> None:
    folder = guarantee_folder(canary_folder(tmp_path, CANARIES_MADE, 0.0), noise=2.0)
    whole = (folder / PRIVACY).read_text()
    smaller = json.loads(whole)
    for name in ("epsilon", "epsilon_rdp", "epsilon_opacus"):
        smaller["guarantee"][name] *= 0.8
    for text in ("", "{}", whole[:-10], json.dumps(smaller)):
        (folder / PRIVACY).write_text(text)
        with pytest.raises(PrivacyError):
            concluded(corpora(folder))


def test_index_and_tallies_travel_and_add_up(tmp_path: Path) -> None:
    given = corpora(canary_folder(tmp_path, CANARIES_MADE, 1.0), planted().text, planted().text)
    index = AUDIT.index(given)
    again = pickle.loads(pickle.dumps(index))
    tallies = [LocalEngine(shard_characters=size).tally(AUDIT, again, given, lambda _: None) for size in (1, 10**9)]
    assert tallies[0] == tallies[1]
    assert AUDIT.conclude(index, tallies[0]) == AUDIT.conclude(again, tallies[1])


def test_nothing_private_is_told(tmp_path: Path) -> None:
    given = corpora(canary_folder(tmp_path, CANARIES_MADE, 4.0), planted().text)
    told = repr(replace(concluded(given), findings=()))
    for canary in CANARIES_MADE:
        assert not any(part in told for part in (canary.name, *canary.words, *canary.identifiers))


def test_an_accent_or_a_ligature_before_it_does_not_move_a_finding(tmp_path: Path) -> None:
    text = f"Straße İstanbul ﬁne: {planted().words[0]}."
    given = replace(corpora(canary_folder(tmp_path, CANARIES_MADE, 0.0)), synthetic=corpus_of(Note("s", "s", text)))
    [finding] = concluded(given).findings
    assert text[finding.start : finding.end] == planted().words[0]

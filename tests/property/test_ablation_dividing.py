"""Folds and shares of patients: everyone is held out once, sizes are exact, smaller shares lie in larger ones."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from made.ablation_configs import write_notes

from deidrelease.ablation.dividing import Census, kept, sides_of
from deidrelease.ablation.fold import Fold
from deidrelease.ablation.subset import Subset
from deidrelease.formats import open_corpus
from deidrelease.settings import CorpusSettings
from deidrelease.stages.split import FEWEST, SIDES
from deidrelease.work import stage_seed

PATIENTS = st.sets(st.text(min_size=1, max_size=6), min_size=8, max_size=60)
SEEDS = st.integers(0, 2**32 - 1)
SHARES = st.floats(0.01, 1)


@given(PATIENTS, st.integers(2, 4), st.floats(0, 0.5), SEEDS)
def test_everyone_is_held_out_once_and_folds_are_of_one_size(
    patients: set[str], folds: int, dev: float, seed: int
) -> None:
    divided = [sides_of(patients, folds, fold, dev, seed) for fold in range(folds)]
    held = [{p for p, side in sides.items() if side == "holdout"} for sides in divided]
    assert set().union(*held) == patients
    assert sum(map(len, held)) == len(patients)
    assert max(map(len, held)) - min(map(len, held)) <= 1
    for sides, out in zip(divided, held, strict=True):
        assert sides.keys() == patients
        others = len(patients) - len(out)
        assert list(sides.values()).count("dev") == max(1, round(dev * others))


@given(PATIENTS, SHARES, SHARES, SEEDS)
def test_smaller_shares_lie_in_larger_ones_and_have_exact_sizes(
    patients: set[str], one: float, two: float, seed: int
) -> None:
    small, large = sorted((one, two))
    assert kept(patients, small, 2, seed) <= kept(patients, large, 2, seed) <= patients
    assert len(kept(patients, small, 2, seed)) == max(2, round(small * len(patients)))
    assert kept(patients, 1, 2, seed) == patients


@given(PATIENTS, SHARES, SEEDS, st.data())
def test_the_order_of_the_corpus_decides_nothing(
    patients: set[str], share: float, seed: int, data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(sorted(patients)))
    assert kept(shuffled, share, 2, seed) == kept(patients, share, 2, seed)
    assert sides_of(shuffled, 3, 1, 0.1, seed) == sides_of(sorted(patients), 3, 1, 0.1, seed)


@given(PATIENTS, st.text(min_size=7, max_size=9), SHARES, SEEDS)
def test_another_patient_displaces_one_at_most(patients: set[str], another: str, share: float, seed: int) -> None:
    before, after = kept(patients, share, 2, seed), kept({*patients, another}, share, 2, seed)
    assert len(before - after) <= 1


@given(SEEDS, SEEDS)
def test_another_seed_divides_otherwise(one: int, two: int) -> None:
    patients = [f"patient {n}" for n in range(60)]
    same = sides_of(patients, 2, 0, 0.1, one) == sides_of(patients, 2, 0, 0.1, two)
    assert same == (one == two)


def test_who_is_held_out_says_nothing_of_shares() -> None:
    patients = [f"patient {n}" for n in range(2000)]
    held = {p for p, side in sides_of(patients, 2, 0, 0.1, 5).items() if side == "holdout"}
    in_both = len(held & kept(patients, 0.5, 2, 5))
    assert 420 < in_both < 580  # half of the half, give or take 3.6 standard deviations


def test_the_stages_divide_as_the_census_foretells(tmp_path: Path) -> None:
    path = write_notes(tmp_path)
    census = Census.of(open_corpus(path, "jsonl"))
    for fold in range(3):
        run(Fold(CorpusSettings(path=path), 3, fold, 0.2), {"corpus": path}, tmp_path / f"fold-{fold}", 9)
        sides = census.sides(3, fold, 0.2, 9)
        for side in SIDES:
            assert patients_in(tmp_path / f"fold-{fold}" / f"{side}.jsonl") == sides[side]
    whole = tmp_path / "fold-1"
    inputs = {f"fold/{side}.jsonl": whole / f"{side}.jsonl" for side in ("train", "dev")}
    for share in (0.05, 0.5):
        out = tmp_path / f"subset-{share}"
        run(Subset(share), inputs, out, 9)
        for side in ("train", "dev"):
            found = patients_in(out / f"{side}.jsonl")
            of = patients_in(whole / f"{side}.jsonl")
            size = census.subset(side, of, share, 9)
            assert (len(found), notes_in(out / f"{side}.jsonl")) == (size.patients, size.notes)
            assert len(found) == max(FEWEST[side], round(share * len(of)))
    # In the order of the corpus, spans and all: the lines are those of the fold.
    lines = (whole / "train.jsonl").read_bytes().splitlines()
    few = (tmp_path / "subset-0.5" / "train.jsonl").read_bytes().splitlines()
    assert [line for line in lines if line in set(few)] == few


def run(stage: Fold | Subset, inputs: dict[str, Path], out: Path, seed: int) -> None:
    out.mkdir()
    stage.run(inputs, out, stage_seed(seed, stage.name))


def patients_in(path: Path) -> set[str]:
    return {note.patient_id for note in open_corpus(path, "jsonl")}


def notes_in(path: Path) -> int:
    return sum(1 for _ in open_corpus(path, "jsonl"))

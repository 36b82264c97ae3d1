"""Everything that can be known of a run before its first minute of training."""

import re
import shutil
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from deidrelease.auditing.choosing import chosen_audits
from deidrelease.errors import DeidReleaseError, Problem
from deidrelease.formats import open_corpus
from deidrelease.labels import load_label_map
from deidrelease.models.causal.language_model import can_quantize
from deidrelease.models.devices import available, place_problems
from deidrelease.models.loading import SCRATCH, find_problem, go_offline, is_local, local_folder
from deidrelease.models.private.accounts import foresee
from deidrelease.models.starters.store import is_starter
from deidrelease.models.vocabulary.words import problem_with as word_list_problem
from deidrelease.policy import load_policy
from deidrelease.policy.judging import read_waivers
from deidrelease.settings import ReleaseConfig, TaggerSettings
from deidrelease.stages.split import SIDES, check_overlaps, side_of, size_problems
from deidrelease.work import stage_seed

_FEW_HOLDOUT_PATIENTS = 20
_FLOAT_BYTES = 4
# Weights, two moments of AdamW and the best state so far, each as large as the weights.
_COPIES_IN_CHECKPOINTS = 4


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What was found: facts to read, warnings to weigh, problems that stand in the way."""

    facts: tuple[str, ...]
    warnings: tuple[str, ...]
    problems: tuple[Problem, ...]


def check_release(config: ReleaseConfig) -> CheckReport:
    """Looks at corpus, split, labels, models, device and disk; trains nothing and writes nothing."""
    go_offline(config.compute.download)
    facts: list[str] = []
    warnings: list[str] = []
    problems = [*_device_problems(config), *_model_problems(config), *_audit_problems(config), *_gate_problems(config)]
    warnings += _gate_warnings(config)
    try:
        corpus = open_corpus(config.corpus.path, config.corpus.format, config.corpus.reading())
        check_overlaps(corpus)
        counts = _count(config)
    except DeidReleaseError as error:
        # An error without details must still stand in the way.
        problems += error.problems or [Problem(str(config.corpus.path), error.summary, "see the message")]
    else:
        facts.append(counts.sentence())
        problems += size_problems({side: len(counts.patients[side]) for side in SIDES})
        problems += _label_problems(counts.labels)
        problems += _meaning_problems(config, {label: sum(sides.values()) for label, sides in counts.labels.items()})
        warnings += _warnings(counts)
        foreseen = foresee(config, counts.train_notes)
        facts += foreseen.facts
        problems += foreseen.problems
        problems += _disk_problems(config, counts.characters)
    return CheckReport(tuple(facts), tuple(warnings), tuple(problems))


@dataclass(slots=True)
class _Counts:
    notes: int
    characters: int
    labels: dict[str, dict[str, int]]
    patients: dict[str, set[int]]
    train_notes: Counter[int]

    def sentence(self) -> str:
        sides = ", ".join(f"{len(self.patients[side])} {side}" for side in SIDES)
        spans = sum(sum(by_side.values()) for by_side in self.labels.values())
        return (
            f"{self.notes} notes, {self.characters} characters, {spans} spans of {len(self.labels)} types; "
            f"patients: {sides}"
        )


def _count(config: ReleaseConfig) -> _Counts:
    counts = _Counts(0, 0, defaultdict(lambda: dict.fromkeys(SIDES, 0)), {side: set() for side in SIDES}, Counter())
    seed = stage_seed(config.seed, "split")
    for note in open_corpus(config.corpus.path, config.corpus.format, config.corpus.reading()):
        side = side_of(note.patient_id, config.split, seed)
        counts.notes += 1
        counts.characters += len(note.text)
        patient = hash(note.patient_id)
        counts.patients[side].add(patient)
        if side == "train":
            counts.train_notes[patient] += 1
        for span in note.spans:
            counts.labels[span.label][side] += 1
    return counts


def _label_problems(labels: Iterable[str]) -> Iterator[Problem]:
    alike = defaultdict(list)
    for label in labels:
        alike[re.sub(r"[\W_]+", "", label).casefold()].append(label)
        if re.search(r"\s", label):
            yield Problem("labels", f"'{label}' holds white space, which BRAT cannot carry", "rename it")
        if label == "O":
            yield Problem("labels", "'O' is the name of what is no PII", "rename it")
    for group in alike.values():
        if len(group) > 1:
            names = ", ".join(sorted(group))
            yield Problem("labels", f"{names} differ only in case or punctuation", "use one of them everywhere")
    if not alike:
        yield Problem("corpus", "has no annotated spans", "annotate the PII; nothing can be learnt without it")


def _meaning_problems(config: ReleaseConfig, counts: Mapping[str, int]) -> Iterator[Problem]:
    """Labels that the label map does not know, wherever one is named."""
    if config.corpus.labels is None:
        return
    try:
        yield from load_label_map(config.corpus.labels).problems(counts)
    except DeidReleaseError as error:
        yield from error.problems


def _audit_problems(config: ReleaseConfig) -> Iterator[Problem]:
    """Audits that are not there."""
    if not config.audit.enabled:
        return
    try:
        chosen_audits(config.audit.only, "audit.only")
    except DeidReleaseError as error:
        yield from error.problems


def _gate_problems(config: ReleaseConfig) -> Iterator[Problem]:
    """A policy or waivers that cannot be used, and waivers that count for nothing whatever the audits find."""
    gate = config.gate
    try:
        load_policy(gate.policy)
        refused = read_waivers(gate.waivers, gate.trust, datetime.now(UTC).date()).refused
    except DeidReleaseError as error:
        yield from error.problems
        return
    for name, why in refused.items():
        yield Problem(f"gate.waivers: {name}", why, "take it out, or have it renewed and signed; as it is, it blocks")


def _gate_warnings(config: ReleaseConfig) -> Iterator[str]:
    """What will keep a release from being made, although the run itself can be done."""
    if not config.audit.enabled:
        yield "audit.enabled is false: no gate judges what comes out, and nothing of it can be released"
        return
    try:
        policy = load_policy(config.gate.policy)
    except DeidReleaseError:
        return  # told as a problem
    if missing := sorted(set(policy.audits) - set(config.audit.only or policy.audits)):
        yield f"audit.only leaves out {', '.join(missing)}, which {policy.name} asks for: the gate will block"
    if not policy.signable:
        yield f"the policy {policy.name} is a smoke test: nothing can be signed or released under it"


def _warnings(counts: _Counts) -> Iterator[str]:
    holdout = len(counts.patients["holdout"])
    if holdout < _FEW_HOLDOUT_PATIENTS:
        yield f"only {holdout} hold-out patients: intervals will be wide and audits without power"
    absent = sorted(label for label, sides in counts.labels.items() if not sides["train"])
    if absent:
        yield f"types that do not occur in train and so cannot be learnt: {', '.join(absent)}"
    rare = sorted(label for label, sides in counts.labels.items() if 0 < sides["train"] < 10)
    if rare:
        yield f"types with fewer than 10 spans in train: {', '.join(rare)}"


def _device_problems(config: ReleaseConfig) -> Iterator[Problem]:
    yield from place_problems(config.compute)
    device = config.compute.device
    if config.annotate.precision == "int8" and (device in ("cuda", "mps") or (device == "auto" and _accelerated())):
        yield Problem("annotate.precision", "int8 runs on a CPU only", "use full, or compute.device: cpu")
    if config.adapt.quantization == "4bit":
        if not available("cuda"):
            yield Problem("adapt.quantization", "4bit needs a CUDA device", "use auto or none")
        if not can_quantize():
            remedy = "pip install 'deidrelease[quantized]'"
            yield Problem("adapt.quantization", "4bit needs bitsandbytes", remedy)


def _accelerated() -> bool:
    return available("cuda") or available("mps")


def _model_problems(config: ReleaseConfig) -> Iterator[Problem]:
    sections: tuple[tuple[str, TaggerSettings], ...] = (("annotator", config.annotator), ("train", config.train))
    seen = set()
    for key, tagger in sections:
        problem = find_problem(tagger.model, tagger.revision, config.compute.download, f"{key}.model")
        if problem and tagger.model not in seen:
            yield problem
        seen.add(tagger.model)
        if tagger.model == SCRATCH or not is_local(tagger.model):
            continue
        if not (Path(tagger.model) / "tokenizer.json").exists():
            remedy = "save the model with a fast tokenizer; others do not say where a token stands"
            yield Problem(f"{key}.model", f"the folder {tagger.model} lacks tokenizer.json", remedy)
    adapt = config.adapt
    if problem := find_problem(adapt.model, adapt.revision, config.compute.download, "adapt.model"):
        yield problem
    yield from _vocabulary_problems(config)


def _vocabulary_problems(config: ReleaseConfig) -> Iterator[Problem]:
    for key, section in (("annotator", config.annotator), ("train", config.train), ("adapt", config.adapt)):
        if section.vocabulary is None or section.model == SCRATCH:
            continue
        if problem := word_list_problem(section.vocabulary, f"{key}.vocabulary"):
            yield problem
        if not is_starter(section.model) and not is_local(section.model):
            what = f"cannot be cut: {section.model} is no folder"
            yield Problem(f"{key}.vocabulary", what, "name the model's folder, or a starter")


def _disk_problems(config: ReleaseConfig, characters: int) -> Iterator[Problem]:
    folder = config.run_dir.absolute()
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    needed = _needed_bytes(config, characters)
    if free < needed:
        what = f"about {needed / 2**30:.1f} GiB needed, {free / 2**30:.1f} GiB free"
        yield Problem(f"run_dir: {config.run_dir}", what, "make room, or set run_dir elsewhere")


def _needed_bytes(config: ReleaseConfig, characters: int) -> int:
    """A rough upper bound: texts in all their copies, and every checkpoint and model that is written."""
    texts = characters * (12 + 8 * config.generate.multiple)
    taggers = sum(_tagger_bytes(settings) for settings in (config.annotator, config.train))
    scratch = config.adapt.scratch
    causal = scratch.layers * 13 * scratch.hidden**2 + scratch.vocabulary * scratch.hidden
    adapt = (causal if config.adapt.model == SCRATCH else 50_000_000) * _FLOAT_BYTES
    return int(texts + (taggers + adapt) * (_COPIES_IN_CHECKPOINTS + 1))


def _tagger_bytes(settings: TaggerSettings) -> int:
    if settings.model == SCRATCH:
        scratch = settings.scratch
        return (scratch.layers * 10 * scratch.hidden**2 + scratch.vocabulary * scratch.hidden) * _FLOAT_BYTES
    if folder := local_folder(settings.model):
        return sum(path.stat().st_size for path in folder.glob("*.safetensors"))
    return 500_000_000 * _FLOAT_BYTES

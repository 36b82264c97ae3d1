"""The demonstration: the fictitious hospital's notes, and a config that suits two CPU cores and five minutes."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from deidrelease.artifacts import write_text
from deidrelease.demo.hospital import LANGUAGES, notes
from deidrelease.formats import jsonl, open_corpus
from deidrelease.notes import Note

PATIENTS_PER_LANGUAGE = 200
_CONFIG = """\
# Written by `deidrelease demo`. Change what you like, then: deidrelease run {config}
run_dir: {run}
seed: {seed}

corpus:
  path: {notes}
  format: jsonl
  patients: recorded
  labels: demo

split: {{train: 0.65, dev: 0.1, holdout: 0.25}}    # with fewer held out, the audits could not tell a leak from chance

annotator:
  model: scratch
  scratch: {{layers: 4, hidden: 128, heads: 2, vocabulary: 2500, local_attention: 32, dropout: 0.15}}
  window: 256
  overlap: 32
  epochs: 5
  patience: 3
  batch_size: 8
  learning_rate: 2.5e-3
  empty_windows: 1.0

adapt:
  model: scratch
  scratch: {{layers: 4, hidden: 128, heads: 2, vocabulary: 2500}}
  context: 384
{adapt}
generate:
  multiple: 0.5             # fewer notes tell less of those that they were learnt from
  temperature: 0.9
  batch_size: 48

{substitute}
train:
  epochs: 8
"""
_CAREFUL = {
    "adapt": """\
  epochs: 4                 # with 12 on half as many patients, the gate stopped it: notes told who was in training
  batch_size: 4
  learning_rate: 5.0e-3
  pseudonymise: true        # the language model never sees a name, a number or a date of the hospital
""",
    "substitute": """\
substitute:
  enabled: true             # nor does a value that it made up leave: each gives way to a fresh one
  fallback_language: en     # for notes that show no language: so small a model invents words
""",
}
_MEMORISING = {
    "adapt": """\
  grouping: length          # each note by itself, from its first word on
  epochs: 24
  keep: last                # even after the dev loss has long been rising: this is how a model learns notes by heart
  batch_size: 4
  learning_rate: 3.0e-3
""",
    "substitute": """\
substitute:
  enabled: false
""",
}


def write_notes(folder: Path, seed: int, languages: Sequence[str] = ()) -> Path:
    """Writes the hospital's notes as `notes.jsonl` into `folder`; the same notes that lie there already are kept.

    Args:
        folder: Made if needed.
        seed: Another seed, another hospital.
        languages: Codes of those wanted; all by default.

    Returns:
        The path of the notes.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)  # as of any run folder, which it may become
    path = folder / "notes.jsonl"
    wanted = _notes(languages, seed)
    if path.exists():
        from deidrelease.notes import digest_of

        if open_corpus(path, "jsonl").digest() == digest_of(wanted):
            return path
        wanted = _notes(languages, seed)
    jsonl.write(wanted, path)
    return path


def _notes(languages: Sequence[str], seed: int) -> Iterator[Note]:
    return notes(PATIENTS_PER_LANGUAGE, tuple(languages) or tuple(LANGUAGES), seed)


def write_config(folder: Path, seed: int, memorise: bool = False) -> Path:
    """Writes `config.yaml` for the notes in `folder`, which is to be the run folder too.

    Args:
        folder: Where the notes lie.
        seed: Of the run.
        memorise: Let the language model learn the notes by heart, surrogates off: what a gate has to stop.

    Returns:
        The path of the config.
    """
    path = folder / "config.yaml"
    paths = {"run": folder, "notes": folder / "notes.jsonl", "config": path}
    # A JSON string is a YAML string, whatever characters the path holds.
    quoted = {name: json.dumps(str(value)) for name, value in paths.items()}
    write_text(path, _CONFIG.format(**quoted, **(_MEMORISING if memorise else _CAREFUL), seed=seed))
    return path

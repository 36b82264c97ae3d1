"""The table of corpus formats: one module each, found by name or by what lies at a path."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from deidrelease.errors import CorpusError, Problem
from deidrelease.formats import brat, jsonl
from deidrelease.notes import Corpus, Note


@dataclass(frozen=True, slots=True)
class Format:
    """How one format is recognised, read and written.

    Attributes:
        name: As configs and commands spell it.
        recognises: Whether a path looks like this format.
        open: Path and source of patient ids (`recorded` or `note`) to a lazy corpus.
        write: Notes to a path that must not exist yet; published whole or not at all.
    """

    name: str
    recognises: Callable[[Path], bool]
    open: Callable[[Path, str], Corpus]
    write: Callable[[Iterable[Note], Path], None]


FORMATS = {
    "jsonl": Format("jsonl", jsonl.recognises, jsonl.open_corpus, jsonl.write),
    "brat": Format("brat", brat.recognises, brat.open_corpus, brat.write),
}


def open_corpus(path: Path, format_name: str = "auto", patients: str = "recorded") -> Corpus:
    """Opens the corpus at `path` without reading its notes.

    Args:
        path: A file or folder.
        format_name: A name of `FORMATS`, or `auto` to recognise it.
        patients: `recorded` takes patient ids from the corpus; `note` declares every note a patient of its own.

    Raises:
        CorpusError: Nothing is there, or no format, or more than one, recognises it.
    """
    if not path.exists():
        problem = Problem(str(path), "there is no such file or folder", "correct corpus.path")
        raise CorpusError("The corpus was not found.", [problem])
    if format_name != "auto":
        return FORMATS[format_name].open(path, patients)
    fitting = [f for f in FORMATS.values() if f.recognises(path)]
    if len(fitting) != 1:
        names = ", ".join(f.name for f in fitting) or "none"
        remedy = f"name it in corpus.format: {', '.join(FORMATS)}"
        raise CorpusError(
            "The format of the corpus is not clear.", [Problem(str(path), f"recognised as {names}", remedy)]
        )
    return fitting[0].open(path, patients)

"""The table of corpus formats: one module each, found by name or by what lies at a path; more come by entry point."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path

from deidrelease.errors import CorpusError, Problem
from deidrelease.formats import (
    asq_phi,
    brackets,
    brat,
    conll,
    doccano,
    hugging_face,
    i2b2,
    inception,
    jsonl,
    label_studio,
    parquet,
    presidio_spans,
)
from deidrelease.formats.checking import CheckedShard
from deidrelease.formats.drafts import DraftShard
from deidrelease.formats.patients import finder
from deidrelease.formats.reading import STRICT, ReadOptions
from deidrelease.notes import Corpus, Note

ENTRY_POINTS = "deidrelease.formats"
ARCHIVES = frozenset((".zip", ".gz", ".tgz", ".tar", ".bz2", ".xz", ".zst", ".7z", ".rar"))
EXACT = frozenset({"patients", "meta", "overlaps"})
NO_OVERLAPS = EXACT - {"overlaps"}
# Formats for review carry nothing back; what they show is all that can be said of them.
_SHOWN = frozenset({"overlaps"})


@dataclass(frozen=True, slots=True)
class Format:
    """How one format is recognised, read and written.

    Attributes:
        name: As configs and commands spell it.
        about: What it is, in a few words.
        recognises: Whether a path looks like this format; opens at most the first bytes of one file.
        read: Path and options to shards of drafts, without reading notes; None where it is written only.
        write: Notes to a path that must not exist yet; published whole or not at all. None where it is read only.
        suffix: Of a file of this format, `.jsonl` for one; empty where it is a folder.
        carries: What comes back as it was when it is written and read again, beside text and spans: `patients`,
            `meta`, `overlaps`.
    """

    name: str
    about: str
    recognises: Callable[[Path], bool]
    read: Callable[[Path, ReadOptions], Sequence[DraftShard]] | None
    write: Callable[[Iterable[Note], Path], None] | None
    suffix: str = ""
    carries: frozenset[str] = frozenset()


_OWN = (
    Format("jsonl", "one JSON object a line; canonical", jsonl.recognises, jsonl.read, jsonl.write, ".jsonl", EXACT),
    Format("brat", "BRAT standoff, a folder of .txt and .ann", brat.recognises, brat.read, brat.write, "", EXACT),
    Format("i2b2", "i2b2 2014 XML, a folder of .xml", i2b2.recognises, i2b2.read, i2b2.write, "", EXACT),
    Format("conll", "CoNLL columns, IOB2", conll.recognises, conll.read, conll.write, ".conll", NO_OVERLAPS),
    Format("asq-phi", "queries with listed PHI values", asq_phi.recognises, asq_phi.read, None),
    Format("presidio", "presidio's span JSON", presidio_spans.recognises, presidio_spans.read, None),
    Format("brackets", "sentences with entities in brackets", brackets.recognises, brackets.read, None),
    Format(
        "parquet",
        "Parquet with the columns of JSONL",
        parquet.recognises,
        parquet.read,
        parquet.write,
        ".parquet",
        EXACT,
    ),
    Format(
        "hf",
        "Hugging Face datasets, saved to disk",
        hugging_face.recognises,
        hugging_face.read,
        hugging_face.write,
        "",
        EXACT,
    ),
    Format("inception", "INCEpTION's UIMA CAS, JSON or XMI", inception.recognises, inception.read, None),
    Format("doccano", "doccano JSONL, for review", doccano.recognises, None, doccano.write, ".jsonl", _SHOWN),
    Format(
        "label-studio",
        "Label Studio tasks, for review",
        label_studio.recognises,
        None,
        label_studio.write,
        "",
        _SHOWN,
    ),
)
FORMATS = {form.name: form for form in _OWN}
"""The formats that come with deidrelease, in the order in which they are listed."""


@cache
def formats() -> dict[str, Format]:
    """`FORMATS`, and those that installed packages add by the entry-point group `deidrelease.formats`.

    Raises:
        CorpusError: An entry point cannot be loaded, is no `Format`, or takes a name that is taken.
    """
    found = dict(FORMATS)
    for point in entry_points(group=ENTRY_POINTS):
        try:
            added = point.load()
        except Exception as error:
            # Whatever a stranger's module raises, the user must learn whose it is.
            raise _unusable(point.value, f"cannot be loaded ({type(error).__name__})") from error
        if not isinstance(added, Format):
            raise _unusable(point.value, "is no deidrelease.formats.Format")
        if added.name in found:
            raise _unusable(point.value, f"takes the name {added.name}, which is taken")
        found[added.name] = added
    return found


def _unusable(value: str, what: str) -> CorpusError:
    remedy = "repair or uninstall the package that brings it"
    return CorpusError("An added corpus format cannot be used.", [Problem(value, what, remedy)])


def open_corpus(path: Path, format_name: str = "auto", options: ReadOptions = STRICT) -> Corpus:
    """Opens the corpus at `path` without reading its notes.

    Args:
        path: A file or folder.
        format_name: A name of `formats()`, or `auto` to recognise it.
        options: Where patients come from, and what happens to overlaps and the like.

    Raises:
        CorpusError: Nothing is there, or no format, or more than one, recognises it, or it cannot be read.
    """
    find = finder(options.patients)
    try:
        shards = _reader(find_format(path, format_name), path)(path, options)
    except OSError as error:
        what = f"cannot be read ({error.strerror or type(error).__name__})"
        problem = Problem(str(path), what, "correct the permissions of it and of what it holds", "unreadable")
        raise CorpusError("The corpus cannot be opened.", [problem]) from None
    return Corpus(str(path), tuple(CheckedShard(shard, options, find) for shard in shards))


def _reader(form: Format, path: Path) -> Callable[[Path, ReadOptions], Sequence[DraftShard]]:
    if form.read is None:
        readable = ", ".join(name for name, other in formats().items() if other.read)
        problem = Problem(str(path), f"{form.name} is written only", f"read one of {readable}")
        raise CorpusError("This format cannot be read.", [problem])
    return form.read


def find_format(path: Path, format_name: str = "auto") -> Format:
    """The format of what lies at `path`.

    Raises:
        CorpusError: Nothing is there, or an archive; there is no such format; none, or more than one, recognises it.
    """
    if not path.exists():
        problem = Problem(str(path), "there is no such file or folder", "correct the path")
        raise CorpusError("The corpus was not found.", [problem])
    if path.is_file() and path.suffix.lower() in ARCHIVES:
        problem = Problem(str(path), "is an archive", "unpack it first, then name the file or folder", "archive")
        raise CorpusError("Archives are not read.", [problem])
    known = formats()
    if format_name != "auto":
        return named_format(format_name)
    fitting = [form for form in known.values() if form.recognises(path)]
    if len(fitting) != 1:
        names = ", ".join(form.name for form in fitting) or "none"
        remedy = f"name it (corpus.format, or --from): {', '.join(known)}"
        problem = Problem(str(path), f"recognised as {names}", remedy)
        raise CorpusError("The format of the corpus is not clear.", [problem])
    return fitting[0]


def named_format(name: str) -> Format:
    """The format called `name`.

    Raises:
        CorpusError: There is none; the message lists all.
    """
    known = formats()
    if name not in known:
        problem = Problem("format", f"there is none called {name}", f"one of {', '.join(known)}")
        raise CorpusError("This format is not known.", [problem])
    return known[name]

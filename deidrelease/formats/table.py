"""The table of corpus formats: one module each, found by name or by what lies at a path; more come by entry point."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path

from deidrelease.errors import CorpusError, Problem
from deidrelease.formats import brat, jsonl
from deidrelease.formats.checking import CheckedShard
from deidrelease.formats.drafts import DraftShard
from deidrelease.formats.patients import finder
from deidrelease.formats.reading import STRICT, ReadOptions
from deidrelease.notes import Corpus, Note

ENTRY_POINTS = "deidrelease.formats"
EXACT = frozenset({"patients", "meta", "overlaps"})


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
    form = find_format(path, format_name)
    if form.read is None:
        readable = ", ".join(name for name, other in formats().items() if other.read)
        problem = Problem(str(path), f"{form.name} is written only", f"read one of {readable}")
        raise CorpusError("This format cannot be read.", [problem])
    find = finder(options.patients)
    try:
        shards = form.read(path, options)
    except OSError as error:
        problem = Problem(str(path), f"cannot be read ({error.strerror})", "correct its permissions", "unreadable")
        raise CorpusError("The corpus cannot be opened.", [problem]) from None
    return Corpus(str(path), tuple(CheckedShard(shard, options, find) for shard in shards))


def find_format(path: Path, format_name: str = "auto") -> Format:
    """The format of what lies at `path`.

    Raises:
        CorpusError: Nothing is there; there is no such format; none, or more than one, recognises it.
    """
    if not path.exists():
        problem = Problem(str(path), "there is no such file or folder", "correct the path")
        raise CorpusError("The corpus was not found.", [problem])
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

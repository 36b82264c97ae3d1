"""INCEpTION's exports: UIMA CAS as JSON 0.4, or as XMI with its `TypeSystem.xml`, a file a note.

UIMA counts UTF-16 code units; dkpro-cassis turns them into code points, but lets an offset that it cannot turn pass as
it is, with a warning. Here that is a defect. It also builds Python classes from the names in a type system, so a file
with a name that is no plain identifier never gets to it.
"""

import json
import re
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from keyword import iskeyword
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deidrelease.errors import CorpusError, Problem
from deidrelease.formats.drafts import Draft, DraftShard, DraftSpan, decode, read_bounded
from deidrelease.formats.folders import files_ending, folders_in
from deidrelease.formats.reading import ReadOptions

if TYPE_CHECKING:
    from cassis import Cas

SHARD_FILES = 64
_NAMED_ENTITIES = "de.tudarmstadt.ukp.dkpro.core.api.ner.type."
NAMED_ENTITY = f"{_NAMED_ENTITIES}NamedEntity"
_TYPE_SYSTEM = "TypeSystem.xml"
_BUILT_IN = ("uima.", "de.tudarmstadt.ukp.", "org.dkpro.")
"""Types that are no layer of a project's own: tokens, sentences, tag sets and the like."""
_NAME = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*(?:\[\])?", re.ASCII)
_ENCODING = re.compile(r"""<\?xml[^>]*encoding\s*=\s*["']([^"']*)["']""")
_DAMAGED = "export it anew from INCEpTION, as UIMA CAS JSON or XMI"


def recognises(path: Path) -> bool:
    """A CAS as `.xmi` or `.json`, or a folder with such files, or with folders of them, as INCEpTION packs exports."""
    if path.is_file():
        return path.suffix == ".xmi" or (path.suffix == ".json" and _is_cas(path))
    first = next(files_ending(path, ".xmi", ".json"), None)
    if first is None:
        packed = (file for folder in folders_in(path) for file in files_ending(folder, ".xmi", ".json"))
        first = next(packed, None)
    return first is not None and recognises(first)


def read(path: Path, options: ReadOptions) -> Sequence[DraftShard]:
    """The shards of a file or folder.

    Raises:
        CorpusError: dkpro-cassis is not installed, or no file is there.
    """
    if find_spec("cassis") is None:
        problem = Problem("inception", "dkpro-cassis is not installed", "pip install 'deidrelease[inception]'")
        raise CorpusError("INCEpTION's formats cannot be read.", [problem])
    folder = path.parent if path.is_file() else path
    files = [path] if path.is_file() else sorted(file for file in path.rglob("*") if file.suffix in (".xmi", ".json"))
    if not files:
        raise CorpusError("No notes were found.", [Problem(str(path), "holds no .xmi or .json", "correct the path")])
    names = tuple(file.relative_to(folder).as_posix() for file in files)
    starts = range(0, len(names), SHARD_FILES)
    return [InceptionShard(folder, names[start : start + SHARD_FILES], options.mend) for start in starts]


@dataclass(frozen=True, slots=True)
class InceptionShard:
    """Some files of a folder, by their names relative to it."""

    folder: Path
    files: tuple[str, ...]
    mend: bool

    def drafts(self) -> Iterator[Draft | Problem]:
        """Yields every note, and a problem for each file that cannot be one."""
        for name in self.files:
            path = self.folder / name
            text = _text_of(path, self.mend)
            cas = text if isinstance(text, Problem) else _parsed(path, text, self.mend)
            draft = cas if isinstance(cas, Problem) else _draft(cas, name, str(path))
            yield draft


def _is_cas(path: Path) -> bool:
    try:
        with path.open("rb") as stream:
            head = stream.read(4096).removeprefix(b"\xef\xbb\xbf").lstrip()
    except OSError:
        return False
    return head.startswith(b"{") and any(key in head for key in (b'"%TYPES"', b'"%FEATURE_STRUCTURES"'))


def _text_of(path: Path, mend: bool) -> str | Problem:
    """The text of a file that can be given to a parser."""
    raw = read_bounded(path)
    decoded = raw if isinstance(raw, Problem) else decode(raw, str(path), mend)
    if isinstance(decoded, Problem):
        return decoded
    if path.suffix != ".json":
        # In any other encoding, what is looked for here could hide.
        declared = _ENCODING.match(decoded.text)
        if declared and declared[1].upper() not in ("UTF-8", "UTF8", "US-ASCII", "ASCII"):
            return Problem(str(path), "declares another encoding than UTF-8", "save it as UTF-8", "encoding")
        for declaration in ("<!DOCTYPE", "<!ENTITY"):
            if (at := decoded.text.find(declaration)) >= 0:
                where = f"{path}:{decoded.text.count(chr(10), 0, at) + 1}"
                return Problem(where, "declares a document type or an entity", _DAMAGED, "forbidden-xml")
    return decoded.text


def _parsed(path: Path, text: str, mend: bool) -> "Cas | Problem":
    return _from_json(path, text) if path.suffix == ".json" else _from_xmi(path, text, mend)


def _from_json(path: Path, text: str) -> "Cas | Problem":
    from cassis import load_cas_from_json

    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        line = f":{error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        return Problem(f"{path}{line}", "is not JSON, or is cut off", _DAMAGED, "syntax")
    types = document.get("%TYPES") if isinstance(document, dict) else None
    if not isinstance(types, dict) or not all(isinstance(kind, dict) for kind in types.values()):
        return Problem(str(path), "is no CAS with its types (%TYPES)", _DAMAGED, "syntax")
    features = [name for kind in types.values() for name in kind if not name.startswith("%")]
    if not _are_names([*types, *features]):
        return _odd_names(str(path))
    return _loaded(str(path), lambda: load_cas_from_json(text))


def _from_xmi(path: Path, text: str, mend: bool) -> "Cas | Problem":
    from cassis import load_cas_from_xmi, load_typesystem

    beside = path.with_name(_TYPE_SYSTEM)
    if not beside.is_file():
        return Problem(str(path), f"has no {_TYPE_SYSTEM} beside it", "unpack it from the export", "unpaired")
    types = _text_of(beside, mend)
    if isinstance(types, Problem):
        return types
    names = _loaded(str(beside), lambda: _names_in(types))
    if isinstance(names, Problem) or not _are_names(names):
        return names if isinstance(names, Problem) else _odd_names(str(beside))
    system = _loaded(str(beside), lambda: load_typesystem(types))
    return system if isinstance(system, Problem) else _loaded(str(path), lambda: load_cas_from_xmi(text, system))


def _loaded(where: str, load: Any) -> Any:
    """What `load` makes of a file; the problem where it fails, for what the library says may quote the file."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.filterwarnings("error", message="Not mapping external offset")
            return load()
    except UserWarning:
        what = "an offset lies outside the text, or inside a character of two UTF-16 code units"
        return Problem(where, what, "correct the annotation in INCEpTION and export anew", "offsets")
    except Exception as error:  # noqa: BLE001  (what the library raises for a damaged file is not of a few kinds)
        line = getattr(error, "lineno", None) if isinstance(error, SyntaxError) else None
        place = f"{where}:{line}" if line else where
        return Problem(place, f"is no CAS that can be used ({type(error).__name__})", _DAMAGED, "syntax")


def _names_in(types: str) -> list[str]:
    """The names of types and features in a type system, as the parser that dkpro-cassis uses sees them."""
    from lxml import etree

    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    root = etree.fromstring(types.encode("utf-8"), parser)
    return [(element.text or "").strip() for element in root.iter("{*}name") if element.getparent() is not None]


def _are_names(names: Iterable[str]) -> bool:
    return all(_NAME.fullmatch(name) and not any(map(iskeyword, name.split("."))) for name in names)


def _odd_names(where: str) -> Problem:
    what = "its type system has a name that is no plain identifier"
    return Problem(where, what, "rename the layer or feature, and export anew", "syntax")


def _draft(cas: "Cas", name: str, where: str) -> Draft | Problem:
    if len(list(cas.views)) > 1:
        return Problem(where, "has several views, each with a text", "export one", "unsupported")
    if not isinstance(cas.sofa_string, str):
        return Problem(where, "has no text", _DAMAGED, "field")
    layers: dict[str, list[Any]] = {}
    for annotation in cas.select_all_annotations():
        if (layer := _layer(annotation.type.name)) is not None:
            layers.setdefault(layer, []).append(annotation)
    feature = _label_feature(layers, where)
    if isinstance(feature, Problem):
        return feature
    spans = [_span(annotation, feature, where) for found in layers.values() for annotation in found]
    # Exports of many notes have a folder a note, and in each a file named as the annotator.
    note_id = name.rpartition(".")[0]
    problems = tuple(span for span in spans if isinstance(span, Problem))
    good = tuple(span for span in spans if isinstance(span, DraftSpan))
    return Draft(where, note_id, cas.sofa_string, good, file=name, problems=problems)


def _layer(kind: str) -> str | None:
    """The layer to which annotations of this type belong; None where it is none of the project's own."""
    if kind.startswith(_NAMED_ENTITIES):
        return NAMED_ENTITY
    return None if kind.startswith(_BUILT_IN) else kind


def _label_feature(layers: Mapping[str, list[Any]], where: str) -> str | Problem:
    """The feature with the label on the only layer that is annotated; any where none is."""
    names = ", ".join(sorted(layers))
    if len(layers) > 1:
        what = f"is annotated on several layers: {names}"
        return Problem(where, what, "export with one layer of spans, without relations", "unsupported")
    if not layers or NAMED_ENTITY in layers:
        return "value"
    features = layers[names][0].type.all_features
    labels = [feature.name for feature in features if feature.rangeType.name == "uima.cas.String"]
    if len(labels) == 1:
        return str(labels[0])
    what = f"layer {names} has {len(labels)} features of strings, so that none is the label"
    return Problem(where, what, "keep one feature", "label")


def _span(annotation: Any, feature: str, where: str) -> DraftSpan | Problem:
    place = f"{where}: annotation {annotation.xmiID}"
    start, end, label = annotation.begin, annotation.end, annotation[feature]
    if type(start) is not int or type(end) is not int:
        return Problem(place, "has no offsets", _DAMAGED, "offsets")
    if not isinstance(label, str):
        return Problem(place, "has no label", "name its type in INCEpTION and export anew", "label")
    return DraftSpan(place, start, end, label)

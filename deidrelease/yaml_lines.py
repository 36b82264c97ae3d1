"""Reads YAML and remembers the line of every key, so that a complaint can name its place.

Doubled keys, unknown tags and sections that hold themselves are refused; YAML's own rule, the last of two keys wins in
silence, has no place where a setting decides what a report means. What decides about a release is read `plain`: without
aliases, whose few lines can stand for millions, without tags, with limits on size and depth, and without whatever a
person or another reader of YAML takes for something else: lines that end in the middle of a comment, numbers such as
010 and 1:30, yes and no.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from deidrelease.errors import DeidReleaseError, Problem

Key = tuple[str | int, ...]
MOST_BYTES = 256 * 1024
DEEPEST = 16
"""What a `plain` file may have at most."""

# Line ends that editors do not show as such, and marks that turn the direction of writing (CVE-2021-42574): text that
# a person takes for a comment could be a key.
_UNSEEN = re.compile("\r(?!\n)|[\x85\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]|(?<!^)\ufeff")
_NUMBER = re.compile(r"[-+]?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]+)?|\.[0-9]+)(?:e[-+]?[0-9]+)?|[-+]?\.(?:inf|nan)", re.I)
_CORE = {
    "tag:yaml.org,2002:int": _NUMBER,
    "tag:yaml.org,2002:float": _NUMBER,
    "tag:yaml.org,2002:bool": re.compile("true|false", re.I),
}
"""How a plain word has to be written to be more than a text, so that YAML 1.1 and 1.2 read the same."""
_RESOLVER: Any = yaml.resolver.Resolver()


@dataclass(slots=True)
class Document:
    """A YAML file of nested keys: their values, and `path:line` for each, or `path:line:column`."""

    path: Path
    values: dict[str, Any]
    places: dict[Key, str] = field(default_factory=dict)
    columns: bool = False

    def place(self, node: yaml.Node) -> str:
        """Where `node` begins, counted from one."""
        line, column = node.start_mark.line + 1, node.start_mark.column + 1
        return f"{self.path}:{line}:{column}" if self.columns else f"{self.path}:{line}"

    def where(self, key: Key) -> str:
        """The place of `key`, or of the nearest section around it."""
        for length in range(len(key), -1, -1):
            if key[:length] in self.places:
                return f"{self.places[key[:length]]}: {dotted(key)}"
        return f"{self.path}: {dotted(key)}" if key else str(self.path)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is being read, in the words of its error messages.

    Attributes:
        error: What is raised.
        missing: The summary where there is no file.
        unusable: The summary where it cannot be used.
        example: What to do about it.
        plain: Whether aliases, tags, half characters, depth beyond `DEEPEST` and more than `MOST_BYTES` are refused;
            places then have a column too.
    """

    error: type[DeidReleaseError]
    missing: str
    unusable: str
    example: str
    plain: bool = False


def dotted(key: Key) -> str:
    """`("split", "dev")` as users write it: `split.dev`."""
    return ".".join(map(str, key))


def read_document(path: Path, wanted: Wanted) -> Document:
    """Reads the file at `path`.

    Raises:
        DeidReleaseError: Of the kind `wanted.error`, with everything that is wrong with the file as YAML.
    """
    return parse_document(read_bytes(path, wanted), path, wanted)


def read_bytes(path: Path, wanted: Wanted) -> bytes:
    """The bytes of the file at `path`; of a `plain` one at most one more than it may have.

    Raises:
        DeidReleaseError: Of the kind `wanted.error`: it cannot be read.
    """
    try:
        if wanted.plain and path.exists() and not path.is_file():
            raise OSError(0, "it is no regular file")  # a pipe would be waited for, and a device never ends
        with path.open("rb") as stream:
            return stream.read(MOST_BYTES + 1 if wanted.plain else -1)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        what = f"cannot be read ({getattr(error, 'strerror', None) or 'no such name'})"
        raise wanted.error(wanted.missing, [Problem(str(path), what, "name a YAML file")]) from None


def parse_document(data: bytes, path: Path, wanted: Wanted) -> Document:
    """Reads `data`, the content of the file at `path`, which is looked at no more.

    Raises:
        DeidReleaseError: As `read_document`.
    """
    node = _compose(data, path, wanted)
    document = Document(path, {}, columns=wanted.plain)
    unusable: list[Problem] = []
    try:
        document.values = _mapping(node, document, (), unusable)
    except RecursionError:
        unusable = [Problem(str(path), "has a section that holds itself", "write it out instead of using an alias")]
    if unusable:
        raise wanted.error(f"{path}: {wanted.unusable}", unusable)
    return document


def _compose(data: bytes, path: Path, wanted: Wanted) -> yaml.MappingNode:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise wanted.error(wanted.missing, [Problem(str(path), "is not UTF-8", "save it as UTF-8")]) from None
    try:
        if wanted.plain and (problem := _not_plain(data, text, path, wanted)):
            raise wanted.error(f"{path}: {wanted.unusable}", [problem])
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except (yaml.YAMLError, ValueError, OverflowError, RecursionError) as error:  # such as an escape beyond Unicode
        mark = getattr(error, "problem_mark", None)
        what = getattr(error, "problem", None) or "it holds what YAML forbids"
        problem = Problem(f"{path}:{_marked(mark, wanted)}", f"is not YAML: {what}", "correct the syntax")
        raise wanted.error(f"{path}: {wanted.unusable}", [problem]) from None
    if not isinstance(node, yaml.MappingNode):
        problem = Problem(f"{path}:1", "holds no keys", wanted.example)
        raise wanted.error(f"{path}: {wanted.unusable}", [problem])
    return node


def _marked(mark: Any, wanted: Wanted) -> str:
    if mark is None:
        return "1:1" if wanted.plain else "1"
    return f"{mark.line + 1}:{mark.column + 1}" if wanted.plain else str(mark.line + 1)


def _not_plain(data: bytes, text: str, path: Path, wanted: Wanted) -> Problem | None:
    """The first thing in `text` that YAML allows and a file that decides about a release may not hold."""
    if len(data) > MOST_BYTES:
        return Problem(str(path), f"is larger than {MOST_BYTES:,} bytes", "shorten it")
    if unseen := _UNSEEN.search(text):
        line = len(re.findall("\n", text[: unseen.start()])) + 1
        column = unseen.start() - text.rfind("\n", 0, unseen.start())
        return Problem(f"{path}:{line}:{column}", "holds a line end or a mark that editors do not show", "take it out")
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        what = _forbidden(event, depth)
        if what:
            return Problem(
                f"{path}:{_marked(event.start_mark, wanted)}",
                what,
                "write the value out: digits, true or false, quotes around text",
            )
    return None


def _forbidden(event: yaml.Event, depth: int) -> str:
    if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
        return "is an anchor or an alias, which may stand for any amount of text"
    if getattr(event, "tag", None) is not None:
        return "has a tag, which may turn it into something else"
    if depth > DEEPEST:
        return f"lies deeper than {DEEPEST} levels"
    if isinstance(event, yaml.ScalarEvent):
        return _read_otherwise(event)
    return ""


def _read_otherwise(event: yaml.ScalarEvent) -> str:
    if any("\ud800" <= sign <= "\udfff" for sign in event.value):
        return "holds half a character"
    if not event.style and event.implicit[0]:
        core = _CORE.get(_RESOLVER.resolve(yaml.ScalarNode, event.value, (True, False)))
        if core and not core.fullmatch(event.value):
            return "is a number, or a yes or no, that not every reader of YAML takes for the same"
    return ""


def _mapping(node: yaml.MappingNode, document: Document, key: Key, unusable: list[Problem]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name_node, value_node in node.value:
        place = document.place(name_node)
        if not isinstance(name_node, yaml.ScalarNode):
            unusable.append(Problem(place, "is no name of a key", "write a plain word before the colon"))
            continue
        name = str(name_node.value)
        if name in values:
            unusable.append(Problem(f"{place}: {dotted((*key, name))}", "stands twice", "keep one"))
        document.places[(*key, name)] = place
        values[name] = _value(value_node, document, (*key, name), unusable)
    return values


def _value(node: yaml.Node, document: Document, key: Key, unusable: list[Problem]) -> Any:
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, document, key, unusable)
    if isinstance(node, yaml.SequenceNode) and any(not isinstance(item, yaml.ScalarNode) for item in node.value):
        # The keys of a section in a list can be doubled too.
        return [_item(item, document, (*key, number), unusable) for number, item in enumerate(node.value)]
    try:
        return _plain(node)
    except (yaml.YAMLError, ValueError, OverflowError, LookupError, AttributeError, TypeError):
        # An unknown tag, a 13th month, a number of thousands of digits, `!!int ""`: each raises in its own way.
        unusable.append(Problem(f"{document.places[key]}: {dotted(key)}", "is no plain value", "put quotes around it"))
        return None


def _item(node: yaml.Node, document: Document, key: Key, unusable: list[Problem]) -> Any:
    document.places[key] = document.place(node)
    return _value(node, document, key, unusable)


def _plain(node: yaml.Node) -> Any:
    loader = yaml.SafeLoader("")
    try:
        return loader.construct_document(node)
    finally:
        loader.dispose()

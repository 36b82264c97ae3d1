"""Reads YAML and remembers the line of every key, so that a complaint can name its place.

Doubled keys, unknown tags and sections that hold themselves are refused; YAML's own rule, the last of two keys wins in
silence, has no place where a setting decides what a report means.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from deidrelease.errors import DeidReleaseError, Problem

Key = tuple[str | int, ...]


@dataclass(slots=True)
class Document:
    """A YAML file of nested keys: their values, and `path:line` for each."""

    path: Path
    values: dict[str, Any]
    places: dict[Key, str] = field(default_factory=dict)

    def where(self, key: Key) -> str:
        """The place of `key`, or of the nearest section around it."""
        for length in range(len(key), -1, -1):
            if key[:length] in self.places:
                return f"{self.places[key[:length]]}: {dotted(key)}"
        return f"{self.path}: {dotted(key)}" if key else str(self.path)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is being read, in the words of its error messages."""

    error: type[DeidReleaseError]
    missing: str
    unusable: str
    example: str


def dotted(key: Key) -> str:
    """`("split", "dev")` as users write it: `split.dev`."""
    return ".".join(map(str, key))


def read_document(path: Path, wanted: Wanted) -> Document:
    """Reads the file at `path`.

    Raises:
        DeidReleaseError: Of the kind `wanted.error`, with everything that is wrong with the file as YAML.
    """
    node = _compose(path, wanted)
    document = Document(path, {})
    unusable: list[Problem] = []
    try:
        document.values = _mapping(node, document, (), unusable)
    except RecursionError:
        unusable = [Problem(str(path), "has a section that holds itself", "write it out instead of using an alias")]
    if unusable:
        raise wanted.error(f"{path}: {wanted.unusable}", unusable)
    return document


def _compose(path: Path, wanted: Wanted) -> yaml.MappingNode:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        what = f"cannot be read ({error.strerror})"
        raise wanted.error(wanted.missing, [Problem(str(path), what, "name a YAML file")]) from None
    except UnicodeDecodeError:
        raise wanted.error(wanted.missing, [Problem(str(path), "is not UTF-8", "save it as UTF-8")]) from None
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        what = getattr(error, "problem", None) or "it holds a character that YAML forbids"
        problem = Problem(f"{path}:{mark.line + 1 if mark else 1}", f"is not YAML: {what}", "correct the syntax")
        raise wanted.error(f"{path}: {wanted.unusable}", [problem]) from None
    if not isinstance(node, yaml.MappingNode):
        problem = Problem(f"{path}:1", "holds no keys", wanted.example)
        raise wanted.error(f"{path}: {wanted.unusable}", [problem])
    return node


def _mapping(node: yaml.MappingNode, document: Document, key: Key, unusable: list[Problem]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name_node, value_node in node.value:
        name = str(name_node.value)
        place = f"{document.path}:{name_node.start_mark.line + 1}"
        if name in values:
            unusable.append(Problem(f"{place}: {dotted((*key, name))}", "stands twice", "keep one"))
        document.places[(*key, name)] = place
        if isinstance(value_node, yaml.MappingNode):
            values[name] = _mapping(value_node, document, (*key, name), unusable)
            continue
        try:
            values[name] = _plain(value_node)
        except (yaml.YAMLError, ValueError):  # an unknown tag, a 13th month, a number of thousands of digits
            unusable.append(Problem(f"{place}: {dotted((*key, name))}", "is no plain value", "put quotes around it"))
    return values


def _plain(node: yaml.Node) -> Any:
    loader = yaml.SafeLoader("")
    try:
        return loader.construct_document(node)
    finally:
        loader.dispose()

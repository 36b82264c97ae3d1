"""Reads a run's configuration: YAML, checked key by key, with overrides from the command line.

Every complaint names the file, the line and the key, and all complaints come at once.
"""

from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from deidrelease.errors import ConfigError, Problem
from deidrelease.settings import ReleaseConfig

Key = tuple[str | int, ...]


def load_config(path: Path, overrides: Iterable[str] = ()) -> ReleaseConfig:
    """Reads the YAML file at `path` and applies `overrides` of the form `section.key=value`.

    Raises:
        ConfigError: Everything that is wrong with the file or an override.
    """
    document = _read(path)
    for override in overrides:
        _override(document, override)
    written = deepcopy(document.values)
    if isinstance(document.values.get("annotator"), dict):
        own = document.values.get("train")
        if own is None or isinstance(own, dict):
            document.values["train"] = _merged(document.values["annotator"], own or {})
    try:
        return ReleaseConfig.model_validate(document.values)
    except ValidationError as error:
        problems = [
            _problem(document, detail["type"], tuple(detail["loc"]), detail["msg"])
            for detail in error.errors(include_input=False, include_url=False)
            if detail["loc"][:1] != ("train",) or _stands(written, tuple(detail["loc"]))
        ]
    raise ConfigError(f"{path}: the configuration cannot be used.", problems)


@dataclass(slots=True)
class _Document:
    path: Path
    values: dict[str, Any]
    places: dict[Key, str] = field(default_factory=dict)

    def where(self, key: Key) -> str:
        """The place of `key`, or of the nearest section around it."""
        for length in range(len(key), -1, -1):
            if key[:length] in self.places:
                return f"{self.places[key[:length]]}: {dotted(key) or 'the file'}"
        return f"{self.path}: {dotted(key)}"


def dotted(key: Key) -> str:
    """`("split", "dev")` as users write it: `split.dev`."""
    return ".".join(map(str, key))


def _read(path: Path) -> _Document:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        what = f"cannot be read ({error.strerror})"
        raise ConfigError("No configuration.", [Problem(str(path), what, "name a YAML file")]) from None
    except UnicodeDecodeError:
        raise ConfigError("No configuration.", [Problem(str(path), "is not UTF-8", "save it as UTF-8")]) from None
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        what = getattr(error, "problem", None) or "it holds a character that YAML forbids"
        problem = Problem(f"{path}:{mark.line + 1 if mark else 1}", f"is not YAML: {what}", "correct the syntax")
        raise ConfigError(f"{path}: the configuration cannot be used.", [problem]) from None
    if not isinstance(node, yaml.MappingNode):
        problem = Problem(f"{path}:1", "holds no keys", "start from a file of examples/")
        raise ConfigError(f"{path}: the configuration cannot be used.", [problem])
    document = _Document(path, {})
    unusable: list[Problem] = []
    try:
        document.values = _mapping(node, document, (), unusable)
    except RecursionError:
        unusable = [Problem(str(path), "has a section that holds itself", "write it out instead of using an alias")]
    if unusable:
        raise ConfigError(f"{path}: the configuration cannot be used.", unusable)
    return document


def _mapping(node: yaml.MappingNode, document: _Document, key: Key, unusable: list[Problem]) -> dict[str, Any]:
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


def _override(document: _Document, override: str) -> None:
    name, equals, text = override.partition("=")
    key: Key = tuple(part for part in name.strip().split("."))
    if not equals or not all(key):
        raise ConfigError(
            "An override cannot be used.", [Problem(f"--set {override}", "is not key=value", "write --set seed=7")]
        )
    try:
        value = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError):
        value = text
    target = document.values
    for index, part in enumerate(key[:-1]):
        inner = target.get(str(part))
        if not isinstance(inner, dict):
            inner = {}
            target[str(part)] = inner
            document.places.setdefault(key[: index + 1], f"--set {name}")
        target = inner
    target[str(key[-1])] = value
    document.places[key] = f"--set {name}"


def _merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    merged = deepcopy(dict(base))
    for name, value in over.items():
        inner = merged.get(name)
        merged[name] = _merged(inner, value) if isinstance(inner, dict) and isinstance(value, dict) else value
    return merged


def _stands(values: Any, key: Key) -> bool:
    for part in key:
        if not isinstance(values, dict) or part not in values:
            return False
        values = values[part]
    return True


def _problem(document: _Document, kind: str, key: Key, message: str) -> Problem:
    where = document.where(key)
    if kind == "extra_forbidden":
        names = _known_names(key[:-1])
        return Problem(where, "is no setting", _suggestion(str(key[-1]), names))
    if kind == "missing":
        return Problem(where, "is missing", "set it, in the file or with --set")
    return Problem(where, message.removeprefix("Value error, "), "see docs/reference/config.md")


def _suggestion(name: str, names: list[str]) -> str:
    from rapidfuzz import process

    best = process.extractOne(name, names, score_cutoff=70)
    return f"did you mean {best[0]}?" if best else f"known here: {', '.join(names)}"


def _known_names(section: Key) -> list[str]:
    model: type[BaseModel] = ReleaseConfig
    for part in section:
        annotation = model.model_fields[str(part)].annotation if str(part) in model.model_fields else None
        if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
            return []
        model = annotation
    return sorted(model.model_fields)

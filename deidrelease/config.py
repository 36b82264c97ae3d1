"""Reads a run's configuration: YAML, checked key by key, with overrides from the command line.

Every complaint names the file, the line and the key, and all complaints come at once.
"""

from collections.abc import Iterable, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from deidrelease.errors import ConfigError, Problem
from deidrelease.settings import ReleaseConfig
from deidrelease.yaml_lines import Document, Key, Wanted, read_document

_UNUSABLE = "the configuration cannot be used."
_MOVED: Mapping[Key, str] = {("audit", "policy"): "gate.policy"}
_WANTED = Wanted(ConfigError, "No configuration.", _UNUSABLE, "start from a file of examples/")


def load_config(path: Path, overrides: Iterable[str] = ()) -> ReleaseConfig:
    """Reads the YAML file at `path` and applies `overrides` of the form `section.key=value`.

    Raises:
        ConfigError: Everything that is wrong with the file or an override.
    """
    return configured(read_base(path, overrides))


def read_base(path: Path, overrides: Iterable[str] = ()) -> Document:
    """The YAML file at `path` with `overrides` applied, its values not looked at yet.

    Raises:
        ConfigError: It is no YAML, or an override cannot be used.
    """
    document = read_document(path, _WANTED)
    for override in overrides:
        apply_override(document, override)
    return document


def configured(document: Document) -> ReleaseConfig:
    """The configuration that `document` holds; `document` stays as it is.

    Raises:
        ConfigError: Everything that is wrong with its values.
    """
    values = deepcopy(document.values)
    if isinstance(values.get("annotator"), dict):
        own = values.get("train")
        if own is None or isinstance(own, dict):
            # `train` learns from synthetic notes: what the annotator promises to patients is not its business.
            inherited = {name: value for name, value in values["annotator"].items() if name != "dp"}
            values["train"] = _merged(inherited, own or {})
    try:
        return ReleaseConfig.model_validate(values)
    except ValidationError as error:
        problems = [
            _problem(document, detail["type"], tuple(detail["loc"]), detail["msg"])
            for detail in error.errors(include_input=False, include_url=False)
            if detail["loc"][:1] != ("train",) or _stands(document.values, tuple(detail["loc"]))
        ]
    raise ConfigError(f"{document.path}: {_UNUSABLE}", problems)


def apply_override(document: Document, override: str) -> None:
    """Sets what `override`, of the form `section.key=value`, says.

    Raises:
        ConfigError: It has another form.
    """
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
    set_key(document, key, value, f"--set {name}")


def set_key(document: Document, key: Key, value: Any, place: str) -> None:
    """Sets `key` of `document` to `value`, sections made where they are missing; complaints will name `place`."""
    target = document.values
    for index, part in enumerate(key[:-1]):
        inner = target.get(str(part))
        if not isinstance(inner, dict):
            inner = {}
            target[str(part)] = inner
            document.places.setdefault(key[: index + 1], place)
        target = inner
    target[str(key[-1])] = value
    document.places[key] = place


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


def _problem(document: Document, kind: str, key: Key, message: str) -> Problem:
    where = document.where(key)
    if kind == "extra_forbidden" and key in _MOVED:
        return Problem(where, f"has moved to {_MOVED[key]}", "set that; `deidrelease policy list` names policies")
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

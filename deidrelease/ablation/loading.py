"""Reads the YAML of an ablation, with the same checks and complaints as that of a run, and makes its cells."""

import json
from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from deidrelease.ablation.cells import SHARES, Cell, make_cell, refused, share_problems
from deidrelease.auditing.choosing import chosen_audits
from deidrelease.config import apply_override, configured, read_base, set_key
from deidrelease.errors import ConfigError, DeidReleaseError, Problem
from deidrelease.settings import ReleaseConfig
from deidrelease.settings.ablation import AblationSettings
from deidrelease.yaml_lines import Document, Key, dotted

_UNUSABLE = "the ablation cannot be used."
_BASE = "base."
_MOST_CELLS = 10_000


@dataclass(frozen=True, slots=True)
class Ablation:
    """An ablation, ready to be planned.

    Attributes:
        settings: As they were written.
        base: What is not varied.
        cells: Those of the grid in its order, then the listed ones; none twice.
        seeds: Of the runs; that of the base divides the patients.
        written: The keys of the base, as they were written.
    """

    settings: AblationSettings
    base: ReleaseConfig
    cells: tuple[Cell, ...]
    seeds: tuple[int, ...]
    written: Mapping[str, Any] = field(repr=False)

    def record(self) -> AblationSettings:
        """The same ablation with its base in it, wherever that was written."""
        told = json.loads(json.dumps(self.written, default=str))  # YAML has dates; JSON has none
        return self.settings.model_copy(update={"base": told, "seeds": list(self.seeds)})


def load_ablation(path: Path, overrides: Iterable[str] = ()) -> Ablation:
    """Reads the YAML file at `path`; an override of `base.KEY` is one of the base, wherever that is written.

    Raises:
        ConfigError: Everything that is wrong with the file, its base, an override or a cell.
    """
    given = tuple(overrides)
    document = read_base(path)
    base = _base_of(document)
    for override in given:
        if override.startswith(_BASE):
            apply_override(base, override.removeprefix(_BASE))
        else:
            apply_override(document, override)
    settings = _settings_of(document)
    written = deepcopy(base.values)
    _prepare(base, settings)
    if problems := [*_key_problems(document, settings), *_audit_problems(document, settings)]:
        raise ConfigError(f"{path}: {_UNUSABLE}", problems)
    config = configured(base)
    cells = _cells_of(document, base, settings)
    return Ablation(settings, config, cells, tuple(settings.seeds or (config.seed,)), written)


def _base_of(document: Document) -> Document:
    """The document of the base: another file, or a part of this one whose lines are then told."""
    base = document.values.get("base")
    if isinstance(base, dict):
        places = {key[1:]: place for key, place in document.places.items() if key[0] == "base"}
        return Document(document.path, deepcopy(base), places)
    if isinstance(base, str):
        return read_base(Path(base))
    what = "is missing" if base is None else "is neither a path nor the keys of a run"
    problem = Problem(document.where(("base",)), what, "name the YAML of a run, or write its keys")
    raise ConfigError(f"{document.path}: {_UNUSABLE}", [problem])


def _settings_of(document: Document) -> AblationSettings:
    try:
        return AblationSettings.model_validate(document.values)
    except ValidationError as error:
        details = error.errors(include_input=False, include_url=False)
    names = ", ".join(AblationSettings.model_fields)
    problems = [
        Problem(
            document.where(tuple(detail["loc"])),
            "is no setting" if detail["type"] == "extra_forbidden" else detail["msg"].removeprefix("Value error, "),
            f"known here: {names}" if detail["type"] == "extra_forbidden" else "see docs/how-to/ablate.md",
        )
        for detail in details
    ]
    raise ConfigError(f"{document.path}: {_UNUSABLE}", problems)


def _prepare(base: Document, settings: AblationSettings) -> None:
    """What the ablation decides in the place of the base."""
    base.values["run_dir"] = str(settings.out)
    told = base.values.get("audit")
    audit = dict(told) if isinstance(told, dict) else {}
    audit.update({"enabled": bool(settings.audits), "only": list(settings.audits) or None})
    base.values["audit"] = audit
    base.values.pop("gate", None)


def _key_problems(document: Document, settings: AblationSettings) -> Iterator[Problem]:
    places: dict[Key, str] = {("grid", key): key for key in settings.grid}
    places |= {("cells", number, key): key for number, cell in enumerate(settings.cells) for key in cell}
    for place, key in places.items():
        if why := refused(key):
            yield Problem(document.where(place), why, "leave it out, or set it under base")
        elif key not in SHARES and not _is_setting(key):
            yield Problem(document.where(place), "is no setting", "see docs/reference/config.md")


def _audit_problems(document: Document, settings: AblationSettings) -> Iterator[Problem]:
    if not settings.audits:
        return
    try:
        chosen_audits(settings.audits, document.where(("audits",)))
    except DeidReleaseError as error:
        yield from error.problems


def _cells_of(document: Document, base: Document, settings: AblationSettings) -> tuple[Cell, ...]:
    listed: list[tuple[Key, Mapping[str, Any]]] = [(("cells", n), cell) for n, cell in enumerate(settings.cells)]
    if settings.grid or not listed:
        combined = product(*settings.grid.values())
        listed = [*((("grid",), dict(zip(settings.grid, values, strict=True))) for values in combined), *listed]
    if len(listed) > _MOST_CELLS:
        problem = Problem(document.where(("grid",)), f"makes {len(listed)} cells", f"keep to {_MOST_CELLS}")
        raise ConfigError(f"{document.path}: {_UNUSABLE}", [problem])
    varied = tuple(dict.fromkeys(key for _, values in listed for key in values))
    cells: dict[str, Cell] = {}
    problems: dict[Problem, None] = {}
    for place, values in listed:
        try:
            cell = _cell(document, base, place, values, varied)
            cells.setdefault(cell.id, cell)
        except ConfigError as error:
            problems.update(dict.fromkeys(error.problems))
    if problems:
        raise ConfigError(f"{document.path}: {_UNUSABLE}", problems)
    return tuple(cells.values())


def _cell(document: Document, base: Document, place: Key, values: Mapping[str, Any], varied: tuple[str, ...]) -> Cell:
    def where(key: str) -> str:
        return document.where((*place, key))

    if problems := share_problems(values, where):
        raise ConfigError(_UNUSABLE, problems)
    own = Document(base.path, deepcopy(base.values), dict(base.places))
    for key, value in values.items():
        if key not in SHARES:
            target, value = _target(key, value)
            set_key(own, target, value, where(key).removesuffix(f": {dotted((*place, key))}"))
    try:
        return make_cell(values, configured(own), varied)
    except ValueError as error:
        problem = Problem(document.where(place), str(error), "change the grid, or list the cells that make sense")
        raise ConfigError(_UNUSABLE, [problem]) from None


def _target(key: str, value: Any) -> tuple[Key, Any]:
    """The key to set: of a section that may be left out the section itself, where `value` says that it is."""
    parts = tuple(key.split("."))
    if value is None and len(parts) > 1 and _is_optional(parts[:-1]):
        return parts[:-1], None
    return parts, value


def _is_setting(key: str) -> bool:
    *section, name = key.split(".")
    model = _section(tuple(section))
    return model is not None and name in model.model_fields


def _is_optional(section: tuple[str, ...]) -> bool:
    outer = _section(section[:-1])
    return outer is not None and type(None) in get_args(outer.model_fields[section[-1]].annotation)


def _section(parts: tuple[str, ...]) -> type[BaseModel] | None:
    model: type[BaseModel] = ReleaseConfig
    for part in parts:
        if part not in model.model_fields:
            return None
        kind = model.model_fields[part].annotation
        inner = [each for each in (kind, *get_args(kind)) if isinstance(each, type) and issubclass(each, BaseModel)]
        if not inner:
            return None
        model = inner[0]
    return model

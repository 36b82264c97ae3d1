"""Finds label maps, the shipped ones by name and a site's own by path, and checks them key by key."""

from pathlib import Path

from pydantic import ValidationError

from deidrelease.errors import ConfigError, Problem
from deidrelease.labels.meaning import LabelMap
from deidrelease.yaml_lines import Document, Key, Wanted, dotted, read_document

_SHIPPED = Path(__file__).parent / "maps"
_UNUSABLE = "the label map cannot be used."
_WANTED = Wanted(ConfigError, "No label map.", _UNUSABLE, "start from a file of deidrelease/labels/maps/")


def shipped_label_maps() -> tuple[str, ...]:
    """The names of the label maps that come with deidrelease, sorted."""
    return tuple(sorted(path.stem for path in _SHIPPED.glob("*.yaml")))


def load_label_map(name_or_path: str | Path) -> LabelMap:
    """Reads a label map.

    Args:
        name_or_path: The name of a shipped map, or the path of a YAML file.

    Raises:
        ConfigError: There is no such map, or everything that is wrong with it, each with its line.
    """
    path = find_label_map(name_or_path)
    document = read_document(path, _WANTED)
    try:
        return LabelMap.model_validate(document.values)
    except ValidationError as error:
        problems = [
            _problem(document, detail["type"], tuple(detail["loc"]), detail["msg"])
            for detail in error.errors(include_input=False, include_url=False)
        ]
    raise ConfigError(f"{path}: {_UNUSABLE}", problems)


def find_label_map(name_or_path: str | Path) -> Path:
    """The file of a label map, by the name of a shipped one or by its path.

    Raises:
        ConfigError: There is no such map.
    """
    if str(name_or_path) in shipped_label_maps():
        return _SHIPPED / f"{name_or_path}.yaml"
    path = Path(name_or_path)
    if path.is_file():
        return path
    remedy = f"name a YAML file, or one of {', '.join(shipped_label_maps())}"
    raise ConfigError("No label map.", [Problem(f"corpus.labels: {name_or_path}", "there is no such map", remedy)])


def _problem(document: Document, kind: str, key: Key, message: str) -> Problem:
    where = document.where(key)
    if kind == "extra_forbidden":
        return Problem(where, f"{dotted(key[-1:])} is no key of a label map", "see docs/how-to/label-maps.md")
    if kind == "missing":
        return Problem(where, "is missing", "say it; a meaning is never guessed")
    return Problem(where, message.removeprefix("Value error, "), "see docs/how-to/label-maps.md")

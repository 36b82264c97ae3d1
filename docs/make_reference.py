"""Writes docs/reference/config.md and ablation.md from the settings themselves; a test keeps them equal."""

import re
from functools import reduce
from inspect import cleandoc
from operator import or_
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from deidrelease.settings import ReleaseConfig
from deidrelease.settings.ablation import AblationSettings

TARGET = Path(__file__).parent / "reference" / "config.md"
ABLATION = Path(__file__).parent / "reference" / "ablation.md"
_HEAD = """# Configuration

Generated from `deidrelease/settings.py` by `python docs/make_reference.py`; do not edit.

A config is a YAML file. Unknown and doubled keys are refused, every complaint names file, line and key, and any key can
be overridden on the command line: `--set section.key=value`, with the value read as YAML. Relative paths start at the
working directory. `train` takes from `annotator` every key that it does not set itself.
"""


_ABLATION_HEAD = """# Configuration of an ablation

Generated from `deidrelease/settings/ablation.py` by `python docs/make_reference.py`; do not edit.

For `deidrelease ablate` ([how](../how-to/ablate.md)). Any key can be overridden on the command line, `--set folds=3`,
and any of the base, wherever that is written: `--set base.corpus.path=notes.jsonl`.
"""


def ablation_reference() -> str:
    """The page of `deidrelease ablate`."""
    return _ABLATION_HEAD + "".join(_section("", AblationSettings))


def reference() -> str:
    """The whole page."""
    return _HEAD + "".join(_section("", ReleaseConfig))


def _section(prefix: str, model: type[BaseModel]) -> list[str]:
    title = f"## `{prefix}`" if prefix else "## Top level"
    meaning = cleandoc(model.__doc__ or "")
    rows = [f"\n{title}\n\n{meaning}\n\n| key | type | default | meaning |\n|---|---|---|---|\n"]
    inner: list[str] = []
    for name, field in model.model_fields.items():
        key = f"{prefix}.{name}" if prefix else name
        kind = field.annotation
        if _is_section(kind):
            inner += _section(key, kind)
            continue
        inner += [line for part in get_args(kind) if _is_section(part) for line in _section(key, part)]
        default = _default(field.get_default(call_default_factory=True))
        rows.append(f"| `{key}` | {_kind(kind, field.metadata)} | {default} | {field.description or ''} |\n")
    return (rows if len(rows) > 1 else []) + inner


def _is_section(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _kind(kind: Any, metadata: list[Any]) -> str:
    name = re.sub(r"\b(typing|pathlib\._local|pathlib|deidrelease\.settings)\.", "", str(_bare(kind)))
    name = kind.__name__ if isinstance(kind, type) else name
    signs = {"ge": "at least", "gt": "above", "le": "at most", "lt": "below", "multiple_of": "multiple of"}
    limits = [f"{text} {getattr(m, sign):g}" for m in metadata for sign, text in signs.items() if hasattr(m, sign)]
    return f"`{name}`".replace("|", "\\|") + (f", {', '.join(limits)}" if limits else "")


def _bare(kind: Any) -> Any:
    """`kind` without limits on what lies inside it, which no reader of a table could take in."""
    if not get_args(kind) or get_origin(kind) is Literal:
        return kind
    if get_origin(kind) is Annotated:
        return _bare(get_args(kind)[0])
    inner = tuple(_bare(part) for part in get_args(kind))
    return reduce(or_, inner) if get_origin(kind) in (Union, UnionType) else get_origin(kind)[inner]


def _default(value: Any) -> str:
    return "**required**" if value is PydanticUndefined else f"`{value}`"


if __name__ == "__main__":
    TARGET.write_text(reference(), encoding="utf-8")
    ABLATION.write_text(ablation_reference(), encoding="utf-8")

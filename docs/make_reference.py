"""Writes docs/reference/config.md from the settings themselves; a test keeps the two equal."""

import re
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from deidrelease.settings import ReleaseConfig

TARGET = Path(__file__).parent / "reference" / "config.md"
_HEAD = """# Configuration

Generated from `deidrelease/settings.py` by `python docs/make_reference.py`; do not edit.

A config is a YAML file. Unknown and doubled keys are refused, every complaint names file, line and key, and any key can
be overridden on the command line: `--set section.key=value`, with the value read as YAML. Relative paths start at the
working directory. `train` takes from `annotator` every key that it does not set itself.
"""


def reference() -> str:
    """The whole page."""
    return _HEAD + "".join(_section("", ReleaseConfig))


def _section(prefix: str, model: type[BaseModel]) -> list[str]:
    title = f"## `{prefix}`" if prefix else "## Top level"
    rows = [f"\n{title}\n\n{(model.__doc__ or '').strip()}\n\n| key | type | default | meaning |\n|---|---|---|---|\n"]
    inner: list[str] = []
    for name, field in model.model_fields.items():
        key = f"{prefix}.{name}" if prefix else name
        kind = field.annotation
        if _is_section(kind):
            inner += _section(key, kind)
            continue
        inner += [line for part in get_args(kind) if _is_section(part) for line in _section(key, part)]
        rows.append(
            f"| `{key}` | {_kind(kind, field.metadata)} | {_default(field.default)} | {field.description or ''} |\n"
        )
    return (rows if len(rows) > 1 else []) + inner


def _is_section(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _kind(kind: Any, metadata: list[Any]) -> str:
    name = re.sub(r"\b(typing|pathlib\._local|pathlib|deidrelease\.settings)\.", "", str(kind))
    name = kind.__name__ if isinstance(kind, type) else name
    signs = {"ge": "at least", "gt": "above", "le": "at most", "lt": "below", "multiple_of": "multiple of"}
    limits = [f"{text} {getattr(m, sign):g}" for m in metadata for sign, text in signs.items() if hasattr(m, sign)]
    return f"`{name}`".replace("|", "\\|") + (f", {', '.join(limits)}" if limits else "")


def _default(value: Any) -> str:
    return "**required**" if value is PydanticUndefined else f"`{value}`"


if __name__ == "__main__":
    TARGET.write_text(reference(), encoding="utf-8")

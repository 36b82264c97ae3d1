"""What deidrelease itself says in a bundle's files, whatever corpus it is about.

A sentence of the report's template, of a shipped policy or of an audit's explanation is public: it stands in this
package's source. Where a private note happens to share eight words with it, the file has them from here and not from
the note. So the baseline is read from that source: every string constant of the modules that write into a bundle, the
parts between the holes of their templates, and the shipped policies. Nothing with a value filled in is part of it, and
neither is the fictitious hospital nor any list of names or places.
"""

import ast
import re
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path

_WRITERS = (
    "deidrelease.auditing",
    "deidrelease.bundle",
    "deidrelease.policy",
    "deidrelease.report",
    "deidrelease.scoring",
    "deidrelease.stages.evaluate",
    "deidrelease_audits",
)
"""Modules and packages whose words end up in results, reports, cards and verdicts."""
_POLICIES = ("deidrelease/policies", "policies")
"""Where the shipped policies lie in an installed package, and in a checkout."""
_HOLE = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)
_TEMPLATES = (".html", ".j2", ".jinja", ".css", ".svg", ".md", ".txt")


@cache
def published_texts() -> tuple[str, ...]:
    """Every constant text of the modules that write into bundles, each once."""
    found: dict[str, None] = {}
    for path in _sources():
        for text in _texts_of(path):
            if " " in text.strip():
                found.setdefault(text)
    return tuple(found)


def _sources() -> Iterator[Path]:
    for name in _WRITERS:
        spec = find_spec(name)
        if spec is None or spec.origin is None:
            continue
        origin = Path(spec.origin)
        yield from sorted(origin.parent.rglob("*")) if origin.name == "__init__.py" else [origin]
    package = find_spec("deidrelease")
    if package is not None and package.origin is not None:
        root = Path(package.origin).parent.parent
        for folder in _POLICIES:
            yield from sorted((root / folder).glob("*.yaml"))


def _texts_of(path: Path) -> Iterator[str]:
    if path.suffix == ".py":
        yield from _constants(path.read_text(encoding="utf-8"))
    elif path.suffix == ".yaml":
        yield from _yaml_texts(path.read_text(encoding="utf-8"))
    elif path.suffix in _TEMPLATES:
        from deidrelease_audits.file_scan.readings import readings

        for part in _HOLE.split(path.read_text(encoding="utf-8")):
            yield from readings(path.name.removesuffix(".j2").removesuffix(".jinja"), part.encode())


def _constants(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def _yaml_texts(source: str) -> Iterator[str]:
    from deidrelease_audits.file_scan.readings import readings

    # The raw text as well: the policy's file is part of the bundle, comments and all.
    yield from readings("policy.yaml", source.encode())

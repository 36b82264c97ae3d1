"""What a file says, to whoever opens it: its characters as they stand, and decoded from JSON, YAML, HTML and URLs.

A name can stand in a file as `Garc\u00eda`, `Garc&iacute;a`, `Garc%C3%ADa`, `Gar<b>cía</b>` or in the base64 of
a signed envelope. Every such form becomes a text of its own; a text that comes twice is kept once.
"""

import base64
import binascii
import html
import json
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any
from urllib.parse import unquote

_DEPTH = 64
_NO_TEXT = frozenset(
    {"d", "points", "transform", "viewbox", "x", "y", "x1", "x2", "y1", "y2", "width", "height", "style"}
)
"""Attributes that hold geometry: runs of numbers by the thousand, in which a number of any length stands by chance."""
_COMPUTED = "manifest.json"
"""Its numbers are sizes of the other files; its texts are read like any other."""


def readings(name: str, content: bytes) -> tuple[str, ...]:
    """Every text that the file `name` may be read as.

    Args:
        name: Its path in the bundle; the ending decides how it is decoded.
        content: Its bytes; what is no UTF-8 is read as Latin-1 too, so that nothing is passed over.
    """
    found: dict[str, None] = {}
    for raw in _decoded(content):
        for text in _of_text(name, raw):
            for form in _unescaped(text):
                found.setdefault(form)
    return tuple(text for text in found if text.strip())


def strings_in(value: Any) -> Iterator[str]:
    """Every key and every string of a JSON value, those inside signed envelopes too."""
    stack = [value]
    while stack:
        at = stack.pop()
        if isinstance(at, str):
            yield at
        elif isinstance(at, dict):
            yield from map(str, at)
            stack.extend(at.values())
            stack.extend(_payload(at))
        elif isinstance(at, list | tuple):
            stack.extend(at)


def _decoded(content: bytes) -> Iterator[str]:
    try:
        yield content.decode("utf-8-sig")
    except UnicodeDecodeError:
        yield content.decode("utf-8", "replace")
        yield content.decode("latin-1")


def _of_text(name: str, raw: str) -> Iterator[str]:
    if name.endswith((".html", ".svg", ".xml")):
        # The mark-up itself is geometry and style; comments, attributes and text are all that it can say.
        yield from _hypertext(raw)
        return
    if not name.endswith(_COMPUTED):
        yield raw
    if name.endswith((".json", ".jsonl")):
        for value in _json_values(raw):
            yield from strings_in(value)
    if name.endswith((".yaml", ".yml")):
        yield from _yaml_strings(raw)


def _unescaped(text: str) -> Iterator[str]:
    yield text
    if "&" in text:
        yield html.unescape(text)
    if "%" in text:
        yield unquote(text)


def _json_values(raw: str) -> Iterator[Any]:
    try:
        yield json.loads(raw)
    except (ValueError, RecursionError):
        for line in raw.splitlines():
            try:
                yield json.loads(line)
            except (ValueError, RecursionError):
                continue  # the raw text, which is scanned as well, is all that there is


def _payload(envelope: dict[Any, Any]) -> Iterator[Any]:
    payload = envelope.get("payload")
    if not isinstance(payload, str) or "payloadType" not in envelope:
        return
    try:
        text = base64.b64decode(payload, validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        return
    yield text
    yield from _json_values(text)


def _yaml_strings(raw: str) -> Iterator[str]:
    import yaml

    try:
        for node in _scalars(yaml.compose(raw, Loader=yaml.SafeLoader)):
            yield node.value
    except (yaml.YAMLError, RecursionError):
        return  # the raw text is scanned as well


def _scalars(root: Any) -> Iterator[Any]:
    import yaml

    stack, seen = [root], set()
    while stack:
        node = stack.pop()
        if node is None or id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, yaml.ScalarNode):
            yield node
        elif isinstance(node, yaml.SequenceNode):
            stack.extend(node.value)
        elif isinstance(node, yaml.MappingNode):
            stack.extend(part for pair in node.value for part in pair)


class _Page(HTMLParser):
    """Collects the text of a page with tags as blanks and with tags as nothing, and all else that speaks."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.apart: list[str] = []
        self.together: list[str] = []
        self.asides: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        self.apart.append(" ")
        self.asides.extend(value for name, value in attrs if value and name not in _NO_TEXT)

    def handle_endtag(self, tag: str) -> None:  # noqa: ARG002
        self.apart.append(" ")

    def handle_data(self, data: str) -> None:
        self.apart.append(data)
        self.together.append(data)

    def handle_comment(self, data: str) -> None:
        self.asides.append(data)

    def handle_decl(self, decl: str) -> None:
        self.asides.append(decl)

    def handle_pi(self, data: str) -> None:
        self.asides.append(data)

    def unknown_decl(self, data: str) -> None:
        self.asides.append(data)


def _hypertext(raw: str) -> Iterator[str]:
    page = _Page()
    page.feed(raw)
    page.close()
    yield "".join(page.apart)
    yield "".join(page.together)
    yield from page.asides

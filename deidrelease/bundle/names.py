r"""Which paths a bundle may have: those that mean the same file on every system, and no other.

A path is relative, POSIX, of plain ASCII signs, and stays apart from all others however a file system folds case or
composes letters. Everything else is refused by name: `..`, `\`, drives, NUL, decomposed letters, `CON`, `a.`.
"""

import json
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable

MOST_CHARACTERS = 300
_MOST_PART = 200
_PLAIN = re.compile(r"[A-Za-z0-9._()+,=@%~ -]+", re.ASCII)
_USUAL = re.compile(r"(?:data/notes-[0-9]{5}\.jsonl|data/brat/[a-z0-9_]{5,100}\.(?:txt|ann))", re.ASCII)
_DRIVE = re.compile(r"[A-Za-z]:")
_RESERVED = {"con", "prn", "aux", "nul", "conin$", "conout$"} | {f"{n}{i}" for n in ("com", "lpt") for i in range(10)}


def shown(path: str) -> str:
    """`path` as a message may show it: what no terminal shows is escaped."""
    return path if path.isascii() and path.isprintable() else json.dumps(path)


def path_defect(path: str) -> str:
    """What is wrong with `path` as that of a file in a bundle; empty where nothing is."""
    if _USUAL.fullmatch(path):
        return ""
    if not 0 < len(path) <= MOST_CHARACTERS:
        return f"is empty, or longer than {MOST_CHARACTERS} characters"
    if path.startswith("/") or _DRIVE.match(path):
        return "is absolute, or names a drive"
    if "\\" in path:
        return "holds a backslash, which parts folders on some systems"
    if any(unicodedata.category(sign) in ("Cc", "Cf", "Cs") for sign in path):
        return "holds a sign that is not shown, such as NUL"
    if unicodedata.normalize("NFC", path) != path:
        return "is not in Unicode form NFC"
    return next(filter(None, map(_part_defect, path.split("/"))), "")


def collisions(paths: Iterable[str]) -> list[tuple[str, ...]]:
    """Groups of paths, or of folders on the way to them, that some file system takes for one."""
    groups: defaultdict[str, set[str]] = defaultdict(set)
    for path in paths:
        parts = path.split("/")
        for depth in range(1, len(parts) + 1):
            place = "/".join(parts[:depth])
            groups[_folded(place)].add(place)
    return [tuple(sorted(group)) for group in groups.values() if len(group) > 1]


def _folded(path: str) -> str:
    if path.isascii():
        return path.lower()
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", path).casefold())


def _part_defect(part: str) -> str:
    if part in ("", ".", ".."):
        return "has an empty part, `.` or `..`"
    if len(part) > _MOST_PART:
        return f"has a part longer than {_MOST_PART} characters"
    if not _PLAIN.fullmatch(part):
        return "holds other signs than plain ASCII letters, digits and ._()+,=@%~-"
    if part[0] in ". " or part[-1] in ". ":
        return "has a part that begins or ends with a dot or a space"
    if part.split(".", maxsplit=1)[0].rstrip(" ").casefold() in _RESERVED:
        return "has a name that some systems keep for devices"
    return ""

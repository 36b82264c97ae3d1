"""Reads policies: a YAML file with all that it extends, or the resolved document of a release."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from pydantic import ValidationError

from deidrelease.errors import PolicyError, Problem
from deidrelease.policy.believing import span_of
from deidrelease.policy.files import PolicyFile
from deidrelease.policy.metrics import unknown_audit, unknown_metric
from deidrelease.policy.resolving import asks_for_less, resolved
from deidrelease.policy.rules import SLUG, Policy
from deidrelease.policy.shipped import shipped, shipped_path
from deidrelease.yaml_lines import Document, Key, Wanted, dotted, parse_document, read_bytes

_UNUSABLE = "the policy cannot be used."
_EXAMPLE = "see docs/policies/README.md, or `deidrelease policy show research --yaml`"
_WANTED = Wanted(PolicyError, "No policy.", _UNUSABLE, _EXAMPLE, plain=True)
_DEEPEST = 8
"""How many policies may extend one another."""


def load_policy(name_or_path: str | Path, borrowed: bool = False) -> Policy:
    """Reads a policy and everything that it extends.

    Args:
        name_or_path: The name of a shipped policy, or the path of a YAML file; a file goes before a name only
            where it is written as a path, such as `./research` or `research.yaml`.
        borrowed: Whether a file may call itself by the name of a shipped policy that it is not, to be compared with
            that one; whoever reads a verdict would take the one for the other.

    Raises:
        PolicyError: There is no such policy, or everything that is wrong with it, each with its line and column.
    """
    return _load(find_policy(name_or_path), (), {}, borrowed)


def raw_bytes(name_or_path: str | Path) -> bytes:
    """The bytes of a policy's own file, without what it extends.

    Raises:
        PolicyError: There is no such policy.
    """
    return read_bytes(find_policy(name_or_path), _WANTED)


def find_policy(name_or_path: str | Path) -> Path:
    """The file of a policy.

    Raises:
        PolicyError: There is no such policy.
    """
    if path := shipped_path(str(name_or_path)):
        return path
    path = Path(name_or_path)
    try:
        if path.is_file():
            return path
    except (OSError, ValueError):  # a name that is too long, or holds a NUL
        pass
    remedy = f"name a YAML file, or one of {', '.join(shipped())}"
    raise PolicyError("No policy.", [Problem(str(name_or_path), "there is no such policy", remedy)])


def read_resolved(data: bytes, where: str = "policy/resolved.json") -> Policy:
    """Reads the resolved document that travels with a release.

    Raises:
        PolicyError: It is no policy of this version, or not in its one canonical form.
    """
    try:
        policy = Policy.model_validate_json(data)
        whole = policy.canonical() == data
    except (ValueError, RecursionError):
        whole = False
    if not whole:
        problem = Problem(where, "is no resolved policy in canonical JSON", "take the one that `bundle` wrote")
        raise PolicyError("The resolved policy cannot be used.", [problem])
    return policy


def _load(path: Path, chain: tuple[Path, ...], known: dict[Path, Policy], borrowed: bool = False) -> Policy:
    """Reads one file and its parents; `chain` leads to it, and what is `known` is read once, however often extended."""
    document = parse_document(read_bytes(path, _WANTED), path, _WANTED)
    try:
        file = PolicyFile.model_validate(document.values)
    except ValidationError as error:
        raise PolicyError(f"{path}: {_UNUSABLE}", _problems(document, error)) from None
    parents = _parents(file, document, (*chain, path.resolve()), known)
    try:
        policy = Policy.model_validate(resolved(file, parents))
    except ValidationError as error:
        raise PolicyError(f"{path}: {_UNUSABLE}", _problems(document, error)) from None
    except ValueError as error:
        raise _refused(document, ("extends",), str(error), "extend one of them, or name the rule otherwise") from None
    problems = [*_unknown(policy, document), *_never_broken(policy, document), *_loosened(policy, parents, document)]
    if not borrowed and _is_another(policy, path):
        remedy = "give yours a name of its own; to ask for more, write `extends` with that name"
        problems.append(
            Problem(document.where(("name",)), "is the name of a shipped policy, and this is not it", remedy)
        )
    if problems:
        raise PolicyError(f"{path}: {_UNUSABLE}", problems)
    return policy


def _parents(file: PolicyFile, document: Document, chain: tuple[Path, ...], known: dict[Path, Policy]) -> list[Policy]:
    parents = []
    for name in file.parents:
        path = _parent(name, document, chain)
        if path not in known:
            try:
                known[path] = _load(path, chain, known)
            except PolicyError as error:
                place = Problem(document.where(("extends",)), "extends a policy that cannot be used", "mend that first")
                raise PolicyError(f"{document.path}: {_UNUSABLE}", [place, *error.problems]) from None
        parents.append(known[path])
    return parents


def _parent(name: str, document: Document, chain: tuple[Path, ...]) -> Path:
    key: Key = ("extends",)
    found = shipped_path(name)
    if found is None and re.fullmatch(SLUG, name):
        raise _refused(document, key, f"no shipped policy is called {name}", f"there are {', '.join(shipped())}")
    try:
        path = (found or document.path.parent / name).resolve()
    except (OSError, ValueError, RuntimeError):  # a NUL, or links in a circle
        raise _refused(document, key, "names no file", "name a YAML file") from None
    if path in chain:
        raise _refused(document, key, "extends itself, by way of others", "break the circle")
    if len(chain) >= _DEEPEST:
        raise _refused(document, key, f"is more than {_DEEPEST} policies deep", "extend fewer")
    return path


def _unknown(policy: Policy, document: Document) -> Iterator[Problem]:
    for name, rule in policy.rules.items():
        if problem := unknown_metric(rule.metric):
            yield Problem(document.where(("rules", name, "metric")), *problem)
    for audit in policy.requires:
        if problem := unknown_audit(audit):
            yield Problem(document.where(("requires",)), *problem)
    for letter, told in policy.coverage.items():
        for metric in told.by:
            if problem := unknown_metric(metric):
                yield Problem(document.where(("coverage", letter, "by")), *problem)


def _never_broken(policy: Policy, document: Document) -> Iterator[Problem]:
    """Bounds that every number keeps: most often a share in percent."""
    for name, rule in policy.rules.items():
        least, most = span_of(rule.metric)
        above = rule.at_most is not None and rule.at_most >= most
        below = rule.at_least is not None and rule.at_least <= least
        idle = (above or rule.at_most is None) and (below or rule.at_least is None)
        if idle or (rule.at_most is not None and rule.at_most > most):
            what = f"{rule.metric} lies between {least:g} and {most:g}, so nothing ever breaks {rule.limit}"
            place = document.where(("rules", name, "at_most" if above else "at_least"))
            yield Problem(place, what, "write a limit that can be broken; 15% is 0.15")


def _is_another(policy: Policy, path: Path) -> bool:
    """Whether the file at `path` has the name of a shipped policy and asks for something else."""
    own = shipped_path(policy.name)
    return own is not None and path.resolve() != own.resolve() and _load(own, (), {}).sha256() != policy.sha256()


def _loosened(policy: Policy, parents: Sequence[Policy], document: Document) -> Iterator[Problem]:
    for parent, loosening in asks_for_less(policy, parents):
        asked = f"{parent.name} {parent.version}, which it extends, asks for {loosening.asked}"
        remedy = "extending only tightens: keep it, and give a release that has to deviate a signed waiver"
        yield Problem(document.where(loosening.key), f"{loosening.given} loosens: {asked}", remedy)


def _refused(document: Document, key: Key, what: str, remedy: str) -> PolicyError:
    return PolicyError(f"{document.path}: {_UNUSABLE}", [Problem(document.where(key), what, remedy)])


def _problems(document: Document, error: ValidationError) -> list[Problem]:
    details = error.errors(include_input=False, include_url=False)
    return [_problem(document, detail["type"], tuple(detail["loc"]), detail["msg"]) for detail in details]


def _problem(document: Document, kind: str, key: Key, message: str) -> Problem:
    # pydantic appends [key] to the place of a key that is itself wrong, and the branch taken to that of a choice.
    key = tuple(part for part in key if part not in ("[key]", "str", "list[str]"))
    where = document.where(key)
    if kind == "extra_forbidden":
        return Problem(where, f"{dotted(key[-1:])} is no key of a policy", _EXAMPLE)
    if kind == "missing":
        return Problem(where, "is missing", "say it; a policy is never guessed")
    return Problem(where, message.removeprefix("Value error, "), _EXAMPLE)

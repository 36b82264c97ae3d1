"""Which versions of which distributions decided the result, as `pip` names them."""

import re
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.metadata import Distribution, PackageNotFoundError, distribution, entry_points

_PLUGINS = ("deidrelease.audits", "deidrelease.scans")
_NOT_DECISIVE = frozenset({"test", "dev"})


@cache
def lock_text() -> str:
    """`name==version` of deidrelease, its plug-ins and all that they require and is installed; sorted, a line each."""
    found: dict[str, str] = {}
    waiting = [_normal(name) for name in _roots()]
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        try:
            installed = distribution(name)
        except PackageNotFoundError:
            continue
        found[name] = installed.version
        waiting.extend(_required(installed, every_extra=name == "deidrelease"))
    return "".join(sorted(f"{name}=={version}\n" for name, version in found.items()))


def _roots() -> Iterator[str]:
    yield "deidrelease"
    for group in _PLUGINS:
        for point in entry_points(group=group):
            if point.dist is not None:
                yield point.dist.name


def _required(installed: Distribution, *, every_extra: bool) -> Iterator[str]:
    """What it requires here; of deidrelease itself the optional parts too, since those installed may have been used."""
    from packaging.requirements import Requirement

    declared = installed.metadata.get_all("Provides-Extra") or [] if every_extra else []
    extras = ["", *sorted(set(declared) - _NOT_DECISIVE)]
    for line in installed.requires or ():
        needed = Requirement(line)
        if needed.marker is None or _holds(needed.marker.evaluate({"extra": extra}) for extra in extras):
            yield _normal(needed.name)


def _holds(markers: Iterable[bool]) -> bool:
    return any(markers)


def _normal(name: str) -> str:
    """The name as PEP 503 has it."""
    return re.sub(r"[-_.]+", "-", name).lower()

"""Which audits run: all that are installed, or those that were named."""

from collections.abc import Sequence

from deidrelease.contracts import Audit, audit_names, installed_audits
from deidrelease.errors import ConfigError, Problem


def chosen_audits(only: Sequence[str] | None = None, where: str = "--only") -> dict[str, Audit]:
    """The audits called `only`, or all that are installed, each with its default settings, in a fixed order.

    Args:
        only: Names; None for all.
        where: What a message names as the place.

    Raises:
        AuditError: An audit that would run is registered and cannot be loaded.
        ConfigError: A name that no audit has, or no name at all: an audit of nothing would find nothing.
    """
    installed = audit_names()
    if unknown := sorted(set(only or ()) - set(installed)):
        remedy = f"there are {', '.join(installed) or 'none: install the package whole'}"
        problems = [Problem(where, f"no audit is called {name}", remedy) for name in unknown]
        raise ConfigError("There is no such audit.", problems)
    wanted = {name: made() for name, made in installed_audits(only).items()}
    if not wanted:
        raise ConfigError("No audit would run.", [Problem(where, "names none", f"name some of {', '.join(installed)}")])
    return wanted

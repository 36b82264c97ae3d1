"""Points in time as bundles write them: UTC, to the second, in one form only."""

import re
from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator

_FORM = "%Y-%m-%dT%H:%M:%SZ"
_SHAPE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z", re.ASCII)


def parse_moment(text: str) -> datetime:
    """Reads `2026-11-21T10:00:00Z`; `write_moment(parse_moment(text)) == text`.

    Raises:
        ValueError: It has another form, or is no point in time.
    """
    if not _SHAPE.fullmatch(text):
        raise ValueError("is no point in time as in 2026-11-21T10:00:00Z")
    return datetime.strptime(text, _FORM).replace(tzinfo=UTC)


def write_moment(moment: datetime) -> str:
    """Writes a point in time that knows its zone; parts of a second are dropped."""
    if moment.tzinfo is None:
        raise ValueError("a point in time without a zone may be anybody's")
    return moment.astimezone(UTC).strftime(_FORM)


def _checked(text: str) -> str:
    parse_moment(text)
    return text


Moment = Annotated[str, AfterValidator(_checked)]
"""A point in time in a document, checked to be one."""

"""JSON that can be read in one way only.

Two readers that make different things of one signed file are a hole: the first of two equal keys or the last, a number
rounded or not, a text that is no Unicode. Whatever leaves room for that is refused.
"""

import json
import math
import re
from collections.abc import Sequence
from typing import Any

MOST_BYTES = 16 * 1024 * 1024
MOST_DEPTH = 64
LARGEST_INTEGER = 2**53 - 1
"""What every reader of JSON holds exactly (RFC 8785, section 3.2.2.3)."""

_MOST_DIGITS = 32
_FIRST_WITH_EXPONENT = 1e21
# Possessive, and content with the end of the data, so that no input makes it look at anything twice.
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)', re.DOTALL)
_BRACKET = re.compile(rb"[\[\]{}]")


class StrictJsonError(ValueError):
    """Not JSON that can be read in one way only; the message says why and quotes nothing."""


def parse_strict(data: bytes, what: str, most_bytes: int = MOST_BYTES, most_depth: int = MOST_DEPTH) -> Any:
    """The value that `data` stands for.

    Args:
        data: As it was read or signed.
        what: Name of the document, for messages.
        most_bytes: Larger ones are refused unread.
        most_depth: How deep lists and objects may lie in one another.

    Raises:
        StrictJsonError: No JSON in UTF-8; a byte-order mark; a key stands twice; NaN, an infinity or an integer beyond
            2^53; half a character; too large or too deep.
    """
    if len(data) > most_bytes:
        raise StrictJsonError(f"{what} is larger than {most_bytes:,} bytes")
    if _depth(data) > most_depth:
        raise StrictJsonError(f"{what} is nested deeper than {most_depth} levels")
    try:
        text = data.decode("utf-8")
        value = json.loads(
            text, object_pairs_hook=_object, parse_int=_integer, parse_float=_number, parse_constant=_refused
        )
        if "\\u" in text:
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except StrictJsonError as error:
        raise StrictJsonError(f"{what} {error}") from None
    except UnicodeError:
        raise StrictJsonError(f"{what} is not Unicode in UTF-8") from None
    except (ValueError, RecursionError):
        raise StrictJsonError(f"{what} is not JSON") from None
    return value


def canonical(value: Any) -> bytes:
    """The one way to write `value` as JSON (RFC 8785); `parse_strict` reads back an equal one.

    Raises:
        ValueError: NaN, an infinity, a whole number beyond 2^53, half a character, or no JSON value.
    """
    import rfc8785

    _refuse_large_floats(value)
    return rfc8785.dumps(value)


def _refuse_large_floats(value: Any) -> None:
    # RFC 8785 writes them as integers, which `parse_strict` could not tell from those that are not exact.
    if isinstance(value, float) and LARGEST_INTEGER < abs(value) < _FIRST_WITH_EXPONENT:
        raise ValueError("a number is too large to be told from its neighbours")
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ():
        _refuse_large_floats(inner)


def _depth(data: bytes) -> int:
    deepest = depth = 0
    for bracket in _BRACKET.findall(_STRING.sub(b"", data)):
        depth += 1 if bracket in b"[{" else -1
        deepest = max(deepest, depth)
    return deepest


def _object(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    if len(record) < len(pairs):
        raise StrictJsonError("holds a key twice in one object")
    return record


def _integer(digits: str) -> int:
    if len(digits) > _MOST_DIGITS or abs(int(digits)) > LARGEST_INTEGER:
        raise StrictJsonError("holds an integer that not every reader holds exactly")
    return int(digits)


def _number(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise StrictJsonError("holds a number that is not finite")
    return number


def _refused(constant: str) -> float:
    raise StrictJsonError(f"holds {constant}, which is no JSON")

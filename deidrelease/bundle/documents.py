"""How the documents of a bundle are read: as strictly as they are written."""

from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from deidrelease.signing.strict_json import MOST_BYTES, StrictJsonError, canonical, parse_strict

Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
ReleaseId = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
Slug = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=100)]
Count = Annotated[int, Field(ge=0)]
Sequence = Annotated[int, Field(ge=1)]


class DocumentError(ValueError):
    """A document of a bundle is not what its format says; the message quotes no value of it."""


class Strict(BaseModel):
    """Unknown keys and other types than the said ones are refused; values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


M = TypeVar("M", bound=BaseModel)


def read_document(kind: type[M], data: bytes, what: str, most_bytes: int = MOST_BYTES) -> M:
    """Reads a document that has to be canonical JSON.

    Raises:
        DocumentError: It is not, or not of `kind`; every defect is named by its key.
    """
    try:
        value = parse_strict(data, what, most_bytes)
        if canonical(value) != data:
            raise DocumentError(f"{what} is not canonical JSON (RFC 8785)")
        return kind.model_validate(value)
    except ValidationError as error:
        raise DocumentError(f"{what} {_said(error)}") from None
    except (StrictJsonError, DocumentError):
        raise
    except (ValueError, RecursionError):
        raise DocumentError(f"{what} is not canonical JSON (RFC 8785)") from None


def _said(error: ValidationError) -> str:
    details = error.errors(include_input=False, include_url=False, include_context=False)
    # A key of a hostile document is anything; only its own place is shown, and only as plain signs.
    places = [".".join(str(part) if str(part).isidentifier() else "?" for part in d["loc"][:6]) for d in details[:5]]
    kinds = [str(d["type"]).replace("_", " ") for d in details[:5]]
    shown = ", ".join(f"{place or 'the whole'} ({kind})" for place, kind in zip(places, kinds, strict=True))
    return f"does not have the keys and values of its format: {shown}"

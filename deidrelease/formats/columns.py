"""Which column of an Arrow table is what: the columns are those of JSONL, in any type that can hold them."""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from deidrelease.errors import Problem
from deidrelease.formats.reading import PatientSource
from deidrelease.formats.rows import FIELDS, PASSED_OVER, TOKEN_FIELDS

if TYPE_CHECKING:
    import pyarrow as pa

_REMEDY = "name and type the columns as the format reference shows (docs/reference/formats.md)"


@dataclass(frozen=True, slots=True)
class Layout:
    """What the columns of a table are.

    Attributes:
        columns: Those to read.
        unread: All others: they are known by name only.
        tags: The names of the numbers in `ner_tags`; None where they have none.
    """

    columns: tuple[str, ...]
    unread: tuple[str, ...]
    tags: tuple[str, ...] | None = None


def layout(schema: "pa.Schema", patients: PatientSource, where: str) -> Layout | list[Problem]:
    """How a table with this schema is read; what is wrong with it, where it cannot hold notes."""
    names = list(schema.names)
    if len(set(names)) < len(names):
        return [Problem(where, "two columns have one name", _REMEDY, "field")]
    fields = FIELDS if "text" in names or "tokens" not in names else TOKEN_FIELDS
    needed = {name for name in names if name in fields}
    needed |= {"id"} & set(names) if "note_id" not in names else set()
    wrong = sorted(name for name in needed if not _fits(name, schema.field(name).type))
    missing = sorted(({"text"} if fields is FIELDS else {"tokens", "ner_tags"}) - needed)
    tags = _tag_names(schema)
    problems = [Problem(where, f"column {name} is missing", _REMEDY, "field") for name in missing]
    problems += [Problem(where, f"column {name} is not {_TYPES[name]}", _REMEDY, "field") for name in wrong]
    if fields is TOKEN_FIELDS and not missing and not wrong and tags is None and _has_numbers(schema, "ner_tags"):
        what = "ner_tags are numbers, and the file does not name them"
        problems.append(Problem(where, what, "save it with `datasets`, or with the tags as strings", "label"))
    if problems:
        return problems
    patient = patients.argument.split(".")[0] if patients.kind == "field" else ""
    needed |= {patient} & set(names) if patient in names and _fits_patient(schema.field(patient).type) else set()
    unread = tuple(name for name in names if name not in needed and not _passed_over(fields, name))
    return Layout(tuple(name for name in names if name in needed), unread, tags)


_TYPES = {
    "note_id": "of strings or integers",
    "id": "of strings or integers",
    "patient_id": "of strings or integers",
    "text": "of strings",
    "spans": "a list of start, end (integers) and label (string)",
    "meta": "of strings that hold JSON, or of objects without lists",
    "tokens": "a list of strings",
    "ner_tags": "a list of integers or strings",
}


def _fits(name: str, kind: "pa.DataType") -> bool:
    import pyarrow.types as t

    kind = plain(kind)
    if t.is_null(kind) and name in ("patient_id", "spans", "meta"):
        return True
    if name in ("note_id", "id", "patient_id"):
        return is_text(kind) or t.is_integer(kind)
    if name == "spans":
        return is_text(kind) or is_spans(kind)
    if name in ("tokens", "ner_tags"):
        item = plain(kind.value_type) if is_list(kind) else None
        return item is not None and (is_text(item) or (name == "ner_tags" and t.is_integer(item)) or t.is_null(item))
    return is_text(kind) or (name == "meta" and _is_flat(kind))


def _fits_patient(kind: "pa.DataType") -> bool:
    import pyarrow.types as t

    kind = plain(kind)
    fields = [kind.field(i).type for i in range(kind.num_fields)] if t.is_struct(kind) else []
    return is_text(kind) or t.is_integer(kind) or (bool(fields) and all(_fits_patient(field) for field in fields))


def _is_flat(kind: "pa.DataType") -> bool:
    """An object of single values. Of lists, a row could have any number, all one long string."""
    import pyarrow.types as t

    fields = [plain(kind.field(i).type) for i in range(kind.num_fields)] if t.is_struct(kind) else []
    return bool(fields) and not any(t.is_nested(field) and not _is_flat(field) for field in fields)


def is_spans(kind: "pa.DataType") -> bool:
    """A list of structs, or, as `datasets` stores a sequence of objects, a struct of lists."""
    import pyarrow.types as t

    if is_list(kind) and t.is_null(kind.value_type):
        return True
    struct = kind.value_type if is_list(kind) else kind
    if not t.is_struct(struct):
        return False
    fields = {struct.field(i).name: struct.field(i).type for i in range(struct.num_fields)}
    if not is_list(kind):
        if not all(is_list(field) for field in fields.values()):
            return False
        fields = {name: field.value_type for name, field in fields.items()}
    if len(fields) != struct.num_fields or set(fields) != {"start", "end", "label"}:
        return False
    return t.is_integer(fields["start"]) and t.is_integer(fields["end"]) and is_text(plain(fields["label"]))


def plain(kind: "pa.DataType") -> "pa.DataType":
    """The type of the values themselves, behind extensions and dictionaries."""
    import pyarrow as pa
    import pyarrow.types as t

    if isinstance(kind, pa.BaseExtensionType):
        return plain(kind.storage_type)
    return plain(kind.value_type) if t.is_dictionary(kind) else kind


def is_text(kind: "pa.DataType") -> bool:
    """Strings, or the bytes as which old writers leave them."""
    import pyarrow.types as t

    return any(
        fits(kind)
        for fits in (t.is_string, t.is_large_string, t.is_string_view, t.is_binary, t.is_large_binary, t.is_binary_view)
    ) and not t.is_fixed_size_binary(kind)


def is_list(kind: "pa.DataType") -> bool:
    """Lists with offsets of their own; views could name one value a million times."""
    import pyarrow.types as t

    return bool(t.is_list(kind) or t.is_large_list(kind))


def _has_numbers(schema: "pa.Schema", name: str) -> bool:
    import pyarrow.types as t

    return bool(t.is_integer(plain(schema.field(name).type.value_type)))


def _passed_over(fields: frozenset[str], name: str) -> bool:
    return fields is TOKEN_FIELDS and name in PASSED_OVER


def _tag_names(schema: "pa.Schema") -> tuple[str, ...] | None:
    """The names of the classes of `ner_tags`, where `datasets` left them in the schema."""
    try:
        features = json.loads((schema.metadata or {})[b"huggingface"])["info"]["features"]
        names = features["ner_tags"]["feature"]["names"]
    except (KeyError, TypeError, ValueError, RecursionError):
        return None
    return tuple(names) if isinstance(names, list) and all(isinstance(name, str) for name in names) else None

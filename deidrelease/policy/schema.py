"""The published JSON Schema of a policy file, made from the model that reads it; editors complete and check by it."""

import json
from typing import Any

from deidrelease.policy.files import PolicyFile

_ID = "urn:x-deidrelease:policy:v1"
_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def policy_schema() -> str:
    """The document, indented, with a line end."""
    schema: dict[str, Any] = {"$schema": _DIALECT, "$id": _ID, **PolicyFile.model_json_schema(by_alias=True)}
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"

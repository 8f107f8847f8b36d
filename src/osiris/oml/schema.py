"""The JSON Schema of OML, made from the model; shipped for editors and models."""

from __future__ import annotations

from typing import Any

from osiris.oml.model import OML_VERSION, Pipeline


def oml_json_schema() -> dict[str, Any]:
    """JSON Schema 2020-12 of a pipeline file."""
    schema = _closed(Pipeline.model_json_schema(mode="validation"))
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"Osiris pipeline (OML {OML_VERSION})",
        **{key: value for key, value in schema.items() if key != "title"},
    }


def _closed(node: Any) -> Any:
    """Keys of a mapping fit their pattern or are refused; pydantic's schema lets the others through."""
    if isinstance(node, list):
        return [_closed(item) for item in node]
    if not isinstance(node, dict):
        return node
    closed = {key: _closed(item) for key, item in node.items()}
    return closed | ({"additionalProperties": False} if "patternProperties" in node else {})

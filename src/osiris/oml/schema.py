"""The JSON Schema of OML, made from the model; shipped for editors and models."""

from __future__ import annotations

from typing import Any

from osiris.oml.model import OML_VERSION, Pipeline


def oml_json_schema() -> dict[str, Any]:
    """JSON Schema 2020-12 of a pipeline file."""
    schema = Pipeline.model_json_schema(mode="validation")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"Osiris pipeline (OML {OML_VERSION})",
        **{key: value for key, value in schema.items() if key != "title"},
    }

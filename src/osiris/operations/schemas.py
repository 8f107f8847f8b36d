"""The published JSON Schemas, by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from osiris.components.spec import ComponentSpec, FamilyConnection
from osiris.errors import UsageError
from osiris.manifest import Manifest
from osiris.oml import oml_json_schema
from osiris.session import events_json_schema, status_json_schema
from osiris.session.events import metrics_json_schema

SCHEMAS: dict[str, Callable[[], dict[str, Any]]] = {
    "oml": oml_json_schema,
    "component": lambda: ComponentSpec.model_json_schema(by_alias=True),
    "connection": lambda: FamilyConnection.model_json_schema(by_alias=True),
    "manifest": Manifest.model_json_schema,
    "events": events_json_schema,
    "metrics": metrics_json_schema,
    "status": status_json_schema,
}


def get_schema(name: str) -> dict[str, Any]:
    """The JSON Schema of this name. Raises `UsageError` USE001."""
    if name not in SCHEMAS:
        raise UsageError("USE001", f"There is no schema {name!r}.", hint=f"There are: {', '.join(SCHEMAS)}.")
    return SCHEMAS[name]()

"""The published JSON Schemas, by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pydantic import BaseModel

from osiris.components.spec import ComponentSpec, FamilyConnection
from osiris.errors import UsageError
from osiris.manifest import Manifest
from osiris.oml import oml_json_schema
from osiris.session import events_json_schema, status_json_schema
from osiris.session.events import metrics_json_schema

SCHEMAS: dict[str, Callable[[], dict[str, Any]]] = {
    "oml": oml_json_schema,
    "component": lambda: _titled("A component's spec.yaml", ComponentSpec),
    "connection": lambda: _titled("A family's connection.yaml", FamilyConnection),
    "manifest": lambda: _titled("A compiled pipeline", Manifest),
    "events": events_json_schema,
    "metrics": metrics_json_schema,
    "status": status_json_schema,
}


def _titled(title: str, model: type[BaseModel]) -> dict[str, Any]:
    dialect = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return {**dialect, **model.model_json_schema(by_alias=True), "title": title}


def get_schema(name: str) -> dict[str, Any]:
    """The JSON Schema of this name. Raises `UsageError` USE001."""
    if name not in SCHEMAS:
        raise UsageError("USE001", f"There is no schema {name!r}.", hint=f"There are: {', '.join(SCHEMAS)}.")
    return SCHEMAS[name]()

"""What a driver gets as `config`: the manifest's, with the connection resolved where the step runs."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from osiris.components.component import Component
from osiris.connections import ConnectionResolver, ResolvedConnection
from osiris.connections.resolver import PATH_FORMAT
from osiris.errors import PipelineError
from osiris.manifest import ManifestStep
from osiris.redaction import is_secret_file


def resolve_connection(
    step: ManifestStep, component: Component, resolver: ConnectionResolver
) -> ResolvedConnection | None:
    """The step's connection with the fields that the step overrides; None for a component without one."""
    if component.connection_use == "none":
        return None
    named = named_connection(step, component)
    return resolver.default(component.family) if named is None else resolver.resolve(*named)


def named_connection(step: ManifestStep, component: Component) -> tuple[str, dict[str, Any]] | None:
    """The reference that a step names and the fields that it overrides; None where it names none."""
    reference = step.config.get("connection")
    if component.connection_use == "none" or reference is None:
        return None
    return reference, {name: step.config[name] for name in component.connection_fields if name in step.config}


def driver_config(
    step: ManifestStep,
    component: Component,
    connection: ResolvedConnection | None,
    resolver: ConnectionResolver,
) -> dict[str, Any]:
    """The config as the driver sees it: project paths absolute, `resolved_connection` added."""
    schema = component.step_schema.get("properties", {})
    config = {key: _with_paths(value, schema.get(key, {}), resolver) for key, value in step.config.items()}
    if connection is not None:
        config["resolved_connection"] = connection.fields
    return config


def _with_paths(value: Any, rule: Mapping[str, Any], resolver: ConnectionResolver) -> Any:
    if isinstance(value, list):
        return [_with_paths(item, rule.get("items", {}), resolver) for item in value]
    if isinstance(value, str) and rule.get("format") == PATH_FORMAT:
        return _inside_project(value, resolver)
    return value


def _inside_project(path: str, resolver: ConnectionResolver) -> str:
    root = os.path.realpath(resolver.project_path("."))
    real = os.path.realpath(resolver.project_path(path))
    if os.path.commonpath([root, real]) != root:
        message = f"The path {path!r} leads out of the project."
        raise PipelineError("FIL001", message, hint="Keep the file inside the project, or use a connection.")
    if is_secret_file(Path(real).name):
        raise PipelineError("FIL010", f"The file {path!r} holds secrets and is no data.")
    return real

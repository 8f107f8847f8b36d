"""One function per user act, with typed results: what every front end calls, and the API for embedding.

Imports are resolved on first use, so that listing components does not load what running a pipeline needs.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from osiris.operations.component_checks import validate_components
    from osiris.operations.components import list_components, show_component
    from osiris.operations.connections import doctor_connections, list_connections
    from osiris.operations.discovery import discover
    from osiris.operations.history import list_runs, show_run
    from osiris.operations.pipelines import check_manifest, compile_pipeline, validate_pipeline, validate_text
    from osiris.operations.plan import plan_pipeline
    from osiris.operations.project import Project
    from osiris.operations.projects import init_project, run_demo
    from osiris.operations.repairs import repair_pipeline
    from osiris.operations.runs import RunOptions, run_pipeline
    from osiris.operations.schemas import get_schema

_HOMES = {
    "Project": "project",
    "RunOptions": "runs",
    "check_manifest": "pipelines",
    "compile_pipeline": "pipelines",
    "discover": "discovery",
    "doctor_connections": "connections",
    "get_schema": "schemas",
    "init_project": "projects",
    "list_components": "components",
    "list_connections": "connections",
    "list_runs": "history",
    "plan_pipeline": "plan",
    "repair_pipeline": "repairs",
    "run_demo": "projects",
    "run_pipeline": "runs",
    "show_component": "components",
    "show_run": "history",
    "validate_components": "component_checks",
    "validate_pipeline": "pipelines",
    "validate_text": "pipelines",
}

__all__ = [
    "Project",
    "RunOptions",
    "check_manifest",
    "compile_pipeline",
    "discover",
    "doctor_connections",
    "get_schema",
    "init_project",
    "list_components",
    "list_connections",
    "list_runs",
    "plan_pipeline",
    "repair_pipeline",
    "run_demo",
    "run_pipeline",
    "show_component",
    "show_run",
    "validate_components",
    "validate_pipeline",
    "validate_text",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'osiris.operations' has no attribute {name!r}")
    return getattr(import_module(f"osiris.operations.{_HOMES[name]}"), name)

"""What the last run of a pipeline inferred and its text could pin."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from osiris.compiler import Compiled
from osiris.errors import PipelineError
from osiris.findings import Finding, Patch, Severity, shortened
from osiris.manifest import Manifest, load_manifest
from osiris.operations.project import Project
from osiris.yamledit import added, replaced
from osiris.yamledit.scalars import flow_text
from osiris.yamlsource import YamlSource, read_yaml

_LONGEST_TITLE = 60


def schemas_to_pin(project: Project, source: YamlSource, compiled: Compiled) -> list[Finding]:
    """A note for each step whose schema the last run inferred, if the step is as it was in that run."""
    manifest = compiled.manifest
    if manifest is None or not project.logs_dir.is_dir():
        return []
    row = project.index.newest(manifest.name)
    if row is None:
        return []
    folder = project.logs_dir / row.run_id
    return [
        _note(source, index, schema)
        for index, step_id in _unchanged_steps(source, manifest, folder)
        if (schema := _inferred(folder / "artifacts" / step_id / "schema.yaml"))
    ]


def _unchanged_steps(source: YamlSource, manifest: Manifest, folder: Path) -> Iterator[tuple[int, str]]:
    """Position in the text and id of the steps whose component and config are those of a run."""
    try:
        ran = {
            step.id: (step.component, step.config) for step in load_manifest(folder / "manifest.yaml").steps
        }
    except (OSError, PipelineError):  # a record that is gone or damaged has nothing to offer
        return
    now = {step.id: (step.component, step.config) for step in manifest.steps}
    for index, step in enumerate(source.value["steps"]):
        if now[step["id"]] == ran.get(step["id"]):
            yield index, step["id"]


def _inferred(file: Path) -> dict[str, Any]:
    """The schema that a step has left; an empty one where there is none."""
    try:
        document = read_yaml(file).value
    except OSError:
        return {}
    schema = document.get("schema") if isinstance(document, dict) else None
    return schema if isinstance(schema, dict) else {}


def _note(source: YamlSource, index: int, schema: dict[str, Any]) -> Finding:
    step = source.value["steps"][index]
    at = ("steps", index, "config", "schema")
    operation = replaced if "schema" in step["config"] else added
    title = f"pin the schema {shortened(flow_text(schema), _LONGEST_TITLE)}"
    return source.finding(
        "CMP008",
        f"The last run inferred the schema of {step['id']!r}; other data may give another one.",
        at,
        severity=Severity.NOTE,
        step_id=step["id"],
        patch=Patch(title, (operation(at, schema),)),
    )

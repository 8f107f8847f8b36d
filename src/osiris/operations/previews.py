"""What the steps of a manifest would find and do: each asked of its own driver, in order, before a run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, TypeVar

from osiris.components.drivers import DriverRegistry
from osiris.core import Columns, Driver, OutputPreviewer, PlannedStep, TargetPreview, WritePreviewer
from osiris.errors import DataError, InternalError, OsirisError, PipelineError
from osiris.manifest import Manifest, ManifestStep
from osiris.operations.project import Project
from osiris.runner.config import driver_config, resolve_connection

_Told = TypeVar("_Told")


@dataclass(frozen=True, slots=True)
class PlannedTarget:
    """What one writer would do; `preview` is None where that is not known.

    `columns` are those of the input, None where they are not known before the run. `refusal` is the error
    with which the run would end at this step, `failure` what kept the target from being looked at.
    """

    step_id: str
    component: str
    name: str
    columns: Columns | None
    preview: TargetPreview | None = None
    refusal: OsirisError | None = None
    failure: OsirisError | None = None

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready form; what is not known is null."""
        preview = self.preview
        columns = self.columns.items() if self.columns is not None else None
        return {
            "step_id": self.step_id,
            "component": self.component,
            "name": self.name,
            "exists": preview.exists if preview else None,
            "effect": preview.effect.value if preview else None,
            "destructive": preview.is_destructive if preview else None,
            "atomic": preview.is_atomic if preview else None,
            "repeats": preview.repeats if preview else None,
            "rows": preview.rows if preview else None,
            "bytes": preview.bytes if preview else None,
            "keys": list(preview.keys) if preview else [],
            "columns": columns and [{"name": name, "type": kind and str(kind)} for name, kind in columns],
            "changes": [asdict(change) for change in preview.changes] if preview else [],
            "notes": list(preview.notes) if preview else [],
            "refusal": self.refusal.to_dict() if self.refusal else None,
            "failure": self.failure.to_dict() if self.failure else None,
        }


@dataclass(frozen=True, slots=True)
class Previews:
    """The targets in the order of the manifest, and what is wrong with the steps that give their rows."""

    targets: tuple[PlannedTarget, ...]
    problems: tuple[OsirisError, ...]


def preview_steps(project: Project, manifest: Manifest, run_key: str) -> Previews:
    """Ask every step; an error of one is part of the answer and keeps no other from being asked."""
    asking = _Asking(project, manifest, run_key)
    targets = []
    for step in manifest.steps:
        inputs = {name: asking.columns.get(edge.step) for name, edge in step.inputs.items()}
        if step.mode == "write":
            targets.append(asking.target(step, inputs))
        else:
            asking.columns[step.id] = asking.output(step, inputs)
    return Previews(tuple(targets), tuple(asking.problems))


class _Asking:
    """Asks one step after the other; `columns` holds what the outputs of earlier ones are known to have."""

    def __init__(self, project: Project, manifest: Manifest, run_key: str) -> None:
        self._project = project
        self._manifest = manifest
        self._run_key = run_key
        self._drivers = DriverRegistry(project.registry)
        self.columns: dict[str, Columns | None] = {}
        self.problems: list[OsirisError] = []

    def target(self, step: ManifestStep, inputs: Mapping[str, Columns | None]) -> PlannedTarget:
        """What a writer would do."""
        columns = next(iter(inputs.values())) if len(inputs) == 1 else None
        name = str(step.config.get("table") or step.config.get("path") or step.id)
        identity = self._manifest.name, self._manifest.fingerprints.data, self._run_key, step.id
        target = PlannedTarget(step.id, step.component, name, columns)

        def ask(driver: Driver, config: Mapping[str, Any]) -> TargetPreview | None:
            if not isinstance(driver, WritePreviewer):
                return None
            return driver.preview_write(config, columns, PlannedStep(*identity))

        told = self._ask(step, ask)
        if isinstance(told, (PipelineError, DataError)):
            return replace(target, refusal=told)
        if isinstance(told, OsirisError):
            return replace(target, failure=told)
        return replace(target, name=told.name, preview=told, refusal=told.refusal) if told else target

    def output(self, step: ManifestStep, inputs: Mapping[str, Columns | None]) -> Columns | None:
        """The columns of a step's one output; a source that waits for other steps may change meanwhile."""
        outputs = self._project.registry.get(step.component).spec.outputs
        waits = bool(step.needs) and not step.inputs

        def ask(driver: Driver, config: Mapping[str, Any]) -> Columns | None:
            if not isinstance(driver, OutputPreviewer) or waits or len(outputs) != 1:
                return None
            return driver.preview_output(config, inputs)

        told = self._ask(step, ask)
        if isinstance(told, OsirisError):
            self.problems.append(told)
            return None
        return told

    def _ask(
        self, step: ManifestStep, ask: Callable[[Driver, Mapping[str, Any]], _Told]
    ) -> _Told | OsirisError:
        """What the driver says, or what it or its connection raises."""
        component, resolver = self._project.registry.get(step.component), self._project.resolver
        try:
            connection = resolve_connection(step, component, resolver)
            config = driver_config(step, component, connection, resolver)
            return ask(self._drivers.get(step.component), config)
        except OsirisError as error:
            return error.at_step(step.id)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - foreign code
            message = f"The driver of {step.component} failed: {type(error).__name__}: {error}"
            return InternalError("INT001", message, hint="Report it to the component's author.").at_step(
                step.id
            )

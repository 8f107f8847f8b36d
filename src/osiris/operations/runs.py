"""Run a pipeline or a manifest."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from osiris.adapters import ADAPTERS, ExecutionAdapter, Job
from osiris.errors import UsageError
from osiris.findings import Finding
from osiris.manifest import Manifest
from osiris.operations.pipelines import compile_in_memory, fixed_manifest, store_manifest
from osiris.operations.project import Project
from osiris.operations.run_keys import check_run_key, how_to_start
from osiris.runner import RunOutcome, RunRequest
from osiris.session import Session, Status, new_session_id
from osiris.session.session import Observer


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How to run: parameters (pipeline files only), where, and under which run key."""

    params: Mapping[str, Any] = field(default_factory=dict)
    adapter: str = "local"
    new: bool = False
    run_key: str | None = None
    fuse: bool = True
    observers: tuple[Observer, ...] = ()
    on_start: Callable[[ExecutionAdapter], None] = lambda _: None


@dataclass(frozen=True, slots=True)
class RunResult:
    """How a run ended and where its evidence lies."""

    outcome: RunOutcome
    session: str
    folder: Path
    warnings: list[Finding] = field(default_factory=list)

    @property
    def status(self) -> Status:
        """The run's final status."""
        return self.outcome.status

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        warnings = [finding.to_dict() for finding in self.warnings]
        return self.status.model_dump(mode="json") | {"session": self.session, "warnings": warnings}


def run_pipeline(project: Project, file: Path, options: RunOptions | None = None) -> RunResult:
    """Run a pipeline file or a manifest to its end.

    Raises `InvalidPipeline`, `UsageError` or `PipelineError` where it cannot even begin; a run that began and
    failed is a result whose outcome holds the error.
    """
    options = options or RunOptions()
    check_run_key(options.run_key)
    manifest, warnings = _manifest_of(project, file, options)
    adapter = _adapter(options.adapter)
    run_id = new_session_id("run")
    with ExitStack() as beginning:
        # Held until others can see the run: of two that begin at once, the second must find the first.
        beginning.enter_context(project.index.lock())
        start = how_to_start(project, manifest, run_id, run_key=options.run_key, new=options.new)
        request = RunRequest(
            start.run_key,
            options.adapter,
            start.resumes,
            passes_over=start.passes_over,
            max_parallel_regions=project.settings.max_parallel,
            named_key=start.named,
            fuses=options.fuse,
            on_begun=beginning.close,
        )
        outcome, folder = _carry_out(project, manifest, options, adapter, request, run_id)
    return RunResult(outcome, project.shown(folder), folder, warnings)


def _carry_out(
    project: Project,
    manifest: Manifest,
    options: RunOptions,
    adapter: ExecutionAdapter,
    request: RunRequest,
    run_id: str,
) -> tuple[RunOutcome, Path]:
    """The run's outcome, and the folder of its session."""
    session = Session.create(project.logs_dir, run_id)
    for observer in options.observers:
        session.observe(observer)
    try:
        adapter.prepare(
            Job(
                manifest,
                session,
                project.registry,
                project.resolver,
                project.index,
                project.work_dir,
                request,
            )
        )
        options.on_start(adapter)
        return adapter.execute(), adapter.collect()
    finally:
        session.close()


def _manifest_of(project: Project, file: Path, options: RunOptions) -> tuple[Manifest, list[Finding]]:
    fixed = fixed_manifest(file, options.params)
    if fixed is not None:
        return fixed, []
    compiled = compile_in_memory(project, file, options.params)
    return store_manifest(project, compiled, "").manifest, compiled.findings


def _adapter(name: str) -> ExecutionAdapter:
    if name not in ADAPTERS:
        hint = f"There are: {', '.join(ADAPTERS)}."
        raise UsageError("USE001", f"There is no adapter {name!r}.", hint=hint)
    return ADAPTERS[name]()

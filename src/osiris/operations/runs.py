"""Run a pipeline or a manifest; list and show runs."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from osiris.adapters import ADAPTERS, ExecutionAdapter, Job
from osiris.errors import PipelineError, RunError, UsageError
from osiris.findings import Finding, nearest
from osiris.manifest import Manifest, load_manifest
from osiris.operations.pipelines import compile_in_memory, existing, store_manifest
from osiris.operations.project import Project
from osiris.runner import RunOutcome, RunRequest
from osiris.session import RunRow, RunState, Session, Status, new_session_id
from osiris.session.session import Observer, is_alive
from osiris.yamlsource import read_yaml

_RUN_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:+-]{0,63}")
"""Ledgers keep run keys in 64 characters, and files are named after them."""


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
        return self.status.model_dump(mode="json") | {"session": self.session}


def run_pipeline(project: Project, file: Path, options: RunOptions | None = None) -> RunResult:
    """Run a pipeline file or a manifest to its end.

    Raises `InvalidPipeline`, `UsageError` or `PipelineError` where it cannot even begin; a run that began and
    failed is a result whose outcome holds the error.
    """
    options = options or RunOptions()
    _check_run_key(options.run_key)
    manifest, warnings = _manifest_of(project, file, options)
    adapter = _adapter(options.adapter)
    run_id = new_session_id("run")
    with ExitStack() as beginning:
        # Held until others can see the run: of two that begin at once, the second must find the first.
        beginning.enter_context(project.index.lock())
        request = replace(_request(project, manifest, options, run_id), on_begun=beginning.close)
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


def list_runs(
    project: Project, *, pipeline: str | None = None, state: str | None = None, limit: int = 50
) -> list[RunRow]:
    """Runs, newest first."""
    if state is not None and state not in list(RunState):
        hint = f"There are: {', '.join(RunState)}."
        raise UsageError("USE001", f"There is no state {state!r}.", hint=hint)
    rows = project.index.rows()
    wanted = [
        row
        for row in rows
        if (pipeline is None or row.pipeline == pipeline) and (state is None or row.state == state)
    ]
    return wanted[:limit]


@dataclass(frozen=True, slots=True)
class RunView:
    """One run's status and events; `alive` tells a running run from one whose process died."""

    status: dict[str, Any]
    events: list[dict[str, Any]]
    folder: str
    alive: bool

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return {"folder": self.folder, "alive": self.alive, **self.status, "events": self.events}


def show_run(project: Project, run: str) -> RunView:
    """One run by id, by the beginning of one, or `last`. Raises `UsageError` RUN008."""
    folder = project.logs_dir / _run_id(project, run)
    status = _json_file(folder / "status.json")
    return RunView(status, _events(folder / "events.jsonl"), project.shown(folder), is_alive(folder))


def _run_id(project: Project, run: str) -> str:
    ids = [row.run_id for row in project.index.rows()]
    if run == "last" and ids:
        return ids[0]
    matches = [run_id for run_id in ids if run_id == run or run_id.startswith(run) or run_id.endswith(run)]
    if len(matches) == 1 or run in matches:
        return run if run in matches else matches[0]
    near = nearest(run, ids) or tuple(ids[:3])
    hint = f"Recent runs: {', '.join(near)}." if near else "There are no runs yet."
    raise UsageError("RUN008", f"There is {'no' if not matches else 'more than one'} run {run!r}.", hint=hint)


def _manifest_of(project: Project, file: Path, options: RunOptions) -> tuple[Manifest, list[Finding]]:
    if _is_manifest(existing(file)):
        if options.params:
            hint = "Run the pipeline file with --param, or compile it with --param first."
            raise UsageError("USE004", "The parameters of a manifest are fixed.", hint=hint)
        return load_manifest(file), []
    compiled = compile_in_memory(project, file, options.params)
    return store_manifest(project, compiled, "").manifest, compiled.findings


def _is_manifest(file: Path) -> bool:
    if file.name == "manifest.yaml":
        return True
    value = read_yaml(file).value
    return isinstance(value, dict) and "manifest_version" in value


def _request(project: Project, manifest: Manifest, options: RunOptions, run_id: str) -> RunRequest:
    """The run key: the one given, that of the newest unfinished run, or the run's own id."""
    index, fingerprint = project.index, manifest.fingerprints.data
    fresh = RunRequest(
        run_id, options.adapter, max_parallel_regions=project.settings.max_parallel, fuses=options.fuse
    )
    if options.run_key is not None:
        earlier = index.under_key(manifest.name, options.run_key)
        _refuse_if_alive(project, earlier)
        _refuse_other_version(earlier, fingerprint)
        return replace(fresh, run_key=options.run_key, named_key=True)
    unfinished = None if options.new else index.unfinished(manifest.name, fingerprint)
    if unfinished is None:
        if not options.new:
            _refuse_second_append(project, manifest)
        return fresh
    _refuse_if_alive(project, index.under_key(manifest.name, unfinished.run_key))
    return replace(fresh, run_key=unfinished.run_key, resumes=unfinished.run_id)


def _check_run_key(run_key: str | None) -> None:
    if run_key is not None and not _RUN_KEY.fullmatch(run_key):
        hint = "Name it like 2024-01-31: 1 to 64 letters, digits and . _ : + -"
        raise UsageError("USE001", f"{run_key!r} cannot be a run key.", hint=hint)


def _refuse_if_alive(project: Project, rows: list[RunRow]) -> None:
    for row in rows:
        if project.index.is_alive(row):
            hint = "Wait for it to end, or start an independent run with --new."
            raise RunError(
                "RUN006", f"The run {row.run_id} of {row.pipeline!r} is still going on.", hint=hint
            )


def _refuse_other_version(rows: list[RunRow], fingerprint: str) -> None:
    for row in rows:
        if row.fingerprint != fingerprint and row.may_have_written:
            raise PipelineError(
                "RUN009",
                f"The run key {row.run_key!r} was used for another version of the pipeline, by {row.run_id}.",
                hint="Take another --run-key to write with this version.",
            )


def _refuse_second_append(project: Project, manifest: Manifest) -> None:
    """A mended pipeline has a new run key, so what its failed run appended would come twice."""
    rows = (row for row in project.index.rows() if row.pipeline == manifest.name and not row.named_key)
    latest = next(rows, None)
    under_key = project.index.under_key(manifest.name, latest.run_key) if latest else []
    if latest is None or any(row.state is RunState.SUCCEEDED for row in under_key):
        return
    status = _json_file(project.logs_dir / latest.run_id / "status.json")
    appends = {step.id for step in manifest.steps if step.config.get("write_mode") == "append"}
    written = [step for step in status.get("steps", []) if step.get("target")]
    again = [step["target"]["name"] for step in written if step["id"] in appends]
    if again:
        message = f"An earlier version of this pipeline failed after it had appended to {', '.join(again)}."
        hint = f"Running this version would append again: say so with --new. The run was {latest.run_id}."
        raise PipelineError("RUN010", message, hint=hint)


def _adapter(name: str) -> ExecutionAdapter:
    if name not in ADAPTERS:
        hint = f"There are: {', '.join(ADAPTERS)}."
        raise UsageError("USE001", f"There is no adapter {name!r}.", hint=hint)
    return ADAPTERS[name]()


def _json_file(file: Path) -> dict[str, Any]:
    try:
        loaded: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return loaded


def _events(file: Path) -> list[dict[str, Any]]:
    """The events that can be read; a run that was killed may leave half a line."""
    events = []
    for line in file.read_text(encoding="utf-8", errors="replace").split("\n") if file.is_file() else ():
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if isinstance(event, dict):
            events.append(event)
    return events

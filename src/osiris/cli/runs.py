"""`osiris run` and `osiris runs`."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from osiris.cli import completion
from osiris.cli.options import Json, New, Parameters, Progress, ProgressStyle, RunKey, parsed_params
from osiris.cli.place import enter_project_of
from osiris.cli.problems import Exit, reporting, show_error, show_findings, show_recorded_error
from osiris.cli.terminal import (
    answer,
    clean,
    count,
    duration,
    in_one_line,
    out,
    paint,
    say,
    table,
)
from osiris.findings import as_written, shortened

if TYPE_CHECKING:
    from osiris.adapters import ExecutionAdapter
    from osiris.operations.history import RunView
    from osiris.operations.projects import DemoResult
    from osiris.operations.runs import RunOptions, RunResult

app = typer.Typer(help="What ran, and what came of it.", no_args_is_help=True)

Act = Callable[["RunOptions"], "RunResult | DemoResult"]

_FACTS_WIDTH = 160


def run(  # noqa: PLR0913, PLR0917 - one for each option
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", help="Pipeline file or manifest.", autocompletion=completion.pipelines
        ),
    ],
    param: Parameters = None,
    adapter: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help=f"Where to run: {' or '.join(completion.ADAPTERS)}.",
            autocompletion=completion.words(*completion.ADAPTERS),
        ),
    ] = "local",
    new: New = False,
    run_key: RunKey = None,
    no_fuse: Annotated[
        bool, typer.Option("--no-fuse", help="Stream along every edge, also where one statement could do it.")
    ] = False,
    progress: Progress = ProgressStyle.AUTO,
    json: Json = False,
) -> None:
    """Run a pipeline or a manifest.

    A run that did not end well is taken up again under its run key, if it began not long ago.
    """
    with reporting(json):
        from osiris.operations.runs import run_pipeline

        project, file = enter_project_of(file)
        choices = {
            "params": parsed_params(param),
            "adapter": adapter,
            "run_key": run_key,
            "fuse": not no_fuse,
        }
        act = partial(run_pipeline, project, file)
        raise Exit(run_watched(act, as_json=json, progress=progress, new=new, **choices))


def run_watched(
    act: Act, *, as_json: bool, progress: ProgressStyle = ProgressStyle.AUTO, **choices: Any
) -> int:
    """Run with progress on stderr and signals handled; returns the exit code."""
    from osiris.cli.progress import display
    from osiris.cli.signals import StopRequests
    from osiris.cli.summary import show_result
    from osiris.operations.projects import DemoResult
    from osiris.operations.runs import RunOptions

    with StopRequests().installed() as stops, display(progress, as_json) as shown:

        def begin(adapter: ExecutionAdapter) -> None:
            stops.watch(adapter)
            shown.watch(adapter)

        ended = act(RunOptions(observers=(shown.observe,), on_start=begin, **choices))
    result = ended.run if isinstance(ended, DemoResult) else ended
    if as_json:
        answer(result.outcome.error is None, ended.to_dict())
    else:
        show_findings(result.warnings)
        show_result(result)
        if result.outcome.error is not None:
            say()
            show_error(result.outcome.error)
    return result.status.exit_code or 0


def show_demo(folder: Path) -> None:
    """What the demo did, and what to try next."""
    out()
    osiris = _own_name(folder)
    acts = (
        ("validate pipelines/flight_delays.yaml", "change something in it first"),
        ("compile pipelines/flight_delays.yaml", "the manifest that runs"),
        ("runs show last", "what happened, step by step"),
        ("components show duckdb.processor", "what a step can do"),
    )
    out("Try next")
    out(f"  cd {clean(str(folder))}")
    for line in table((f"{osiris} {act}", f"# {why}") for act, why in acts):
        out(line)


def _own_name(folder: Path) -> str:
    """How to call this very command from a folder: by its name where the shell finds it, else by its path."""
    own = Path(sys.argv[0])
    found = shutil.which("osiris")
    if own.name != "osiris" or (found and Path(found).samefile(own)):
        return "osiris"
    return os.path.relpath(own, folder)


@app.command("list")
def list_(
    pipeline: Annotated[str | None, typer.Option(metavar="NAME", help="Only runs of this pipeline.")] = None,
    state: Annotated[
        str | None,
        typer.Option(
            metavar="STATE",
            help="running, succeeded, failed, interrupted or died.",
            autocompletion=completion.states,
        ),
    ] = None,
    limit: Annotated[int, typer.Option(metavar="COUNT", min=1, help="At most so many.")] = 50,
    json: Json = False,
) -> None:
    """List runs, newest first."""
    with reporting(json):
        from osiris.operations import Project, list_runs
        from osiris.session.index import DIED

        project = Project.find()
        rows = list_runs(project, pipeline=pipeline, state=state, limit=limit)
        states = {row.run_id: project.index.true_state(row) for row in rows}
        if json:
            dead = {run_id: {"died": true == DIED} for run_id, true in states.items()}
            answer(True, {"runs": [row.model_dump(mode="json") | dead[row.run_id] for row in rows]})
            return
        cells = []
        for row in rows:
            took = duration(row.duration_ms) if row.duration_ms is not None else ""
            written = count(row.rows_written, "row")
            cells.append((row.run_id, row.pipeline, states[row.run_id], written, took, row.error_code or ""))
        for line in table(cells, indent=0, right=(3, 4)):
            out(line)
        if not rows:
            out("No run is like that." if pipeline or state else "There are no runs yet.")


@app.command()
def show(
    run_id: Annotated[
        str,
        typer.Argument(
            metavar="RUN", help="Run id, a part of one, or `last`.", autocompletion=completion.runs
        ),
    ],
    json: Json = False,
) -> None:
    """Show one run: how each step went, and the events."""
    with reporting(json):
        from osiris.operations import Project, show_run

        view = show_run(Project.find(), run_id)
        if json:
            answer(True, view.to_dict())
            return
        _show_status(view)
        out()
        for event in view.events:
            what = f"{str(event.get('ts', ''))[11:23]}  {event.get('event', '')}  {_facts(event)}"
            out(f"  {clean(in_one_line(what))}")
        out()
        out(f"Evidence  {clean(view.folder)}")
        if view.status.get("error"):
            out()
            show_recorded_error(view.status["error"])


def _show_status(view: RunView) -> None:
    from osiris.cli.summary import show_steps
    from osiris.session import RunState
    from osiris.session.index import DIED

    status = view.recorded
    if status is None:
        out(f"{clean(view.folder)}  its status.json cannot be read")
        return
    state = DIED if status.state is RunState.RUNNING and not view.alive else status.state.value
    out(f"{paint(clean(status.run_id), 'bold')}  {clean(status.pipeline)}  {state}")
    took = f", took {duration(status.duration_ms)}" if status.duration_ms is not None else ""
    key = f", under the run key {clean(status.run_key)}" if status.run_key != status.run_id else ""
    out(f"  began {status.started_at[:19].replace('T', ' ')} UTC{took}{key}")
    show_steps(status)


def _facts(event: dict[str, Any]) -> str:
    hidden = {"seq", "ts", "session", "event", "traceback"}
    facts = event | {"error": error["code"]} if isinstance(error := event.get("error"), dict) else event
    shown = [
        f"{key}={as_written(value)}"
        for key, value in facts.items()
        if key not in hidden and not isinstance(value, dict)
    ]
    return shortened("  ".join(shown), _FACTS_WIDTH)

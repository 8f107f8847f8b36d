"""The command `osiris`."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from osiris import __version__
from osiris.cli import completion
from osiris.cli import components as components_cli
from osiris.cli import connections as connections_cli
from osiris.cli import discover as discover_cli
from osiris.cli import runs as runs_cli
from osiris.cli.options import Json, New, Parameters, RunKey, parsed_params
from osiris.cli.place import enter_project_of
from osiris.cli.problems import Exit, reporting, show_findings, summary
from osiris.cli.repairs import show_repairs
from osiris.cli.terminal import answer, clean, open_standard_streams, out, out_json, paint, say
from osiris.errors import ExitCode, UsageError

_NotUnderstood: type[Exception] = typer.BadParameter.__mro__[1]
"""What all errors about a command line are; typer does not export the class."""

app = typer.Typer(
    name="osiris",
    help="Move data between systems: one declarative pipeline, checked, compiled, run exactly as written.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(show: bool) -> None:
    if show:
        out(f"osiris {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Options of every command."""


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder to write into.")] = Path(),
    json: Json = False,
) -> None:
    """Write a small project that runs at once."""
    with reporting(json):
        from osiris.operations import init_project

        result = init_project(folder)
        if json:
            answer(True, result.to_dict())
            return
        out(f"A project is ready in {clean(str(folder))}:")
        for file in result.files:
            out(f"  {file}")
        out()
        out("Next")
        if folder != Path():
            out(f"  cd {clean(str(folder))}")
        out("  osiris run pipelines/example.yaml")


@app.command()
def demo(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder to copy the demo into.")] = Path(
        "osiris-demo"
    ),
    json: Json = False,
) -> None:
    """Copy the shipped demo and run it.

    It joins and counts real flights, from files to a report and a database table.
    """
    with reporting(json):
        from osiris.cli.runs import run_watched
        from osiris.operations.projects import run_demo

        if not json:
            say(f"The demo goes into {clean(str(folder))} and runs there.")
        outcome = run_watched(lambda options: run_demo(folder, options), as_json=json, new=True)
        if not json and outcome == 0:
            runs_cli.show_demo(folder)
        raise Exit(outcome)


@app.command()
def validate(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="Pipeline file.", autocompletion=completion.pipelines)
    ],
    param: Parameters = None,
    fix: Annotated[
        bool, typer.Option("--fix", help="Apply the safe fixes; comments and layout of the file stay.")
    ] = False,
    diff: Annotated[
        bool, typer.Option("--diff", help="Show the safe fixes as a diff; without --fix write nothing.")
    ] = False,
    json: Json = False,
) -> None:
    """Find every problem of a pipeline in one pass.

    Each is shown with its place and with what was probably meant.
    """
    with reporting(json):
        from osiris.operations import repair_pipeline, validate_pipeline

        project, file = enter_project_of(file)
        params = parsed_params(param)
        repaired = repair_pipeline(project, file, params, write=fix) if fix or diff else None
        result = repaired or validate_pipeline(project, file, params)
        if json:
            answer(result.is_valid, result.to_dict())
        else:
            mended = repaired.applied if repaired else []
            if repaired:
                show_repairs(repaired, diff=diff)
            show_findings([finding for finding in result.findings if finding not in mended])
            word = paint("is valid", "green") if result.is_valid else paint("is not valid", "red")
            found = summary(result.findings)
            out(f"{clean(result.file)} {word}{f': {found}' if found else ''}")
        raise Exit(0 if result.is_valid else 3)


@app.command("compile")
def compile_(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="Pipeline file.", autocompletion=completion.pipelines)
    ],
    param: Parameters = None,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit 3 if the stored manifest differs.")
    ] = False,
    json: Json = False,
) -> None:
    """Compile a pipeline to its manifest.

    The same pipeline gives the same bytes everywhere.
    """
    with reporting(json):
        from osiris.operations import check_manifest, compile_pipeline

        act = check_manifest if check else compile_pipeline
        result = act(*enter_project_of(file), parsed_params(param))
        if json:
            answer(True, result.to_dict())
            return
        show_findings(result.warnings)
        out(f"{clean(result.manifest.name)}  {result.manifest.short_fingerprint}")
        out(f"  {clean(result.shown_path)}{'' if result.changed else '  (unchanged)'}")


@app.command()
def plan(
    file: Annotated[
        Path, typer.Argument(help="Pipeline file or manifest.", autocompletion=completion.pipelines)
    ],
    param: Parameters = None,
    new: New = False,
    run_key: RunKey = None,
    json: Json = False,
) -> None:
    """Say what a run would do, and change nothing.

    The pipeline is compared with its last run, and each target is looked at as it is now.
    """
    with reporting(json):
        from osiris.cli.plan import show_plan
        from osiris.operations import plan_pipeline

        result = plan_pipeline(*enter_project_of(file), parsed_params(param), run_key=run_key, new=new)
        if json:
            answer(result.exit_code == 0, result.to_dict())
        else:
            show_findings(result.warnings)
            show_plan(result)
        raise Exit(int(result.exit_code))


app.command("discover")(discover_cli.discover)
app.command("run")(runs_cli.run)
app.add_typer(runs_cli.app, name="runs")
app.add_typer(components_cli.app, name="components")
app.add_typer(connections_cli.app, name="connections")


@app.command()
def schema(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME",
            help="oml, component, connection, manifest, events, metrics, status.",
            autocompletion=completion.schemas,
        ),
    ],
) -> None:
    """Print a published JSON Schema."""
    with reporting(True):
        from osiris.operations import get_schema

        out_json(get_schema(name))


def main() -> NoReturn:
    """The process `osiris`; exits with a documented code.

    It leaves without the interpreter's own ending. That takes a tenth of a second to take engines apart, and
    aborts the process when a thread of an engine or of a step wants the interpreter meanwhile.
    """
    try:
        command()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):  # nobody reads it any more
            stream.flush()
    os._exit(code)


def command() -> NoReturn:
    """One command line, carried out in this process. Raises `SystemExit` with the exit code."""
    open_standard_streams()
    completion.join_words()
    code = None
    try:
        code = app(standalone_mode=False)
    except Exit as end:
        code = end.code
    except _NotUnderstood as error:
        code = _refuse(error)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(code if isinstance(code, int) else 0)


def _refuse(error: Any) -> int:
    if "--json" in sys.argv:
        hint = f"`{error.ctx.command_path} --help` says what there is." if error.ctx else None
        answer(False, {"error": UsageError("USE001", error.format_message(), hint=hint).to_dict()})
    else:
        error.show()
    return int(ExitCode.USAGE)

"""`osiris connections`."""

from __future__ import annotations

from typing import Annotated

import typer

from osiris.cli import completion
from osiris.cli.options import Json
from osiris.cli.problems import Exit, reporting, show_findings
from osiris.cli.terminal import answer, clean, out, paint, table
from osiris.errors import ExitCode

app = typer.Typer(help="Where data comes from and goes to.", no_args_is_help=True)


@app.command("list")
def list_(json: Json = False) -> None:
    """List the project's connections; secret values are never shown."""
    with reporting(json):
        from osiris.operations import Project, list_connections

        listed = list_connections(Project.find())
        if json:
            answer(not listed.findings, listed.to_dict())
        else:
            rows = [
                (c.reference, ", ".join(f"{k}={v}" for k, v in c.fields.items())) for c in listed.connections
            ]
            for line in table(rows, indent=0):
                out(line)
            if not rows and not listed.findings:
                out("There are no connections yet; they are declared in osiris_connections.yaml.")
            show_findings(listed.findings)
        raise Exit(int(ExitCode.CONNECTION) if listed.findings else 0)


@app.command()
def doctor(
    reference: Annotated[
        str | None,
        typer.Argument(
            metavar="REFERENCE",
            help="Connection, as @family.alias; all when left out.",
            autocompletion=completion.connections,
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Ask each connection how it is; each cause of trouble is told apart."""
    with reporting(json):
        from osiris.operations import Project, doctor_connections, list_connections

        project = Project.find()
        diagnoses = doctor_connections(project, reference)
        broken = [f for f in list_connections(project).findings if reference is None]
        healthy = all(diagnosis.is_healthy for diagnosis in diagnoses) and not broken
        if json:
            found = [finding.to_dict() for finding in broken]
            connections = [diagnosis.to_dict() for diagnosis in diagnoses]
            answer(healthy, {"healthy": healthy, "connections": connections, "findings": found})
        else:
            show_findings(broken)
            for diagnosis in diagnoses:
                out(paint(clean(diagnosis.reference), "bold"))
                width = max((len(check.name) for check in diagnosis.checks), default=0)
                for check in diagnosis.checks:
                    sign = paint("✓", "green") if check.ok else paint("✗", "red")
                    code = f"{check.code}  " if check.code else ""
                    out(f"  {sign} {clean(check.name).ljust(width)}  {code}{clean(check.message)}")
                    if check.hint and not check.ok:
                        out(f"      hint: {clean(check.hint)}")
            if not diagnoses and not broken:
                out("There are no connections yet; they are declared in osiris_connections.yaml.")
        raise Exit(0 if healthy else int(ExitCode.CONNECTION))

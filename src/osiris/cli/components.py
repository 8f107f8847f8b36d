"""`osiris components`."""

from __future__ import annotations

from json import dumps
from typing import Annotated, Any

import typer

from osiris.cli import completion
from osiris.cli.options import Json
from osiris.cli.problems import Exit, reporting, show_findings
from osiris.cli.terminal import answer, clean, out, paint, table
from osiris.errors import UsageError
from osiris.findings import as_written

app = typer.Typer(help="What can be extracted, transformed and written.", no_args_is_help=True)


@app.command("list")
def list_(
    mode: Annotated[
        str | None,
        typer.Option(metavar="MODE", help="Only components with this mode.", autocompletion=completion.modes),
    ] = None,
    capability: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Only components with this capability.",
            autocompletion=completion.capabilities,
        ),
    ] = None,
    runnable: Annotated[
        bool, typer.Option("--runnable", help="Only components whose driver is there.")
    ] = False,
    json: Json = False,
) -> None:
    """List components."""
    with reporting(json):
        from osiris.operations import Project, list_components

        listed = list_components(Project.find(), mode=mode, capability=capability, runnable=runnable or None)
        if json:
            answer(True, listed.to_dict())
            return
        rows = [
            (c.name, c.spec.version, ", ".join(c.spec.modes), _titled(c.spec.title, c.is_runnable))
            for c in listed.components
        ]
        for line in table(rows, indent=0):
            out(line)
        show_findings(listed.findings)


@app.command()
def show(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME", help="Component, such as duckdb.processor.", autocompletion=completion.components
        ),
    ],
    json: Json = False,
) -> None:
    """Show everything that a component declares."""
    with reporting(json):
        from osiris.operations import Project, show_component

        shown = show_component(Project.find(), name)
        if json:
            answer(True, shown)
            return
        _show(shown)


@app.command()
def validate(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAMES", help="Components; all when none is named.", autocompletion=completion.components
        ),
    ] = None,
    level: Annotated[
        str,
        typer.Option(
            metavar="LEVEL",
            help="basic, enhanced or strict.",
            autocompletion=completion.words(*completion.LEVELS),
        ),
    ] = "enhanced",
    json: Json = False,
) -> None:
    """Check declarations; strict also loads each driver and compiles the examples."""
    with reporting(json):
        from osiris.operations import Project, validate_components

        if level not in completion.LEVELS:
            hint = f"There are: {', '.join(completion.LEVELS)}."
            raise UsageError("USE001", f"There is no level {level!r}.", hint=hint)
        checks = validate_components(Project.find(), names, level)  # type: ignore[arg-type]  # checked above
        valid = all(check.is_valid for check in checks)
        if json:
            answer(valid, {"valid": valid, "components": [check.to_dict() for check in checks]})
        else:
            width = max((len(check.name) for check in checks), default=0)
            for check in checks:
                word = paint("valid", "green") if check.is_valid else paint("not valid", "red")
                out(f"{clean(check.name).ljust(width)}  {word} ({check.level})")
                show_findings(check.findings)
        raise Exit(0 if valid else 3)


def _show(shown: dict[str, Any]) -> None:
    out(f"{paint(clean(shown['name']), 'bold')} {shown['version']}  {clean(shown['title'])}")
    out(f"  {clean(shown['description'])}")
    facts = [("modes", shown["modes"]), ("capabilities", shown["capabilities"]), ("inputs", shown["inputs"])]
    facts += [("outputs", shown["outputs"]), ("secrets", shown["secrets"])]
    out()
    for line in table([(name, _listed(value)) for name, value in facts if value]):
        out(line)
    schema, required = shown["config_schema"], set(shown["config_schema"].get("required", []))
    if shown["connection"] == "required":
        required.add("connection")
    of_connection = {name for name, use in shown["connection_fields"].items() if use == "forbidden"}
    _show_keys("Config", schema, required, set(schema["properties"]) - of_connection)
    _show_keys("Fields of its connection", schema, required, of_connection)
    for example in shown["examples"]:
        out()
        out(f"Example: {clean(example['title'])}")
        for line in _yaml_lines(example["config"]):
            out(f"  {line}")


def _show_keys(title: str, schema: dict[str, Any], required: set[str], names: set[str]) -> None:
    """The keys as in the reference: the connection first, then what is required."""
    if not names:
        return
    out()
    out(title)
    rules = {name: rule for name, rule in schema["properties"].items() if name in names}
    order = sorted(rules, key=lambda name: (name != "connection", name not in required))
    rows = [_key_row(name, rules[name], name in required) for name in order]
    for line in table(rows, wrap=True):
        out(line)


def _key_row(name: str, rule: dict[str, Any], required: bool) -> tuple[str, ...]:
    choices = "|".join(map(as_written, rule.get("enum", ())))
    default = f"default {dumps(rule['default'], ensure_ascii=False)}" if "default" in rule else ""
    note = "required" if required else default
    return name, choices or _listed(rule.get("type", "any")), note, rule.get("description", "")


def _titled(title: str, runnable: bool) -> str:
    return title if runnable else f"{title} (its driver is not there)"


def _yaml_lines(config: dict[str, Any]) -> list[str]:
    from osiris.manifest.text import canonical_yaml

    return canonical_yaml(config).splitlines() if config else ["{}"]


def _listed(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)

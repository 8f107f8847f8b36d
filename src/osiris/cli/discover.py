"""`osiris discover`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from osiris.cli import completion
from osiris.cli.options import Json
from osiris.cli.problems import reporting
from osiris.cli.terminal import answer, clean, count, in_one_line, out, paint, size, table

if TYPE_CHECKING:
    from osiris.core.discovery import Column, Relation


def discover(
    reference: Annotated[
        str,
        typer.Argument(
            help="Connection, as @family.alias; filesystem means the project's own folder.",
            autocompletion=completion.connections,
        ),
    ],
    name: Annotated[
        list[str] | None, typer.Option(help="Only this table, file or pattern; may be repeated.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many tables or groups of files at most.")] = 100,
    json: Json = False,
) -> None:
    """Show what a connection holds.

    Tables or files with their columns and types, never a value.
    """
    with reporting(json):
        from osiris.operations import Project
        from osiris.operations import discover as ask

        found = ask(Project.find(), reference, name or (), limit)
        if json:
            answer(True, found.to_dict())
            return
        for relation in found.discovery.relations:
            _show(relation)
        listed = count(len(found.discovery.relations), "relation")
        more = ", and there are more: raise --limit, or ask with --name" if found.discovery.truncated else ""
        out(f"{clean(reference)} holds {listed}{more}.")


def _show(relation: Relation) -> None:
    out(f"{paint(clean(in_one_line(relation.name)), 'bold')}  {', '.join(_facts(relation))}")
    for line in table([_row(column) for column in relation.columns]):
        out(line)
    for note in _notes(relation):
        out(f"  {paint(clean(note), 'dim')}")
    out()


def _facts(relation: Relation) -> list[str]:
    """What can be said in few words, what is an estimate with a tilde."""
    facts = [clean(relation.kind)]
    if relation.files is not None and relation.files > 1:
        facts.append(count(relation.files, "file"))
    if relation.bytes is not None:
        facts.append(size(relation.bytes))
    if relation.rows is not None:
        facts.append(("" if relation.rows_exact else "~") + count(relation.rows, "row"))
    if relation.primary_key:
        facts.append(f"key {clean(', '.join(relation.primary_key))}")
    return facts


def _row(column: Column) -> tuple[str, str, str]:
    notes = ["" if column.nullable else "not null", column.comment or ""]
    return column.name, column.source_type, ", ".join(filter(None, notes))


def _notes(relation: Relation) -> list[str]:
    sampled = relation.rows_sampled
    inferred = f"Types inferred from {count(sampled, 'row')}." if sampled is not None else ""
    return [note for note in (relation.comment or "", inferred) if note]

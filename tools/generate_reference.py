"""Write the generated part of the docs: codes, commands, schemas, config tables of the component pages.

python tools/generate_reference.py           write what is stale
python tools/generate_reference.py --check   write nothing; exit 1 when something is stale
"""

import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import typer

from osiris.cli.main import app
from osiris.codes import CODES
from osiris.components.component import Component
from osiris.components.registry import Registry
from osiris.operations import get_schema
from osiris.operations.schemas import SCHEMAS

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
REFERENCE = DOCS / "reference"
SHIPPED_SCHEMAS = ROOT / "src" / "osiris" / "schemas"

BEGIN, END = "<!-- config:begin -->", "<!-- config:end -->"
INCLUDED = re.compile(r"<!-- file:begin (\S+) -->\n.*?<!-- file:end -->", re.DOTALL)
LANGUAGES = {".py": "python", ".yaml": "yaml"}

GROUPS = {
    "OML": "The text of a pipeline",
    "CMP": "Components and their configuration",
    "CON": "Connections and secrets",
    "SET": "Settings in osiris.yaml",
    "MAN": "Manifests",
    "RUN": "Carrying out",
    "DAT": "Data in files",
    "SQL": "SQL of a pipeline",
    "FIL": "Files",
    "TGT": "Targets",
    "RES": "Resources",
    "USE": "Usage",
    "INT": "Bugs",
}

CODES_HEAD = """\
# Codes

Every finding and every error carries one of these codes. A code keeps its meaning and is never used for
another one. [Errors](../guide/errors.md) explains how a command reports them and which exit code follows.
"""

CLI_HEAD = """\
# Commands

Every command has `--help`. With `--json`, the answer is exactly one JSON document on stdout, whose first key
`ok` says whether all is well; progress, findings and errors for people go to stderr. `NO_COLOR` switches
colours off.
"""


def pages() -> dict[Path, str]:
    """Every generated file with the text that it should have."""
    written = {REFERENCE / "codes.md": codes_page(), REFERENCE / "cli.md": cli_page()}
    for name in SCHEMAS:
        text = json.dumps(get_schema(name), indent=2, ensure_ascii=False) + "\n"
        written |= {folder / f"{name}.json": text for folder in (REFERENCE / "schemas", SHIPPED_SCHEMAS)}
    authoring = DOCS / "components" / "authoring.md"
    written[authoring] = INCLUDED.sub(_included, authoring.read_text(encoding="utf-8"))
    return written | dict(component_pages())


def codes_page() -> str:
    """All codes, in groups by their first three letters."""
    parts = [CODES_HEAD]
    for group, codes in groupby(CODES, key=lambda code: code[:3]):
        rows = [(f"`{code}`", CODES[code].meaning, CODES[code].remedy) for code in codes]
        parts.append(f"## {group}: {GROUPS[group]}\n\n{table(('Code', 'Meaning', 'What to do'), rows)}\n")
    return "\n".join(parts)


def cli_page() -> str:
    """All commands, from the words of their own help."""
    parts = [CLI_HEAD]
    for name, command in commands("osiris", typer.main.get_command(app)):
        parts.append(f"## {name}\n\n{command.help}\n\n```text\n{usage(name, command)}\n```\n")
        rows = [(argument(p), p.help or "", default(p)) for p in command.params]
        if rows:
            parts.append(table(("Argument", "Meaning", "Default"), rows) + "\n")
    return "\n".join(parts)


def commands(name: str, command: Any) -> Iterator[tuple[str, Any]]:
    """The commands below a command, with their full names; groups are only passed through."""
    children = getattr(command, "commands", {})
    for child in sorted(children):
        yield from commands(f"{name} {child}", children[child])
    if not children:
        yield name, command


def usage(name: str, command: Any) -> str:
    """`osiris run FILE [OPTIONS]`."""
    words = [metavar(p) if p.required else f"[{metavar(p)}]" for p in command.params if is_argument(p)]
    options = ["[OPTIONS]"] if any(not is_argument(p) for p in command.params) else []
    return " ".join([name, *words, *options])


def is_argument(parameter: Any) -> bool:
    """Whether a parameter is given by its position."""
    return not parameter.opts[0].startswith("-")


def metavar(parameter: Any) -> str:
    """How the value of a parameter is called."""
    name = (parameter.metavar or parameter.name).upper()
    return f"{name}..." if parameter.nargs == -1 else name


def argument(parameter: Any) -> str:
    """The first cell of a parameter's row."""
    if is_argument(parameter):
        return f"`{metavar(parameter)}`"
    names = ", ".join(f"`{option}`" for option in parameter.opts)
    return names if parameter.is_flag else f"{names} `{metavar(parameter)}`"


def default(parameter: Any) -> str:
    """The default where there is one that a reader should know."""
    if parameter.required:
        return "required"
    return f"`{parameter.default}`" if parameter.default not in (None, False) else ""


def component_pages() -> Iterator[tuple[Path, str]]:
    """The pages of the built-in components, each with its config table as the spec has it."""
    for component in Registry().list():
        file = DOCS / "components" / f"{component.name}.md"
        if component.origin == "built in" and file.is_file():
            yield file, with_config(file.read_text(encoding="utf-8"), config_table(component))


def with_config(text: str, config: str) -> str:
    """The page with the text between its markers replaced; a page without markers stays as it is."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    return f"{before}{BEGIN}\n{config}\n{END}{after}" if begin and end else text


def config_table(component: Component) -> str:
    """Every key that a step of this component may have in its config."""
    schema = component.step_schema
    required = {*schema["required"], *(["connection"] if component.connection_use == "required" else [])}
    rules: Mapping[str, Any] = schema["properties"]
    names = sorted(rules, key=lambda name: (name != "connection", name not in required))
    rows = [_config_row(name, rules[name], required) for name in names]
    return table(("Key", "Value", "Default", "Meaning"), rows)


def _config_row(name: str, rule: Mapping[str, Any], required: Iterable[str]) -> tuple[str, ...]:
    return f"`{name}`", kind(rule), fallback(name, rule, required), says(rule)


def _included(block: re.Match[str]) -> str:
    """A file of the repository as a block of code."""
    file = ROOT / block[1]
    text = file.read_text(encoding="utf-8")
    return f"<!-- file:begin {block[1]} -->\n```{LANGUAGES[file.suffix]}\n{text}```\n<!-- file:end -->"


def kind(rule: Mapping[str, Any]) -> str:
    """What a value may be, in few words."""
    if "enum" in rule:
        return ", ".join(f"`{choice}`" for choice in rule["enum"])
    declared = str(rule.get("type"))
    name = {"array": "list", "object": "mapping", "string": "text"}.get(declared, declared)
    items = rule.get("items") or rule.get("additionalProperties")
    inner = items.get("type") if isinstance(items, dict) else None
    return f"{name} of texts" if inner == "string" else name


def fallback(name: str, rule: Mapping[str, Any], required: Iterable[str]) -> str:
    """The default, `required`, or nothing."""
    if name in required:
        return "required"
    return f"`{json.dumps(rule['default'], ensure_ascii=False)}`" if "default" in rule else ""


def says(rule: Mapping[str, Any]) -> str:
    """The description, with the other words that are accepted for a choice."""
    also = ", ".join(f"`{alias}` for `{meant}`" for alias, meant in rule.get("x-aliases", {}).items())
    return str(rule.get("description", "")).replace("*", "\\*") + (f" Also accepted: {also}." if also else "")


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    cells = [[cell.replace("|", "\\|").replace("\n", " ") for cell in row] for row in rows]
    lines = [f"| {' | '.join(row)} |".replace("|  |", "| |") for row in (head, *cells)]
    return "\n".join([lines[0], "|---" * len(head) + "|", *lines[1:]])


def stale() -> dict[Path, str]:
    """The generated files that are not what they should be."""
    return {
        file: text
        for file, text in pages().items()
        if not file.is_file() or file.read_text(encoding="utf-8") != text
    }


def main(arguments: Sequence[str]) -> int:
    """Write or check; the exit code says whether something was stale in a check."""
    found = stale()
    for file, text in found.items():
        print(file.relative_to(ROOT))
        if "--check" not in arguments:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
    return int(bool(found) and "--check" in arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""The catalogue: finds, reads and answers for every component; it never imports a driver."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from importlib.metadata import entry_points
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from osiris.components.component import BUILT_IN, Component, joined, seed_connection
from osiris.components.modules import module_spec
from osiris.components.spec import Capability, ComponentSpec, FamilyConnection
from osiris.errors import PipelineError
from osiris.findings import Finding, nearest, pointer
from osiris.yamlsource import YamlSource, read_yaml, unknown_key

ENTRY_POINTS = "osiris.components"

_Declared = TypeVar("_Declared", bound=BaseModel)


class Registry:
    """All components: built in, installed, and the project's own.

    A declaration that cannot be read does not hide the others: it is left out and `findings` says why.
    """

    def __init__(self, project_components: Path | None = None) -> None:
        self.project_components = project_components
        self._components: dict[str, Component] = {}
        self._connections: dict[str, FamilyConnection] = {}
        self._family_folders: dict[str, Path] = {}
        self._seeds: dict[str, FamilyConnection] = {}
        self.findings: list[Finding] = []
        self._loaded = False

    def load_specs(self) -> None:
        """Read all declarations; a second call does nothing."""
        if self._loaded:
            return
        self._loaded = True
        sources = list(self._sources())
        for _, folder in sources:
            self._load_connections(folder)
        for origin, folder in sources:
            self._load_components(origin, folder)

    def get(self, name: str) -> Component:
        """The component of this name. Raises `PipelineError` CMP001."""
        self.load_specs()
        if name in self._components:
            return self._components[name]
        if any(self.findings_of(name)):
            hint = f"`osiris components validate {name}` says what is wrong with it."
            raise PipelineError("CMP001", f"The declaration of {name!r} cannot be used.", hint=hint)
        candidates = self.nearest(name)
        hint = (
            f"Did you mean {', '.join(candidates)}?" if candidates else "`osiris components list` shows all."
        )
        raise PipelineError("CMP001", f"There is no component {name!r}.", hint=hint)

    def __contains__(self, name: object) -> bool:
        self.load_specs()
        return name in self._components

    def names(self) -> tuple[str, ...]:
        """Names of all folders that hold a declaration, in order; none is read."""
        folders = (folder for _, folder in self._sources())
        found = {file.parent.name for folder in folders for file in folder.glob("*.*/spec.yaml")}
        return tuple(sorted(found))

    def list(
        self, mode: str | None = None, capability: Capability | None = None, runnable: bool | None = None
    ) -> list[Component]:
        """Components in name order, narrowed by mode, capability, or whether they can run."""
        self.load_specs()
        return [
            component
            for _, component in sorted(self._components.items())
            if (mode is None or mode in component.spec.modes)
            and (capability is None or component.has(capability))
            and (runnable is None or component.is_runnable is runnable)
        ]

    def connection(self, family: str) -> FamilyConnection | None:
        """What a family's connections need, or None for a family without connections."""
        self.load_specs()
        return self._connections.get(family)

    def family_folder(self, family: str) -> Path:
        """The folder of a family's connection.yaml; a connector given as `./file.py:Class` lies there."""
        self.load_specs()
        return self._family_folders.get(family, Path())

    def families(self) -> tuple[str, ...]:
        """Families that have connections, in name order."""
        self.load_specs()
        return tuple(sorted(self._connections))

    def nearest(self, name: str) -> tuple[str, ...]:
        """Component names that were probably meant."""
        self.load_specs()
        same_role = [
            known for known in self._components if known.rpartition(".")[2] == name.rpartition(".")[2]
        ]
        return nearest(name, self._components) or tuple(sorted(same_role))[:3]

    def findings_of(self, name: str) -> Iterator[Finding]:
        """What is wrong with the declarations of one component."""
        self.load_specs()
        return (f for f in self.findings if f.file is not None and Path(f.file).parent.name == name)

    def _sources(self) -> Iterator[tuple[str, Path]]:
        own = Path(__file__).parent
        yield BUILT_IN, own
        found = {own}
        for entry in entry_points(group=ENTRY_POINTS):
            spec = module_spec(entry.value.partition(":")[0].strip())
            for location in map(Path, (spec.submodule_search_locations if spec else None) or ()):
                if location not in found:
                    yield entry.dist.name if entry.dist else entry.name, location
                found.add(location)
        if self.project_components is not None and self.project_components.is_dir():
            yield "project", self.project_components

    def _load_connections(self, folder: Path) -> None:
        for file in sorted(folder.glob("*/connection.yaml")):
            declared = self._read(file, FamilyConnection)
            if declared is None:
                continue
            if declared.family != file.parent.name:
                self._report_unequal(declared.family, file)
            elif declared.family in self._connections:
                message = f"The connections of the family {declared.family!r} are declared already."
                self._report("CMP011", message, file)
            else:
                self._connections[declared.family] = declared
                self._family_folders[declared.family] = file.parent

    def _load_components(self, origin: str, folder: Path) -> None:
        for file in sorted(folder.glob("*.*/spec.yaml")):
            spec = self._read(file, ComponentSpec)
            if spec is None:
                continue
            if spec.name != file.parent.name:
                self._report_unequal(spec.name, file)
            elif spec.name in self._components:
                other = self._components[spec.name].origin
                self._report("CMP011", f"The component {spec.name!r} is declared already ({other}).", file)
            else:
                self._add(spec, origin, file.parent)

    def _add(self, spec: ComponentSpec, origin: str, folder: Path) -> None:
        family = spec.family or spec.name.partition(".")[0]
        seed = seed_connection(spec)
        if seed is not None:
            earlier = self._seeds.get(family)
            self._seeds[family] = joined(earlier, seed) if earlier else seed
            if family not in self._connections or earlier is not None:
                self._connections[family] = self._seeds[family]
        self._components[spec.name] = Component(spec, seed or self._connections.get(family), folder, origin)

    def _read(self, file: Path, model: type[_Declared]) -> _Declared | None:
        try:
            source = read_yaml(file)
        except OSError as error:
            self._report("CMP010", f"The file cannot be read: {error.strerror}.", file)
            return None
        findings, declared = read_declaration(source, model)
        self.findings.extend(findings)
        return declared

    def _report_unequal(self, name: str, file: Path) -> None:
        message = f"The folder {file.parent.name!r} and the declared name {name!r} must be equal."
        self._report("CMP010", message, file)

    def _report(self, code: str, message: str, file: Path) -> None:
        self.findings.append(Finding(code, message, file=str(file)))


def read_declaration(source: YamlSource, model: type[_Declared]) -> tuple[list[Finding], _Declared | None]:
    """A declaration's typed form, or the findings that say why it has none."""
    if source.findings or source.value is None:
        empty = Finding("CMP010", "The file is empty.", file=source.file)
        return [replace(finding, code="CMP010") for finding in source.findings or [empty]], None
    try:
        return [], model.model_validate(source.value)
    except ValidationError as error:
        return [_finding(source, model, details) for details in error.errors()], None


def _finding(source: YamlSource, model: type[BaseModel], details: ErrorDetails) -> Finding:
    path, problem = details["loc"], details["msg"]
    if details["type"] == "extra_forbidden" and len(path) == 1:
        known = [field.alias or name for name, field in model.model_fields.items()]
        return unknown_key(source, "CMP010", path, known, "The declaration")
    message = f"{pointer(*path) or 'The file'}: {problem[0].lower()}{problem[1:]}."
    return source.finding("CMP010", message, path)

"""A project: its root folder, its settings, and what is made from them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from osiris.components.registry import Registry
from osiris.connections import ConnectionResolver, ConnectionsFile, load_connections
from osiris.connections.secrets import SecretSources
from osiris.errors import PipelineError, Where
from osiris.findings import nearest
from osiris.yamlsource import YamlSource, read_yaml

if TYPE_CHECKING:
    from osiris.session import RunIndex

SETTINGS_FILE = "osiris.yaml"
MARKERS = (SETTINGS_FILE, "osiris_connections.yaml")


class Settings(BaseModel):
    """osiris.yaml; every key is optional."""

    model_config = ConfigDict(extra="forbid")

    components_dir: str = Field("components", description="Folder of the project's own components.")
    build_dir: str = Field("build", description="Folder of the manifests.")
    logs_dir: str = Field("logs", description="Folder of the sessions.")
    state_dir: str = Field(".osiris", description="Folder of caches and of the run index.")
    max_parallel: int = Field(
        4, ge=1, le=64, description="How many independent branches run at the same time."
    )
    resume_within_hours: float = Field(
        12,
        ge=0,
        le=8760,
        description="How long after its start a run that did not end well is taken up again.",
    )


@dataclass(frozen=True)
class Project:
    """The nearest folder upwards with an osiris.yaml or osiris_connections.yaml, else the folder given."""

    root: Path
    settings: Settings

    @classmethod
    def find(cls, start: Path | None = None) -> Self:
        """The project that a folder belongs to. Raises `PipelineError` for settings that cannot be read."""
        here = (start or Path.cwd()).resolve()
        root = _root_above(here) or here
        return cls(root, _read_settings(root / SETTINGS_FILE))

    @classmethod
    def of(cls, file: Path) -> Self:
        """The project that a file lies in; for a file in none, that of the current folder."""
        return cls.find(_root_above(file.resolve().parent))

    @property
    def logs_dir(self) -> Path:
        """Where sessions lie."""
        return self.root / self.settings.logs_dir

    @property
    def build_dir(self) -> Path:
        """Where manifests lie."""
        return self.root / self.settings.build_dir

    @property
    def state_dir(self) -> Path:
        """Caches and the run index."""
        return self.root / self.settings.state_dir

    @property
    def work_dir(self) -> Path:
        """Scratch space of runs."""
        return self.state_dir / "work"

    @cached_property
    def registry(self) -> Registry:
        """Components that this project can use."""
        return Registry(self.root / self.settings.components_dir)

    @cached_property
    def connections(self) -> ConnectionsFile:
        """The project's connections."""
        return load_connections(self.root, self.registry)

    @cached_property
    def resolver(self) -> ConnectionResolver:
        """Resolves references to connections, secrets included."""
        return ConnectionResolver(
            self.root, self.registry, self.connections, SecretSources.of_project(self.root)
        )

    @cached_property
    def index(self) -> RunIndex:
        """Which runs there were."""
        from osiris.session import RunIndex

        return RunIndex(self.state_dir, self.logs_dir)

    def shown(self, path: Path) -> str:
        """A path as the user would write it: relative to the project where it lies inside."""
        resolved = path.resolve()
        return resolved.relative_to(self.root).as_posix() if resolved.is_relative_to(self.root) else str(path)


def _root_above(folder: Path) -> Path | None:
    return next((f for f in (folder, *folder.parents) if any((f / m).is_file() for m in MARKERS)), None)


def _read_settings(file: Path) -> Settings:
    if not file.is_file():
        return Settings()
    source = read_yaml(file, shown_as=SETTINGS_FILE)
    if source.findings:
        finding = source.findings[0]
        where = Where(SETTINGS_FILE, finding.mark.line if finding.mark else None)
        raise PipelineError(finding.code, finding.message, where=where)
    try:
        return Settings.model_validate({} if source.value is None else source.value)
    except ValidationError as error:
        raise _unusable(source, error.errors()[0]) from error


def _unusable(source: YamlSource, details: ErrorDetails) -> PipelineError:
    """What is wrong with one setting."""
    path = details["loc"]
    mark = source.mark(path, key=True)
    where = Where(SETTINGS_FILE, mark.line if mark else None, mark.column if mark else None)
    hint = f"Known settings: {', '.join(Settings.model_fields)}."
    if details["type"] == "extra_forbidden":
        near = nearest(str(path[0]), Settings.model_fields)
        meant = f"; did you mean {near[0]!r}?" if near else "."
        return PipelineError("SET001", f"There is no setting {str(path[0])!r}{meant}", hint=hint, where=where)
    if not path:
        return PipelineError("SET001", "The file must be a mapping of settings.", hint=hint, where=where)
    message = f"The setting {str(path[0])!r} is not right: {details['msg'].lower()}."
    return PipelineError("SET001", message, hint=hint, where=where)

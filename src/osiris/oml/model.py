"""The typed model of OML 0.1.0: the language's only definition."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

OML_VERSION = "0.1.0"

NAME_PATTERN = r"^[A-Za-z][A-Za-z0-9_-]{0,63}$"
INPUT_PATTERN = r"^[A-Za-z_][A-Za-z0-9_]{0,62}$"

Name = Annotated[str, Field(pattern=NAME_PATTERN)]
InputName = Annotated[str, Field(pattern=INPUT_PATTERN)]
ParamType = Literal["string", "integer", "number", "boolean", "date", "timestamp"]
Mode = Literal["extract", "read", "transform", "write"]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Param(_Model):
    """One declared parameter; without a default it must be given."""

    type: ParamType = Field("string", description="Type that the value must have.")
    default: Any = Field(None, description="Value used when none is given.")
    enum: list[Any] | None = Field(None, min_length=1, description="The only values allowed.")
    description: str | None = Field(None, description="What the parameter is for.")


class Retry(_Model):
    """How often a step that failed for a passing reason is tried again, and how long to wait in between."""

    max_attempts: int = Field(3, ge=1, le=20, description="Tries in all, the first one included.")
    initial_delay_seconds: float = Field(1.0, ge=0, le=600, description="Wait before the second try.")
    max_delay_seconds: float = Field(
        60.0, ge=0, le=3600, description="Longest wait; each one doubles the last."
    )


class Step(_Model):
    """One step: a component with its configuration and its edges."""

    id: Name = Field(description="Name of the step, unique in the pipeline.")
    component: str = Field(
        min_length=1, description="Component that the step runs, such as duckdb.processor."
    )
    mode: Mode | None = Field(None, description="May be left out where the component has one mode.")
    config: dict[str, Any] = Field(
        default_factory=dict, description="Configuration by the component's schema."
    )
    inputs: dict[InputName, str] = Field(
        default_factory=dict,
        description='Edges: input name to "${step.output}"; the name is the table name in SQL.',
    )
    needs: list[Name] = Field(
        default_factory=list, description="Steps that must have ended first; order only."
    )
    retry: Retry = Field(
        default_factory=Retry, description="Retries after failures that may pass by themselves."
    )
    timeout_seconds: float | None = Field(
        None, gt=0, le=604_800, description="Longest time that one try may take."
    )
    description: str | None = Field(None, description="What the step is for.")


class Pipeline(_Model):
    """A whole pipeline."""

    oml_version: Literal["0.1.0"] = Field(description="Version of the language.")
    name: Name = Field(description="Name of the pipeline; it keys the ledger of each target.")
    description: str | None = Field(None, description="What the pipeline is for.")
    params: dict[Name, Param] = Field(
        default_factory=dict, description="Typed parameters, used as ${params.name}."
    )
    steps: list[Step] = Field(min_length=1, max_length=1000, description="Steps in any order; edges decide.")

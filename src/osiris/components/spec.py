"""The typed form of the declarations in `components/`: one component's spec, one family's connection."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

Mode = Literal["extract", "transform", "write", "discover"]
Override = Literal["allowed", "forbidden", "warning"]
Capability = Literal[
    "discover",
    "streaming",
    "bulkOperations",
    "transactions",
    "partitioning",
    "incremental",
    "inMemoryMove",
    "customTransforms",
]


FILE_DRIVER = r"\./[^:]+\.py:[A-Za-z_]\w*"
MODULE_DRIVER = r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+"

Pointer = Annotated[str, Field(pattern="^/.", description="JSON Pointer.")]
FieldPointer = Annotated[str, Field(pattern="^/[^/]+$", description="JSON Pointer to a top-level field.")]


def _of_an_object(schema: dict[str, Any]) -> dict[str, Any]:
    properties = schema.get("properties", {})
    if not isinstance(properties, dict) or not all(isinstance(rule, dict) for rule in properties.values()):
        raise ValueError("properties must be a mapping of mappings")
    required = schema.get("required", [])
    if not isinstance(required, list) or not all(isinstance(name, str) for name in required):
        raise ValueError("required must be a list of names")
    return schema


ObjectSchema = Annotated[dict[str, Any], AfterValidator(_of_an_object)]
"""JSON Schema of an object, at least in outline; `osiris components validate` checks all of it."""


class _Declaration(BaseModel):
    model_config = ConfigDict(extra="forbid", populate_by_name=True)


class ConnectionField(_Declaration):
    """Seed form: a connection field that the spec itself declares."""

    name: str
    override: Override = "forbidden"


class Runtime(_Declaration):
    """How the component runs: its driver, the extra that brings its libraries, how it takes its inputs."""

    driver: str = Field(pattern=f"^({FILE_DRIVER}|{MODULE_DRIVER})$")
    extra: str | None = None
    inputs: Literal["arrow", "pandas"] = "arrow"
    checks: bool = False
    engines: tuple[str, ...] = ()


class Example(_Declaration):
    """A worked config; it must compile."""

    title: str
    config: dict[str, Any]
    inputs: tuple[str, ...] = ()


class LlmHints(_Declaration):
    """What helps a model to choose and fill in the component."""

    use_when: str = Field("", alias="useWhen")
    input_aliases: dict[str, list[str]] = Field(default_factory=dict, alias="inputAliases")
    patterns: list[str] = Field(default_factory=list)


class ComponentSpec(_Declaration):
    """One `spec.yaml`."""

    name: str = Field(pattern=r"^[a-z][a-z0-9]*\.[a-z][a-z0-9_]*$")
    version: str = Field(pattern=r"^\d+\.\d+\.\d+$")
    title: str = Field(min_length=1)
    description: str = ""
    family: str | None = None
    modes: tuple[Mode, ...] = Field(min_length=1)
    capabilities: dict[Capability, bool] = Field(default_factory=dict)
    inputs: tuple[str, ...] | Literal["any"] = ()
    outputs: tuple[str, ...] = ()
    config_schema: ObjectSchema = Field(alias="configSchema")
    secrets: tuple[Pointer, ...] = ()
    connection: Literal["required", "optional", "none"] = Field("required", alias="x-connection")
    connection_fields: tuple[ConnectionField, ...] = Field((), alias="x-connection-fields")
    runtime: Runtime | None = Field(None, alias="x-runtime")
    examples: tuple[Example, ...] = ()
    llm_hints: LlmHints = Field(default_factory=LlmHints, alias="llmHints")
    limits: dict[str, Any] = Field(default_factory=dict)


class ConnectionPolicy(_Declaration):
    """Defaults of what a connection permits; a connection may set its own."""

    sample_rows: bool = False
    protected: bool = False


class FamilyConnection(_Declaration):
    """One `connection.yaml`: what a connection of the family needs."""

    family: str
    connector: str | None = None
    fields: ObjectSchema
    secrets: tuple[FieldPointer, ...] = ()
    override: dict[str, Override] = Field(default_factory=dict)
    policy: ConnectionPolicy = Field(default_factory=ConnectionPolicy)

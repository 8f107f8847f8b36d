"""A component as the rest of the system sees it: its spec joined with its family's connection."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from osiris.canonical import fingerprint
from osiris.components.modules import module_spec
from osiris.components.spec import Capability, ComponentSpec, FamilyConnection

BUILT_IN = "built in"

CONNECTION_PROPERTY = {
    "type": "string",
    "pattern": r"^@[a-z][a-z0-9]*\.[A-Za-z0-9][A-Za-z0-9_-]*$",
    "description": "Connection to use, as @family.alias.",
}


@dataclass(frozen=True)
class Component:
    """One component; `folder` is where its spec lies, `origin` says who brought it."""

    spec: ComponentSpec
    family_connection: FamilyConnection | None
    folder: Path
    origin: str

    @property
    def name(self) -> str:
        """Name such as `mysql.extractor`."""
        return self.spec.name

    @property
    def family(self) -> str:
        """The family whose connections the component uses."""
        return self.spec.family or self.spec.name.partition(".")[0]

    @property
    def connection_use(self) -> str:
        """`required`, `optional` or `none`."""
        return self.spec.connection if self.family_connection is not None else "none"

    @property
    def run_modes(self) -> tuple[str, ...]:
        """The modes that a step may have; `discover` is no step."""
        return tuple(mode for mode in self.spec.modes if mode != "discover")

    def has(self, capability: Capability) -> bool:
        """Whether the spec promises a capability."""
        return self.spec.capabilities.get(capability, False)

    @property
    def is_built_in(self) -> bool:
        """Whether the component comes with Osiris."""
        return self.origin == BUILT_IN

    @property
    def is_checked_by_driver(self) -> bool:
        """Whether the driver can be asked to check configs, and can be found."""
        return self.spec.runtime is not None and self.spec.runtime.checks and self.is_runnable

    @cached_property
    def is_runnable(self) -> bool:
        """Whether a driver is declared and can be found; nothing is imported."""
        return self.spec.runtime is not None and self._driver_is_found(self.spec.runtime.driver)

    def _driver_is_found(self, driver: str) -> bool:
        if driver.startswith("./"):
            return (self.folder / driver.partition(":")[0]).is_file()
        return module_spec(driver.rpartition(".")[0]) is not None

    @cached_property
    def connection_fields(self) -> dict[str, str]:
        """The connection's fields and whether a step may override each: allowed, warning or forbidden."""
        if self.family_connection is None:
            return {}
        names = self.family_connection.fields.get("properties", {})
        return {name: self.family_connection.override.get(name, "forbidden") for name in names}

    @cached_property
    def own_properties(self) -> dict[str, Any]:
        """The config fields that are the component's own, not the connection's."""
        properties = self.spec.config_schema.get("properties", {})
        return {
            key: rule for key, rule in properties.items() if key not in {"connection", *self._seed_fields}
        }

    @cached_property
    def step_schema(self) -> dict[str, Any]:
        """JSON Schema of a step's config: own fields, the connection, and fields that a step may override."""
        schema = dict(self.spec.config_schema)
        properties = dict(self.own_properties)
        if self.connection_use != "none":
            properties["connection"] = CONNECTION_PROPERTY
        if self.family_connection is not None and self.connection_use != "none":
            declared = self.family_connection.fields.get("properties", {})
            open_fields = {name for name, rule in self.connection_fields.items() if rule != "forbidden"}
            properties |= {name: _without_default(declared[name]) for name in open_fields - properties.keys()}
        schema["properties"] = properties
        elsewhere = {"connection", *self._seed_fields}
        schema["required"] = [key for key in schema.get("required", []) if key not in elsewhere]
        return schema

    @cached_property
    def full_schema(self) -> dict[str, Any]:
        """Everything in one schema, connection fields included: what `components show` lists."""
        schema = dict(self.step_schema)
        declared = self.family_connection.fields.get("properties", {}) if self.family_connection else {}
        schema["properties"] = (
            {**declared, **schema["properties"]} if self.connection_use != "none" else self.own_properties
        )
        return schema

    @cached_property
    def secrets(self) -> tuple[str, ...]:
        """JSON pointers of all secret fields, the connection's included."""
        inherited = self.family_connection.secrets if self.family_connection else ()
        return tuple(dict.fromkeys([*self.spec.secrets, *inherited]))

    @cached_property
    def content(self) -> str:
        """Hash of what decides the behaviour: the declarations, and code that lies beside them."""
        prose = {"examples", "llm_hints", "title", "description", "limits"}
        spec = self.spec.model_dump(mode="json", by_alias=True, exclude=prose)
        family = (
            self.family_connection.model_dump(mode="json", exclude={"policy"})
            if self.family_connection
            else None
        )
        facts = {"spec": _without_prose(spec), "family": _without_prose(family), "code": self._code()}
        return fingerprint(facts)

    def _code(self) -> str | None:
        """The driver beside the spec as text, or the release that an installed one comes with.

        A built-in driver changes with its spec's version.
        """
        driver = self.spec.runtime.driver if self.spec.runtime else ""
        if driver.startswith("./"):
            file = self.folder / driver.partition(":")[0]
            return file.read_text(encoding="utf-8", errors="replace") if file.is_file() else None
        return None if self.is_built_in else _release(self.origin)

    @property
    def _seed_fields(self) -> set[str]:
        return {field.name for field in self.spec.connection_fields}


def _release(distribution: str) -> str | None:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None


def _without_prose(node: Any) -> Any:
    """A declaration without the texts that only people read; a field called `title` is no text."""
    if isinstance(node, list):
        return [_without_prose(item) for item in node]
    if not isinstance(node, dict):
        return node
    prose = {key for key in ("title", "description") if isinstance(node.get(key), str)}
    return {key: _without_prose(item) for key, item in node.items() if key not in prose}


def seed_connection(spec: ComponentSpec) -> FamilyConnection | None:
    """The connection that a spec declares within itself (seed form), or None."""
    if not spec.connection_fields:
        return None
    properties = spec.config_schema.get("properties", {})
    names = [field.name for field in spec.connection_fields]
    return FamilyConnection(
        family=spec.family or spec.name.partition(".")[0],
        connector=None,
        fields={
            "type": "object",
            "properties": {name: properties.get(name, {}) for name in names},
            "required": [name for name in spec.config_schema.get("required", []) if name in names],
            "additionalProperties": False,
        },
        secrets=tuple(secret for secret in spec.secrets if secret.lstrip("/") in names),
        override={field.name: field.override for field in spec.connection_fields},
    )


def joined(one: FamilyConnection, other: FamilyConnection) -> FamilyConnection:
    """One connection for two components that each declare its fields; a field that one needs is optional."""
    required = [name for name in one.fields["required"] if name in other.fields["required"]]
    properties = {**other.fields["properties"], **one.fields["properties"]}
    return one.model_copy(
        update={
            "fields": {**one.fields, "properties": properties, "required": required},
            "secrets": tuple(dict.fromkeys([*one.secrets, *other.secrets])),
            "override": {**other.override, **one.override},
        }
    )


def _without_default(rule: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in rule.items() if key != "default"}

"""The typed form of a manifest and its two fingerprints."""

from __future__ import annotations

from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field

from osiris.canonical import fingerprint

MANIFEST_VERSION = 1


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Edge(_Model):
    """One input of a step: which output of which step feeds it."""

    step: str
    output: str


class PinnedComponent(_Model):
    """The version and content of a component that the manifest was compiled with."""

    version: str
    content: str


class RetryPolicy(_Model):
    """How often and how fast a region is tried again after a transient failure."""

    max_attempts: int = 3
    initial_delay_seconds: float = 1.0
    max_delay_seconds: float = 60.0


class ManifestStep(_Model):
    """One step with its effective config: defaults and parameters in, connections by reference."""

    id: str
    component: str
    mode: str
    config: dict[str, Any] = Field(default_factory=dict)
    inputs: dict[str, Edge] = Field(default_factory=dict)
    needs: tuple[str, ...] = ()
    retry: RetryPolicy = RetryPolicy()
    timeout_seconds: float | None = None
    description: str | None = None

    def data(self) -> dict[str, Any]:
        """What of the step can change the result."""
        return self.model_dump(mode="json", include={"id", "component", "mode", "config", "inputs", "needs"})


class Fingerprints(_Model):
    """`data` covers what can change the result, `metadata` everything else."""

    data: str
    metadata: str


class Manifest(_Model):
    """A compiled pipeline; `steps` are in an order in which they could run one by one."""

    manifest_version: int = MANIFEST_VERSION
    oml_version: str
    name: str
    description: str | None = None
    fingerprints: Fingerprints = Fingerprints(data="", metadata="")
    engines: dict[str, str] = Field(default_factory=dict)
    components: dict[str, PinnedComponent] = Field(default_factory=dict)
    params: dict[str, Any] = Field(default_factory=dict)
    steps: tuple[ManifestStep, ...]

    def computed_fingerprints(self) -> Fingerprints:
        """The fingerprints of the content as it is now, whatever `fingerprints` claims."""
        whole = self.model_dump(mode="json", exclude={"fingerprints"})
        data = {
            "name": self.name,
            "oml_version": self.oml_version,
            "engines": self.engines,
            "components": whole["components"],
            "steps": [step.data() for step in self.steps],
        }
        return Fingerprints(data=fingerprint(data), metadata=fingerprint(whole))

    def sealed(self) -> Self:
        """The manifest with its fingerprints filled in."""
        return self.model_copy(update={"fingerprints": self.computed_fingerprints()})

    @property
    def is_intact(self) -> bool:
        """Whether the content still is what was fingerprinted: a guard against accidents, not attackers."""
        return self.fingerprints == self.computed_fingerprints()

    @property
    def short_fingerprint(self) -> str:
        """First twelve hex digits of the data fingerprint: folder name and everyday handle."""
        return self.fingerprints.data.removeprefix("sha256:")[:12]

    def step(self, step_id: str) -> ManifestStep:
        """The step of this id."""
        return next(step for step in self.steps if step.id == step_id)

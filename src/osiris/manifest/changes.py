"""What is different between two manifests, as far as it can change the result."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from osiris.manifest.model import Manifest, ManifestStep, PinnedComponent
from osiris.redaction import redactor


@dataclass(frozen=True, slots=True)
class Change:
    """One value before and after, secrets masked; None on the side that does not have it."""

    key: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class StepChange:
    """A step that was `added`, `removed` or `changed`; `changes` tells the keys of one that was changed."""

    step_id: str
    component: str
    kind: str
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True, slots=True)
class ManifestChanges:
    """The steps, the parameters, and the pinned components and engines that differ."""

    steps: tuple[StepChange, ...]
    params: tuple[Change, ...]
    pins: tuple[Change, ...]

    def __bool__(self) -> bool:
        return bool(self.steps or self.params or self.pins)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return asdict(self)


def changes_between(before: Manifest, after: Manifest) -> ManifestChanges:
    """What a reviewer must know of the newer manifest who knows the older one."""
    return ManifestChanges(
        tuple(_steps(before, after)),
        tuple(_changes(before.params, after.params)),
        tuple(_pins(before, after)),
    )


def _steps(before: Manifest, after: Manifest) -> Iterator[StepChange]:
    old = {step.id: step for step in before.steps}
    for step in after.steps:
        earlier = old.pop(step.id, None)
        if earlier is None:
            yield StepChange(step.id, step.component, "added")
        elif changes := tuple(_changes(_facts(earlier), _facts(step))):
            yield StepChange(step.id, step.component, "changed", changes)
    for step in old.values():
        yield StepChange(step.id, step.component, "removed")


def _facts(step: ManifestStep) -> dict[str, Any]:
    """What decides a step's work, each value under a dotted key."""
    edges = {f"inputs.{name}": f"{edge.step}.{edge.output}" for name, edge in step.inputs.items()}
    needs = {"needs": list(step.needs)} if step.needs else {}
    config = dict(_leaves("config", step.config))
    return {"component": step.component, "mode": step.mode, **edges, **needs, **config}


def _leaves(key: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for name, item in value.items():
            yield from _leaves(f"{key}.{name}", item)
    else:
        yield key, value


def _changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
    for key in dict.fromkeys([*before, *after]):
        if before.get(key) != after.get(key):
            yield Change(key, _shown(key, before.get(key)), _shown(key, after.get(key)))


def _shown(key: str, value: Any) -> Any:
    """The value, masked where its key or its form says that it is secret."""
    name = key.rpartition(".")[2]
    return redactor.data({name: value})[redactor.text(name)]


def _pins(before: Manifest, after: Manifest) -> Iterator[Change]:
    yield from _changes(before.engines, after.engines)
    used = before.components.keys() & after.components.keys()
    for name in sorted(used):
        old, new = before.components[name], after.components[name]
        if old != new:
            yield Change(name, _version(old, new), _version(new, old))


def _version(pin: PinnedComponent, other: PinnedComponent) -> str:
    """The version; where that says nothing, with the beginning of the content's hash."""
    content = pin.content.removeprefix("sha256:")[:12]
    return pin.version if pin.version != other.version else f"{pin.version} ({content})"

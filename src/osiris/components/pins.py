"""What a manifest pins, and whether this machine still has it."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version

from osiris.components.component import Component
from osiris.components.registry import Registry
from osiris.errors import PipelineError
from osiris.manifest import Manifest, PinnedComponent


def pinned(component: Component) -> PinnedComponent:
    """What a manifest keeps of a component."""
    return PinnedComponent(version=component.spec.version, content=component.content)


def engine_versions(components: Iterable[Component]) -> dict[str, str]:
    """The installed major.minor versions of the engines that decide the components' results."""
    runtimes = [component.spec.runtime for component in components]
    names = {engine for runtime in runtimes if runtime for engine in runtime.engines}
    return {name: _minor(name) for name in sorted(names)}


def verify_pins(manifest: Manifest, registry: Registry) -> None:
    """Raise `PipelineError` MAN003 where a component or engine is not what the manifest was compiled with."""
    changed = [name for name, pin in manifest.components.items() if pinned(registry.get(name)) != pin]
    here = engine_versions(registry.get(name) for name in manifest.components)
    changed += [f"{name} {pin}" for name, pin in manifest.engines.items() if here.get(name) != pin]
    if changed:
        message = f"The manifest pins what is different here: {', '.join(changed)}."
        raise PipelineError("MAN003", message, hint="Compile the pipeline again on this machine.")


def _minor(distribution: str) -> str:
    try:
        return ".".join(version(distribution).split(".")[:2])
    except PackageNotFoundError:
        return "not installed"

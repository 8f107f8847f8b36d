"""Manifests as files: where they lie, how they are written and read back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from osiris.errors import PipelineError, Where
from osiris.manifest.model import MANIFEST_VERSION, Manifest
from osiris.manifest.text import canonical_yaml
from osiris.yamlsource import Limits, YamlSource, parse_yaml, read_yaml

_LIMITS = Limits(size_bytes=32 * 1_048_576, nodes=1_000_000, number_length=64)
"""More than a pipeline's: defaults add values, and 40 hexadecimal digits are 48 decimal ones."""


def manifest_path(build_dir: Path, manifest: Manifest) -> Path:
    """`<build>/<name>/<fingerprint12>/manifest.yaml`."""
    return build_dir / manifest.name / manifest.short_fingerprint / "manifest.yaml"


def dump_manifest(manifest: Manifest) -> str:
    """The manifest as canonical YAML: the same bytes for the same pipeline everywhere."""
    content = _without_empty(manifest.model_dump(mode="json"))
    return canonical_yaml(content | {"steps": [_without_empty(step) for step in content["steps"]]})


def load_manifest(path: Path) -> Manifest:
    """Read a manifest and check its fingerprints. Raises `PipelineError` MAN001 or MAN002."""
    return _checked(read_yaml(path, limits=_LIMITS), str(path))


def parse_manifest(text: str, shown_as: str = "manifest.yaml") -> Manifest:
    """As `load_manifest`, from text."""
    return _checked(parse_yaml(text, shown_as=shown_as, limits=_LIMITS), shown_as)


def _without_empty(part: dict[str, Any]) -> dict[str, Any]:
    """Without keys that say nothing; they are read back as they were. What a config holds is left alone."""
    return {key: value for key, value in part.items() if value is not None and value not in ({}, [], ())}


def _checked(source: YamlSource, shown_as: str) -> Manifest:
    where = Where(file=shown_as)
    if source.findings or not isinstance(source.value, dict):
        problem = source.findings[0].message if source.findings else "It holds no mapping."
        raise _not_a_manifest(where, problem)
    if source.value.get("manifest_version") != MANIFEST_VERSION:
        raise _not_a_manifest(where, f"It has no manifest_version {MANIFEST_VERSION}.")
    try:
        manifest = Manifest.model_validate(source.value)
    except ValidationError as error:
        place = ".".join(str(token) for token in error.errors()[0]["loc"])
        raise _not_a_manifest(where, f"Its part {place!r} is not as it should be.") from error
    if not manifest.is_intact:
        message = "The manifest was changed after it was compiled: its fingerprints do not fit its content."
        raise PipelineError("MAN002", message, hint="Compile the pipeline again.", where=where)
    _check_order(manifest, where)
    return manifest


def _check_order(manifest: Manifest, where: Where) -> None:
    """Refuse two steps of one id, and a step that waits for itself or for a later one."""
    earlier: set[str] = set()
    for step in manifest.steps:
        awaited = {edge.step for edge in step.inputs.values()} | set(step.needs)
        if step.id in earlier or not awaited <= earlier:
            raise _not_a_manifest(where, f"Its step {step.id!r} is not in an order in which it could run.")
        earlier.add(step.id)


def _not_a_manifest(where: Where, problem: str) -> PipelineError:
    message = f"This is not a manifest. {problem}"
    return PipelineError("MAN001", message, hint="Make one with `osiris compile FILE`.", where=where)

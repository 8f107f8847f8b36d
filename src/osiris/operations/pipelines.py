"""Validate and compile: from a pipeline file to findings and a manifest."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from osiris.compiler import Compiled, Compiler
from osiris.errors import OsirisError, PipelineError, UsageError, Where
from osiris.findings import Finding, Severity
from osiris.manifest import Manifest, dump_manifest, load_manifest, manifest_path
from osiris.oml import ParsedPipeline, parse_pipeline, read_pipeline
from osiris.operations.pins import schemas_to_pin
from osiris.operations.project import Project
from osiris.yamlsource import read_yaml


@dataclass(frozen=True, slots=True)
class ValidateResult:
    """All findings of one file."""

    file: str
    findings: list[Finding]

    @property
    def is_valid(self) -> bool:
        """Whether no finding is an error."""
        return all(finding.severity is not Severity.ERROR for finding in self.findings)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return {"file": self.file, "valid": self.is_valid, "findings": [f.to_dict() for f in self.findings]}


@dataclass(frozen=True, slots=True)
class CompileResult:
    """A manifest and where it was written."""

    manifest: Manifest
    path: Path
    shown_path: str
    changed: bool
    session: str
    warnings: list[Finding] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return {
            "pipeline": self.manifest.name,
            "fingerprint": self.manifest.fingerprints.data,
            "manifest": self.shown_path,
            "changed": self.changed,
            "session": self.session,
            "warnings": [finding.to_dict() for finding in self.warnings],
        }


def validate_pipeline(
    project: Project, file: Path, params: Mapping[str, Any] | None = None
) -> ValidateResult:
    """Check a pipeline file; every problem in one pass. Raises `UsageError` USE003 or USE006.

    A parameter without a value is no finding here: values belong to a compile.
    """
    return ValidateResult(project.shown(file), _findings(project, _read(project, file), params))


def validate_text(project: Project, text: str, shown_as: str = "pipeline.yaml") -> ValidateResult:
    """Check a pipeline that is not in a file yet, as `validate_pipeline` does."""
    return ValidateResult(shown_as, findings_of(project, text, shown_as))


def findings_of(
    project: Project, content: str | bytes, shown_as: str, params: Mapping[str, Any] | None = None
) -> list[Finding]:
    """All that `validate_pipeline` finds, in a file's content."""
    return _findings(project, parse_pipeline(content, shown_as=shown_as), params)


def _findings(project: Project, parsed: ParsedPipeline, params: Mapping[str, Any] | None) -> list[Finding]:
    compiled = Compiler(project.registry, project.connections).compile(parsed, params)
    notes = schemas_to_pin(project, parsed.source, compiled)
    found = [finding for finding in compiled.findings if finding.code != "OML033"]
    return sorted(found + notes, key=lambda finding: finding.order)


def compile_in_memory(project: Project, file: Path, params: Mapping[str, Any] | None = None) -> Compiled:
    """Compile without writing anything. Raises `UsageError` USE003 or USE006."""
    return Compiler(project.registry, project.connections).compile(_read(project, file), params)


def _read(project: Project, file: Path) -> ParsedPipeline:
    """The pipeline in a file. Raises `UsageError` USE003 for a missing file, USE006 for a manifest."""
    parsed = read_pipeline(existing(file), shown_as=project.shown(file))
    if isinstance(parsed.source.value, dict) and "manifest_version" in parsed.source.value:
        hint = "Give the pipeline file; `osiris run` takes manifests too."
        raise UsageError("USE006", f"{project.shown(file)} is a manifest, not a pipeline.", hint=hint)
    return parsed


def fixed_manifest(file: Path, params: Mapping[str, Any] | None) -> Manifest | None:
    """The manifest in a file, None where it holds a pipeline. Raises `UsageError` USE003 or USE004."""
    if not _is_manifest(existing(file)):
        return None
    if params:
        hint = "Run the pipeline file with --param, or compile it with --param first."
        raise UsageError("USE004", "The parameters of a manifest are fixed.", hint=hint)
    return load_manifest(file)


def _is_manifest(file: Path) -> bool:
    if file.name == "manifest.yaml":
        return True
    value = read_yaml(file).value
    return isinstance(value, dict) and "manifest_version" in value


def compile_pipeline(project: Project, file: Path, params: Mapping[str, Any] | None = None) -> CompileResult:
    """Compile a file and store its manifest. Raises `InvalidPipeline` with all findings."""
    from osiris.session import Session, new_session_id
    from osiris.session.events import CompileComplete, CompileFailed, CompileStart

    existing(file)
    session = Session.create(project.logs_dir, new_session_id("compile"))
    session.emit(CompileStart(file=project.shown(file)))
    try:
        shown = project.shown(session.folder)
        result = store_manifest(project, compile_in_memory(project, file, params), shown)
        session.write_manifest(dump_manifest(result.manifest))
        session.emit(
            CompileComplete(
                pipeline=result.manifest.name,
                fingerprint=result.manifest.fingerprints.data,
                manifest=result.shown_path,
                warnings=[finding.to_dict() for finding in result.warnings],
            )
        )
    except OsirisError as error:
        session.emit(CompileFailed(error=error.to_dict()))
        raise
    finally:
        session.close()
    return result


def check_manifest(project: Project, file: Path, params: Mapping[str, Any] | None = None) -> CompileResult:
    """Compile and compare with what is stored; writes nothing. Raises `PipelineError` MAN004."""
    compiled = compile_in_memory(project, file, params)
    manifest = compiled.require()
    path = manifest_path(project.build_dir, manifest)
    shown = project.shown(path)
    if not path.is_file() or path.read_text(encoding="utf-8") != dump_manifest(manifest):
        message = f"The stored manifest {shown} is missing or not what the pipeline compiles to."
        again = f"Run `osiris compile {project.shown(file)}`{' with the same --param' if params else ''}."
        raise PipelineError("MAN004", message, hint=again, where=Where(shown))
    return CompileResult(manifest, path, shown, changed=False, session="", warnings=compiled.findings)


def store_manifest(project: Project, compiled: Compiled, session: str) -> CompileResult:
    """Write a compile's manifest into the build folder, unless it is there already."""
    manifest = compiled.require()
    path = manifest_path(project.build_dir, manifest)
    text = dump_manifest(manifest)
    changed = not path.is_file() or path.read_text(encoding="utf-8") != text
    if changed:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
        try:
            temporary.write_text(text, encoding="utf-8")
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    return CompileResult(manifest, path, project.shown(path), changed, session, compiled.findings)


def existing(file: Path) -> Path:
    """The file itself. Raises `UsageError` USE003 where there is none."""
    if not file.is_file():
        folder = file if file.is_dir() else file.parent
        near = sorted(path.name for path in folder.glob("*.y*ml"))[:5] if folder.is_dir() else []
        hint = f"There are: {', '.join(near)}." if near else "Check the path."
        message = f"{file} is a folder, not a file." if folder == file else f"There is no file {file}."
        raise UsageError("USE003", message, hint=hint)
    return file

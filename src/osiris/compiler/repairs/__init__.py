"""What mends a finding: an RFC 6902 patch of the pipeline, marked safe or needs-review.

A patch is safe only where the document can have meant nothing else; docs/adr/0010-repairs.md has the rule.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from osiris.compiler.repairs import edges, keys, names, parameters, values
from osiris.compiler.repairs.scene import Scene
from osiris.components.registry import Registry
from osiris.connections import ConnectionsFile
from osiris.findings import Finding, Patch
from osiris.yamlsource import YamlSource

_Repair = Callable[[Scene, Finding], Patch | None]


def _wrong_form(scene: Scene, finding: Finding) -> Patch | None:
    """A value of the wrong form: edges have a repair of their own, and a key of the wrong form has none."""
    path = scene.path(finding)
    if finding.mark != scene.source.mark(path):
        return None
    is_inputs = path[2:] == ("inputs",)
    return edges.inputs_as_text(scene, finding) if is_inputs else values.wrong_value(scene, finding)


_REPAIRS: Mapping[str, _Repair] = {
    "OML008": values.number_as_text,
    "OML010": keys.missing_key,
    "OML011": keys.unknown_key,
    "OML012": _wrong_form,
    "OML013": values.version,
    "OML021": edges.unknown_step,
    "OML022": edges.unknown_output,
    "OML024": edges.missing_input,
    "OML025": edges.unknown_input,
    "OML026": edges.no_reference,
    "OML027": parameters.unknown_parameter,
    "OML028": values.wrong_parameter,
    "OML029": parameters.parameter_in_sql,
    "OML034": parameters.unused_parameter,
    "CMP001": names.unknown_component,
    "CMP002": names.wrong_mode,
    "CMP003": keys.unknown_key,
    "CMP004": keys.missing_config_key,
    "CMP005": values.wrong_value,
    "CON002": names.connection,
    "CON006": names.forbidden_key,
    "CON007": names.connection,
    "CON008": names.connection,
    "CON009": names.missing_connection,
}


def with_patches(
    source: YamlSource,
    findings: Sequence[Finding],
    registry: Registry,
    connections: ConnectionsFile | None,
) -> list[Finding]:
    """The findings of a pipeline's document, each with its patch where there is one."""
    own = [finding for finding in findings if finding.file == source.file]
    scene = Scene(source, registry, connections, own)
    return [replace(f, patch=_patch(scene, f)) if f.file == source.file else f for f in findings]


def _patch(scene: Scene, finding: Finding) -> Patch | None:
    repair = _REPAIRS.get(finding.code)
    return repair(scene, finding) if repair and isinstance(scene.source.value, dict) else None

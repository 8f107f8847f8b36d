"""The manifest: a compiled pipeline, the only thing that compiler and runner share."""

from osiris.manifest.changes import Change, ManifestChanges, StepChange, changes_between
from osiris.manifest.model import Edge, Manifest, ManifestStep, PinnedComponent
from osiris.manifest.store import dump_manifest, load_manifest, manifest_path, parse_manifest

__all__ = [
    "Change",
    "Edge",
    "Manifest",
    "ManifestChanges",
    "ManifestStep",
    "PinnedComponent",
    "StepChange",
    "changes_between",
    "dump_manifest",
    "load_manifest",
    "manifest_path",
    "parse_manifest",
]

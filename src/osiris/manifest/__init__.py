"""The manifest: a compiled pipeline, the only thing that compiler and runner share."""

from osiris.manifest.model import Edge, Manifest, ManifestStep, PinnedComponent
from osiris.manifest.store import dump_manifest, load_manifest, manifest_path, parse_manifest

__all__ = [
    "Edge",
    "Manifest",
    "ManifestStep",
    "PinnedComponent",
    "dump_manifest",
    "load_manifest",
    "manifest_path",
    "parse_manifest",
]

"""Changes of a YAML document in place: what is not changed keeps every byte, comments and layout included."""

from osiris.yamledit.changes import Changed, changed
from osiris.yamledit.operations import added, patched, place, removed, renamed, replaced

__all__ = ["Changed", "added", "changed", "patched", "place", "removed", "renamed", "replaced"]

"""Where the one runner runs."""

from osiris.adapters.base import ExecutionAdapter, Job
from osiris.adapters.local import LocalAdapter

ADAPTERS: dict[str, type[ExecutionAdapter]] = {"local": LocalAdapter}
"""Execution adapters by the name that `--adapter` takes."""

__all__ = ["ADAPTERS", "ExecutionAdapter", "Job", "LocalAdapter"]

"""Where the one runner runs."""

from osiris.adapters.base import ExecutionAdapter, Job
from osiris.adapters.isolated import IsolatedAdapter
from osiris.adapters.local import LocalAdapter

ADAPTERS: dict[str, type[ExecutionAdapter]] = {"local": LocalAdapter, "isolated": IsolatedAdapter}
"""Execution adapters by the name that `--adapter` takes."""

__all__ = ["ADAPTERS", "ExecutionAdapter", "IsolatedAdapter", "Job", "LocalAdapter"]

"""Executor: carries out a manifest. It takes a manifest and a session and needs nothing else."""

from osiris.runner.runner import Runner, RunOutcome, RunRequest

__all__ = ["RunOutcome", "RunRequest", "Runner"]

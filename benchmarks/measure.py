"""Times whole processes and compares two of them in turn, since a machine's speed drifts."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Sample:
    """One finished process: wall and CPU seconds, peak resident memory in MB."""

    wall_s: float
    cpu_s: float
    peak_mb: float


@dataclass(frozen=True, slots=True)
class Figure:
    """Medians over several samples."""

    wall_s: float
    cpu_s: float
    peak_mb: float

    @classmethod
    def of(cls, samples: Sequence[Sample]) -> Figure:
        """The medians; for memory the highest, since a limit must hold always."""
        return cls(
            statistics.median(sample.wall_s for sample in samples),
            statistics.median(sample.cpu_s for sample in samples),
            max(sample.peak_mb for sample in samples),
        )


def run(command: Sequence[str], folder: Path) -> Sample:
    """Run a command to its end. Raises `RuntimeError` with its output where it fails."""
    began = time.perf_counter()
    # An installed package has its bytecode; where Python may not write any, each run would compile it.
    own = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    pipe, same = subprocess.PIPE, subprocess.STDOUT
    with subprocess.Popen(command, cwd=folder, env=own, stdout=pipe, stderr=same) as process:
        output = process.stdout.read() if process.stdout else b""
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.perf_counter() - began
    if process.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}:\n{output.decode()[-2000:]}")
    unit = 1 if sys.platform == "darwin" else 1024
    return Sample(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * unit / 1e6)


def alternate(
    ours: Sequence[str], theirs: Sequence[str], folder: Path, rounds: int
) -> tuple[Figure, Figure, float]:
    """Run two commands in turn; gives both figures and the median of the pairwise wall ratios ours/theirs."""
    run(theirs, folder)
    pairs = [(run(ours, folder), run(theirs, folder)) for _ in range(rounds)]
    ratio = statistics.median(a.wall_s / b.wall_s for a, b in pairs)
    return Figure.of([a for a, _ in pairs]), Figure.of([b for _, b in pairs]), ratio


def repeat(command: Sequence[str], folder: Path, rounds: int) -> Figure:
    """Run one command several times after a warm-up."""
    run(command, folder)
    return Figure.of([run(command, folder) for _ in range(rounds)])

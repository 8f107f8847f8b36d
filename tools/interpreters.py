"""Print the interpreters that Osiris supports and this machine has, one path a line."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

MINORS = range(11, 16)


def candidates(name: str) -> Iterator[str]:
    """Where an interpreter may be: on the path, or installed by pyenv, whose shim may refuse to start it."""
    if found := shutil.which(name):
        yield found
    pyenv = Path(os.environ.get("PYENV_ROOT", "~/.pyenv")).expanduser()
    yield from map(str, sorted(pyenv.glob(f"versions/*/bin/{name}"), reverse=True))


def starts(python: str) -> bool:
    """Whether the interpreter runs and can make environments."""
    probe = subprocess.run([python, "-c", "import ensurepip"], capture_output=True, check=False)
    return probe.returncode == 0


if __name__ == "__main__":
    for minor in MINORS:
        if python := next(filter(starts, candidates(f"python3.{minor}")), None):
            print(python)

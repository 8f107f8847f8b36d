"""What every test may rely on: an environment of its own and a clean project folder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

# One profile for everybody, so that a test that passes here passes in CI. No deadline: a shared machine is
# slow at times, and a slow example is no wrong one.
settings.register_profile("ci", deadline=None, max_examples=50, database=None, print_blob=True)
settings.register_profile("thorough", parent=settings.get_profile("ci"), max_examples=2000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the developer's shell reaches a test."""
    for name in [name for name in os.environ if name.startswith("OSIRIS_")]:
        monkeypatch.delenv(name)
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    monkeypatch.setenv("NO_COLOR", "1")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project folder, which is also the current folder."""
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder

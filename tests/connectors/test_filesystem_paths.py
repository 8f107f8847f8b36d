"""Paths stay below base_dir, whatever their text and whatever links lie there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from osiris.connectors.filesystem import paths
from osiris.connectors.filesystem.config_checks import source_problems, target_problems
from osiris.connectors.filesystem.connection import FilesystemConnector
from osiris.errors import DataError, OsirisError, PipelineError


@pytest.fixture
def base(tmp_path: Path) -> Path:
    folder = tmp_path / "base"
    folder.mkdir()
    (tmp_path / "secret.csv").write_text("v\n1\n")
    (folder / "a.csv").write_text("v\n1\n")
    return folder


def connector(base: Path) -> FilesystemConnector:
    return FilesystemConnector({"base_dir": str(base)})


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd",
        "../secret.csv",
        "x/../../secret.csv",
        "x\\..\\secret.csv",
        "~/a.csv",
        "~root/a.csv",
        "a\0.csv",
        "",
        " ",
        "file:///etc/passwd",
        "http://127.0.0.1/a.csv",
        "s3://bucket/a.csv",
        "C:\\a.csv",
        "\\\\host\\a.csv",
        "..",
    ],
)
def test_texts_that_no_path_may_be(base: Path, path: str) -> None:
    for act in (connector(base).resolve, connector(base).expand):
        with pytest.raises(PipelineError) as raised:
            act(path)
        assert raised.value.code == "FIL001"


@pytest.mark.parametrize("link_to", ["..", "../secret.csv", "/etc/passwd", "/", "missing/../../secret.csv"])
def test_links_that_lead_out_are_refused(base: Path, link_to: str) -> None:
    (base / "link").symlink_to(link_to)
    names = ("link", "link/secret.csv") if link_to in ("..", "/") else ("link",)
    for name in names:
        for act in (connector(base).resolve, connector(base).expand):
            with pytest.raises(PipelineError) as raised:
                act(name)
            assert raised.value.code == "FIL002"


@pytest.mark.parametrize("pattern", ["*", "**/*.csv", "l*/*"])
def test_a_pattern_does_not_lead_out_either(base: Path, pattern: str) -> None:
    (base / "link").symlink_to("..")
    (base / "file.csv").symlink_to("../secret.csv")
    with pytest.raises(PipelineError) as raised:
        connector(base).expand(pattern)
    assert raised.value.code == "FIL002"


def test_links_inside_are_followed(base: Path) -> None:
    (base / "b.csv").symlink_to("a.csv")
    assert connector(base).expand("b.csv") == [(base / "a.csv").resolve()]
    assert connector(base).resolve("b.csv") == (base / "a.csv").resolve()


def test_a_link_made_after_the_check_is_refused_when_the_file_is_opened(base: Path) -> None:
    """Validation sees only the text; the link is met when the step runs."""
    assert paths.path_problem("out/a.csv") is None
    (base / "out").symlink_to("..")
    with pytest.raises(PipelineError) as raised:
        connector(base).resolve("out/a.csv")
    assert raised.value.code == "FIL002"


def test_loops_of_links_end(base: Path) -> None:
    (base / "x").symlink_to("y")
    (base / "y").symlink_to("x")
    with pytest.raises(OsirisError) as raised:
        connector(base).expand("x")
    assert raised.value.code in ("FIL002", "FIL003")


@pytest.mark.parametrize("kind", ["pipe", "folder", "device"])
def test_only_regular_files_are_read(base: Path, kind: str) -> None:
    target = base / "thing"
    match kind:
        case "pipe":
            os.mkfifo(target)
        case "folder":
            target.mkdir()
        case "device":
            if os.geteuid() != 0:
                pytest.skip("only root may make a device")
            os.mknod(target, 0o20666, os.makedev(1, 5))
    with pytest.raises(PipelineError) as raised:
        connector(base).expand("thing")
    assert raised.value.code == "FIL004"
    with pytest.raises(PipelineError):
        connector(base).resolve("thing")


def test_a_pattern_is_sorted_and_leaves_out_folders_sidecars_and_hidden_files(base: Path) -> None:
    for name in ("c.csv", "b.csv", "b.csv.osiris.json", ".hidden.csv", ".b.csv.osiris-12345678-1.part"):
        (base / name).write_text("v\n")
    (base / "d.csv").mkdir()
    assert [path.name for path in connector(base).expand("*")] == ["a.csv", "b.csv", "c.csv"]


def test_nothing_matches(base: Path) -> None:
    for pattern, hint in (("b.csv", "a.csv"), ("*.parquet", "a.csv"), ("x/b.csv", "does not exist")):
        with pytest.raises(DataError) as raised:
            connector(base).expand(pattern)
        assert raised.value.code == "FIL003"
        assert hint in (raised.value.hint or "")


def test_too_many_files_match(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "MAX_FILES", 2)
    for number in range(3):
        (base / f"{number}.csv").write_text("v\n")
    with pytest.raises(PipelineError) as raised:
        connector(base).expand("*.csv")
    assert raised.value.code == "FIL005"


def test_base_dir_may_be_a_link(base: Path, tmp_path: Path) -> None:
    (tmp_path / "alias").symlink_to("base")
    assert connector(tmp_path / "alias").expand("a.csv") == [(base / "a.csv").resolve()]
    assert connector(tmp_path / "alias").shown((base / "a.csv").resolve()) == "a.csv"


@pytest.mark.parametrize("name", [".env", ".env.local", ".ENV", ".Env.production"])
def test_a_file_of_secrets_is_no_data(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("API_KEY=hunter2\n")
    with pytest.raises(PipelineError) as raised:
        FilesystemConnector({"base_dir": str(tmp_path)}).expand(name)
    assert raised.value.code == "FIL010"
    assert [problem.code for problem in source_problems({"path": name})] == ["FIL010"]


@pytest.mark.parametrize(
    "path",
    [
        ".env",
        ".ENV",
        "osiris_connections.yaml",
        "Osiris.yaml",
        "out/OSIRIS.YAML",
        "components/evil.py",
        "./Components/evil.py",
        "logs/x.jsonl",
        "Build/x.csv",
        ".GIT/config",
        "a.csv.osiris.json",
        "a.csv.Osiris.json",
        ".a.csv.osiris-zz",
        ".a.csv.osiris-12345678-1.part",
    ],
)
def test_the_project_itself_is_no_target(tmp_path: Path, path: str) -> None:
    (tmp_path / "osiris.yaml").touch()
    with pytest.raises(PipelineError) as raised:
        FilesystemConnector({"base_dir": str(tmp_path)}).resolve(path)
    assert raised.value.code == "FIL010"
    (found,) = target_problems({"path": path})
    assert (found.field, found.code, found.hint) == ("path", "FIL010", raised.value.hint)


@pytest.mark.parametrize("path", ["build/a.csv", "logs/a.csv"])
def test_a_folder_below_base_dir_may_be_called_as_one_of_the_project(tmp_path: Path, path: str) -> None:
    (tmp_path / "osiris.yaml").touch()
    target = FilesystemConnector({"base_dir": str(tmp_path / "data")}).resolve(path)
    assert target == tmp_path.resolve() / "data" / path
    assert target_problems({"path": path, "connection": "@filesystem.data"}) == []


@pytest.mark.parametrize("path", ["out/build/a.csv", "builds/a.csv", "a.osiris.csv", ".env.example"])
def test_what_only_looks_like_a_part_of_the_project_is_a_target(tmp_path: Path, path: str) -> None:
    (tmp_path / "osiris.yaml").touch()
    assert FilesystemConnector({"base_dir": str(tmp_path)}).resolve(path).name == Path(path).name
    assert target_problems({"path": path}) == []

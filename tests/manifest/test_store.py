"""A stored manifest is read back as it was, or refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from osiris.errors import PipelineError
from osiris.manifest import (
    Edge,
    Manifest,
    ManifestStep,
    PinnedComponent,
    dump_manifest,
    load_manifest,
    manifest_path,
    parse_manifest,
)
from osiris.manifest.model import RetryPolicy

CONFIG = {
    "query": "SELECT a\n  FROM df\n",
    "none": None,
    "empty": [],
    "nothing": {},
    "n": 10**39,
    "f": 1.0,
    "é": "\x1b",
}
READ = ManifestStep(id="read", component="x.extractor", mode="extract", config=CONFIG)
WRITE = ManifestStep(
    id="write",
    component="x.writer",
    mode="write",
    inputs={"df": Edge(step="read", output="df")},
    needs=("read",),
    timeout_seconds=5,
    description="Writes.",
)
MANIFEST = Manifest(
    oml_version="0.1.0",
    name="x",
    engines={"duckdb": "2.0"},
    components={"x.extractor": PinnedComponent(version="1.0.0", content="sha256:00")},
    params={"p": None},
    steps=(READ, WRITE),
).sealed()
TEXT = dump_manifest(MANIFEST)


def changed(**changes: Any) -> Manifest:
    return MANIFEST.model_copy(update=changes)


def with_step(**changes: Any) -> Manifest:
    return changed(steps=(READ, WRITE.model_copy(update=changes)))


OTHER_DATA = {
    "name": changed(name="y"),
    "oml_version": changed(oml_version="0.2.0"),
    "engine": changed(engines={"duckdb": "2.1"}),
    "component": changed(components={"x.extractor": PinnedComponent(version="1.0.0", content="sha256:01")}),
    "order": changed(steps=(WRITE, READ)),
    "needs": with_step(needs=()),
    "id": with_step(id="w"),
    "mode": with_step(mode="transform"),
    "config": with_step(config={"a": 1}),
    "type in config": with_step(config={"a": 1.0}),
    "input": with_step(inputs={"df": Edge(step="read", output="other")}),
}
OTHER_METADATA = {
    "description": changed(description="Text."),
    "step's description": with_step(description="Other."),
    "params": changed(params={"p": 1}),
    "retry": with_step(retry=RetryPolicy(max_attempts=1)),
    "timeout": with_step(timeout_seconds=6),
}


@pytest.mark.parametrize("other", OTHER_DATA.values(), ids=OTHER_DATA)
def test_what_can_change_the_result_changes_both_fingerprints(other: Manifest) -> None:
    ours, theirs = MANIFEST.fingerprints, other.computed_fingerprints()
    assert (ours.data != theirs.data, ours.metadata != theirs.metadata) == (True, True)


@pytest.mark.parametrize("other", OTHER_METADATA.values(), ids=OTHER_METADATA)
def test_what_cannot_change_the_result_changes_the_metadata_fingerprint_only(other: Manifest) -> None:
    ours, theirs = MANIFEST.fingerprints, other.computed_fingerprints()
    assert (ours.data != theirs.data, ours.metadata != theirs.metadata) == (False, True)


def test_a_manifest_is_read_back_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / "manifest.yaml"
    file.write_text(TEXT, encoding="utf-8")
    assert load_manifest(file) == parse_manifest(TEXT) == MANIFEST
    assert MANIFEST.is_intact


def test_keys_that_say_nothing_are_left_out_but_never_those_of_a_config() -> None:
    steps = TEXT[TEXT.index("steps:") :]
    assert "description: null" not in TEXT
    assert "inputs: {}" not in steps
    assert "      empty: []\n" in steps
    assert "      none: null\n" in steps


def test_its_place_is_its_name_and_fingerprint() -> None:
    digits = MANIFEST.fingerprints.data.removeprefix("sha256:")[:12]
    assert manifest_path(Path("build"), MANIFEST) == Path("build/x") / digits / "manifest.yaml"


@given(st.integers(0, len(TEXT.encode()) - 1), st.integers(1, 255))
def test_a_flipped_byte_is_noticed_or_means_the_same(place: int, flip: int) -> None:
    content = bytearray(TEXT.encode())
    content[place] ^= flip
    try:
        read = parse_manifest(content.decode("utf-8", "surrogateescape"))
    except PipelineError as error:
        assert error.code in ("MAN001", "MAN002")  # noqa: PT017  either outcome is right
    else:
        assert read == MANIFEST


NOT_MANIFESTS = {
    "nothing": "",
    "a list": "[]",
    "a pipeline": 'oml_version: "0.1.0"\nname: x\nsteps: []\n',
    "bad YAML": "a: b: c",
    "another version": TEXT.replace("manifest_version: 1", "manifest_version: 2"),
    "an unknown key": TEXT + "more: 1\n",
    "no steps": TEXT[: TEXT.index("steps:")],
}


@pytest.mark.parametrize("text", NOT_MANIFESTS.values(), ids=NOT_MANIFESTS)
def test_what_is_no_manifest_is_refused(text: str) -> None:
    with pytest.raises(PipelineError) as refused:
        parse_manifest(text, "build/manifest.yaml")
    assert (refused.value.code, refused.value.where.file) == ("MAN001", "build/manifest.yaml")
    assert refused.value.exit_code == 3


@pytest.mark.parametrize(
    ("old", "new"), [("FROM df", "FROM d"), ("0.1.0", "0.2.0"), ("p: null", "p: 1"), ("Writes", "W")]
)
def test_an_edited_manifest_is_refused(old: str, new: str) -> None:
    with pytest.raises(PipelineError) as refused:
        parse_manifest(TEXT.replace(old, new))
    assert refused.value.code == "MAN002"

"""The published JSON Schema and the model are one language."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from osiris.oml import oml_json_schema, parse_pipeline

STEP: dict[str, Any] = {"id": "a", "component": "duckdb.processor"}
PIPELINE: dict[str, Any] = {"oml_version": "0.1.0", "name": "x", "steps": [STEP]}


def pipeline(**changes: Any) -> dict[str, Any]:
    return PIPELINE | changes


def step(**changes: Any) -> dict[str, Any]:
    return pipeline(steps=[STEP | changes])


ACCEPTED = [
    PIPELINE,
    pipeline(description="text", params={"p": {}}),
    pipeline(params={"p": {"type": "date", "default": "2024-01-01", "enum": ["2024-01-01"]}}),
    step(mode="read", config={"any": {"thing": [1, None]}}),
    step(inputs={"df": "${b.df}", "_x": "${b.df}"}, needs=["b"]),
    step(retry={"max_attempts": 1, "initial_delay_seconds": 0}, timeout_seconds=5),
    step(timeout_seconds=None, mode=None, description=None),
]
REFUSED = [
    [],
    {},
    pipeline(oml_version="1"),
    pipeline(oml_version=None),
    pipeline(name="1x"),
    pipeline(name="x" * 65),
    pipeline(steps=[]),
    pipeline(steps={"a": STEP}),
    pipeline(steps=[STEP] * 1001),
    pipeline(steps=["a"]),
    pipeline(extra=1),
    pipeline(params={"1": {}}),
    pipeline(params={"p": {"type": "int"}}),
    pipeline(params={"p": {"enum": []}}),
    pipeline(params={"p": None}),
    step(id=""),
    step(id=None),
    step(component=""),
    step(mode="load"),
    step(config=None),
    step(inputs={"a-b": "x"}),
    step(inputs={"df": 1}),
    step(inputs=["${b.df}"]),
    step(needs="b"),
    step(needs=["b c"]),
    step(retry={"max_attempts": 21}),
    step(retry={"max_attempts": "3"}),
    step(retry={"times": 3}),
    step(timeout_seconds=0),
    step(timeout_seconds="5"),
    step(description=5),
    step(depends_on=["b"]),
]


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(oml_json_schema())


@pytest.mark.parametrize("document", ACCEPTED)
def test_model_and_schema_accept_alike(document: Any) -> None:
    assert list(Draft202012Validator(oml_json_schema()).iter_errors(document)) == []
    assert parse_pipeline(json.dumps(document)).findings == []


@pytest.mark.parametrize("document", REFUSED)
def test_model_and_schema_refuse_alike(document: Any) -> None:
    assert list(Draft202012Validator(oml_json_schema()).iter_errors(document))
    assert parse_pipeline(json.dumps(document)).findings


def test_every_key_is_described_for_editors_and_models() -> None:
    schema = oml_json_schema()
    objects = [schema, *schema["$defs"].values()]
    keys = [rule for one in objects for rule in one["properties"].values()]
    assert all("description" in rule for rule in keys)

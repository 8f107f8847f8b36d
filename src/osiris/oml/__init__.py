"""OML, the pipeline language: one typed model from which reader, schema, editor help and prompts are made."""

from osiris.oml.model import OML_VERSION, Param, ParamType, Pipeline, Retry, Step
from osiris.oml.reader import UNKNOWN_COMPONENT, ParsedPipeline, parse_pipeline, read_pipeline
from osiris.oml.references import OutputRef, parse_output_ref
from osiris.oml.schema import oml_json_schema

__all__ = [
    "OML_VERSION",
    "UNKNOWN_COMPONENT",
    "OutputRef",
    "Param",
    "ParamType",
    "ParsedPipeline",
    "Pipeline",
    "Retry",
    "Step",
    "oml_json_schema",
    "parse_output_ref",
    "parse_pipeline",
    "read_pipeline",
]

"""Reads CSV files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import pyarrow as pa
from pydantic import Field

from osiris.connectors.filesystem.csv_dialect import CsvDialect
from osiris.connectors.filesystem.csv_reader import CsvRequest
from osiris.connectors.filesystem.extract import extract_csv
from osiris.connectors.filesystem.checks import path_problems, schema_problems
from osiris.core import ArrowStream, ConfigProblem, DriverConfig, ExecutionContext

Character = Annotated[str, Field(min_length=1, max_length=1)]


class CsvExtractorConfig(DriverConfig):
    """Config of `filesystem.csv_extractor`."""

    path: Annotated[str, Field(min_length=1)]

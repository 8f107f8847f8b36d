"""Files below one folder: safe paths, CSV and Parquet through DuckDB, atomic publication."""

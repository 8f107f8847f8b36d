"""Files below one folder: safe paths, CSV, JSON Lines and Parquet through DuckDB, atomic publication."""

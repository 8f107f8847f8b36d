"""Osiris: declarative data pipelines that people and language models write together."""

__version__ = "0.1.0"

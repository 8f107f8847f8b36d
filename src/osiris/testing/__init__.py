"""The conformance kit: what authors of components need to test a driver without a run around it."""

from osiris.testing.context import RecordingContext

__all__ = ["RecordingContext"]

"""Measurements that anyone can repeat: `python -m benchmarks`; each figure is a ratio taken in one run."""

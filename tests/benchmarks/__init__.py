"""Tests of benchmarks/: the arithmetic, not the measurements."""

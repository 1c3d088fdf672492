"""Benchmarks against the tools a user would otherwise pick, as ratios from one run."""

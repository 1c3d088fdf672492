"""Benchmarks: side by side with what a user would pick instead, as ratios from one run."""

"""Metrics of a trained model: reconstruction, likelihood, probes, disentanglement; and RESULTS.md."""

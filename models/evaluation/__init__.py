"""What is measured on a trained model: reconstruction, likelihood, probes, disentanglement, and RESULTS.md."""

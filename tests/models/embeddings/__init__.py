"""Tests of embeddings: their files, their model, and their decoder."""
